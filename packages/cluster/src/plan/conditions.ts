/** Whether a condition holds, as far as one observation shows. What it does not show does not hold. */
import { judgeTime, type Moment, momentOf } from "../observe/elapsed.ts";
import type { Expected, Observation } from "../observe/types.ts";
import type { DatabaseHistory, History } from "../judge/history.ts";
import { assess } from "../judge/assess.ts";
import { majorityOf } from "../judge/quorum.ts";
import type { DatabaseVerdict, Voter } from "../judge/types.ts";
import {
  arrivalsOf,
  type DatabaseView,
  keyOf,
  lineOf,
  linkState,
  type MemberView,
  viewDatabase,
} from "../judge/view.ts";
import type { Condition } from "./types.ts";

export type Held = { readonly isHeld: boolean; readonly why: string };

/** One database, seen and judged. */
export type Judged = {
  readonly view: DatabaseView;
  readonly verdict: DatabaseVerdict;
  /** Keys of those to whom anybody had a link within the last two election rounds. */
  readonly linkedLately?: ReadonlySet<string>;
};

export type JudgeOptions = {
  readonly expected?: Expected | undefined;
  readonly history?: History | undefined;
  readonly nowMs?: number | undefined;
};

export function judge(observation: Observation, options: JudgeOptions = {}): Map<string, Judged> {
  const verdict = assess(observation, options);
  const judged = new Map<string, Judged>();
  for (const seen of observation.databases) {
    const one = verdict.databases.find(({ database }) => database === seen.database);
    if (one === undefined) continue;
    const past = options.history?.databases[seen.database];
    const clusterId = options.expected?.clusterIds?.[seen.database] ?? past?.clusterId;
    const view = viewDatabase(seen, { ...past, clusterId });
    const now = momentOf(observation, verdict.atMs);
    judged.set(seen.database, { view, verdict: one, linkedLately: linkedLately(view, past, now) });
  }
  return judged;
}

/** Votes and heartbeats of two rounds, at most an election timer and a second apart. */
const roundsMs = ({ timerMs }: Pick<DatabaseView, "timerMs">): number => 2 * timerMs + 1_000;

/** How long it takes at most until a server that was stopped a moment ago is silent to all, links and all, in ms. */
export function silenceMs(view: Pick<DatabaseView, "timerMs">): number {
  return roundsMs(view) + view.timerMs + 5_000;
}

function linkedLately(view: DatabaseView, past: DatabaseHistory | undefined, now: Moment): Set<string> {
  const samples = past?.samples ?? [];
  const nowMs = judgeTime(samples.at(-1), now);
  return new Set(samples.filter(({ atMs }) => nowMs - atMs < roundsMs(view)).flatMap(({ linked = [] }) => linked));
}

const yes = (why: string): Held => ({ isHeld: true, why });
const no = (why: string): Held => ({ isHeld: false, why });

/** Two independent sources miss it, and nobody has heard it. */
export function isSilent(voter: Voter): Held {
  const who = voter.silentTo.join(", ");
  if (voter.heardBy.length > 0 && !voter.isGhost) return no(`${voter.short} was heard by ${voter.heardBy.join(", ")}`);
  if (voter.liveness !== "silent") return no(`${voter.short} is not known to be silent`);
  if (voter.silentTo.length < 2) return no(`only ${who || "nobody"} says that ${voter.short} is silent; it takes two`);
  return yes(`silent to ${who}`);
}

/**
 * Whether the id may be taken for dead: silent to two, and nobody has a link to it, or has heard it within two election
 * rounds. What one does not hear another may; a ghost, whose address belongs to somebody else, is linked with nobody.
 */
export function isDead(voter: Voter, { view, linkedLately }: Judged): Held {
  const silence = isSilent(voter);
  if (!silence.isHeld || voter.isGhost) return silence;
  const server = view.configured.find(({ key }) => key === voter.key);
  if (server === undefined) return silence;
  for (const voice of view.voices) {
    if (voice === server.view) continue;
    if (linkState(voice, server) === "up") return no(`${voice.member} has a link to ${voter.short}`);
    const age = lineOf(voice, server)?.lastMessageMs;
    if (age !== undefined && age <= roundsMs(view)) return no(`${voice.member} heard ${voter.short} ${age} ms ago`);
  }
  if (linkedLately?.has(voter.key) === true) return no(`${voter.short} had links a moment ago; look again`);
  return silence;
}

export function checkCondition(condition: Condition, observation: Observation, options: JudgeOptions = {}): Held {
  const judged = judge(observation, options).get(condition.database);
  return judged === undefined ? no(`${condition.database} was not asked for`) : holds(condition, judged);
}

