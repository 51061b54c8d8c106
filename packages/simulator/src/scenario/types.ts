/** A scenario after it was read and checked: what the runner takes. Times are milliseconds of simulated time. */
import type { BehaviourName } from "@ovnha/raft";

/** A distribution of milliseconds. */
export type Delay =
  | { readonly dist: "constant"; readonly ms: number }
  | { readonly dist: "uniform"; readonly fromMs: number; readonly toMs: number }
  | { readonly dist: "exponential"; readonly baseMs: number; readonly meanMs: number }
  | { readonly dist: "lognormal"; readonly p50Ms: number; readonly p99Ms: number };

export type ClusterSpec = {
  /** m1, m2, … are started one after the other before time 0; m1 has made the cluster. */
  readonly members: number;
  readonly electionTimerMs: number;
  /** A release such as "3.1.0"; a member may have another one. */
  readonly profile: string;
  readonly flags: Readonly<Partial<Record<BehaviourName, boolean>>>;
  readonly profiles: Readonly<Record<string, string>>;
  /** What restarts servers that it takes for sick (see world/watchdog.ts). */
  readonly watchdog: "none" | "kube-ovn";
};

export type ModelSpec = {
  /** One way between two hosts. */
  readonly latency: Delay;
  /** One fsync. */
  readonly fsync: Delay;
  /** Bytes per second and way of a session between two hosts; Infinity by default. */
  readonly bandwidth: number;
  /** Bytes of the database before the run, which a snapshot carries; each write of the run adds to it. */
  readonly databaseBytes: number;
  /** How long a server is busy with a snapshot of its database. */
  readonly snapshotMs: number;
};

/** A database that is small: what `databaseBytes` is where nothing is said. */
export const DATABASE_BYTES = 4096;

/** Who is meant: a member by name, or by what it is when the time has come. */
export type Target = string; // "m1" | "leader" | "followers" | "all" | "random" | "others"

export type StopHow = "kill" | "terminate" | "exit" | "powerloss";
export type WipeWhat = "all" | "db-only";
/** What a host does with a file that is missing at its start (see world/boot.ts). */
export type BootPolicy = "same-disk" | "join" | "join-same-sid" | "bootstrap" | "kube-ovn";

/** One thing that is done to the world. */
export type Action =
  /** Stop, stay down for `downMs`, start. `wipe` happens while it is down; `boot` says how it comes back. */
  | {
      readonly do: "restart";
      readonly target: Target;
      readonly how: StopHow;
      readonly downMs: number;
      readonly wipe: WipeWhat | undefined;
      readonly boot: BootPolicy | undefined;
      /** The old server id is kicked as soon as the member is back. */
      readonly kick: boolean;
    }
  | { readonly do: "stop"; readonly target: Target; readonly how: StopHow }
  | { readonly do: "start"; readonly target: Target; readonly boot: BootPolicy | undefined }
  | { readonly do: "pause"; readonly target: Target; readonly forMs: number | undefined }
  | { readonly do: "resume"; readonly target: Target }
  | { readonly do: "wipe"; readonly target: Target; readonly what: WipeWhat }
  /** Puts the disk back to what it was at a time of the past (a snapshot of a virtual machine). */
  | { readonly do: "rollback"; readonly target: Target; readonly toMs: number }
  | { readonly do: "move-address"; readonly target: Target }
  /** Cuts both ways, or with `oneWay` from the first to the second alone. */
  | {
      readonly do: "cut";
      readonly between: readonly [Target, Target];
      readonly oneWay: boolean;
      readonly forMs: number | undefined;
    }
  | { readonly do: "isolate"; readonly target: Target; readonly forMs: number | undefined }
  /** Neither sends nor receives between servers, as with `failure-test stop-raft-rpc`. */
  | { readonly do: "mute"; readonly target: Target; readonly forMs: number | undefined }
  | { readonly do: "heal" }
  | { readonly do: "swizzle"; readonly everyMs: number }
  /** Another latency, another bandwidth (bytes per second), or both, on all links of the target. */
  | {
      readonly do: "degrade";
      readonly target: Target;
      readonly latency: Delay | undefined;
      readonly bandwidth: number | undefined;
      readonly forMs: number | undefined;
    }
  | { readonly do: "slow-disk"; readonly target: Target; readonly fsync: Delay; readonly forMs: number | undefined }
  | { readonly do: "lying-disk"; readonly target: Target }
  | { readonly do: "fill-disk"; readonly target: Target; readonly forMs: number | undefined }
  | { readonly do: "clock"; readonly target: Target; readonly ppm: number }
  | { readonly do: "burst"; readonly count: number }
  | { readonly do: "compact"; readonly target: Target }
  | { readonly do: "transfer" }
  | { readonly do: "change-timer"; readonly target: Target; readonly toMs: number }
  | { readonly do: "join"; readonly name: string }
  | { readonly do: "leave"; readonly target: Target }
  /** Whom to kick: a member by its name, or "ghosts": every configured server id that no running server has. */
  | { readonly do: "kick"; readonly target: Target | "ghosts" }
  | { readonly do: "upgrade"; readonly target: Target; readonly profile: string; readonly downMs: number }
  | { readonly do: "failure-test"; readonly target: Target; readonly test: string }
  | { readonly do: "mark"; readonly text: string }
  /** A checkpoint: what must be so at this moment. */
  | {
      readonly do: "expect";
      readonly leader?: boolean | undefined;
      readonly configured?: number | undefined;
      readonly connected?: Target | undefined;
      readonly clusters?: number | undefined;
    };

