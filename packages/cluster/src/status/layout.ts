/** The order of the lines of `cluster/status`, as ovsdb-server 2.15 and later print them. */
import type { ClusterStatus, LineName } from "./types.ts";

export const LINE_ORDER: readonly LineName[] = [
  "nickname",
  "name",
  "clusterId",
  "serverId",
  "address",
  "state",
  "remotesForJoining",
  "adding",
  "removing",
  "role",
  "term",
  "leader",
  "vote",
  "blank",
  "electionStarted",
  "electionWon",
  "electionTimer",
  "log",
  "uncommitted",
  "unapplied",
  "connections",
  "disconnections",
  "servers",
  "server",
];

const RANK: Readonly<Record<LineName, number>> = Object.fromEntries(
  LINE_ORDER.map((name, index) => [name, index]),
) as Record<LineName, number>;

/** Lines above the empty one. */
export function isHead(name: LineName): boolean {
  return RANK[name] < RANK.blank;
}

/** Whether the lines stand as {@link usualLayout} would put them. */
export function isUsual(lines: readonly LineName[]): boolean {
  let before = -1;
  let hasHead = false;
  let hasBlank = false;
  let hasBody = false;
  for (const name of lines) {
    const rank = RANK[name];
    if (rank < before) return false;
    before = rank;
    if (rank < RANK.blank) hasHead = true;
    else if (rank === RANK.blank) hasBlank = true;
    else hasBody = true;
  }
  return hasBlank === (hasHead && hasBody);
}

/** The lines that a status has, in the usual order; an empty line between head and body if it has both. */
export function usualLayout(status: ClusterStatus): LineName[] {
  const head: LineName[] = [];
  const body: LineName[] = [];
  for (const name of LINE_ORDER) {
    const count = countOf(status, name);
    for (let index = 0; index < count; index++) (isHead(name) ? head : body).push(name);
  }
  return head.length > 0 && body.length > 0 ? [...head, "blank", ...body] : [...head, ...body];
}

function countOf(status: ClusterStatus, name: LineName): number {
  switch (name) {
    case "blank":
      return 0;
    case "adding":
      return status.adding.length;
    case "server":
      return status.servers?.length ?? 0;
    default:
      return status[name] === undefined ? 0 : 1;
  }
}