export function holds(condition: Condition, judged: Judged): Held {
  const { view, verdict } = judged;
  switch (condition.type) {
    case "one-leader":
      return oneLeader({ view, verdict });
    case "leads":
      return view.leader?.member === condition.member
        ? yes(`${condition.member} leads`)
        : no(`${view.leader?.member ?? "nobody"} leads, not ${condition.member}; plan again`);
    case "no-quorum": {
      const { state, live, needed } = verdict.quorum;
      // Who can't be asked may work all the same; silence counts of those who are shown to be stopped.
      const isOut = (member: MemberView): boolean =>
        condition.except?.includes(member.member) === true ||
        (member.hasAnswered ? member.row?.connected !== true : isStopped(member).isHeld);
      if (view.voices.length === 0) return view.members.every(isOut) ? yes("nobody runs") : no("not all can be asked");
      return state === "no" && view.leader === undefined
        ? yes(`${live} live, ${needed} needed`)
        : no(`quorum: ${state}, ${live} live, ${needed} needed; plan again`);
    }
    case "quorum-without":
      return quorumHoldsWithout(verdict.quorum.voters, condition.server);
    case "tolerance": {
      const left = verdict.quorum.toleranceLeft;
      return left >= condition.least
        ? yes(`${left} more may fail`)
        : no(`${left} more may fail, ${condition.least} needed`);
    }
    case "caught-up":
      return caughtUp({ view, verdict }, condition.member);
    case "others-live": {
      const silent = verdict.quorum.voters.filter(
        ({ liveness, member, key, isGhost }) =>
          liveness === "silent" &&
          !isGhost &&
          !condition.except.includes(member ?? key) &&
          !condition.except.includes(key),
      );
      return silent.length === 0
        ? yes("all others live")
        : no(`silent: ${silent.map(({ member, short }) => member ?? short).join(", ")}`);
    }
    case "absent":
      return absent(view, condition.server);
    case "silent": {
      const voter = verdict.quorum.voters.find(({ key }) => key === condition.server);
      return voter === undefined ? no(`${condition.server} is not configured`) : isDead(voter, judged);
    }
    case "timer": {
      const others = view.voices.filter(
        ({ status }) => status?.electionTimer?.ms !== condition.ms || status.electionTimer.changingToMs !== undefined,
      );
      if (view.voices.length === 0) return no("no member gave its status");
      return others.length === 0
        ? yes(`${condition.ms} ms everywhere`)
        : no(`not yet at ${others.map(({ member }) => member).join(", ")}`);
    }
    case "no-change-under-way": {
      const change = changeUnderWay(view);
      return change === undefined ? yes("nothing is being changed") : no(change);
    }
    case "staying": {
      const status = view.voices.find((one) => one.member === condition.member)?.status;
      return status?.state === "cluster member"
        ? yes("is a member")
        : no(`${condition.member} is "${status?.state ?? "not heard"}"`);
    }
    case "stopped": {
      const member = view.members.find((one) => one.member === condition.member);
      if (member === undefined) return no(`${condition.member} was not asked`);
      return isStopped(member);
    }
    case "healthy": {
      // What was seen once is not believed yet, and not well either.
      const wrong = verdict.findings.filter(({ severity }) => severity !== "info");
      return wrong.length === 0 && verdict.health === "ok"
        ? yes("well")
        : no(wrong.map(({ code }) => code).join(", ") || verdict.health);
    }
  }
}

/**
 * As the system says it of a socket, `ovs-appctl` of the server, and those who run containers of theirs. That the way
 * there is broken is told in other words: ssh's, or those of a command line without an API server.
 */
const NOBODY_LISTENS =
  /\((ECONNREFUSED|ENOENT)\)|connect (ECONNREFUSED|ENOENT)|cannot connect to .*\((Connection refused|No such file or directory)\)|\(NotFound\): pods "|container not found|[Nn]o such container|container .*(is )?not running|container state improper|completed pod/;

/** Nobody listens where it did. A server that hangs is not stopped, nor one whose socket may not be opened from here. */
function isStopped({ member, seen, isUnreachable }: MemberView): Held {
  if (!isUnreachable) return no(`${member} answers`);
  for (const answer of [seen.status, seen.server]) {
    if (answer === undefined || answer.ok) continue;
    const { code, message } = answer.error;
    const isGone = NOBODY_LISTENS.test(message);
    if ((code !== "UNREACHABLE" && code !== "RUNNER") || !isGone)
      return no(`${member} does not answer, which does not show that it is stopped: ${message}`);
  }
  return yes("nobody listens there");
}

