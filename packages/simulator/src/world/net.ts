/**
 * The network as TCP makes it: a session delivers in order or not at all. A cut stalls it; what was sent arrives late when
 * the cut is healed in time, and never when the inactivity probe of either end was faster (lib/reconnect.c).
 */
import { type Message, probeIntervalMs } from "@ovnha/raft";
import { STREAM, Stream } from "../kernel/random.ts";
import type { Delay } from "../scenario/types.ts";
import { EVENT } from "./events.ts";
import { type Dialer, Link, sizeOf } from "./link.ts";
import type { Server } from "./server.ts";
import type { World } from "./world.ts";

const REDIAL_FIRST_MS = 1000;
const REDIAL_MAX_MS = 8000;
/** The first retransmission of TCP; each next one waits twice as long. */
const RETRANSMIT_US = 200_000;
const RETRANSMIT_MAX_US = 120_000_000;
/** Messages that may wait on a session (raft_conn backlog). */
const BACKLOG_MAX = 500;
/** Messages that a session may hold where ovsdb-server sets no limit: a runaway is an error, not a full memory. */
const STALLED_MAX = 100_000;
/** More than any cluster; a scenario may add hosts, one by one. */
export const HOSTS_MAX = 64;

/** What is worse about all links of a host; what is undefined is as usual. */
export type Degraded = { readonly latency: Delay | undefined; readonly bandwidth: number | undefined };

export class Net {
  readonly #world: World;
  readonly #latency: Delay;
  readonly #bandwidth: number;
  /** For each way from one host to another, see `wayOf`. */
  readonly #streams: (Stream | undefined)[] = [];
  /** How many faults block a way, since when, and how many ways are blocked. */
  readonly #blocks = new Uint16Array(HOSTS_MAX * HOSTS_MAX);
  readonly #blockedSinceUs = new Float64Array(HOSTS_MAX * HOSTS_MAX);
  #blockedWays = 0;
  readonly degraded: Map<number, Degraded> = new Map();
  readonly links: Set<Link> = new Set();
  #session = 1;

  constructor(world: World, latency: Delay, bandwidth: number) {
    this.#world = world;
    this.#latency = latency;
    this.#bandwidth = bandwidth;
  }

  isBlocked(from: number, to: number): boolean {
    return this.#blockedWays > 0 && this.#blocks[wayOf(from, to)]! > 0;
  }

  block(from: number, to: number): void {
    const way = wayOf(from, to);
    if (this.#blocks[way]!++ === 0) {
      this.#blockedSinceUs[way] = this.#world.nowUs;
      this.#blockedWays++;
    }
    this.watchSilence();
  }

