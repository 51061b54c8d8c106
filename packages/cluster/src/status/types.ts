/**
 * `cluster/status` as data: every line a field, absent where the line is absent. The text is that of ovsdb-server 2.9 to
 * 3.7 (`raft_unixctl_status`); captures may be cut at either end, so every field is optional but those that are lists of
 * lines. Indexes and terms are Raft's (thesis §3.3); an integer outside ±(2^53 - 1) is refused, never rounded.
 */

/** An open union keeps what a later release may say. */
type Or<T extends string> = T | (string & {});

export type MemberState = Or<
  | "joining cluster"
  | "leaving cluster"
  | "left cluster"
  | "failed"
  | "disconnected from the cluster (election timeout)"
  | "cluster member"
>;

export type Role = Or<"leader" | "follower" | "candidate">;

export type MembershipPhase = Or<
  "stable" | "adding: catchup" | "adding: caught up" | "adding: committing" | "removing"
>;

/**
 * "self", "unknown", or a nickname: 4 hex digits, or for a `unix:` address the name of its file up to the first dot.
 * Nicknames are for people; two members may have the same one.
 */
export type Who = Or<"self" | "unknown">;

/** An id as it is printed: `f32e (f32e5d2d-…)`. */
export type PrintedId = {
  /** The first 4 hex digits. */
  readonly short: string;
  /** The whole UUID; shorter hexadecimal text where a capture was abbreviated. */
  readonly uuid: string;
};

/** A member as the `Servers`, `Adding server` and `Removing server` lines name it: `a1 (b48d at unix:/run/a1.raft)`. */
export type PrintedServer = {
  readonly nickname: string;
  /** The first 4 hex digits of its server id. */
  readonly short: string;
  /** Its Raft address, as configured: `tcp:`, `ssl:` or `unix:`. */
  readonly address: string;
};

export type MembershipChange = PrintedServer & { readonly phase: MembershipPhase };

/** One line below `Servers:`. A server in it counts for the quorum, dead or alive. */
export type ServerLine = PrintedServer & {
  readonly isSelf: boolean;
  /** Absent for a stable member. */
  readonly phase?: MembershipPhase;
  /** On a candidate: the nickname of whom it voted for, as far as is known. In 3.3 and later this may be a pre-vote. */
  readonly votedFor?: string;
  /** On a leader; the leader's own value is not maintained and says nothing. */
  readonly nextIndex?: number;
  /** On a leader: the last entry known to be on that server; 0 until it answers in this term. */
  readonly matchIndex?: number;
  /** Milliseconds since it was heard. 2.15 and later; absent until the first message. Between followers it grows without a limit. */
  readonly lastMessageMs?: number;
  /** What follows on the line and isn't known here. */
  readonly rest?: string;
};

/** A link to or from another server. Outgoing ones exist for as long as the server, incoming ones while they stand. */
export type Connection = {
  readonly direction: "out" | "in";
  /** "0000" while the other side's id was not known when the link was made. */
  readonly nickname: string;
  readonly isConnected: boolean;
};

export type UnknownLine = {
  /** Counts from 1, in the text that was parsed. */
  readonly line: number;
  readonly text: string;
};

/** The lines of the text by name; "blank" is the empty one between head and body. */
export type LineName =
  | "nickname"
  | "name"
  | "clusterId"
  | "serverId"
  | "address"
  | "state"
  | "remotesForJoining"
  | "adding"
  | "removing"
  | "role"
  | "term"
  | "leader"
  | "vote"
  | "blank"
  | "electionStarted"
  | "electionWon"
  | "electionTimer"
  | "log"
  | "uncommitted"
  | "unapplied"
  | "connections"
  | "disconnections"
  | "servers"
  | "server";

export type ClusterStatus = {
  /** The first line: how this server calls itself. */
  readonly nickname?: string;
  /** The database, such as "OVN_Northbound". */
  readonly name?: string;
  readonly clusterId?: PrintedId | "not yet known";
  readonly serverId?: PrintedId;
  /** This server's own Raft address. */
  readonly address?: string;
  /** `Status:`. "cluster member" does not say that it is connected. */
  readonly state?: MemberState;
  /** While joining: whom it asks. */
  readonly remotesForJoining?: readonly string[];
  /** On a leader: who is being added; not yet a voter. */
  readonly adding: readonly MembershipChange[];
  /** On a leader: who is being removed. */
  readonly removing?: MembershipChange;
  readonly role?: Role;
  readonly term?: number;
  readonly leader?: Who;
  /** The vote in this term, not of the last election. */
  readonly vote?: Who;
  /** The last election that this server started; it may have been long ago and lost. 2.15 and later. */
  readonly electionStarted?: {
    readonly agoMs: number;
    readonly reason: Or<"timeout" | "leadership_transfer">;
  };
  /** The last election that this server won; it survives losing the leadership. 2.15 and later. */
  readonly electionWon?: { readonly agoMs: number };
  /** 2.12 and later. `changingToMs`: on a leader, a change that is not committed yet. */
  readonly electionTimer?: { readonly ms: number; readonly changingToMs?: number };
  /** Entries held in the log: from `start` to before `end`; the last index is `end - 1`. */
  readonly log?: { readonly start: number; readonly end: number };
  /** Entries in the log that this server doesn't know to be committed. */
  readonly uncommitted?: number;
  readonly unapplied?: number;
  readonly connections?: readonly Connection[];
  /** Links that were closed and forgotten; not the reconnects of those to members. 2.15 and later. */
  readonly disconnections?: number;
  /** Absent if the `Servers:` line is; empty if nothing follows it, as while joining. In no particular order. */
  readonly servers?: readonly ServerLine[];
  /** Foreign, repeated and cut lines, each with its place. */
  readonly unknownLines: readonly UnknownLine[];
  /** The order of the known lines, if it isn't the one of ovsdb-server 2.15 and later. */
  readonly layout?: readonly LineName[];
};

/** What asking for `cluster/status` can give. */
export type StatusAnswer =
  | { readonly type: "status"; readonly status: ClusterStatus }
  /** "unknown cluster": no such clustered database is open; it left, it failed, it is standalone, or the name is wrong. */
  | { readonly type: "unknown-cluster" }
  /** "not a valid command": this process has never opened a clustered database. */
  | { readonly type: "unknown-command" };
