/**
 * What is remembered between observations: plain data, safe to store as JSON, bounded in every direction. Some troubles
 * are normal for a moment and wrong when they last; others show only in how a number moves.
 */
import type { FindingCode } from "./catalogue/index.ts";

export type Seen = { readonly firstMs: number; readonly lastMs: number; readonly sightings: number };

/** One member at one time. */
export type MemberSample = {
  readonly serverId?: string;
  readonly term?: number;
  readonly lastIndex?: number;
  readonly applied?: number;
  readonly disconnections?: number;
  /** `_Server.index`. */
  readonly rowIndex?: number;
  readonly isJoining?: boolean;
};

export type Sample = {
  /** Unix time in ms at first; it goes on with what has passed, whatever is done to the clock. */
  readonly atMs: number;
  /** What the clock said, and the machine's own, of which start. */
  readonly wallMs?: number;
  readonly monotonicMs?: number;
  readonly boot?: string;
  readonly term?: number;
  /** `short@address` of the leader. */
  readonly leader?: string;
  readonly leaderReason?: string;
  readonly leaderLogStart?: number;
  readonly leaderLastIndex?: number;
  /** By member. */
  readonly members: Readonly<Record<string, MemberSample>>;
  /** Keys of those to whom anybody had a link. */
  readonly linked?: readonly string[];
  /** The leader's match_index by `short@address`. */
  readonly matched: Readonly<Record<string, number>>;
};

export type DatabaseHistory = {
  readonly clusterId?: string;
  /** By code and those whom it is about, all of them and each; see `findingKeys`. */
  readonly findings: Readonly<Record<string, Seen>>;
  /** Whole server ids by `short@address`: of dead members nobody else tells them. */
  readonly serverIds: Readonly<Record<string, string>>;
  /** The last id seen at a member. */
  readonly idOfMember: Readonly<Record<string, string>>;
  /** The most that was acknowledged by each id, and its highest term: Raft state never goes back. */
  readonly reached: Readonly<Record<string, { readonly term: number; readonly acknowledged: number }>>;
  /** Times at which the term had risen since the look before, and a majority lived; newest last. */
  readonly elections: readonly number[];
  /** Times at which the leadership had been handed over since the look before, newest last. */
  readonly transfers: readonly number[];
  /** Newest last. */
  readonly samples: readonly Sample[];
};

export type History = { readonly version: 1; readonly databases: Readonly<Record<string, DatabaseHistory>> };

export const SAMPLES_MAX = 60;
export const TIMES_MAX = 500;
export const IDS_MAX = 200;
export const HOUR_MS = 3_600_000;

export function emptyHistory(): History {
  return { version: 1, databases: {} };
}

export const EMPTY_DATABASE: DatabaseHistory = {
  findings: {},
  serverIds: {},
  idOfMember: {},
  reached: {},
  elections: [],
  transfers: [],
  samples: [],
};

export function findingKey(code: FindingCode, members: readonly string[]): string {
  return `${code} ${[...members].sort().join(" ")}`;
}

/** These are about what is between members: another pair is another trouble. */
const BETWEEN_MEMBERS: ReadonlySet<FindingCode> = new Set(["peer-link-down", "one-way-link", "two-leaders"]);

/** Under which keys a finding is remembered: as it is, and for each of its members, whoever joins or leaves them later. */
export function findingKeys(code: FindingCode, members: readonly string[]): string[] {
  const each = BETWEEN_MEMBERS.has(code) ? [] : members.map((member) => findingKey(code, [member]));
  return [...new Set([findingKey(code, members), ...each])];
}

/** How long a finding, or its part that has lasted longest, has been seen. */
export function seenBefore(
  findings: DatabaseHistory["findings"],
  code: FindingCode,
  members: readonly string[],
): Pick<Seen, "firstMs" | "sightings"> | undefined {
  const past = findingKeys(code, members).flatMap((key) => findings[key] ?? []);
  if (past.length === 0) return undefined;
  return {
    firstMs: Math.min(...past.map(({ firstMs }) => firstMs)),
    sightings: Math.max(...past.map(({ sightings }) => sightings)),
  };
}
