/**
 * What was seen of all members of all databases at one time: the input of every judgement. Plain data, safe to store as
 * JSON. Whoever did not answer is in it with the error; nothing is left out.
 */
import type { ClusterErrorCode } from "../error.ts";
import type { ClusterStatus, StatusAnswer } from "../status/types.ts";

/** One question's outcome. Times are milliseconds; `atMs` is the asker's wall clock (Unix time) when the answer came. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T; readonly via: string; readonly atMs: number; readonly tookMs: number }
  | {
      readonly ok: false;
      readonly error: AnswerError;
      readonly via: string;
      readonly atMs: number;
      readonly tookMs: number;
    };

export type AnswerError = {
  /** Codes of this package; those of `@ovnha/ovsdb` come as UNREACHABLE, TIMEOUT, PROTOCOL, REFUSED or LIMIT. */
  readonly code: ClusterErrorCode;
  readonly message: string;
};

/** The row of one database in `_Server` (ovsdb-server(7), `_Server(5)`). */
export type ServerRow = {
  readonly name: string;
  readonly model: "standalone" | "clustered" | "relay" | (string & {});
  /** True even without a quorum on a follower that has merely lost its leader. */
  readonly connected: boolean;
  /** A leader that was cut off claims this for up to two election timers. */
  readonly leader: boolean;
  /** Whether the server has the schema; false until it has joined. */
  readonly hasSchema: boolean;
  /** The cluster's id; absent for a database that isn't clustered, and while it is not known (the all-zero UUID). */
  readonly cid?: string;
  /** This server's id. */
  readonly sid?: string;
  /** The last entry applied; absent before the first. */
  readonly index?: number;
};

/** `ovsdb-server/get-db-storage-status`. For a clustered database it does not tell of failed writes. */
export type StorageStatus = { readonly ok: boolean; readonly text: string };

/** What the judge may be told of a database file: the shape that `@ovnha/dbfile` gives, as far as it is used here. */
export type FileEvidence = {
  readonly path: string;
  /** When it was looked at (Unix time, ms). */
  readonly atMs?: number;
  readonly [detail: string]: unknown;
};

/** One member's view of one database. */
export type MemberObservation = {
  /** The operator's name for it, such as a node; unique in an observation. */
  readonly member: string;
  /** The client remotes that were or would have been asked for `_Server`, and the control socket. */
  readonly asked: { readonly remote?: string; readonly control?: string };
  /** The row of `_Server`; `value` is undefined if the server answers and does not serve the database. */
  readonly server?: Answer<ServerRow | undefined>;
  readonly status?: Answer<StatusAnswer>;
  readonly storage?: Answer<StorageStatus>;
  /** `memory/show`: counters by name, such as "raft-log" or "cells". */
  readonly memory?: Answer<Readonly<Record<string, number>>>;
  /** What the process says it is, as in "ovsdb-server (Open vSwitch) 3.1.0". */
  readonly version?: Answer<string>;
  /** The end of its log file, oldest line first, if the caller has it. */
  readonly logText?: string;
  readonly file?: FileEvidence;
};

export type DatabaseObservation = {
  /** The schema's name, such as "OVN_Northbound". */
  readonly database: string;
  /** In the order of the configuration. */
  readonly members: readonly MemberObservation[];
};

export type Observation = {
  /** The asker's wall clock (Unix time, ms) when the first question went out and the last answer came in. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** The same two times by a clock that nobody sets: ms since the asker's machine was started. */
  readonly monotonic?: {
    readonly startedMs: number;
    readonly endedMs: number;
    /** Which start of which machine: times of two are not compared. */
    readonly boot?: string;
  };
  readonly databases: readonly DatabaseObservation[];
};

/** The short names that OVN's operators use. */
export const DATABASE_OF: { readonly nb: "OVN_Northbound"; readonly sb: "OVN_Southbound" } = {
  nb: "OVN_Northbound",
  sb: "OVN_Southbound",
};

/** What the operator says the cluster should be; whatever is left out is not judged. */
export type Expected = {
  /** How many members each database should have; or per database. */
  readonly members?: number | Readonly<Record<string, number>>;
  /** Raft addresses that should be members, per database. */
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  readonly clusterIds?: Readonly<Record<string, string>>;
  /** Election timer in ms, or per database. */
  readonly electionTimerMs?: number | Readonly<Record<string, number>>;
};

/** The status of a member, if it gave one. */
export function statusOf(member: MemberObservation): ClusterStatus | undefined {
  return member.status?.ok === true && member.status.value.type === "status" ? member.status.value.status : undefined;
}

/** The `_Server` row of a member, if it gave one. */
export function serverRowOf(member: MemberObservation): ServerRow | undefined {
  return member.server?.ok === true ? member.server.value : undefined;
}

/** Whether the member answered anything at all. */
export function answered(member: MemberObservation): boolean {
  return member.server?.ok === true || member.status?.ok === true || member.storage?.ok === true;
}
