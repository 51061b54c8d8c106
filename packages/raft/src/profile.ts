/**
 * How the releases of Open vSwitch differ, as data: one switch per change of behaviour, with the first release of each
 * branch that has it. A version older than all of them, on its branch, behaves the old way.
 */
import { RaftError } from "./error.ts";

/** Each switch is on in newer releases; the comment says what a server without it does. */
export type Behaviour = {
  /** Off: a candidate that hears the leader of its own term stays a candidate for ever. */
  readonly candidateFollowsLeader: boolean;
  /** Off: missing entries travel one by one. */
  readonly appendsInBatches: boolean;
  /** Off: who has installed a snapshot is taken to have all behind it, too, and has to refuse an append first. */
  readonly entriesFollowSnapshot: boolean;
  /** Off: a member that drowns gets a snapshot after the other, and queues grow without bound. */
  readonly backlogLimits: boolean;
  /** Off: no inactivity probe between servers; a half-dead link stays. */
  readonly probes: boolean;
  /** Off: a leader compacts while it leads, and stalls the cluster. */
  readonly handsOverBeforeSnapshot: boolean;
  /** Off: a server that is not a follower may compact. */
  readonly onlyFollowersSnapshot: boolean;
  /** Off: a join that was interrupted stays "in progress" on the leader. */
  readonly interruptedJoinRestarts: boolean;
  /** Off: commands end with "lost leadership" when the role is lost, though they may still commit: they run twice. */
  readonly commandsOutliveRole: boolean;
  /** Off: leadership is handed to the first stable member, even a dead one. */
  readonly transfersToBest: boolean;
  /** Off: a join that another leader commits is never noticed by the one who joins. */
  readonly joinsByCommit: boolean;
  /** Off: a joining server drops links that are silent for the election timer. */
  readonly patientProbeWhileJoining: boolean;
  /** Off: elections raise the term at once. */
  readonly preVote: boolean;
  /** Off: long work of the database stalls Raft. */
  readonly cooperative: boolean;
  /** Off: a follower forwards commands although one of its own is under way. */
  readonly oneForwardedCommand: boolean;
  /** Off: a leaving server neither campaigns nor executes. */
  readonly leavingMayElect: boolean;
  /** Off: a suppressed vote request only leaves the term alone, and is answered. */
  readonly dropsSuppressedVotes: boolean;
  /** Off: a message for another server or cluster is ignored, and the link stays. */
  readonly resetsMisroutedLinks: boolean;
  /** Off: a pre-vote is granted to a member with an older log by who has voted in this term. */
  readonly preVoteChecksLog: boolean;
  /** Proposed, in no release: a follower suppresses vote requests only while it knows a leader (see scenario slow-heal). */
  readonly suppressesOnlyAfterLeader: boolean;
  /**
   * Proposed, in no release: an entry that replaces a truncated one is acknowledged once it is synced. Off: the one that was
   * there before counts for it (raft_truncate leaves log_synced), and a power cut can take an acknowledged write.
   */
  readonly truncationUnsyncs: boolean;
};

export type BehaviourName = keyof Behaviour;

/** First release of each branch with the behaviour (`git tag --contains` of the commits in simulator.md). */
export const SINCE: Readonly<Record<BehaviourName, readonly string[]>> = {
  candidateFollowsLeader: ["2.12.1", "2.13.1", "2.14.0"],
  appendsInBatches: ["2.14.0"],
  entriesFollowSnapshot: ["2.12.1", "2.13.1", "2.14.0"],
  backlogLimits: ["2.13.2", "2.14.1", "2.15.0"],
  probes: ["2.12.4", "2.13.4", "2.14.3", "2.15.1", "2.16.0"],
  handsOverBeforeSnapshot: ["2.13.4", "2.14.3", "2.15.1", "2.16.0"],
  onlyFollowersSnapshot: ["2.17.0"],
  interruptedJoinRestarts: ["2.13.7", "2.14.5", "2.15.4", "2.16.3", "2.17.1", "3.0.0"],
  commandsOutliveRole: ["2.13.8", "2.14.6", "2.15.5", "2.16.4", "2.17.2", "3.0.0"],
  transfersToBest: ["2.17.10", "3.0.7", "3.1.5", "3.2.3", "3.3.1", "3.4.0"],
  joinsByCommit: ["2.17.10", "3.0.7", "3.1.5", "3.2.3", "3.3.1", "3.4.0"],
  patientProbeWhileJoining: ["2.17.10", "3.0.7", "3.1.5", "3.2.3", "3.3.1", "3.4.0"],
  preVote: ["3.3.0"],
  cooperative: ["3.3.0"],
  oneForwardedCommand: ["3.4.0"],
  leavingMayElect: ["3.3.5", "3.4.3", "3.5.1", "3.6.0"],
  dropsSuppressedVotes: ["3.3.8", "3.4.5", "3.5.3", "3.6.2", "3.7.0"],
  resetsMisroutedLinks: ["3.3.8", "3.4.5", "3.5.3", "3.6.2", "3.7.0"],
  preVoteChecksLog: ["3.3.9", "3.4.6", "3.5.4", "3.6.3", "3.7.1"],
  suppressesOnlyAfterLeader: [],
  truncationUnsyncs: [],
};

