/** One running ovsdb-server: a raft node, its sessions, its disk's answers, and the transactions that wait in it. */
import {
  appliedEid,
  type CommandStatus,
  type CrashPoint,
  currentEid,
  deadlineMs,
  type Effects,
  type FileRecord,
  type Header,
  hash32,
  isConnected,
  type LogEntry,
  type Message,
  maySnapshot,
  type Note,
  openNode,
  precheck,
  type RaftNode,
  snapshotGain,
  stepInto,
} from "@ovnha/raft";
import type { Chain } from "../check/chain.ts";
import type { Operation } from "./clients.ts";
import { eidOf } from "./eids.ts";
import { EVENT } from "./events.ts";
import type { Host } from "./host.ts";
import { Dialer, endOf, type Link } from "./link.ts";
import type { StateRecord } from "./disk.ts";
import type { World } from "./world.ts";

type Held =
  | { readonly what: "message"; readonly link: Link; readonly end: 0 | 1; readonly message: Message }
  | { readonly what: "up" | "down"; readonly link: Link; readonly end: 0 | 1; readonly message: undefined };

/** A frozen server whose kernel buffers are full: what comes then waits at its sender, and the run says so. */
const HELD_MAX = 100_000;

export class Server implements Effects {
  readonly world: World;
  readonly host: Host;
  readonly node: RaftNode;
  readonly links: Link[] = [];
  /** The number that each of `links` has at this end. */
  readonly sessions: number[] = [];
  readonly dialers: Map<string, Dialer> = new Map();
  isDead = false;
  isPaused = false;
  /** `failure-test stop-raft-rpc`: its raft neither hears nor says anything, but its timers run. */
  isMuted = false;
  /** False once its address is gone: it can dial, but nobody can dial it. */
  isListening: boolean;
  readonly held: Held[] = [];
  /** How it was asked to stop while it was frozen. */
  stopAsked: "terminate" | "exit" | undefined;
  /** What waits for its end. */
  readonly ended: (() => void)[] = [];
  /** What its file holds, entry by entry, as the checkers see it. */
  chain: Chain | undefined;
  commitSeen = 0;
  termSeen = 0;
  connectedSeen = false;
  roleSeen = "follower";
  /** The database: how many transactions were applied, and a hash over them. */
  rows = 0;
  rowsHash = 0;
  /** Transactions of clients: those that wait, and those that were proposed under the last of their entry ids, in order. */
  readonly waiting: Operation[] = [];
  readonly #proposed: Operation[] = [];
  lastSnapshotUs: number;
  #timerAtUs = Number.POSITIVE_INFINITY;
  #isOpening = true;
  /** What was noted before there was a node to speak of. */
  readonly #early: Note[] = [];
  #isTrying = false;
  #isSyncDone = false;
  readonly #tick = { type: "tick" } as const;
  readonly #receive: { type: "receive"; session: number; message: Message };
  readonly #synced = { type: "synced" as const, ticket: 0 };

  constructor(world: World, host: Host) {
    this.world = world;
    this.host = host;
    this.isListening = true;
    this.lastSnapshotUs = world.nowUs;
    this.#receive = { type: "receive", session: 0, message: undefined as unknown as Message };
    const image = host.disk.image();
    if (image === undefined) throw new Error(`${host.name} has no database file`);
    const seed = hash32(hash32(world.seed, host.index + 0x5eed), ++host.starts);
    host.disk.assumeSynced();
    this.chain = world.check.open(this, image);
    this.node = openNode(image, { profile: host.profile, seed, nowMs: host.clockMs(world.nowUs) }, this);
    this.commitSeen = this.node.commitIndex;
    this.termSeen = this.node.term;
  }

  /** After the constructor: sessions are dialled, timers run. */
  begin(): void {
    this.#isOpening = false;
    for (const note of this.#early.splice(0)) this.world.note(this, note);
    if (this.host.disk.isFull) this.stepWith({ type: "disk", writable: false });
    for (const dialer of this.dialers.values()) this.world.net.dial(dialer);
    this.after();
  }

  get nowMs(): number {
    return this.host.clockMs(this.world.nowUs);
  }

  // Inputs.

  stepWith(input: Parameters<typeof stepInto>[2]): void {
    if (this.isDead) return;
    stepInto(this.node, this.nowMs, input, this);
    this.after();
  }

  deliver(link: Link, end: 0 | 1, message: Message): void {
    if (this.isPaused || this.isMuted) {
      this.#hold({ what: "message", link, end, message });
      return;
    }
    const input = this.#receive;
    input.session = link.sessions[end];
    input.message = message;
    stepInto(this.node, this.nowMs, input, this);
    this.after();
  }

  sessionUp(link: Link, end: 0 | 1): void {
    if (this.isPaused || this.isMuted) this.#hold({ what: "up", link, end, message: undefined });
    else
      this.stepWith({
        type: "session_up",
        session: link.sessions[end],
        address: end === 0 ? link.dialer.address : undefined,
      });
  }

  sessionDown(link: Link, end: 0 | 1): void {
    if (this.isDead) return;
    if (this.isPaused || this.isMuted) this.#hold({ what: "down", link, end, message: undefined });
    else this.stepWith({ type: "session_down", session: link.sessions[end] });
  }

  #hold(held: Held): void {
    if (this.held.length >= HELD_MAX) throw new RangeError(`${this.host.name} is frozen and ${HELD_MAX} messages wait`);
    this.held.push(held);
  }

