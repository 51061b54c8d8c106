/** The commands of ovn-ha, in the order of their help. Each file is loaded only if its command is asked for. */
import type { CommandEntry } from "./command.ts";

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "status",
    summary: "one table over all members of both databases, and what is wrong",
    load: () => import("./status.ts"),
  },
  {
    name: "watch",
    summary: "the same, live; a line per change where output is no terminal",
    load: () => import("./watch.ts"),
  },
];