export const BEHAVIOUR_NAMES = Object.keys(SINCE) as readonly BehaviourName[];

export type Profile = Behaviour & {
  /** As given, such as `3.1.0`. */
  readonly version: string;
};

/** Names for versions that operators meet; `main` is newer than every release. */
const ALIASES: Readonly<Record<string, string>> = { main: "99.0.0", "kube-ovn": "3.5.3" };

export const OLDEST_VERSION = "2.13.0";
/** Branches, first and last of each major version: 2.18 and 3.8 were never made, or not when this was written. */
const BRANCHES: readonly (readonly [major: number, first: number, last: number])[] = [
  [2, 13, 17],
  [3, 0, 7],
];
export const DEFAULT_VERSION = "3.7.1";

/**
 * The behaviour of an Open vSwitch release, from 2.13 to 3.7 and `main`; single switches may be set otherwise, so that a
 * proposed change can be judged before it is written. Throws `BAD_PROFILE` for what is no version, too old, or of a branch
 * that is not known: what such a release does cannot be told.
 */
export function profileOf(version: string = DEFAULT_VERSION, overrides: Partial<Behaviour> = {}): Profile {
  for (const name of Object.keys(overrides)) {
    if (!(name in SINCE))
      throw new RaftError("BAD_PROFILE", `${name} is no behaviour; known are ${BEHAVIOUR_NAMES.join(", ")}`);
  }
  const parts = parseVersion(ALIASES[version] ?? version);
  if (parts === undefined)
    throw new RaftError("BAD_PROFILE", `"${version}" is no version: write it as 3.1.0, 3.7, main or kube-ovn`);
  if (compare(parts, parseVersion(OLDEST_VERSION) ?? parts) < 0)
    throw new RaftError("BAD_PROFILE", `version ${version} is too old: profiles begin with ${OLDEST_VERSION}`);
  if (ALIASES[version] === undefined && !isKnownBranch(parts)) {
    const known = BRANCHES.map(([major, first, last]) => `${major}.${first} to ${major}.${last}`).join(", ");
    throw new RaftError("BAD_PROFILE", `no release ${version} is known: profiles are ${known}, main, kube-ovn`);
  }
  const behaviour = {} as Record<BehaviourName, boolean>;
  for (const name of BEHAVIOUR_NAMES) behaviour[name] = overrides[name] ?? hasSince(parts, SINCE[name]);
  return { version, ...(behaviour as Behaviour) };
}

function isKnownBranch([major, minor]: Version): boolean {
  return BRANCHES.some(([each, first, last]) => each === major && minor >= first && minor <= last);
}

type Version = readonly [major: number, minor: number, patch: number];

/** A version without a patch level is the newest of its branch. */
function parseVersion(text: string): Version | undefined {
  const found = /^v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?$/.exec(text);
  if (found === null) return undefined;
  return [Number(found[1]), Number(found[2]), found[3] === undefined ? 9999 : Number(found[3])];
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** The rows of `SINCE`, read once: a sweep asks for a profile for each member of each seed. */
const PARSED = new Map<readonly string[], readonly Version[]>();

function hasSince(version: Version, releases: readonly string[]): boolean {
  const parsed = PARSED.get(releases) ?? releases.map(parseVersion).filter((each) => each !== undefined);
  PARSED.set(releases, parsed);
  const newest = parsed.at(-1);
  if (newest === undefined) return false;
  const own = parsed.find((each) => each[0] === version[0] && each[1] === version[1]);
  return own === undefined ? compare(version, newest) > 0 : compare(version, own) >= 0;
}
