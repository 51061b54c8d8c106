/** The command as it is, in a process that tells its parent each time when work is under way. */
import { main } from "../../src/edge/cli/quorum-sim.ts";

await main(process.argv.slice(2), { onProgress: () => process.send?.("under way") });
process.disconnect?.();
