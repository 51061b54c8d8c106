/**
 * A cluster without time: timers may fire whenever they could, messages arrive in any order between sessions, servers crash
 * and come back. One state is a value; a move gives the next one and leaves this one as it was.
 */
import {
  cloneNode,
  currentEid,
  type DiskImage,
  type Effects,
  entryRecord,
  type FileRecord,
  type Header,
  joinCluster,
  type LogEntry,
  type MemberHeader,
  type Message,
  openNode,
  type Profile,
  type RaftNode,
  stepInto,
} from "@ovnha/raft";
import { uuidOf } from "../world/host.ts";

const TIMER_MS = 1000;
const CID = uuidOf(0xc1, 1);
const sidOf = (i: number): string => uuidOf((i + 1) << 24, i);
const addressOf = (i: number): string => `tcp:10.0.0.${i + 1}:6643`;

export type Budget = {
  readonly writes: number;
  readonly crashes: number;
  /** A server loses its file and comes back under its old id. */
  readonly wipes: number;
};

export type Place = {
  readonly nodes: readonly (RaftNode | undefined)[];
  readonly disks: readonly DiskImage[];
  /** Messages on their way from i to j, at i * n + j, oldest first. */
  readonly queues: readonly (readonly Message[])[];
  readonly left: Budget;
  /** Who led each term, and every entry that was ever committed, at its index. */
  readonly leaders: Readonly<Record<number, string>>;
  readonly committed: readonly (string | undefined)[];
  readonly writes: number;
};

export type Move =
  | { readonly do: "time-out" | "heartbeat" | "write" | "crash" | "restart" | "wipe"; readonly at: number }
  | { readonly do: "deliver"; readonly from: number; readonly at: number; readonly late: boolean };

export type Scope = {
  readonly members: number;
  readonly terms: number;
  readonly profile: Profile;
  readonly queueMax: number;
};

export function startPlace(scope: Scope, left: Budget): Place {
  const n = scope.members;
  const servers = Object.fromEntries(Array.from({ length: n }, (_, i) => [sidOf(i), addressOf(i)]));
  const disks = Array.from({ length: n }, (_, i): DiskImage => {
    const header: MemberHeader = {
      server_id: sidOf(i),
      cluster_id: CID,
      local_address: addressOf(i),
      name: "Explored",
      remote_addresses: undefined,
      prev_servers: servers,
      prev_index: 1,
      prev_term: 1,
      prev_data: [{}, {}],
      prev_eid: uuidOf(0xe, 0),
      prev_election_timer: TIMER_MS,
    };
    return { header, records: [{ type: "term", term: 1, comment: undefined }] };
  });
  let place: Place = {
    nodes: Array.from({ length: n }, () => undefined),
    disks,
    queues: Array.from({ length: n * n }, () => []),
    left,
    leaders: {},
    committed: [],
    writes: 0,
  };
  for (let i = 0; i < n; i++) place = new Change(place, scope).boot(i).done();
  return place;
}

/** Everything that can happen next. */
export function movesOf(place: Place, scope: Scope): Move[] {
  const moves: Move[] = [];
  const n = scope.members;
  place.nodes.forEach((node, at) => {
    if (node === undefined) {
      moves.push({ do: "restart", at });
      return;
    }
    if (place.left.crashes > 0) moves.push({ do: "crash", at });
    if (place.left.wipes > 0) moves.push({ do: "wipe", at });
    if (node.joining || node.left || node.failed) return;
    if (node.role === "leader") {
      moves.push({ do: "heartbeat", at });
      if (place.left.writes > 0) moves.push({ do: "write", at });
    }
    if (node.term < scope.terms) moves.push({ do: "time-out", at });
  });
  for (let from = 0; from < n; from++)
    for (let at = 0; at < n; at++) {
      const head = place.queues[from * n + at]?.[0];
      const node = place.nodes[at];
      if (head === undefined || node === undefined) continue;
      moves.push({ do: "deliver", from, at, late: false });
      // Long after the last word of a leader, a follower listens to candidates.
      if (head.type === "vote_request" && isDeaf(node)) moves.push({ do: "deliver", from, at, late: true });
    }
  return moves;
}

