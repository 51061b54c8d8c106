/** Programs that write and read the database: open loop, with sessions that break and are made anew as OVSDB's are. */
import { ZERO_UUID } from "@ovnha/raft";
import type { ClientSpec } from "../scenario/types.ts";
import type { Outage } from "../trace.ts";
import { EVENT } from "./events.ts";
import type { Server } from "./server.ts";
import type { World } from "./world.ts";

/** A silent server is left after two probe intervals of five seconds (ovsdb-cs, lib/reconnect.c). */
const SILENCE_US = 10_000_000;
const RETRY_FIRST_US = 100_000;
const RETRY_MAX_US = 1_000_000;
/** Operations that a client holds while it has no session; those beyond are not asked for. */
const BACKLOG_MAX = 100;
/** What is told as an outage: a stretch without an acknowledged write, though one was asked for. */
export const OUTAGE_MIN_US = 100_000;

export class Operation {
  readonly id: number;
  readonly client: Client;
  readonly invokedUs: number;
  /** The newest index that was acknowledged to anybody when it began: its own must be greater. */
  readonly floor: number;
  /** Under which entry id it was proposed last. */
  eid = "";
  /** The entry that it was built on: nothing may come between. */
  prereq = "";
  /** The ids before that one, if the server tried again. */
  earlier: readonly string[] = NO_EIDS;
  isDone = false;

  constructor(id: number, client: Client, invokedUs: number, floor: number) {
    this.id = id;
    this.client = client;
    this.invokedUs = invokedUs;
    this.floor = floor;
  }

  propose(eid: string, prereq: string): void {
    if (this.eid !== "") this.earlier = [...this.earlier, this.eid];
    this.eid = eid;
    this.prereq = prereq;
  }
}

const NO_EIDS: readonly string[] = [];

export class Client {
  readonly spec: ClientSpec;
  readonly index: number;
  session: Server | undefined;
  /** Asked for and not answered, in order. */
  readonly pending: Operation[] = [];
  backlog: Operation[] = [];
  retryUs: number = RETRY_FIRST_US;
  isDialling = false;
  /** A reader's guard against stale servers. */
  minIndex = 0;
  turn = 0;
  constructor(spec: ClientSpec, index: number) {
    this.spec = spec;
    this.index = index;
    this.turn = index;
  }
}

export class Clients {
  readonly #world: World;
  readonly list: Client[] = [];
  readonly outages: Outage[] = [];
  readonly acknowledged: { readonly cid: string; readonly index: number; readonly eid: string }[] = [];
  readonly retried: Operation[] = [];
  acked = 0;
  unknown = 0;
  refused = 0;
  staleReads = 0;
  maxAckedIndex = 0;
  #waitingSinceUs: number | undefined;
  #ids = 0;

  constructor(world: World) {
    this.#world = world;
  }