  /** What was held up is sent again when TCP's next retransmission is due. */
  unblock(from: number, to: number): void {
    const way = wayOf(from, to);
    if (this.#blocks[way] === 0 || --this.#blocks[way]! > 0) return;
    this.#blockedWays--;
    for (const link of this.links) this.#resume(link);
  }

  healAll(): void {
    this.#blocks.fill(0);
    this.#blockedWays = 0;
    for (const link of this.links) this.#resume(link);
  }

  #resume(link: Link): void {
    for (const end of [0, 1] as const) {
      if (link.stalled[end].length === 0) continue;
      const sinceUs = link.stalledSinceUs[end];
      let dueUs = sinceUs + RETRANSMIT_US;
      for (let stepUs = RETRANSMIT_US * 2; dueUs < this.#world.nowUs; stepUs = Math.min(stepUs * 2, RETRANSMIT_MAX_US))
        dueUs += stepUs;
      this.#world.queue.push(dueUs, EVENT.retransmit, end, 0, link, undefined);
    }
  }

  onRetransmit(link: Link, end: 0 | 1): void {
    const [from, to] = end === 1 ? [link.ends[0], link.ends[1]] : [link.ends[1], link.ends[0]];
    if (this.isBlocked(from.host.index, to.host.index) || this.isBlocked(to.host.index, from.host.index)) return;
    const waiting = link.stalled[end];
    link.stalled[end] = [];
    for (const message of waiting) this.#transmit(link, end, from, to, message);
  }

  latencyUs(from: number, to: number): number {
    const { degraded } = this;
    const delay =
      degraded.size === 0 ? this.#latency : (degraded.get(from)?.latency ?? degraded.get(to)?.latency ?? this.#latency);
    if (delay.dist === "constant") return Math.max(1, Math.round(delay.ms * 1000));
    return this.#streamOf(from, to).delayUs(delay);
  }

  /** Bytes per second from one host to another: as narrow as the narrowest part. */
  #bandwidthOf(from: number, to: number): number {
    const { degraded } = this;
    const [a, b] = [degraded.get(from)?.bandwidth, degraded.get(to)?.bandwidth];
    return Math.min(this.#bandwidth, a ?? Number.POSITIVE_INFINITY, b ?? Number.POSITIVE_INFINITY);
  }

  #streamOf(from: number, to: number): Stream {
    const way = wayOf(from, to);
    let stream = this.#streams[way];
    if (stream === undefined) {
      stream = new Stream(this.#world.seed, STREAM.latency, way);
      this.#streams[way] = stream;
    }
    return stream;
  }

  send(link: Link, fromEnd: 0 | 1, message: Message): void {
    if (!link.isUp[fromEnd]) return;
    const end = fromEnd === 0 ? 1 : 0;
    const from = link.ends[fromEnd];
    const to = link.ends[end];
    if (this.#blockedWays > 0 && this.#isStalled(link, end, from.host.index, to.host.index)) {
      if (link.stalled[end].length === 0) link.stalledSinceUs[end] = this.#world.nowUs;
      link.stalled[end].push(message);
      this.#limit(link, fromEnd, link.stalled[end].length);
      return;
    }
    this.#transmit(link, end, from, to, message);
  }

  /** Whether data towards an end is held up: its way is cut, or its acknowledgements have been missing for too long. */
  #isStalled(link: Link, end: 0 | 1, from: number, to: number): boolean {
    if (link.stalled[end].length > 0 || this.isBlocked(from, to)) return true;
    const back = wayOf(to, from);
    if (this.#blocks[back] === 0) return false;
    // What is sent first still arrives; without its acknowledgement nothing new is sent after one retransmission.
    if (link.unackedUs[end] < this.#blockedSinceUs[back]!) link.unackedUs[end] = this.#world.nowUs;
    return this.#world.nowUs - link.unackedUs[end] > RETRANSMIT_US;
  }

  #transmit(link: Link, end: 0 | 1, from: Server, to: Server, message: Message): void {
    const world = this.#world;
    const latencyUs = this.latencyUs(from.host.index, to.host.index);
    const bandwidth = this.degraded.size === 0 ? this.#bandwidth : this.#bandwidthOf(from.host.index, to.host.index);
    const leavesUs =
      bandwidth === Number.POSITIVE_INFINITY ? world.nowUs : this.#leavesUs(link, end, message, bandwidth);
    let atUs = leavesUs + latencyUs;
    // One after the other, however fast the second is.
    if (atUs < link.lastUs[end] + 1) atUs = link.lastUs[end] + 1;
    link.lastUs[end] = atUs;
    if (world.trace.isFullLevel) world.traceMessage(from, to, message, atUs);
    world.queue.push(atUs, EVENT.deliver, end, 0, link, message);
  }

  /** When the last byte of a message has left: one message after the other, heartbeats behind a snapshot. */
  #leavesUs(link: Link, end: 0 | 1, message: Message, bandwidth: number): number {
    const { nowUs, scenario } = this.#world;
    const leaving = link.leaving[end];
    let gone = 0;
    while (gone < leaving.length && leaving[gone]! <= nowUs) gone++;
    if (gone > 0) leaving.splice(0, gone);
    const bytes = sizeOf(message, scenario.models.databaseBytes);
    const leavesUs = Math.max(nowUs, leaving.at(-1) ?? 0) + Math.ceil((bytes / bandwidth) * 1e6);
    leaving.push(leavesUs);
    this.#limit(link, end === 0 ? 1 : 0, leaving.length);
    return leavesUs;
  }

