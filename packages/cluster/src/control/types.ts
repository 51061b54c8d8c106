/** How a command of the control protocol (unixctl, ovs-appctl(8)) reaches a server. */
import type { Json } from "@ovnha/ovsdb";

export type ControlCallOptions = {
  /** Milliseconds for the whole call, connecting included; default 5,000. A frozen server lets everybody wait. */
  readonly timeoutMs?: number | undefined;
  /** Largest answer in bytes; default 16 MiB. */
  readonly answerBytesMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** What an answer in JSON mode is: the value of a command that has one, or the text of one that does not. */
export type JsonAnswer =
  | { readonly type: "json"; readonly value: Json }
  | { readonly type: "text"; readonly text: string };

export interface ControlCaller {
  /** For people: the socket's path, and where it is. */
  readonly name: string;
  /**
   * Sends one command and gives its text, without the line feed at its end (3.3 and earlier send it, later ones don't).
   * @throws ClusterError UNKNOWN_COMMAND, UNKNOWN_CLUSTER or REFUSED in the server's words; UNREACHABLE, TIMEOUT,
   * PROTOCOL, LIMIT, RUNNER or ABORTED if there was no answer; OUTCOME_UNKNOWN instead of these if the command changes
   * something and may have reached the server.
   */
  call(command: string, args?: readonly string[], options?: ControlCallOptions): Promise<string>;
  /** The same in the JSON mode of 3.4 and later; an earlier server answers with text. */
  callJson(command: string, args?: readonly string[], options?: ControlCallOptions): Promise<JsonAnswer>;
}

export const CONTROL_TIMEOUT_MS = 5_000;
export const CONTROL_ANSWER_BYTES_MAX: number = 16 * 1024 * 1024;

/** Commands that only tell; whoever waited in vain for the answer of another one does not know what became of it. */
const READS: ReadonlySet<string> = new Set([
  "cluster/status",
  "cluster/cid",
  "cluster/sid",
  "coverage/show",
  "coverage/read-counter",
  "list-commands",
  "memory/show",
  "ovsdb-server/get-active-ovsdb-server",
  "ovsdb-server/get-db-storage-status",
  "ovsdb-server/get-sync-exclude-tables",
  "ovsdb-server/list-dbs",
  "ovsdb-server/list-remotes",
  "ovsdb-server/perf-counters-show",
  "ovsdb-server/sync-status",
  "ovsdb-server/tlog-list",
  "set-options",
  "version",
  "vlog/list",
  "vlog/list-pattern",
]);

export function changesSomething(command: string): boolean {
  return !READS.has(command);
}