  start(specs: readonly ClientSpec[]): void {
    specs.forEach((spec, index) => {
      const client = new Client(spec, index);
      this.list.push(client);
      this.#dial(client, 0);
      this.#world.queue.push(
        this.#world.nowUs + Math.round(1e6 / spec.perSecond),
        EVENT.invoke,
        0,
        0,
        client,
        undefined,
      );
    });
  }

  onInvoke(client: Client): void {
    const world = this.#world;
    world.queue.push(world.nowUs + Math.round(1e6 / client.spec.perSecond), EVENT.invoke, 0, 0, client, undefined);
    const { session } = client;
    if (session !== undefined && this.#isSilent(client, session)) this.#hangUp(client);
    if (client.spec.kind === "reader") this.#read(client);
    else this.invoke(client);
  }

  invoke(client: Client): void {
    const world = this.#world;
    this.#waitingSinceUs ??= world.nowUs;
    if (client.backlog.length >= BACKLOG_MAX) return;
    const id = ++this.#ids;
    const operation = new Operation(id, client, world.nowUs, this.maxAckedIndex);
    if (world.trace.isFullLevel)
      world.trace.add({ type: "invoke", client: client.spec.name, op: id, member: client.session?.host.name ?? "" });
    if (client.session === undefined) client.backlog.push(operation);
    else this.#submit(client, client.session, operation);
  }

  #submit(client: Client, session: Server, operation: Operation): void {
    client.pending.push(operation);
    if (!session.isDead) session.submit(operation);
  }

  /** A server that has committed a transaction says so. */
  acknowledge(operation: Operation, server: Server, index: number, eid: string): void {
    const { client } = operation;
    if (operation.isDone || client.session !== server) return;
    const world = this.#world;
    this.#finish(operation);
    this.acked++;
    const { cid } = server.node;
    const cluster = world.check.clusterOf(cid);
    if (index <= operation.floor && world.check.clusters.size === 1)
      world.check.violated(
        "linearizability",
        client.spec.name,
        `write ${operation.id} is entry ${index}, though entry ${operation.floor} was acknowledged before it began`,
      );
    const committed = cluster.eidAt(index);
    if (committed !== undefined && committed !== eid)
      world.check.violated(
        "acked-writes",
        client.spec.name,
        `write ${operation.id} is acknowledged, but entry ${index} is another's`,
      );
    // Where a rule is broken already, and logs differ, this would be no news.
    const before = world.trace.violations.length === 0 ? cluster.dataBefore(index) : undefined;
    if (before !== undefined && before !== operation.prereq)
      world.check.violated(
        "prerequisite",
        client.spec.name,
        `write ${operation.id} was built on another entry than the one that comes before it, ${index}, in the log`,
      );
    if (index > this.maxAckedIndex) this.maxAckedIndex = index;
    this.acknowledged.push({ cid, index, eid });
    if (this.acknowledged.length > 400_000) this.acknowledged.splice(0, 200_000);
    if (operation.earlier.length > 0) this.retried.push(operation);
    world.trace.hash.add(operation.id, index);
    if (world.trace.isFullLevel)
      world.trace.add({ type: "ack", client: client.spec.name, op: operation.id, member: server.host.name, index });
    this.#served();
  }

  #served(): void {
    const { nowUs } = this.#world;
    const sinceUs = this.#waitingSinceUs;
    if (sinceUs !== undefined && nowUs - sinceUs >= OUTAGE_MIN_US) this.#outage(sinceUs, nowUs, true);
    this.#waitingSinceUs = this.#isAnyWaiting() ? nowUs : undefined;
  }

  #isAnyWaiting(): boolean {
    for (let i = 0; i < this.list.length; i++) {
      const { pending, backlog } = this.list[i]!;
      if (pending.length + backlog.length > 0) return true;
    }
    return false;
  }

  #outage(fromUs: number, toUs: number, healed: boolean): void {
    const { zeroUs } = this.#world.trace;
    this.outages.push({ fromUs: fromUs - zeroUs, toUs: toUs - zeroUs, healed, cause: this.#world.causeOf(fromUs) });
  }

  /** The run ends: what still waits is an outage that has not healed. */
  end(): void {
    const sinceUs = this.#waitingSinceUs;
    if (sinceUs !== undefined && this.#world.nowUs - sinceUs >= OUTAGE_MIN_US * 10)
      this.#outage(sinceUs, this.#world.nowUs, false);
  }

  refuse(operation: Operation, server: Server, _why: string): void {
    if (operation.isDone || operation.client.session !== server) return;
    this.refused++;
    this.#finish(operation);
  }

  #finish(operation: Operation): void {
    operation.isDone = true;
    const { pending } = operation.client;
    const at = pending.indexOf(operation);
    if (at >= 0) pending.splice(at, 1);
  }

  #read(client: Client): void {
    const { session } = client;
    if (session === undefined || session.isDead || session.isPaused) return;
    const index = session.node.lastApplied;
    if (index < client.minIndex) {
      this.#hangUp(client);
      return;
    }
    client.minIndex = index;
    if (index < this.maxAckedIndex) this.staleReads++;
  }

  /** The role or the connectedness of a server has changed: who needs another one leaves. */
  review(server: Server): void {
    for (const client of this.list)
      if (client.session === server && !this.#suits(client, server) && !server.isPaused) this.#hangUp(client);
  }

  /** A server has ended; with its kernel, or without a word. */
  lost(server: Server, isSilent: boolean): void {
    if (isSilent) return;
    for (const client of this.list) if (client.session === server) this.#hangUp(client);
  }

  #isSilent(client: Client, session: Server): boolean {
    const oldest = client.pending[0];
    if (oldest === undefined) return false;
    return (session.isDead || session.isPaused) && this.#world.nowUs - oldest.invokedUs >= SILENCE_US;
  }

  /** What was asked for on a session that is gone has an unknown outcome. */
  #hangUp(client: Client): void {
    const { session } = client;
    client.session = undefined;
    for (const operation of client.pending.splice(0)) {
      operation.isDone = true;
      this.unknown++;
      if (this.#world.trace.isFullLevel)
        this.#world.trace.add({ type: "unknown", client: client.spec.name, op: operation.id });
    }
    if (session !== undefined)
      for (let i = session.waiting.length - 1; i >= 0; i--)
        if (session.waiting[i]!.client === client) session.waiting.splice(i, 1);
    client.retryUs = RETRY_FIRST_US;
    this.#dial(client, 1000);
  }

  #dial(client: Client, inUs: number): void {
    if (client.isDialling) return;
    client.isDialling = true;
    this.#world.queue.push(this.#world.nowUs + inUs, EVENT.client, 0, 0, client, undefined);
  }

  onDial(client: Client): void {
    client.isDialling = false;
    if (client.session !== undefined) return;
    const { hosts } = this.#world;
    for (let i = 0; i < hosts.length; i++) {
      const { server, hasPower } = hosts[(client.turn + i) % hosts.length]!;
      if (server === undefined || !hasPower || server.isDead || server.isPaused || !server.isListening) continue;
      if (!this.#suits(client, server)) continue;
      client.turn = (client.turn + i) % hosts.length;
      client.session = server;
      client.retryUs = RETRY_FIRST_US;
      for (const operation of client.backlog.splice(0)) this.#submit(client, server, operation);
      return;
    }
    this.#dial(client, client.retryUs);
    client.retryUs = Math.min(client.retryUs * 2, RETRY_MAX_US);
  }

  #suits(client: Client, server: Server): boolean {
    if (server.isDead || !server.connectedSeen) return false;
    const { to } = client.spec;
    if (to === "leader") return server.node.role === "leader" && server.node.leader !== ZERO_UUID;
    return to === "any" || server.host.name === to;
  }

  /** Entries that are committed beyond the first for one write: ovsdb-server tried again though the first was taken. */
  duplicates(): number {
    if (this.retried.length === 0) return 0;
    let count = 0;
    const committed = new Set<string>();
    for (const cluster of this.#world.check.clusters.values()) for (const eid of cluster.eids()) committed.add(eid);
    for (const { eid, earlier } of this.retried)
      count += Math.max(0, [eid, ...earlier].filter((each) => committed.has(each)).length - 1);
    return count;
  }
}
