/** What a run tells of itself: enough for a story, a picture, and to walk from any event back to its fault. */

/** Microseconds since the start; negative while the cluster forms. `member` is a name such as m1. */
export type TraceEvent = { readonly atUs: number } & (
  | {
      readonly type: "start";
      readonly member: string;
      readonly sid: string;
      readonly cid: string;
      readonly how: string;
    }
  | { readonly type: "stop"; readonly member: string; readonly how: string }
  | { readonly type: "refused"; readonly member: string; readonly why: string }
  | {
      readonly type: "role";
      readonly member: string;
      readonly role: "follower" | "candidate" | "leader";
      readonly term: number;
    }
  | {
      readonly type: "election";
      readonly member: string;
      readonly term: number;
      readonly prevote: boolean;
      readonly transfer: boolean;
    }
  | { readonly type: "connected"; readonly member: string; readonly connected: boolean }
  | { readonly type: "joined" | "left" | "failed"; readonly member: string }
  | { readonly type: "servers"; readonly member: string; readonly servers: readonly string[] }
  | { readonly type: "timer"; readonly member: string; readonly ms: number }
  | { readonly type: "truncated"; readonly member: string; readonly from: number; readonly to: number }
  | {
      readonly type: "snapshot";
      readonly member: string;
      readonly what: "stored" | "sent" | "installed";
      readonly index: number;
    }
  | { readonly type: "commit"; readonly member: string; readonly index: number }
  | { readonly type: "suppressed"; readonly member: string; readonly from: string; readonly prevote: boolean }
  | {
      readonly type: "message";
      readonly from: string;
      readonly to: string;
      readonly message: string;
      readonly term: number;
      readonly delayUs: number;
    }
  | { readonly type: "session"; readonly from: string; readonly to: string; readonly up: boolean }
  | {
      readonly type: "fault";
      readonly text: string;
      readonly members: readonly string[];
      readonly line: number | undefined;
    }
  | { readonly type: "invoke"; readonly client: string; readonly op: number; readonly member: string }
  | {
      readonly type: "ack";
      readonly client: string;
      readonly op: number;
      readonly member: string;
      readonly index: number;
    }
  | { readonly type: "unknown"; readonly client: string; readonly op: number }
  | { readonly type: "violation"; readonly checker: string; readonly text: string }
  | { readonly type: "mark"; readonly text: string }
);

/** A stretch of time in which no write was acknowledged though one was asked for. */
export type Outage = {
  readonly fromUs: number;
  readonly toUs: number;
  readonly healed: boolean;
  readonly cause: string;
};

export type Violation = { readonly atUs: number; readonly checker: string; readonly text: string };

/** What an `expect` of the schedule saw. */
export type Checkpoint = {
  readonly atUs: number;
  readonly leader: string | undefined;
  readonly configured: number;
  readonly clusters: number;
  readonly alive: number;
  /** What was not as asked. */
  readonly failed: readonly string[];
  readonly line: number | undefined;
};

export type MemberEnd = {
  readonly name: string;
  readonly up: boolean;
  readonly sid: string;
  readonly cid: string;
  readonly role: "follower" | "candidate" | "leader" | "down";
  readonly term: number;
  readonly connected: boolean;
  readonly joining: boolean;
  readonly failed: boolean;
  readonly commitIndex: number;
  readonly logEnd: number;
  /** Why ovsdb-server did not start. */
  readonly refusal: string | undefined;
};

/** Every result of one seed of a scenario. */
export type Run = {
  readonly scenario: string;
  readonly seed: number;
  readonly profile: string;
  readonly endUs: number;
  readonly events: number;
  /** 16 hex digits: the same for the same profile, scenario and seed, everywhere. */
  readonly traceHash: string;
  readonly trace: readonly TraceEvent[];
  /** The trace was longer than is kept. */
  readonly isTraceCut: boolean;
  readonly violations: readonly Violation[];
  readonly checkpoints: readonly Checkpoint[];
  readonly outages: readonly Outage[];
  readonly acked: number;
  readonly ackedLost: number;
  readonly unknown: number;
  /** Writes that ovsdb-server refused. */
  readonly refused: number;
  /** Messages about entries that were not synced yet: a defect of ovsdb-server (see truncationUnsyncs in @ovnha/raft). */
  readonly earlyAcks: number;
  readonly staleReads: number;
  /** Writes that ovsdb-server itself has applied twice. */
  readonly duplicates: number;
  /** A step of the schedule waited in vain. */
  readonly gaveUp: boolean;
  /** Clusters that take writes at the end. */
  readonly clusters: number;
  readonly elections: number;
  readonly leaderChanges: number;
  /** In operators' words. */
  readonly verdict: {
    readonly word: "safe" | "brief" | "outage" | "permanent" | "violation";
    readonly text: string;
    /** What brings it back: nothing, waiting, or an action by name. */
    readonly recovery: string;
  };
  readonly quorum: {
    readonly configured: number;
    readonly needed: number;
    readonly alive: number;
    readonly ghosts: number;
  };
  readonly leader: string | undefined;
  readonly members: readonly MemberEnd[];
  readonly longestOutageUs: number;
  readonly unavailableUs: number;
};
