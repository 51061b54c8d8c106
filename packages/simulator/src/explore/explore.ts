/** Breadth first through every state of a small cluster: what is found first is a shortest way to it. */
import { profileOf, type RaftNode } from "@ovnha/raft";
import { apply, inWords, isDeaf, keyOf, type Move, movesOf, type Place, type Scope, startPlace } from "./model.ts";

export type ExploreOptions = {
  /** Default 3. */
  readonly members?: number;
  /** No election beyond this term; default 3 (the cluster begins in term 1). */
  readonly terms?: number;
  /** Default 1 of each, and no wipe. */
  readonly writes?: number;
  readonly crashes?: number;
  readonly wipes?: number;
  /** Moves from the start; default 30. */
  readonly depth?: number;
  /** States to look at; default 200000. What is beyond is not claimed. */
  readonly states?: number;
  readonly profile?: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((states: number, depth: number) => void) | undefined;
};

export type Exploration = {
  readonly states: number;
  readonly depth: number;
  /** Every state within the scope was looked at; otherwise the search ended at its limits. */
  readonly isComplete: boolean;
  /** What was seen at least once: without it "nothing broke" would say little. */
  readonly seen: Readonly<Record<"leader" | "commit" | "truncation" | "two candidates" | "second leader", number>>;
  readonly counterexample:
    | { readonly property: string; readonly text: string; readonly steps: readonly string[] }
    | undefined;
};

type Trail = {
  readonly place: Place;
  readonly move: Move | undefined;
  readonly before: Trail | undefined;
  readonly depth: number;
};

export function explore(options: ExploreOptions = {}): Exploration {
  const search = exploreSteps(options);
  for (;;) {
    const { done, value } = search.next();
    if (done === true) return value;
  }
}

/** Trails between two rests: some milliseconds. */
const REST = 64;

/** The same with rests in between, for whoever has to look at something else now and then. */
export function* exploreSteps(options: ExploreOptions = {}): Generator<void, Exploration, void> {
  const {
    members = 3,
    terms = 3,
    writes = 1,
    crashes = 1,
    wipes = 0,
    depth = 30,
    states = 200_000,
    profile = "3.7.1",
  } = options;
  const scope: Scope = { members, terms, profile: profileOf(profile), queueMax: 2 };
  const seen = { leader: 0, commit: 0, truncation: 0, "two candidates": 0, "second leader": 0 };
  const known = new Set<string>();
  let isComplete = true;
  let deepest = 0;
  let wave: Trail[] = [
    { place: startPlace(scope, { writes, crashes, wipes }), move: undefined, before: undefined, depth: 0 },
  ];
  known.add(keyOfPlace(wave[0]!.place));
  while (wave.length > 0) {
    const next: Trail[] = [];
    for (const [i, trail] of wave.entries()) {
      if (i % REST === REST - 1) {
        options.onProgress?.(known.size, deepest);
        yield;
      }
      if (options.signal?.aborted === true)
        return { states: known.size, depth: deepest, isComplete: false, seen, counterexample: undefined };
      for (const move of movesOf(trail.place, scope)) {
        const place = apply(trail.place, scope, move);
        if (place.queues.some((queue) => queue.length > scope.queueMax)) continue;
        const key = keyOfPlace(place);
        if (known.has(key)) continue;
        if (known.size >= states)
          return { states: known.size, depth: deepest, isComplete: false, seen, counterexample: undefined };
        known.add(key);
        const reached: Trail = { place, move, before: trail, depth: trail.depth + 1 };
        deepest = reached.depth;
        witness(trail.place, place, seen);
        const broken = check(place);
        if (broken !== undefined)
          return {
            states: known.size,
            depth: deepest,
            isComplete: false,
            seen,
            counterexample: { ...broken, steps: stepsOf(reached) },
          };
        if (reached.depth < depth) next.push(reached);
        else isComplete = false;
      }
    }
    options.onProgress?.(known.size, deepest);
    wave = next;
  }
  return { states: known.size, depth: deepest, isComplete, seen, counterexample: undefined };
}

function stepsOf(trail: Trail): string[] {
  const steps: string[] = [];
  for (let at: Trail | undefined = trail; at?.move !== undefined; at = at.before) steps.unshift(inWords(at.move));
  return steps;
}

