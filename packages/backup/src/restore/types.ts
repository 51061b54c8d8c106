/** A restore as data: steps that a person can read, a program can carry out, and a journal can follow. */
import type { ClientReset, Command, DatabaseKey, Owner } from "../layout/profile.ts";

/** The operator's machine; every other place is the name of a member. */
export const HERE = "here";

/** Raised when an older program would misread a plan. */
export const PLAN_VERSION = 1;

/** A value that is only known once a step has run, such as the hash of a file that it made: the name of a fact. */
export interface FactRef {
  readonly fact: string;
}

/** What a step does. `at` is where: {@link HERE}, or a member. Every action is safe to repeat after it was cut off anywhere. */
export type Action =
  | {
      readonly kind: "run";
      readonly at: string;
      readonly command: Command;
      readonly timeoutMs: number;
      readonly mayFail?: boolean;
    }
  /** Makes a folder that only its owner may enter; a folder that is there is fine. */
  | { readonly kind: "folder"; readonly at: string; readonly path: string }
  /** Copies beside, compares SHA-256, then gives the copy its name. A source that is not there is passed over. */
  | { readonly kind: "copy"; readonly at: string; readonly from: string; readonly to: string }
  /** Renames, and never onto something. Passed over if only the target is there; refused if both are. */
  | {
      readonly kind: "move";
      readonly at: string;
      readonly from: string;
      readonly to: string;
      /** Passed over unless this is there: it tells that a move which comes after was not done yet. */
      readonly onlyIf?: string;
    }
  /** Sends a file from here, compares SHA-256, sets owner and mode, then gives it its name; never onto something. */
  | {
      readonly kind: "put";
      readonly from: string;
      readonly at: string;
      readonly to: string;
      readonly sha256: FactRef;
      readonly owner: Owner;
      readonly mode: number;
      /** A folder on the same file system, for the file as long as it is not whole. */
      readonly via: string;
    }
  /** Reads a file of a member into a new one here, and compares SHA-256. */
  | { readonly kind: "fetch"; readonly at: string; readonly from: string; readonly to: string }
  /** Makes the standalone file that is restored, out of the source, and counts its rows. */
  | {
      readonly kind: "convert";
      readonly database: DatabaseKey;
      readonly from: string;
      readonly to: string;
      readonly expect: ExpectedContent;
      /** Of a member's file: entries that it does not know to be committed are taken in, as a new leader would. */
      readonly includeUncommitted: boolean;
    }
  /** Makes the file of a new cluster of one, and compares every row with what it was made of. */
  | {
      readonly kind: "create-cluster";
      readonly database: DatabaseKey;
      readonly member: string;
      readonly from: string;
      readonly to: string;
      readonly address: string;
      readonly electionTimerMs: number | undefined;
      readonly cid: string;
      readonly sid: string;
    }
  /** Makes the file of a member that joins. */
  | {
      readonly kind: "join-cluster";
      readonly database: DatabaseKey;
      readonly member: string;
      readonly to: string;
      readonly address: string;
      readonly remotes: readonly string[];
      readonly cid: string;
      readonly sid: string;
    }
  /** Compares the rows that a server has with those of the standalone file. */
  | {
      readonly kind: "compare-rows";
      readonly database: DatabaseKey;
      readonly server: ServerRef;
      readonly with: string;
      /** A row that is missing fails the step; otherwise it is only told. */
      readonly strict: boolean;
    }
  /** Takes a backup of what is there now. */
  | {
      readonly kind: "backup";
      readonly databases: readonly DatabaseKey[];
      readonly remotes: Readonly<Record<string, readonly string[]>>;
    }
  /** Nothing to do by itself. */
  | { readonly kind: "tell"; readonly text: string };

/** What the source is known to hold. */
export interface ExpectedContent {
  readonly databaseName: string;
  readonly sha256: string;
  readonly schemaVersion: string | undefined;
  /** Of each table, where a manifest tells. */
  readonly rows: Readonly<Record<string, number>> | undefined;
}

/** How a server is asked: `ovsdb-client query` and `ovs-appctl` at a place. */
export interface ServerRef {
  readonly at: string;
  readonly member: string;
  readonly databaseName: string;
  /** As the place sees it: `unix:/run/ovn/ovnnb_db.sock`, `tcp:10.0.0.1:6641`. */
  readonly remote: string;
  readonly control: string | undefined;
  /** Put before the tools' names. */
  readonly toolPrefix: readonly string[];
  /** Further options of ovsdb-client, such as those for TLS. */
  readonly clientArgs: readonly string[];
}