export function isDeaf(node: RaftNode): boolean {
  return node.role === "follower" && node.nowMs < node.electionBaseMs + node.electionTimerMs;
}

export function apply(place: Place, scope: Scope, move: Move): Place {
  const change = new Change(place, scope);
  switch (move.do) {
    case "time-out":
      return change.step(move.at, { type: "tick" }, (node) => node.electionTimeoutMs).done();
    case "heartbeat":
      return change.step(move.at, { type: "tick" }, (node) => node.pingTimeoutMs).done();
    case "write":
      return change.write(move.at).done();
    case "crash":
      return change.crash(move.at, { ...place.left, crashes: place.left.crashes - 1 }).done();
    case "wipe":
      return change
        .crash(move.at, { ...place.left, wipes: place.left.wipes - 1 })
        .wipe(move.at)
        .done();
    case "restart":
      return change.boot(move.at).done();
    case "deliver":
      return change.deliver(move.from, move.at, move.late).done();
  }
}

export function inWords(move: Move): string {
  const name = (i: number): string => `m${i + 1}`;
  switch (move.do) {
    case "time-out":
      return `${name(move.at)}'s election timer fires`;
    case "heartbeat":
      return `${name(move.at)} sends heartbeats`;
    case "write":
      return `a client writes at ${name(move.at)}`;
    case "crash":
      return `${name(move.at)} crashes`;
    case "wipe":
      return `${name(move.at)} crashes and loses its file; its id is kept`;
    case "restart":
      return `${name(move.at)} starts`;
    case "deliver":
      return `${name(move.at)} hears ${name(move.from)}${move.late ? ", long after it last heard a leader" : ""}`;
  }
}

/** Builds the next place: copies only what it touches. */
class Change {
  readonly #scope: Scope;
  readonly #nodes: (RaftNode | undefined)[];
  readonly #disks: DiskImage[];
  readonly #queues: (readonly Message[])[];
  #left: Budget;
  readonly #leaders: Record<number, string>;
  readonly #committed: (string | undefined)[];
  #writes: number;

  constructor(place: Place, scope: Scope) {
    this.#scope = scope;
    this.#nodes = [...place.nodes];
    this.#disks = [...place.disks];
    this.#queues = [...place.queues];
    this.#left = place.left;
    this.#leaders = { ...place.leaders };
    this.#committed = [...place.committed];
    this.#writes = place.writes;
  }

  done(): Place {
    return {
      nodes: this.#nodes,
      disks: this.#disks,
      queues: this.#queues,
      left: this.#left,
      leaders: this.#leaders,
      committed: this.#committed,
      writes: this.#writes,
    };
  }

  step(at: number, input: Parameters<typeof stepInto>[2], clock?: (node: RaftNode) => number): this {
    const before = this.#nodes[at];
    if (before === undefined) return this;
    const node = cloneNode(before);
    this.#nodes[at] = node;
    this.#run(at, node, Math.max(node.nowMs, clock?.(node) ?? 0), input);
    return this;
  }

  /** A step, and the syncs that it asks for, which are at once: durability has the timed simulator. */
  #run(at: number, node: RaftNode, nowMs: number, input: Parameters<typeof stepInto>[2]): void {
    const fx = this.#effects(at, node);
    stepInto(node, nowMs, input, fx);
    while (fx.ticket !== 0) {
      const ticket = fx.ticket;
      fx.ticket = 0;
      stepInto(node, node.nowMs, { type: "synced", ticket }, fx);
    }
    const { logStart, log, commitIndex } = node;
    for (let index = this.#committed.length; index <= commitIndex; index++)
      this.#committed[index] = index < logStart ? undefined : keyOf(log[index - logStart]);
  }