/** What is looked at by `when` and `expect`. */
export type Condition =
  | { readonly is: "connected"; readonly target: Target }
  | { readonly is: "joined"; readonly target: Target }
  | { readonly is: "leads"; readonly target: Target }
  | { readonly is: "leader" }
  | { readonly is: "no-leader" }
  | { readonly is: "caught-up" }
  /** The gate of a careful restart: all configured members connected, caught up, one leader, no ghost. */
  | { readonly is: "healthy" };

export type Step =
  | { readonly at: { readonly ms: number }; readonly action: Action; readonly line: number | undefined }
  /** As soon as the condition holds, counted from the end of the step before, and for `afterMs` more. */
  | {
      readonly when: { readonly condition: Condition; readonly afterMs: number; readonly withinMs: number };
      readonly action: Action;
      readonly line: number | undefined;
    };

export type ClientSpec = {
  readonly kind: "writer" | "reader";
  readonly name: string;
  /** Operations a second, each sent when its time has come, whether or not the one before has ended. */
  readonly perSecond: number;
  /** "leader": leader-only, as OVN's clients; "any": whoever is connected; or one member. */
  readonly to: "leader" | "any" | string;
};

export type VerdictWord = "safe" | "brief" | "outage" | "permanent" | "violation";

/** What the end must be; everything that is absent is not asked for. Counts and times hold for each seed. */
export type Expectation = {
  readonly verdict?: readonly VerdictWord[] | undefined;
  readonly ackedLost?: number | "some" | undefined;
  readonly leader?: boolean | undefined;
  /** Configured server ids at the end, ghosts among them. */
  readonly configured?: number | undefined;
  readonly ghosts?: number | undefined;
  /** The longest time without an acknowledged write, in milliseconds, at the given share of the seeds (0.5, 0.99, 1). */
  readonly outageMs?:
    | { readonly atMost?: number | undefined; readonly atLeast?: number | undefined; readonly quantile: number }
    | undefined;
  readonly clusters?: number | undefined;
};

/** One of several raft groups on the same hosts; what is absent is as for the whole scenario. */
export type GroupSpec = {
  /** Such as nb or sb; its members are called nb-m1 and so on. */
  readonly name: string;
  readonly electionTimerMs?: number | undefined;
  readonly profile?: string | undefined;
  /** How long a snapshot keeps it busy: its size. */
  readonly snapshotMs?: number | undefined;
  /** Operations a second of each client, in place of the client's own. */
  readonly perSecond?: number | undefined;
};

/** What was found with a schedule when it was saved: `replay` looks whether it is still so. */
export type Finding = {
  readonly seed: number;
  readonly traceHash: string;
  /** The checkers that complained, `acked-writes` and `liveness` among them. */
  readonly failures: readonly string[];
};

export type Scenario = {
  readonly version: 1;
  readonly name: string;
  /** One sentence for lists. */
  readonly title: string;
  /** Why it ends as it does, for people. */
  readonly reason: string;
  readonly cluster: ClusterSpec;
  readonly models: ModelSpec;
  /** Empty: one group, the cluster. */
  readonly groups: readonly GroupSpec[];
  readonly clients: readonly ClientSpec[];
  readonly steps: readonly Step[];
  readonly expect: Expectation;
  readonly forMs: number;
  readonly seeds: number;
  readonly found?: Finding | undefined;
};