  /** A sender ends a session on which too much waits (jsonrpc_session_set_backlog_threshold). */
  #limit(link: Link, fromEnd: 0 | 1, waiting: number): void {
    const { node, host } = link.ends[fromEnd];
    if (waiting > BACKLOG_MAX && node.profile.backlogLimits) this.hangUp(link, fromEnd);
    else if (waiting > STALLED_MAX)
      throw new RangeError(
        `${waiting} messages of ${host.name} wait for one link, and ${node.profile.version} has no limit`,
      );
  }

  onDeliver(link: Link, end: 0 | 1, isOpening: boolean, message: Message | undefined): void {
    if (!link.isUp[end]) return;
    link.heardUs[end] = this.#world.nowUs;
    if (message !== undefined) link.ends[end].deliver(link, end, message);
    else if (isOpening) link.ends[end].sessionUp(link, end);
  }

  /** A server wants a session to an address. */
  dial(dialer: Dialer): void {
    this.#world.queue.push(this.#world.nowUs, EVENT.dial, 0, 0, dialer, undefined);
  }

  onDial(dialer: Dialer): void {
    const { owner, address } = dialer;
    if (dialer.isGone || owner.isDead || dialer.link !== undefined) return;
    if (owner.isPaused) {
      this.#world.queue.push(this.#world.nowUs + 100_000, EVENT.dial, 0, 0, dialer, undefined);
      return;
    }
    const { nowUs } = this.#world;
    const target = this.#world.hosts.find((host) => host.address === address);
    const from = owner.host.index;
    const isCut = target !== undefined && (this.isBlocked(from, target.index) || this.isBlocked(target.index, from));
    if (target === undefined || isCut || !target.hasPower)
      return this.#retry(dialer, Math.max(REDIAL_FIRST_MS, dialer.backoffMs));
    const acceptor = target.server;
    if (acceptor === undefined || acceptor.isDead || !acceptor.isListening || acceptor.isMuted || owner.isMuted)
      return this.#retry(dialer, 0);
    this.#session += 2;
    const link = new Link(dialer, acceptor, this.#session, nowUs);
    dialer.link = link;
    dialer.connectedAtUs = nowUs;
    this.links.add(link);
    owner.addLink(link, 0);
    acceptor.addLink(link, 1);
    const roundTripUs = this.latencyUs(from, target.index) * 2;
    link.lastUs[0] = nowUs + roundTripUs;
    link.lastUs[1] = nowUs + roundTripUs;
    this.#world.traceSession(owner, acceptor, true);
    this.#world.queue.push(nowUs + roundTripUs, EVENT.deliver, 1, 1, link, undefined);
    this.#world.queue.push(nowUs + roundTripUs, EVENT.deliver, 0, 1, link, undefined);
  }

  /** After a failed attempt that took `tookMs`. */
  #retry(dialer: Dialer, tookMs: number): void {
    dialer.backoffMs = nextBackoffMs(dialer.backoffMs);
    this.#world.queue.push(this.#world.nowUs + (tookMs + dialer.backoffMs) * 1000, EVENT.dial, 0, 0, dialer, undefined);
  }

  /** One end closes, or notices that the other is silent: the other end learns it, if it can be reached. */
  breakEnd(link: Link, end: 0 | 1): void {
    if (!link.isUp[end]) return;
    const other = end === 0 ? 1 : 0;
    const server = link.ends[end];
    const peer = link.ends[other];
    this.#lose(link, end);
    link.stalled[other] = [];
    const isReachable = server.host.hasPower && !this.isBlocked(server.host.index, peer.host.index);
    if (!isReachable || !link.isUp[other]) return;
    const atUs = Math.max(
      link.lastUs[other] + 1,
      this.#world.nowUs + this.latencyUs(server.host.index, peer.host.index),
    );
    this.#world.queue.push(atUs, EVENT.down, other, 0, link, undefined);
  }

  /** The server at one end wants the session to end. */
  hangUp(link: Link, end: 0 | 1): void {
    this.#world.queue.push(this.#world.nowUs, EVENT.down, end, 1, link, undefined);
  }

  /** The end of a session has arrived at `end`, or was asked for there. */
  onDown(link: Link, end: 0 | 1, isOwnWish: boolean): void {
    if (!link.isUp[end]) return;
    if (isOwnWish) this.breakEnd(link, end);
    else this.#lose(link, end);
  }

  #lose(link: Link, end: 0 | 1): void {
    link.isUp[end] = false;
    const server = link.ends[end];
    server.dropLink(link);
    if (!link.isUp[0] && !link.isUp[1]) this.links.delete(link);
    if (end === 0 && link.dialer.link === link) {
      link.dialer.link = undefined;
      const lastedMs = (this.#world.nowUs - link.dialer.connectedAtUs) / 1000;
      link.dialer.backoffMs =
        lastedMs >= link.dialer.backoffMs ? REDIAL_FIRST_MS : nextBackoffMs(link.dialer.backoffMs);
      if (!link.dialer.isGone && !server.isDead)
        this.#world.queue.push(
          this.#world.nowUs + link.dialer.backoffMs * 1000,
          EVENT.dial,
          0,
          0,
          link.dialer,
          undefined,
        );
    }
    this.#world.traceSession(server, link.ends[end === 0 ? 1 : 0], false);
    server.sessionDown(link, end);
  }

  /** All sessions of a server whose kernel closes them for it. */
  closeAll(server: Server): void {
    for (const link of [...server.links]) this.breakEnd(link, link.ends[0] === server ? 0 : 1);
  }

  /** A host without power says nothing: its ends are gone, the others have to notice. */
  vanish(server: Server): void {
    for (const link of [...server.links]) {
      const end = link.ends[0] === server ? 0 : 1;
      link.isUp[end] = false;
      if (!link.isUp[0] && !link.isUp[1]) this.links.delete(link);
      server.dropLink(link);
    }
    this.watchSilence();
  }

  /** From now on silence is possible: each end that may meet it watches for it. Elsewhere heartbeats and echoes flow. */
  watchSilence(): void {
    for (const link of this.links)
      for (const end of [0, 1] as const) {
        if (!link.isUp[end] || link.isProbing[end] || !this.#maybeSilent(link, end)) continue;
        const probeMs = probeIntervalMs(link.ends[end].node);
        if (probeMs === 0) continue;
        link.isProbing[end] = true;
        // An idle session hears an echo once per interval; where in the interval it is, is chance.
        const idleUs = Math.floor(this.#world.probes.unit() * probeMs * 1000);
        const heardUs = Math.max(link.heardUs[end], this.#world.nowUs - idleUs);
        link.heardUs[end] = heardUs;
        this.#world.queue.push(heardUs + 2 * probeMs * 1000, EVENT.probe, end, 0, link, undefined);
      }
  }

  #maybeSilent(link: Link, end: 0 | 1): boolean {
    const other = link.ends[end === 0 ? 1 : 0];
    if (!link.isUp[end === 0 ? 1 : 0] || other.isPaused || other.isMuted || !other.host.hasPower) return true;
    const [a, b] = [link.ends[end].host.index, other.host.index];
    return this.isBlocked(a, b) || this.isBlocked(b, a);
  }

  /** Twice the probe interval without a byte: the session is dropped, unless the cause of the silence is over. */
  onProbe(link: Link, end: 0 | 1): void {
    if (!link.isUp[end]) return;
    const server = link.ends[end];
    const probeUs = probeIntervalMs(server.node) * 1000;
    if (server.isPaused || server.isMuted) {
      this.#world.queue.push(this.#world.nowUs + probeUs, EVENT.probe, end, 0, link, undefined);
      return;
    }
    link.isProbing[end] = false;
    if (!this.#maybeSilent(link, end)) return;
    if (this.#world.nowUs - link.heardUs[end] >= 2 * probeUs) {
      this.breakEnd(link, end);
      return;
    }
    link.isProbing[end] = true;
    this.#world.queue.push(link.heardUs[end] + 2 * probeUs, EVENT.probe, end, 0, link, undefined);
  }

  /** A host that is back answers what its old life was sent with a reset. */
  resetStale(host: number): void {
    for (const link of [...this.links])
      for (const end of [0, 1] as const) {
        const other = link.ends[end === 0 ? 1 : 0];
        if (!link.isUp[end] || other.host.index !== host || !other.isDead) continue;
        this.#world.queue.push(this.#world.nowUs + RETRANSMIT_US, EVENT.down, end, 0, link, undefined);
      }
  }
}

/** The way from one host to another as a number. */
function wayOf(from: number, to: number): number {
  return from * HOSTS_MAX + to;
}

function nextBackoffMs(backoffMs: number): number {
  if (backoffMs < REDIAL_FIRST_MS) return REDIAL_FIRST_MS;
  return backoffMs < REDIAL_MAX_MS / 2 ? backoffMs * 2 : REDIAL_MAX_MS;
}