/** What has to be so in every state. */
function check(place: Place): { readonly property: string; readonly text: string } | undefined {
  for (const [term, who] of Object.entries(place.leaders))
    if (who.includes(" and ")) return { property: "election safety", text: `two servers lead term ${term}` };
  const nodes = place.nodes.filter((node) => node !== undefined);
  for (const node of nodes)
    for (let index = node.logStart; index <= node.commitIndex; index++) {
      const mine = keyOf(node.log[index - node.logStart]);
      const theirs = place.committed[index];
      if (theirs !== undefined && mine !== theirs)
        return {
          property: "state-machine safety",
          text: `${node.nickname} commits ${mine} at ${index}, where ${theirs} was committed`,
        };
    }
  for (const node of nodes) {
    if (node.role !== "leader") continue;
    for (let index = node.logStart; index < place.committed.length; index++) {
      const theirs = place.committed[index];
      const isOlder = theirs !== undefined && Number(theirs.split("/")[0]) < node.term;
      if (isOlder && keyOf(node.log[index - node.logStart]) !== theirs)
        return {
          property: "leader completeness",
          text: `${node.nickname} leads term ${node.term} without the committed entry ${index}`,
        };
    }
  }
  for (const a of nodes)
    for (const b of nodes) {
      if (a === b) continue;
      let isEqual = true;
      for (
        let index = Math.min(a.logStart + a.log.length, b.logStart + b.log.length) - 1;
        index >= Math.max(a.logStart, b.logStart);
        index--
      ) {
        const [x, y] = [a.log[index - a.logStart]!, b.log[index - b.logStart]!];
        if (x.term === y.term && keyOf(x) !== keyOf(y))
          return { property: "log matching", text: `two entries ${index} of term ${x.term}` };
        if (!isEqual && x.term === y.term) isEqual = true;
        else if (isEqual && x.term === y.term) continue;
        else isEqual = false;
      }
    }
  return undefined;
}

function witness(before: Place, after: Place, seen: Record<string, number>): void {
  const count = (name: string): void => {
    seen[name] = (seen[name] ?? 0) + 1;
  };
  const leaders = Object.keys(after.leaders).length;
  if (leaders > Object.keys(before.leaders).length) count(leaders === 1 ? "leader" : "second leader");
  if (after.committed.length > before.committed.length) count("commit");
  if (after.nodes.filter((node) => node?.role === "candidate").length > 1) count("two candidates");
  after.nodes.forEach((node, i) => {
    const was = before.nodes[i];
    if (node !== undefined && was !== undefined && node.log.length < was.log.length) count("truncation");
  });
}

/** Everything that what comes next depends on; clocks and counters of chance are not of it. */
function keyOfPlace({ nodes, disks, queues, left, leaders, committed }: Place): string {
  const node = (each: RaftNode | undefined, i: number): unknown => {
    if (each === undefined) return disks[i]!.records.map(({ comment: _comment, ...record }) => record);
    const peers = each.servers.map(({ sid, nextIndex, matchIndex, phase, replied, vote }) => [
      sid.slice(0, 4),
      nextIndex,
      matchIndex,
      phase,
      replied,
      vote.slice(0, 4),
    ]);
    const log = each.log.map((entry) => [keyOf(entry), entry.servers === undefined ? 0 : 1]);
    const flags = [
      each.joining,
      each.candidateRetrying,
      each.hadLeader,
      each.everHadLeader,
      each.prevotePassed,
      isDeaf(each),
    ];
    const commands = each.commands.map(({ eid, index }) => [eid.slice(-4), index]);
    const phase = each.role === "leader" ? each.electionTimeoutMs <= each.pingTimeoutMs : 0;
    return [
      each.role,
      each.term,
      each.vote,
      each.leader,
      each.commitIndex,
      each.votes,
      each.logStart,
      peers,
      log,
      flags,
      commands,
      phase,
    ];
  };
  const said = queues.map((queue) => queue.map(({ comment: _comment, ...message }) => message));
  return JSON.stringify([nodes.map(node), said, left, leaders, committed]);
}
