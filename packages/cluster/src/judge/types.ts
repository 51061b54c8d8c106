/** What the judge says: plain data, safe to store as JSON. Times are milliseconds of the asker's clock (Unix time). */
import type { FindingCode } from "./catalogue/index.ts";

/** From harmless to harmful. "info" is worth knowing and changes no verdict. */
export type Severity = "info" | "warning" | "critical";

/** "unknown": nobody answered. "not-applicable": the database is not clustered. */
export type Health = "ok" | "warning" | "critical" | "unknown" | "not-applicable";

/** Who or what said so. "observer" is whoever asked, and got no answer. */
export type EvidenceSource =
  | "status"
  | "server"
  | "storage"
  | "memory"
  | "log"
  | "file"
  | "observer"
  | "expected"
  | "history";

export type Evidence = {
  readonly source: EvidenceSource;
  /** The member whose words these are. */
  readonly member?: string;
  readonly text: string;
};

/** What to do about it. */
export type RemedyKind =
  /** Nothing but patience, and a second look. */
  | "wait"
  /** Find out more; changes nothing. */
  | "inspect"
  /** Bring a member back with the file that it has. */
  | "start"
  /** Restart a member that runs. */
  | "restart"
  /** Have a dead id forgotten. */
  | "kick"
  /** Move a member's file aside and let it join anew. */
  | "rejoin"
  /** Stop a member that must not serve. */
  | "stop"
  /** Raise or lower the election timer. */
  | "timer"
  /** Add a member, or remove one on purpose, so that the size is odd. */
  | "resize"
  /** Build a new cluster from the best file. */
  | "rebuild"
  /** Disk, network, certificates, schemas, versions: outside of the database. */
  | "repair"
  | "none";

export type Remedy = {
  readonly kind: RemedyKind;
  readonly text: string;
  /**
   * Whether it takes something away: removes a member, sets a file aside, or stops a server. It is true only if two
   * independent sources agree; on the word of one the judge says "inspect" instead.
   */
  readonly isDestructive: boolean;
  /** Whether nothing brings it back: an id that was removed. A server that was stopped can be started again. */
  readonly isIrreversible: boolean;
};

export type Finding = {
  readonly code: FindingCode;
  /** The class of the failure, as in "A1". */
  readonly incident: string;
  readonly severity: Severity;
  readonly database: string;
  readonly title: string;
  /** The operator's names where they are known, else ids as `9c20 (tcp:10.0.0.3:6643)`; whom it is about. */
  readonly members: readonly string[];
  /** Keys of the configured servers that it is about, as `short@address`. */
  readonly servers: readonly string[];
  readonly evidence: readonly Evidence[];
  /** Independent sources that agree: names of members, and "observer". */
  readonly witnesses: readonly string[];
  /** When it was first seen; the time of the observation without a history. */
  readonly sinceMs: number;
  /** How many observations in a row have shown it, and how many it takes to believe it. */
  readonly sightings: number;
  readonly sightingsNeeded: number;
  /** Seen often enough, and for long enough: looks that come fast prove no more than slow ones. */
  readonly isConfirmed: boolean;
  readonly remedy: Remedy;
};

/**
 * "yes": shown. "presumed": nothing speaks against it, but this release prints no ages. "at-risk": a majority lives, yet
 * has acknowledged nothing lately, or has no leader yet. "own": a majority of a cluster that nobody expects.
 */
export type QuorumState = "yes" | "presumed" | "at-risk" | "no" | "own" | "unknown" | "not-applicable";

export type Liveness = "live" | "silent" | "unknown";

/** One id that counts. */
export type Voter = {
  /** `short@address`. */
  readonly key: string;
  /** The first 4 hex digits of its server id. */
  readonly short: string;
  /** The whole server id, if anybody has told it. */
  readonly serverId?: string;
  readonly address: string;
  /** The operator's name for the process at work behind it. */
  readonly member?: string;
  readonly liveness: Liveness;
  /** An id that counts, while another id lives at its address: it can never vote again. */
  readonly isGhost: boolean;
  /** Who does not hear it: names of members, and "observer". */
  readonly silentTo: readonly string[];
  /** Who has heard it within an election timer. */
  readonly heardBy: readonly string[];
};

/** Thesis §4: what counts is the configuration, not the processes. */
export type Quorum = {
  readonly state: QuorumState;
  readonly voters: readonly Voter[];
  readonly configured: number;
  /** floor(configured / 2) + 1. */
  readonly needed: number;
  readonly live: number;
  readonly ghosts: number;
  /** How many more may fail; 0 also if there is no quorum. */
  readonly toleranceLeft: number;
};

export type LeaderSight = {
  /** The operator's name; absent if only its id is known. */
  readonly member?: string;
  readonly short?: string;
  readonly term?: number;
};

export type DatabaseVerdict = {
  readonly database: string;
  readonly health: Health;
  readonly quorum: Quorum;
  /** Undefined if nobody knows one. */
  readonly leader: LeaderSight | undefined;
  readonly clusterId: string | undefined;
  readonly term: number | undefined;
  readonly electionTimerMs: number | undefined;
  /** Members that gave a status or a row, of all that were asked. */
  readonly answered: number;
  readonly asked: number;
  /** In order of severity. */
  readonly findings: readonly Finding[];
};

export type Verdict = {
  readonly atMs: number;
  /** The worst of all databases. */
  readonly health: Health;
  readonly databases: readonly DatabaseVerdict[];
};

const SEVERITIES: readonly Severity[] = ["info", "warning", "critical"];

/** Negative if the first is the worse. */
export function compareSeverity(one: Severity, other: Severity): number {
  return SEVERITIES.indexOf(other) - SEVERITIES.indexOf(one);
}

const HEALTHS: readonly Health[] = ["not-applicable", "ok", "warning", "unknown", "critical"];

export function worstHealth(healths: readonly Health[]): Health {
  return healths.reduce<Health>(
    (worst, health) => (HEALTHS.indexOf(health) > HEALTHS.indexOf(worst) ? health : worst),
    "not-applicable",
  );
}