/** What must hold; asked before a step, and after it. */
export type Check =
  /** Commands can be run there. */
  | { readonly kind: "reachable"; readonly at: string }
  | { readonly kind: "present"; readonly at: string; readonly path: string }
  | { readonly kind: "absent"; readonly at: string; readonly path: string }
  | { readonly kind: "hash"; readonly at: string; readonly path: string; readonly sha256: string | FactRef }
  /** The folder's file system has that much room. */
  | { readonly kind: "space"; readonly at: string; readonly path: string; readonly bytes: number }
  | { readonly kind: "writable"; readonly at: string; readonly path: string }
  /** No process has the lock of the database file. */
  | { readonly kind: "unlocked"; readonly at: string; readonly path: string }
  /** Nobody answers there. */
  | { readonly kind: "silent"; readonly server: ServerRef }
  /** Serves the database, connected to its cluster. */
  | { readonly kind: "connected"; readonly server: ServerRef; readonly cid: string | undefined }
  /** All of them connected in one cluster, each another server, exactly one leader, all having applied as much. */
  | { readonly kind: "together"; readonly servers: readonly ServerRef[]; readonly cid: string | undefined }
  /** No server of the cluster is configured with this id any more. */
  | { readonly kind: "forgotten"; readonly server: ServerRef; readonly sid: string };

export type Phase =
  | "preflight"
  | "prepare"
  | "freeze"
  | "stop"
  | "keep"
  | "move away"
  | "place"
  | "start"
  | "verify"
  | "remove"
  | "after";

export type Undo =
  | {
      readonly kind: "actions";
      readonly title: string;
      readonly before: readonly Check[];
      readonly actions: readonly Action[];
    }
  /** There is nothing to take back. */
  | { readonly kind: "nothing" }
  /** From here on the only way is forward. */
  | { readonly kind: "impossible"; readonly reason: string };

export interface RestoreStep {
  /** Unique in its plan, such as `start.nb.node-2`. */
  readonly id: string;
  readonly phase: Phase;
  readonly title: string;
  /** Where it happens: {@link HERE} or a member. */
  readonly host: string;
  /** All must hold, or the restore stops before the step. */
  readonly before: readonly Check[];
  readonly actions: readonly Action[];
  /** The step is done when all hold; empty: when its actions are. */
  readonly after: readonly Check[];
  /** How long `after` may take to come true, in ms. */
  readonly waitMs: number;
  /**
   * Acts even if `after` holds already: stopping a server that is down just then keeps its supervisor from starting it.
   */
  readonly always: boolean;
  /** Changes something outside of the work folder. */
  readonly acts: boolean;
  readonly undo: Undo;
}

export type PlanSeverity = "refuse" | "warn" | "note";

export interface PlanFinding {
  /** Stable; safe to switch on. */
  readonly code: PlanCode;
  readonly severity: PlanSeverity;
  readonly message: string;
  readonly remedy: string;
}

export type PlanCode =
  | "SOURCE_UNVERIFIED"
  | "SOURCE_DAMAGED"
  | "SOURCE_OLD"
  | "SOURCE_MISMATCH"
  | "SOURCE_LEFT"
  | "SOURCE_UNCOMMITTED"
  | "SOURCE_BEHIND"
  | "PAIR_APART"
  | "PAIR_INCOMPLETE"
  | "SCHEMA_OLD"
  | "SCHEMA_NEW"
  | "MEMBER_UNREACHABLE"
  | "MEMBER_COUNT"
  | "ADDRESS"
  | "SPACE"
  | "FOLDER"
  | "OWNER_UNKNOWN"
  | "LOCK_UNKNOWN"
  | "STILL_ALIVE"
  | "NO_QUORUM"
  | "NOT_THE_MEMBER"
  | "NO_COMMANDS"
  | "TOOL_MISSING"
  | "POINT_OF_NO_RETURN";

export interface PlannedMember {
  readonly name: string;
  /** Of the runner, for people. */
  readonly where: string;
  readonly addresses: Readonly<Partial<Record<DatabaseKey, string>>>;
  readonly bootstraps: boolean;
}

export interface PlannedSource {
  readonly database: DatabaseKey;
  readonly at: string;
  readonly path: string;
  /** In words: what it is, and when it was taken. */
  readonly what: string;
  readonly sha256: string;
}

export interface RestorePlan {
  readonly format: "ovnha-restore";
  readonly formatVersion: 1;
  /** 8 hexadecimal digits; part of the names of all folders that it makes. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  readonly kind: "whole-cluster" | "one-member";
  readonly title: string;
  readonly profile: string;
  readonly workFolder: string;
  readonly members: readonly PlannedMember[];
  readonly databases: readonly DatabaseKey[];
  readonly sources: readonly PlannedSource[];
  readonly findings: readonly PlanFinding[];
  readonly steps: readonly RestoreStep[];
  readonly clients: readonly ClientReset[];
}

/** Whether a plan may be carried out. */
export function isRefused(plan: RestorePlan): boolean {
  return plan.findings.some(({ severity }) => severity === "refuse");
}
