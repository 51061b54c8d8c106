/** What a check is given, and how it says what it found. */
import type { Expected } from "../observe/types.ts";
import { FINDINGS, type FindingCode } from "./catalogue/index.ts";
import type { FindingRule } from "./catalogue/rule.ts";
import { type DatabaseHistory, findingKey, seenBefore } from "./history.ts";
import type { Evidence, Finding, Quorum, Remedy, Severity } from "./types.ts";
import type { DatabaseView } from "./view.ts";

export type ExpectedOne = {
  readonly members: number | undefined;
  readonly addresses: readonly string[] | undefined;
  readonly clusterId: string | undefined;
  readonly electionTimerMs: number | undefined;
};

export type Context = {
  readonly view: DatabaseView;
  readonly quorum: Quorum;
  readonly expected: ExpectedOne;
  readonly history: DatabaseHistory | undefined;
  /** As the looks before count it; what they remember is compared with it. */
  readonly nowMs: number;
  /** The asker's clock (Unix time, ms), with which stamps of logs and files are compared. */
  readonly wallMs: number;
  readonly found: Found[];
};

export type Found = {
  readonly code: FindingCode;
  readonly members: readonly string[];
  readonly servers?: readonly string[];
  readonly evidence: readonly Evidence[];
  /** Beside the members whose words are the evidence. */
  readonly witnesses?: readonly string[];
  readonly severity?: Severity;
  /** In place of the rule's; never one that takes something away. */
  readonly remedy?: Remedy & { readonly isDestructive: false };
  /** Whether the sources agree; without it, two of them are enough. */
  readonly isAgreed?: boolean;
};

export function expectedFor(expected: Expected | undefined, database: string): ExpectedOne {
  const members = expected?.members;
  const timer = expected?.electionTimerMs;
  const addresses = expected?.addresses?.[database];
  const count = typeof members === "number" ? members : members?.[database];
  return {
    members: count ?? addresses?.length,
    addresses,
    clusterId: expected?.clusterIds?.[database],
    electionTimerMs: typeof timer === "number" ? timer : timer?.[database],
  };
}

/**
 * What must pass between two sightings of one thing, in ms, or the election timer if that is shorter: whatever settles
 * by itself, such as an election or a link that is made anew, takes about as long. A little less than a second, so that
 * looks that come once a second are enough.
 */
export const BETWEEN_SIGHTINGS_MS = 900;

/** One finding per code and subject: what several members say of the same becomes one, with all their evidence. */
export function toFindings({ found, view, history, nowMs }: Context): Finding[] {
  const merged = new Map<string, Found>();
  for (const one of found) {
    const key = findingKey(one.code, one.members);
    const before = merged.get(key);
    merged.set(
      key,
      before === undefined
        ? one
        : {
            ...before,
            evidence: [...before.evidence, ...one.evidence],
            witnesses: [...(before.witnesses ?? []), ...(one.witnesses ?? [])],
            servers: [...new Set([...(before.servers ?? []), ...(one.servers ?? [])])],
          },
    );
  }
  return [...merged.values()].map((one) => {
    const { incident, severity, title, sightings: sightingsNeeded, remedy } = FINDINGS[one.code];
    const before = history === undefined ? undefined : seenBefore(history.findings, one.code, one.members);
    const sinceMs = before?.firstMs ?? nowMs;
    const sightings = (before?.sightings ?? 0) + 1;
    const needed = history === undefined ? 1 : sightingsNeeded;
    const leastMs = Math.min(BETWEEN_SIGHTINGS_MS, view.timerMs);
    const witnesses = [...new Set([...sourcesOf(one.evidence), ...(one.witnesses ?? [])])];
    const isConfirmed = sightings >= needed && nowMs - sinceMs >= (needed - 1) * leastMs;
    // Destruction takes two: on the word of one there is only something to look at. And what passes by itself takes time.
    const isSeenEnough = history === undefined ? sightingsNeeded === 1 : isConfirmed;
    const isAgreed = witnesses.length >= 2 && one.isAgreed !== false && isSeenEnough;
    return {
      code: one.code,
      incident,
      severity: one.severity ?? severity,
      database: view.database,
      title,
      members: one.members,
      servers: one.servers ?? [],
      evidence: one.evidence,
      witnesses,
      sinceMs,
      sightings,
      sightingsNeeded: needed,
      isConfirmed,
      remedy:
        view.foreign.length > 0 && ABOUT_SIZE.has(one.code) ? SETTLE_FIRST : (one.remedy ?? remedyOf(remedy, isAgreed)),
    };
  });
}

function remedyOf(remedy: FindingRule["remedy"], isAgreed: boolean): Remedy {
  if (remedy.isDestructive && !isAgreed)
    return { kind: "inspect", text: remedy.before ?? remedy.text, isDestructive: false, isIrreversible: false };
  return {
    kind: remedy.kind,
    text: remedy.text,
    isDestructive: remedy.isDestructive,
    // Whoever joins anew has its old id removed.
    isIrreversible: remedy.isDestructive && remedy.kind !== "stop",
  };
}

/** What is wrong with the number of members while some are in another cluster, whose files may hold what matters. */
const ABOUT_SIZE: ReadonlySet<FindingCode> = new Set([
  "missing-members",
  "even-members",
  "single-member",
  "no-fault-tolerance",
]);
const SETTLE_FIRST: Remedy = {
  kind: "wait",
  text: "Settle first which of the two clusters is yours; till then nobody is added, and nobody joins.",
  isDestructive: false,
  isIrreversible: false,
};

/** What is to be seen beside its cause, and goes when that does: worth knowing, and nothing is to be done about it. */
export const PASSES: { readonly severity: "info"; readonly remedy: NonNullable<Found["remedy"]> } = {
  severity: "info",
  remedy: patience("Do nothing about the number: it is another one when what is told beside this is through."),
};

export function patience(text: string): NonNullable<Found["remedy"]> {
  return { kind: "wait", text, isDestructive: false, isIrreversible: false };
}

/** Whether it follows from what others tell, who are told first. */
export function isConsequence({ code }: Finding): boolean {
  return ABOUT_SIZE.has(code);
}

/** Each member is one source, with its words, its log and its file. */
function sourcesOf(evidence: readonly Evidence[]): string[] {
  return evidence
    .filter(({ source }) => source !== "expected" && source !== "history")
    .map(({ member }) => member ?? "observer");
}

/** What a finding is worth at this moment: before it is confirmed, it is only worth knowing. */
export function weightOf({ severity, isConfirmed }: Finding): Severity {
  return isConfirmed ? severity : "info";
}
