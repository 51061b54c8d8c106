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
  {
    name: "doctor",
    summary: "looks several times, reads the logs, says what is wrong, why, and what to do",
    load: () => import("./doctor.ts"),
  },
  {
    name: "plan",
    summary: "what may be done: restart, kick, leave, timer, recovery; with --execute, done",
    load: () => import("./plan.ts"),
  },
  {
    name: "gate",
    summary: "may the next member go down?",
    load: () => import("./gate.ts"),
  },
  {
    name: "runbook",
    summary: "the emergency on paper: numbered steps with the real ids and paths",
    load: () => import("./runbook.ts"),
  },
  {
    name: "metrics",
    summary: "for Prometheus, once or as an exporter",
    load: () => import("./metrics.ts"),
  },
];