  /** What arrived while nobody looked is looked at first, in order; then the timers. */
  wake(): void {
    this.isPaused = false;
    this.isMuted = false;
    if (this.stopAsked === "terminate") return this.world.stop(this.host, "terminate");
    if (this.#isSyncDone) {
      this.#isSyncDone = false;
      this.onSynced();
    }
    for (const { what, link, end, message } of this.held.splice(0)) {
      if (this.isDead) return;
      if (what === "up") this.sessionUp(link, end);
      else if (what === "down") this.sessionDown(link, end);
      else if (message !== undefined && link.isUp[end]) this.deliver(link, end, message);
    }
    this.stepWith(this.#tick);
    if (this.stopAsked !== undefined && this.host.server === this) this.world.stop(this.host, this.stopAsked);
  }

  onTimer(atUs: number): void {
    if (this.isDead || atUs !== this.#timerAtUs) return;
    this.#timerAtUs = Number.POSITIVE_INFINITY;
    if (this.isPaused) return;
    if (deadlineMs(this.node) <= this.nowMs) {
      stepInto(this.node, this.nowMs, this.#tick, this);
      this.after();
    } else this.#arm();
  }

  onSynced(): void {
    const { disk } = this.host;
    if (this.isDead || disk.busyTicket === 0) return;
    if (this.isPaused) {
      this.#isSyncDone = true;
      return;
    }
    this.#synced.ticket = disk.endSync();
    if (disk.nextTicket !== 0) this.#startSync(disk.nextTicket);
    stepInto(this.node, this.nowMs, this.#synced, this);
    this.after();
  }

  /** The pieces that every step ends with. */
  after(): void {
    if (this.isDead) return;
    const { node } = this;
    if (node.commitIndex !== this.commitSeen || node.term !== this.termSeen) this.world.check.progress(this);
    const connected = isConnected(node);
    if (connected !== this.connectedSeen || node.role !== this.roleSeen) {
      if (connected !== this.connectedSeen)
        this.world.trace.add({ type: "connected", member: this.host.name, connected });
      this.connectedSeen = connected;
      this.roleSeen = node.role;
      this.world.clients.review(this);
    }
    if (this.waiting.length > 0) this.tryTransactions();
    this.#arm();
  }

  #arm(): void {
    const deadline = deadlineMs(this.node);
    if (deadline === Number.POSITIVE_INFINITY) return;
    const atUs = Math.max(this.host.worldUs(deadline), this.world.nowUs);
    // A later deadline is looked at when the timer that is set already has fired.
    if (atUs >= this.#timerAtUs) return;
    this.#timerAtUs = atUs;
    this.world.queue.push(atUs, EVENT.timer, 0, 0, this, undefined);
  }

  // Transactions (ovsdb/trigger.c): each waits until it can be built on what is applied, and is tried again after a
  // temporary error.

  tryTransactions(): void {
    if (this.#isTrying || this.isPaused) return;
    this.#isTrying = true;
    for (let left = this.waiting.length; left > 0 && this.waiting.length > 0; left--) {
      const { node } = this;
      if (this.isDead || node.left || node.failed || !precheck(node, appliedEid(node))) break;
      const operation = this.waiting.shift()!;
      const number = this.world.newNumber();
      const eid = eidOf(number);
      const prereq = currentEid(node);
      operation.propose(eid, prereq);
      this.#proposed.push(operation);
      stepInto(node, this.nowMs, { type: "execute", eid, prereq, data: number }, this);
    }
    this.#isTrying = false;
    if (!this.isDead && this.node.commitIndex !== this.commitSeen) this.world.check.progress(this);
  }

  /** Compacts its file, as ovsdb-server does at times of its own (ovsdb-server(1), `ovsdb-server/compact`). */
  compact(): boolean {
    const { node } = this;
    if (snapshotGain(node) === 0 || node.joining || node.leaving || node.left || node.failed) return false;
    if (
      !maySnapshot(node) ||
      (node.role === "leader" && node.profile.handsOverBeforeSnapshot && node.servers.length > 1)
    ) {
      this.stepWith({ type: "yield" });
      return false;
    }
    this.lastSnapshotUs = this.world.nowUs;
    this.stepWith({ type: "snapshot", data: [this.rows, this.rowsHash] });
    return true;
  }

  submit(operation: Operation): void {
    this.waiting.push(operation);
    if (this.isPaused) return;
    this.tryTransactions();
    this.after();
  }

  // Effects.

  send(session: number, message: Message): void {
    if (this.isDead || this.isMuted) return;
    const link = this.#linkOf(session);
    if (link === undefined) return;
    const end = endOf(session);
    this.world.check.said(this, message);
    this.world.net.send(link, end, message);
  }

  #linkOf(session: number): Link | undefined {
    const { sessions } = this;
    for (let i = 0; i < sessions.length; i++) if (sessions[i] === session) return this.links[i];
    return undefined;
  }

  /** A session between this server and another, from now until `dropLink`. */
  addLink(link: Link, end: 0 | 1): void {
    this.links.push(link);
    this.sessions.push(link.sessions[end]);
  }

  dropLink(link: Link): void {
    const at = this.links.indexOf(link);
    if (at < 0) return;
    this.links.splice(at, 1);
    this.sessions.splice(at, 1);
  }

  dial(address: string): void {
    if (this.dialers.has(address)) return;
    const dialer = new Dialer(this, address);
    this.dialers.set(address, dialer);
    if (!this.#isOpening) this.world.net.dial(dialer);
  }

  undial(address: string): void {
    const dialer = this.dialers.get(address);
    if (dialer === undefined) return;
    this.dialers.delete(address);
    dialer.isGone = true;
    if (dialer.link !== undefined) this.world.net.hangUp(dialer.link, 0);
  }

  reset(session: number): void {
    const link = this.#linkOf(session);
    if (link !== undefined) this.world.net.hangUp(link, endOf(session));
  }

  append(index: number, entry: LogEntry): void {
    if (this.isDead) return;
    this.host.disk.append(index, entry);
    if (this.chain !== undefined) this.world.check.wrote(this, this.chain, index, entry);
  }

  write(record: StateRecord): void {
    if (!this.isDead) this.host.disk.write(record);
  }

  sync(ticket: number): void {
    const { disk } = this.host;
    if (this.isDead) return;
    if (disk.busyTicket !== 0) disk.nextTicket = ticket;
    else this.#startSync(ticket);
  }

  #startSync(ticket: number): void {
    const { host, world } = this;
    host.disk.beginSync(ticket);
    const takesUs = host.fsync.dist === "constant" ? host.fsync.ms * 1000 : host.fsyncs.delayUs(host.fsync);
    world.queue.push(world.nowUs + takesUs, EVENT.synced, 0, 0, this, undefined);
  }

  replace(header: Header, records: readonly FileRecord[]): void {
    if (this.isDead) return;
    this.host.disk.replace(header, records);
    this.chain = this.world.check.open(this, { header, records });
  }

  apply(_index: number, entry: LogEntry, isSnapshot: boolean): void {
    const { data } = entry;
    if (isSnapshot) {
      const [rows, hash] = Array.isArray(data) ? data : [0, 0];
      this.rows = Number(rows);
      this.rowsHash = Number(hash);
    } else if (typeof data === "number") {
      this.rows++;
      this.rowsHash = hash32(this.rowsHash, data);
    }
  }

  complete(eid: string, status: CommandStatus, index: number): void {
    const operation = this.#takeProposed(eid);
    if (operation === undefined || operation.isDone) return;
    if (status === "success") this.world.clients.acknowledge(operation, this, index, eid);
    else if (status === "I/O error" || status === "server shutdown") this.world.clients.refuse(operation, this, status);
    else this.waiting.push(operation);
  }

  /** Nearly always the one that waits longest. */
  #takeProposed(eid: string): Operation | undefined {
    const proposed = this.#proposed;
    for (let i = 0; i < proposed.length; i++) {
      const operation = proposed[i]!;
      if (operation.eid !== eid) continue;
      if (proposed.length === 1) proposed.pop();
      else proposed.splice(i, 1);
      return operation;
    }
    return undefined;
  }

  crash(point: CrashPoint): void {
    this.world.crash(this, point);
  }

  note(note: Note): void {
    if (this.#isOpening) this.#early.push(note);
    else if (!this.isDead) this.world.note(this, note);
  }
}
