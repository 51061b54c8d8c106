// node .house/run.mjs TOOL ARGS…: sets the project up if need be, then runs one of its tools from the top folder.
import { bin, run, setup } from "./setup.mjs";

const [tool, ...args] = process.argv.slice(2);
setup();
const conditions = tool === "tsx" ? ["--conditions=ovnha-source"] : [];
process.exit(run(bin(tool), [...conditions, ...args]));
