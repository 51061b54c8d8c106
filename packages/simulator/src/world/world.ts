/** One world: hosts, links, disks and clients on one clock, and the loop that takes one event after the other. */
import { type CrashPoint, type Message, type Note, profileOf, RaftError, termOf } from "@ovnha/raft";
import { Check } from "../check/check.ts";
import { EventQueue } from "../kernel/queue.ts";
import { Stream, STREAM } from "../kernel/random.ts";
import type { Recorder } from "../recorder.ts";
import type { BootPolicy, Scenario, StopHow } from "../scenario/types.ts";
import type { Checkpoint } from "../trace.ts";
import { bootstrap, prepare } from "./boot.ts";
import { type Client, Clients } from "./clients.ts";
import { leaderOf, usableLeader } from "./conditions.ts";
import { eidOf } from "./eids.ts";
import { EVENT } from "./events.ts";
import { Host } from "./host.ts";
import type { Dialer, Link } from "./link.ts";
import { HOSTS_MAX, Net } from "./net.ts";
import { Server } from "./server.ts";

/** How long a cluster may take to form before time 0. */
const FORMING_MAX_US = 600_000_000;
const COMPACT_EVERY_US = 600_000_000;
const COMPACT_ENTRIES = 100;
/** A file of more than 10 MB that has doubled, with about 300 bytes for an entry (ovsdb/storage.c). */
const COMPACT_BIG = 35_000;
const DAY_US = 86_400_000_000;

export class World {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly queue: EventQueue = new EventQueue();
  readonly hosts: Host[] = [];
  readonly net: Net;
  readonly clients: Clients;
  readonly check: Check;
  readonly trace: Recorder;
  readonly targets: Stream;
  readonly probes: Stream;
  nowUs = 0;
  events = 0;
  clusters = 0;
  moves = 0;
  elections = 0;
  leaderChanges = 0;
  gaveUp = false;
  readonly checkpoints: Checkpoint[] = [];
  readonly faults: { readonly atUs: number; readonly text: string }[] = [];
  #eids = 0;
  #forming = true;

  constructor(scenario: Scenario, seed: number, trace: Recorder) {
    this.scenario = scenario;
    this.seed = seed;
    this.trace = trace;
    this.targets = new Stream(seed, STREAM.target, 0);
    this.probes = new Stream(seed, STREAM.probe, 0);
    this.check = new Check(this);
    this.clients = new Clients(this);
    this.net = new Net(this, scenario.models.latency, scenario.models.bandwidth);
    for (let i = 0; i < scenario.cluster.members; i++) this.addHost();
  }

  addHost(): Host {
    const { cluster, models } = this.scenario;
    const index = this.hosts.length;
    if (index >= HOSTS_MAX) throw new RangeError(`a world has at most ${HOSTS_MAX} hosts`);
    const profile = profileOf(cluster.profiles[`m${index + 1}`] ?? cluster.profile, cluster.flags);
    const host = new Host({ index, seed: this.seed, profile, fsync: models.fsync });
    this.hosts.push(host);
    return host;
  }

  newNumber(): number {
    return ++this.#eids;
  }

  newEid(): string {
    return eidOf(this.newNumber());
  }

  /** m1 makes the cluster, the others join one after another, and all come to rest: then it is time 0. */
  form(): void {
    const [first] = this.hosts;
    if (first === undefined) throw new RangeError("a cluster needs a member");
    bootstrap(this, first);
    for (const host of this.hosts) {
      this.start(host, "join");
      this.#runUntil(() => host.server?.connectedSeen === true && !host.server.node.joining, `${host.name} to join`);
    }
    this.#runUntil(() => usableLeader(this) !== undefined, "a leader");
    this.run(this.nowUs + 2000 * (this.scenario.cluster.electionTimerMs + 1000));
    this.#forming = false;
    this.trace.zeroUs = this.nowUs;
    this.trace.events.length = 0;
    this.elections = 0;
    this.leaderChanges = 0;
    for (const { server, name } of this.hosts) {
      if (server === undefined) continue;
      const { sid, cid, role, term } = server.node;
      this.trace.add({ type: "start", member: name, sid, cid, how: "from the beginning" });
      this.trace.add({ type: "role", member: name, role, term });
    }
  }