function quorumHoldsWithout(voters: readonly Voter[], key: string): Held {
  const { live, needed, configured } = quorumWithout(voters, key);
  const text = `of the ${configured} others ${live} live, ${needed} needed`;
  return configured > 0 && live >= needed ? yes(text) : no(text);
}

/** What is left of a cluster without one of its ids, `short@address`. */
export function quorumWithout(
  voters: readonly Voter[],
  key: string,
): { configured: number; needed: number; live: number } {
  const rest = voters.filter((voter) => voter.key !== key);
  return {
    configured: rest.length,
    needed: majorityOf(rest.length),
    live: rest.filter(({ liveness }) => liveness === "live").length,
  };
}

function oneLeader({ view, verdict }: Judged): Held {
  const { leader } = view;
  if (leader === undefined) return no("no member leads");
  if (verdict.quorum.state !== "yes" && verdict.quorum.state !== "presumed")
    return no(`quorum: ${verdict.quorum.state}`);
  const server = view.configured.find((one) => one.view === leader);
  // Whoever the leader does not list has no say.
  const voters = view.voices.filter((voice) => view.configured.some((one) => one.view === voice));
  const others = voters.filter((voice) => voice !== leader && voice.status?.leader !== server?.nickname);
  // Nicknames differ where addresses are sockets; the member's own short id always fits.
  const apart = others.filter(
    ({ status }) => status?.leader !== leader.short && status?.leader !== leader.status?.nickname,
  );
  return apart.length === 0
    ? yes(`${leader.member} leads in term ${leader.status?.term}`)
    : no(`${apart.map(({ member }) => member).join(", ")} know another leader, or none`);
}

function caughtUp({ view }: Judged, name: string): Held {
  const member = view.members.find((one) => one.member === name);
  const status = member?.status;
  if (member === undefined || status === undefined) return no(`${name} gave no status`);
  if (!view.voices.includes(member)) return no(`${name} belongs to no cluster, or to another`);
  if (status.state !== "cluster member") return no(`${name} is "${status.state}"`);
  const { leader } = view;
  if (leader === undefined) return no("no member leads");
  if (member === leader) return yes("leads");
  if (status.leader === undefined || status.leader === "unknown") return no(`${name} knows no leader`);
  const line = leader.status?.servers?.find(
    ({ short, address }) => short === member.short && address === member.address,
  );
  if (line === undefined) return no(`the leader does not list ${name}`);
  const last = (leader.status?.log?.end ?? 0) - 1;
  // What is still under way to all of them is no lag.
  const committed = last - (leader.status?.uncommitted ?? 0);
  if ((line.matchIndex ?? 0) < committed) return no(`${name} has acknowledged ${line.matchIndex} of ${committed}`);
  return yes(`has acknowledged ${line.matchIndex}`);
}

/** Its own word does not count: a server that was removed while it was down lists itself as before. */
function absent({ voices, leader, configured }: DatabaseView, key: string): Held {
  const [short = "", address = ""] = splitKey(key);
  // Those whom the leader does not list have no say: each of two that were removed still lists the other.
  const isListed = (voice: MemberView): boolean =>
    leader === undefined || configured.some((server) => server.view === voice);
  const others = voices.filter((voice) => isListed(voice) && (voice.short !== short || voice.address !== address));
  for (const { member, status } of others) {
    if (status?.servers?.some((line) => keyOf(line) === key)) return no(`${member} still lists ${short} at ${address}`);
    if (status?.removing !== undefined && keyOf(status.removing) === key)
      return no(`${member} is still removing ${short}`);
    if (status?.adding.some((one) => keyOf(one) === key)) return no(`${member} is adding ${short}`);
  }
  return others.length === 0 ? no("no other member gave its status") : yes(`nobody lists ${short}`);
}

export function splitKey(key: string): [short: string, address: string] {
  const at = key.indexOf("@");
  return [key.slice(0, at), key.slice(at + 1)];
}

export function changeUnderWay({ voices }: DatabaseView): string | undefined {
  const [arrival] = arrivalsOf(voices).values();
  if (arrival !== undefined) return `${arrival.saidBy} is adding ${arrival.short}`;
  for (const { member, status } of voices) {
    if (status?.removing !== undefined) return `${member} is removing ${status.removing.short}`;
    if (status?.electionTimer?.changingToMs !== undefined) return `${member} is changing the election timer`;
    if (status?.state === "leaving cluster") return `${member} is leaving`;
  }
  return undefined;
}
