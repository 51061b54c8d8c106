/** What members of a cluster said to each other, out of their logs. */
import type { RawJson } from "../../src/index.ts";

/** With this a server logs each message of each of its connections. */
export const LOG_MESSAGES: readonly string[] = ["-vjsonrpc:file:dbg"];

const RAFT =
  /^(hello_request|(append|vote|add_server|remove_server|install_snapshot|execute_command)_(request|reply)|become_leader)$/;
const RECEIVED = /received notification, method="(\w+)", params=(\[.*\])$/gm;
/** Of each method and set of members. */
const KEPT_MAX = 3;

/** A few messages of each form, in the order of the logs, as `{ id: null, method, params }`. */
export function exchangeOf(logs: readonly string[]): RawJson[] {
  const kept: RawJson[] = [];
  const counts = new Map<string, number>();
  for (const log of logs) {
    for (const [, method = "", text = ""] of log.matchAll(RECEIVED)) {
      if (!RAFT.test(method)) continue;
      const params = JSON.parse(text) as [Record<string, RawJson>];
      const form = formOf(method, params[0]);
      const count = counts.get(form) ?? 0;
      counts.set(form, count + 1);
      if (count < KEPT_MAX) kept.push({ id: null, method, params });
    }
  }
  return kept;
}

/** The method, the members, and of an entry its members, too. */
function formOf(method: string, message: Record<string, RawJson>): string {
  const entries = (message["log"] ?? []) as readonly Record<string, RawJson>[];
  const forms = [message, ...entries].map((each) => Object.keys(each).sort().join());
  return [method, message["result"], message["status"], ...new Set(forms)].join(" ");
}
