/**
 * Which backups to keep. A set, the databases that were taken together, is kept or removed as one.
 *
 * A set is kept if any rule of the policy keeps it. Beyond all rules, the newest verified backup of each database stays, and
 * where nothing is verified nothing is removed: what is left must never be all of unknown worth.
 */
import { BackupError } from "../error.ts";

export type RotationPolicy = {
  /** The newest so many. */
  readonly last?: number | undefined;
  /** The newest of each of the last so many hours, days, ISO weeks, months, years (UTC) that have any. */
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  /** All that are at most this old, in milliseconds. */
  readonly withinMs?: number | undefined;
  /** Of all that the rules keep, the newest that fit into so many bytes. */
  readonly bytesMax?: number | undefined;
  /** Remove even where no backup of a database is verified. Default false. */
  readonly allowUnverified?: boolean | undefined;
};

export type RotationSet = {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  readonly bytes: number;
  readonly databases: readonly string[];
  /** Databases of it whose backups are verified. */
  readonly verified: readonly string[];
};

export type RotationPlan = {
  /** Newest first, each with the rules that keep it. */
  readonly keep: readonly { readonly set: RotationSet; readonly reasons: readonly string[] }[];
  /** Oldest first. */
  readonly remove: readonly RotationSet[];
  readonly freedBytes: number;
};

type Count = "last" | "hourly" | "daily" | "weekly" | "monthly" | "yearly";

/** What sets of one period have in common; `last` has a period for each set. */
const PERIODS: { readonly [rule in Count]: (set: RotationSet) => string } = {
  last: ({ id }) => id,
  hourly: ({ createdMs }) => iso(createdMs).slice(0, 13),
  daily: ({ createdMs }) => iso(createdMs).slice(0, 10),
  weekly: ({ createdMs }) => String(Math.floor((createdMs / DAY_MS + 3) / 7)),
  monthly: ({ createdMs }) => iso(createdMs).slice(0, 7),
  yearly: ({ createdMs }) => iso(createdMs).slice(0, 4),
};
const DAY_MS = 86_400_000;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** @throws BackupError `ARGUMENT` for a policy without a rule, or with a number that can't be meant. */
export function planRotation(sets: readonly RotationSet[], policy: RotationPolicy, nowMs: number): RotationPlan {
  checkPolicy(policy);
  const newestFirst = sets.toSorted((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? 1 : -1));
  const reasons = new Map(newestFirst.map((set) => [set, [] as string[]]));
  const keep = (set: RotationSet, reason: string): void => void reasons.get(set)?.push(reason);

  for (const rule of Object.keys(PERIODS) as Count[]) {
    const seen = new Set<string>();
    for (const set of newestFirst) {
      const period = PERIODS[rule](set);
      if (seen.size >= (policy[rule] ?? 0) || seen.has(period)) continue;
      seen.add(period);
      keep(set, rule);
    }
  }
  for (const set of newestFirst)
    if (policy.withinMs !== undefined && set.createdMs >= nowMs - policy.withinMs) keep(set, "within");
  if (onlySize(policy)) for (const set of newestFirst) keep(set, "size");
  if (policy.bytesMax !== undefined) fit(newestFirst, reasons, policy.bytesMax);
  protect(newestFirst, policy, keep);

  const kept = newestFirst.filter((set) => (reasons.get(set) ?? []).length > 0);
  const remove = newestFirst.filter((set) => !kept.includes(set)).reverse();
  return {
    keep: kept.map((set) => ({ set, reasons: reasons.get(set) ?? [] })),
    remove,
    freedBytes: remove.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Lets go of the oldest, once the newer ones have filled the room. */
function fit(newestFirst: readonly RotationSet[], reasons: Map<RotationSet, string[]>, bytesMax: number): void {
  let used = 0;
  let isFull = false;
  for (const set of newestFirst) {
    if (reasons.get(set)?.length === 0) continue;
    isFull ||= used + set.bytes > bytesMax;
    if (isFull) reasons.set(set, []);
    else used += set.bytes;
  }
}

function protect(
  newestFirst: readonly RotationSet[],
  policy: RotationPolicy,
  keep: (set: RotationSet, reason: string) => void,
): void {
  for (const database of new Set(newestFirst.flatMap(({ databases }) => databases))) {
    const verified = newestFirst.find((set) => set.verified.includes(database));
    if (verified !== undefined) keep(verified, `last verified of ${database}`);
    else if (policy.allowUnverified !== true)
      for (const set of newestFirst)
        if (set.databases.includes(database)) keep(set, `nothing of ${database} is verified`);
  }
}

function onlySize(policy: RotationPolicy): boolean {
  return policy.withinMs === undefined && (Object.keys(PERIODS) as Count[]).every((rule) => policy[rule] === undefined);
}

function checkPolicy(policy: RotationPolicy): void {
  const counts = [...(Object.keys(PERIODS) as Count[]), "bytesMax", "withinMs"] as const;
  if (counts.every((rule) => policy[rule] === undefined))
    throw new BackupError("ARGUMENT", "the rotation has no rule", {
      remedy: `give at least one of ${counts.join(", ")}`,
    });
  for (const rule of counts) {
    const value = policy[rule];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0))
      throw new BackupError("ARGUMENT", `${rule} must be a whole number from 0, not ${String(value)}`);
  }
}