  write(at: number): this {
    const node = this.#nodes[at];
    if (node === undefined) return this;
    this.#left = { ...this.#left, writes: this.#left.writes - 1 };
    const eid = uuidOf(0xe, ++this.#writes);
    return this.step(at, { type: "execute", eid, prereq: currentEid(node), data: this.#writes });
  }

  deliver(from: number, at: number, late: boolean): this {
    const slot = from * this.#scope.members + at;
    const [message, ...rest] = this.#queues[slot] ?? [];
    if (message === undefined) return this;
    this.#queues[slot] = rest;
    const clock = late ? (node: RaftNode) => node.electionBaseMs + node.electionTimerMs : undefined;
    return this.step(at, { type: "receive", session: from + 1, message }, clock);
  }

  crash(at: number, left: Budget): this {
    this.#left = left;
    this.#nodes[at] = undefined;
    for (let other = 0; other < this.#scope.members; other++) {
      this.#queues[at * this.#scope.members + other] = [];
      this.#queues[other * this.#scope.members + at] = [];
      this.step(other, { type: "session_down", session: at + 1 });
    }
    return this;
  }

  wipe(at: number): this {
    const remotes = Array.from({ length: this.#scope.members }, (_, i) => addressOf(i)).filter((_, i) => i !== at);
    this.#disks[at] = joinCluster({ sid: sidOf(at), cid: CID, name: "Explored", address: addressOf(at), remotes });
    return this;
  }

  boot(at: number): this {
    const image = this.#disks[at]!;
    const holder: { node?: RaftNode } = {};
    const fx = this.#effects(at, undefined, holder);
    const node = openNode(image, { profile: this.#scope.profile, seed: at + 1, nowMs: 0 }, fx);
    holder.node = node;
    this.#nodes[at] = node;
    for (let other = 0; other < this.#scope.members; other++) {
      if (other === at || this.#nodes[other] === undefined) continue;
      // One session for each pair: who starts later has dialled.
      this.step(other, { type: "session_up", session: at + 1, address: undefined });
      this.step(at, { type: "session_up", session: other + 1, address: addressOf(other) });
      // Who is at the other end is told before anything else, in whatever order: it is not worth states.
      for (const [from, to] of [
        [at, other],
        [other, at],
      ] as const)
        while (this.#queues[from * this.#scope.members + to]?.[0]?.type === "hello_request")
          this.deliver(from, to, false);
    }
    return this;
  }

  #write(at: number, record: FileRecord): void {
    const { header, records } = this.#disks[at]!;
    this.#disks[at] = { header, records: [...records, record] };
  }

  #effects(at: number, node: RaftNode | undefined, holder: { node?: RaftNode } = {}): Effects & { ticket: number } {
    const n = this.#scope.members;
    return {
      ticket: 0,
      send: (session: number, message: Message): void => {
        const slot = at * n + session - 1;
        if (this.#nodes[session - 1] !== undefined) this.#queues[slot] = [...(this.#queues[slot] ?? []), message];
      },
      append: (index: number, entry: LogEntry): void => this.#write(at, entryRecord(index, entry)),
      write: (record: FileRecord): void => this.#write(at, record),
      sync(ticket: number): void {
        this.ticket = ticket;
      },
      replace: (header: Header, records: readonly FileRecord[]): void => {
        this.#disks[at] = { header, records };
      },
      note: (note): void => {
        const who = node ?? holder.node;
        if (note.type === "role" && note.role === "leader" && who !== undefined) {
          const known = this.#leaders[note.term];
          this.#leaders[note.term] = known === undefined || known === who.sid ? who.sid : `${known} and ${who.sid}`;
        }
      },
      dial: () => {},
      undial: () => {},
      reset: () => {},
      apply: () => {},
      complete: () => {},
      crash: () => {},
    };
  }
}

export function keyOf(entry: LogEntry | undefined): string | undefined {
  return entry === undefined ? undefined : `${entry.term}/${entry.eid.slice(-4)}`;
}