  #runUntil(holds: () => boolean, what: string): void {
    const endUs = this.nowUs + FORMING_MAX_US;
    while (!holds()) {
      if (this.nowUs > endUs || this.queue.size === 0)
        throw new RangeError(
          `the cluster did not form: waited for ${what}; are latency and fsync far slower than the election timer?`,
        );
      this.run(this.queue.nextUs());
    }
  }

  /** Everything until and at `endUs`. */
  run(endUs: number): void {
    const { queue, trace } = this;
    while (queue.nextUs() <= endUs) {
      queue.pop();
      this.nowUs = queue.timeUs;
      trace.nowUs = queue.timeUs;
      this.events++;
      const { kind, a, b, ref } = queue;
      switch (kind) {
        case EVENT.timer:
          (ref as Server).onTimer(queue.timeUs);
          break;
        case EVENT.deliver:
          this.net.onDeliver(ref as Link, a as 0 | 1, b === 1, queue.ref2 as Parameters<Net["onDeliver"]>[3]);
          break;
        case EVENT.synced:
          (ref as Server).onSynced();
          break;
        case EVENT.dial:
          this.net.onDial(ref as Dialer);
          break;
        case EVENT.down:
          this.net.onDown(ref as Link, a as 0 | 1, b === 1);
          break;
        case EVENT.probe:
          this.net.onProbe(ref as Link, a as 0 | 1);
          break;
        case EVENT.retransmit:
          this.net.onRetransmit(ref as Link, a as 0 | 1);
          break;
        case EVENT.script:
          (ref as () => void)();
          break;
        case EVENT.invoke:
          this.clients.onInvoke(ref as Client);
          break;
        case EVENT.client:
          this.clients.onDial(ref as Client);
          break;
        case EVENT.compact:
          this.#onCompact(ref as Server);
          break;
      }
    }
    if (endUs > this.nowUs && endUs !== Number.POSITIVE_INFINITY) this.nowUs = endUs;
    trace.nowUs = this.nowUs;
  }

  later(ms: number, run: () => void): void {
    this.queue.push(this.nowUs + Math.round(ms * 1000), EVENT.script, 0, 0, run, undefined);
  }

  /** Looks every 50 ms, for at most `withinMs`. */
  poll(holds: () => boolean, withinMs: number, then: (isMet: boolean) => void): void {
    const endUs = this.nowUs + withinMs * 1000;
    const look = (): void => {
      if (holds()) then(true);
      else if (this.nowUs >= endUs) then(false);
      else this.later(50, look);
    };
    look();
  }

  whenJoined(host: Host, then: () => void): void {
    const joined = (): boolean => host.server?.connectedSeen === true && !host.server.node.joining;
    this.poll(joined, 120_000, (isMet) => isMet && then());
  }

  start(host: Host, policy: BootPolicy): void {
    if (host.server !== undefined) return;
    if (!host.hasPower) {
      host.hasPower = true;
      this.net.resetStale(host.index);
    }
    const how = prepare(this, host, policy);
    if (how === undefined) {
      this.#refuse(host, "there is no database file");
      return;
    }
    try {
      const server = new Server(this, host);
      host.server = server;
      host.refusal = undefined;
      this.trace.add({ type: "start", member: host.name, sid: server.node.sid, cid: server.node.cid, how });
      server.begin();
      this.queue.push(
        this.nowUs + COMPACT_EVERY_US + host.chance.below(COMPACT_EVERY_US),
        EVENT.compact,
        0,
        0,
        server,
        undefined,
      );
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      this.#refuse(host, error.message);
    }
    this.#checkClusters();
  }

  #refuse(host: Host, why: string): void {
    host.refusal = why;
    this.trace.add({ type: "refused", member: host.name, why });
  }

  /**
   * `then` is called when the server has ended, at once if there is none. A frozen server heeds neither SIGTERM nor
   * `ovs-appctl exit` before it is thawed; SIGKILL and a power cut do not ask.
   */
  stop(host: Host, how: StopHow, then?: () => void): void {
    const { server } = host;
    if (server === undefined || server.isDead) return then?.();
    if (then !== undefined) server.ended.push(then);
    if (server.isPaused && (how === "terminate" || how === "exit")) {
      // Who is told both dies of the signal: its handler runs first.
      if (server.stopAsked !== "terminate") server.stopAsked = how;
      return;
    }
    if (how === "exit") server.stepWith({ type: "close" });
    this.#end(host, server, how);
  }

  #end(host: Host, server: Server, how: string): void {
    if (server.isDead) return;
    server.isDead = true;
    host.server = undefined;
    host.lastChain = server.chain;
    host.disk.forgetRequests();
    const isSilent = how === "powerloss";
    if (isSilent) {
      host.hasPower = false;
      this.net.vanish(server);
      host.disk.losePower(host.chance);
    } else this.net.closeAll(server);
    this.clients.lost(server, isSilent);
    this.trace.add({ type: "stop", member: host.name, how });
    for (const then of server.ended.splice(0)) then();
  }

  /** A failure test, or a server that has left: the server ends after the step under way. */
  crash(server: Server, point: CrashPoint): void {
    server.isDead = true;
    this.later(0, () => {
      server.isDead = false;
      this.#end(server.host, server, point);
    });
  }

  compact(host: Host, tries = 60): void {
    const { server } = host;
    if (server === undefined || server.isPaused || tries === 0) return;
    if (!server.compact()) {
      this.later(1000, () => host.server === server && this.compact(host, tries - 1));
      return;
    }
    const { snapshotMs } = this.scenario.models;
    if (snapshotMs === 0 || host.profile.cooperative) return;
    server.isPaused = true;
    this.net.watchSilence();
    this.later(snapshotMs, () => host.server === server && server.wake());
  }

  #onCompact(server: Server): void {
    if (server.isDead) return;
    const entries = server.node.lastApplied - server.node.logStart + 1;
    const isDue = this.nowUs - server.lastSnapshotUs > DAY_US || entries > COMPACT_BIG;
    if (entries >= COMPACT_ENTRIES && isDue && !server.isPaused) this.compact(server.host);
    this.queue.push(this.nowUs + COMPACT_EVERY_US, EVENT.compact, 0, 0, server, undefined);
  }

  /** Configured server ids that no running server has, by the newest leader's word. */
  ghostsNow(): string[] {
    const node = leaderOf(this)?.server?.node;
    if (node === undefined) return [];
    return node.servers
      .map(({ sid }) => sid)
      .filter((sid) => !this.hosts.some(({ server }) => server?.node.sid === sid));
  }

  fault(text: string, members: readonly string[], line: number | undefined): void {
    this.faults.push({ atUs: this.nowUs, text: members.length === 0 ? text : `${members.join(", ")} ${text}` });
    this.trace.hash.add(this.nowUs & 0x7fffffff, text.length);
    this.trace.add({ type: "fault", text, members, line });
  }

  causeOf(atUs: number): string {
    let cause = "";
    for (const fault of this.faults) {
      if (fault.atUs > atUs + 1_000_000) break;
      if (!fault.text.includes("over: ")) cause = fault.text;
    }
    return cause;
  }

  traceMessage(from: Server, to: Server, message: Message, atUs: number): void {
    const name = message.type === "append_request" && message.comment === "heartbeat" ? "heartbeat" : message.type;
    const delayUs = atUs - this.nowUs;
    this.trace.add({
      type: "message",
      from: from.host.name,
      to: to.host.name,
      message: name,
      term: termOf(message),
      delayUs,
    });
  }

  traceSession(from: Server, to: Server, up: boolean): void {
    if (this.trace.isFullLevel) this.trace.add({ type: "session", from: from.host.name, to: to.host.name, up });
  }

  note(server: Server, note: Note): void {
    const { host, node } = server;
    const member = host.name;
    const { trace } = this;
    switch (note.type) {
      case "role":
        trace.hash.add(host.index * 4 + note.role.length, (this.nowUs & 0x3fffffff) ^ note.term);
        trace.add({ type: "role", member, role: note.role, term: note.term });
        if (note.role !== "leader") return;
        this.leaderChanges++;
        this.check.leads(server);
        return;
      case "election":
        this.elections++;
        trace.add({ type: "election", member, term: note.term, prevote: note.prevote, transfer: note.transfer });
        return;
      case "vote_suppressed":
        trace.add({ type: "suppressed", member, from: this.#nameOf(note.from), prevote: note.prevote });
        return;
      case "truncated":
        trace.add({ type: "truncated", member, from: note.from, to: note.to });
        return;
      case "servers":
        trace.add({ type: "servers", member, servers: Object.keys(note.servers).map((sid) => this.#nameOf(sid)) });
        return;
      case "election_timer":
        trace.add({ type: "timer", member, ms: note.ms });
        return;
      case "joined":
        trace.add({ type: "joined", member });
        if (!this.#forming) trace.hash.add(host.index, node.term);
        return;
      case "left":
        host.isMember = false;
        trace.add({ type: "left", member });
        return;
      case "failed":
        trace.add({ type: "failed", member });
        return;
      case "snapshot_sent":
        trace.add({ type: "snapshot", member, what: "sent", index: note.index });
        return;
      case "snapshot_installed":
        trace.add({ type: "snapshot", member, what: "installed", index: note.index });
        return;
      default:
        return;
    }
  }

  clustersNow(): Set<string> {
    const cids = new Set<string>();
    for (const { server } of this.hosts) if (server !== undefined && !server.node.joining) cids.add(server.node.cid);
    return cids;
  }

  #nameOf(sid: string): string {
    const host = this.hosts.find(({ server, disk }) => (server?.node.sid ?? disk.header?.server_id) === sid);
    return host === undefined ? `ghost ${sid.slice(0, 4)}` : host.name;
  }

  /** Two clusters with one name: nobody merges them. */
  #checkClusters(): void {
    const { size } = this.clustersNow();
    if (size > 1)
      this.check.violated("one-cluster", "all", `${size} clusters of one name take writes, and never merge`);
  }
}
