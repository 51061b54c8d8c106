// npm test: sets up, checks the types (type tests among them), then runs the tests. Arguments go to vitest.
import { bin, run, setup } from "./setup.mjs";

setup();
const types = run(bin("tsc"), ["--noEmit", "-p", "tsconfig.json"]);
if (types !== 0) process.exit(types);
process.exit(run(bin("vitest"), ["run", ...process.argv.slice(2)]));
