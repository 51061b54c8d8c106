/**
 * A cluster in one process and on one clock: links deliver in order after a fixed delay, disks sync after another. It is
 * just enough to tell stories about nodes; the simulator is for the rest of the world.
 */
import {
  entryRecord,
  appliedEid,
  createCluster,
  currentEid,
  deadlineMs,
  type DiskImage,
  type Effects,
  type FileRecord,
  type Header,
  type Json,
  joinCluster,
  type LogEntry,
  type Message,
  openNode,
  type Profile,
  profileOf,
  precheck,
  type RaftNode,
  stepInto,
  type Uuid,
} from "../../src/index.ts";
import { Clock } from "./clock.ts";
import { type Member, uuidOf } from "./member.ts";

const LINK_MS = 1;
const SYNC_MS = 1;

export class Lab {
  readonly #clock = new Clock();
  readonly members: Member[] = [];
  /** Ordered pairs "from>to" whose messages are lost, as if the link had been reset. */
  readonly cuts: Set<string> = new Set();
  readonly sent: { readonly atMs: number; readonly from: string; readonly to: string; readonly message: Message }[] =
    [];
  readonly profile: Profile;
  readonly electionTimerMs: number;
  #session = 0;
  #uuids = 0;
  readonly #links = new Map<number, { readonly owner: Member; readonly twin: number; readonly other: Member }>();
  readonly #dials = new Map<string, { live: number }>();
  readonly #held = new Map<Member, (() => void)[]>();

  constructor(options: {
    readonly members: number;
    readonly version?: string;
    readonly electionTimerMs?: number;
    readonly seed?: number;
  }) {
    this.profile = profileOf(options.version ?? "3.7.1");
    this.electionTimerMs = options.electionTimerMs ?? 1000;
    this.#uuids = (options.seed ?? 1) * 1_000_000;
    for (let i = 1; i <= options.members; i++) this.add();
  }

  get nowMs(): number {
    return this.#clock.nowMs;
  }

  uuid(): Uuid {
    return uuidOf(0xe, ++this.#uuids);
  }

  /** A server that is not started yet: the first one creates the cluster, the others join it. */
  add(remotes?: readonly string[]): Member {
    const n = this.members.length + 1;
    const sid = uuidOf(n, this.#uuids);
    const address = `tcp:10.0.0.${n}:6643`;
    const name = `s${n}`;
    const image: DiskImage =
      n === 1
        ? createCluster({
            cid: uuidOf(0xc, 1),
            sid,
            eid: this.uuid(),
            name: "Lab",
            address,
            data: ["schema", {}],
            ...(this.electionTimerMs === 1000 ? {} : { electionTimerMs: this.electionTimerMs }),
          })
        : joinCluster({ sid, name: "Lab", address, remotes: remotes ?? [this.members[0]?.address ?? ""] });
    const member: Member = {
      name,
      sid,
      address,
      image: { header: image.header, records: [...image.records] },
      node: undefined,
      profile: this.profile,
      database: [],
      starts: 0,
      notes: [],
      completed: new Map(),
    };
    this.members.push(member);
    return member;
  }

  member(name: string): Member {
    const found = this.members.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no member ${name}`);
    return found;
  }

  node(name: string): RaftNode {
    const { node } = this.member(name);
    if (node === undefined) throw new Error(`${name} is down`);
    return node;
  }

  /** Starts all members and waits until every one is connected. */
  form(): this {
    for (const { name } of this.members) {
      this.start(name);
      this.until(`${name} to be connected`, () => this.status(name) === "connected", 60_000);
    }
    return this;
  }

  start(name: string): RaftNode {
    const member = this.member(name);
    if (member.node !== undefined) throw new Error(`${name} runs already`);
    member.database = [];
    const image = { header: member.image.header, records: [...member.image.records] };
    const options = {
      profile: member.profile,
      seed: ++member.starts * 7919 + this.members.indexOf(member),
      nowMs: this.nowMs,
    };
    const fx = this.#effects(member);
    member.node = openNode(image, options, fx);
    fx.isOpen = true;
    for (const address of fx.early) this.#dial(member, address);
    this.#arm(member);
    return member.node;
  }

  /** SIGKILL: what was written is kept. */
  kill(name: string): void {
    const member = this.member(name);
    member.node = undefined;
    this.#held.delete(member);
    for (const [session, link] of [...this.#links]) if (link.owner === member) this.#break(session);
    for (const key of [...this.#dials.keys()]) if (key.startsWith(`${name}>`)) this.#dials.delete(key);
  }

  /** `ovs-appctl exit`: leadership is handed over. */
  exit(name: string): void {
    this.step(name, { type: "close" });
    this.runFor(LINK_MS);
    this.kill(name);
  }

  step(name: string, input: Parameters<typeof stepInto>[2]): void {
    const member = this.member(name);
    stepInto(this.node(name), this.nowMs, input, this.#effects(member, true));
    this.#arm(member);
  }

  /** Runs something that needs effects, such as a control command, on a member. */
  control<T>(name: string, run: (node: RaftNode, nowMs: number, fx: Effects) => T): T {
    const member = this.member(name);
    const answer = run(this.node(name), this.nowMs, this.#effects(member, true));
    this.#arm(member);
    return answer;
  }

  /** A write at a member, again and again as ovsdb-server does; gives whether it was committed within the time. */
  write(name: string, data: Json, withinMs = 20_000): boolean {
    const deadline = this.nowMs + withinMs;
    const member = this.member(name);
    let eid: Uuid | undefined;
    while (this.nowMs < deadline) {
      const { node } = member;
      if (node === undefined) return false;
      if (eid !== undefined) {
        const status = member.completed.get(eid);
        if (status === "success") return true;
        if (status !== undefined) eid = undefined;
      }
      if (eid === undefined && precheck(node, appliedEid(node))) {
        eid = this.uuid();
        this.step(name, { type: "execute", eid, prereq: currentEid(node), data });
      }
      this.runFor(1);
    }
    return false;
  }

  runFor(ms: number): void {
    this.#clock.runFor(ms);
  }

  /** Goes on until it holds; throws with what was waited for. */
  until(what: string, holds: () => boolean, withinMs = 30_000): void {
    if (!this.#clock.runUntil(holds, withinMs))
      throw new Error(`${what}: not within ${withinMs} ms\n${this.describe()}`);
  }

  leaders(): string[] {
    return this.members.filter(({ node }) => node?.role === "leader").map(({ name }) => name);
  }

  leader(): string {
    const alive = this.members.filter(({ node }) => node !== undefined);
    const found = alive
      .filter(({ node }) => node?.role === "leader")
      .sort((a, b) => (b.node?.term ?? 0) - (a.node?.term ?? 0))[0];
    if (found === undefined) throw new Error(`nobody leads\n${this.describe()}`);
    return found.name;
  }

  waitForLeader(withinMs = 30_000): string {
    this.until("a leader", () => this.leaders().length > 0, withinMs);
    return this.leader();
  }

  /** "connected", "disconnected", "joining", "leaving", "left", "failed" or "down". */
  status(name: string): string {
    const { node } = this.member(name);
    if (node === undefined) return "down";
    if (node.joining) return "joining";
    if (node.leaving) return "leaving";
    if (node.left) return "left";
    if (node.failed) return "failed";
    return !node.candidateRetrying && node.everHadLeader ? "connected" : "disconnected";
  }

  describe(): string {
    return this.members
      .map(({ name, node }) =>
        node === undefined
          ? `${name} down`
          : `${name} ${this.status(name)} ${node.role} term ${node.term} log [${node.logStart}, ${node.logStart + node.log.length}) commit ${node.commitIndex} servers ${node.servers.length}`,
      )
      .join("\n");
  }

  cut(a: string, b: string): void {
    this.cuts.add(`${a}>${b}`).add(`${b}>${a}`);
    for (const [session, { owner, other }] of [...this.#links])
      if ((owner.name === a && other.name === b) || (owner.name === b && other.name === a)) this.#break(session);
  }

  heal(): void {
    this.cuts.clear();
    for (const [key] of this.#dials) this.#redial(key);
    for (const [member, held] of this.#held) {
      this.#held.delete(member);
      if (member.node !== undefined) for (const run of held) run();
    }
  }

  /** Puts back what `stop-raft-rpc` held. */
  release(name: string): void {
    const member = this.member(name);
    const held = this.#held.get(member) ?? [];
    this.#held.delete(member);
    for (const run of held) run();
  }

  #arm(member: Member): void {
    const { node } = member;
    if (node === undefined) return;
    const atMs = deadlineMs(node);
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#clock.at(Math.max(atMs, this.nowMs), () => {
      if (member.node !== node || deadlineMs(node) !== atMs) return;
      stepInto(node, this.nowMs, { type: "tick" }, this.#effects(member, true));
      this.#arm(member);
    });
  }

  #step(member: Member, input: Parameters<typeof stepInto>[2]): void {
    if (member.node === undefined) return;
    stepInto(member.node, this.nowMs, input, this.#effects(member, true));
    this.#arm(member);
  }

  #dial(member: Member, address: string): void {
    const key = `${member.name}>${address}`;
    if (this.#dials.has(key)) return;
    this.#dials.set(key, { live: 0 });
    this.#redial(key);
  }

  #redial(key: string): void {
    const [name = "", address = ""] = key.split(">");
    const member = this.member(name);
    this.#clock.at(this.nowMs + LINK_MS, () => {
      const dialled = this.#dials.get(key);
      const other = this.members.find((each) => each.address === address);
      if (dialled === undefined || dialled.live !== 0 || member.node === undefined) return;
      const isClosed = other?.node === undefined || this.cuts.has(`${name}>${other.name}`);
      if (isClosed || other?.node?.left || other?.node?.failed) {
        this.#clock.at(this.nowMs + 1000, () => this.#redial(key));
        return;
      }
      const mine = ++this.#session;
      const theirs = ++this.#session;
      this.#links.set(mine, { owner: member, twin: theirs, other });
      this.#links.set(theirs, { owner: other, twin: mine, other: member });
      dialled.live = mine;
      this.#step(other, { type: "session_up", session: theirs, address: undefined });
      this.#step(member, { type: "session_up", session: mine, address });
    });
  }

  #break(session: number): void {
    const link = this.#links.get(session);
    if (link === undefined) return;
    this.#links.delete(session);
    for (const [key, dialled] of this.#dials)
      if (dialled.live === session) {
        dialled.live = 0;
        this.#clock.at(this.nowMs + 1000, () => this.#redial(key));
      }
    this.#clock.at(this.nowMs, () => this.#step(link.owner, { type: "session_down", session }));
    // What was sent before arrives before the end does, unless the link is cut.
    const { owner, other } = link;
    const delayMs = this.cuts.has(`${owner.name}>${other.name}`) ? 0 : LINK_MS;
    this.#clock.at(this.nowMs + delayMs, () => this.#break(link.twin));
  }

  #effects(member: Member, isOpen = false): Effects & { isOpen: boolean; readonly early: string[] } {
    const lab = this;
    const starts = member.starts;
    let isDead = false;
    const early: string[] = [];
    return {
      isOpen,
      early,
      send(session: number, message: Message): void {
        if (isDead) return;
        const link = lab.#links.get(session);
        if (link === undefined) return;
        const { other, twin } = link;
        lab.sent.push({ atMs: lab.nowMs, from: member.name, to: other.name, message });
        if (lab.cuts.has(`${member.name}>${other.name}`)) return;
        lab.#clock.at(lab.nowMs + LINK_MS, () => {
          if (!lab.#links.has(twin)) return;
          const run = (): void => lab.#step(other, { type: "receive", session: twin, message });
          if (other.node?.failureTest === "stop-raft-rpc") lab.#held.set(other, [...(lab.#held.get(other) ?? []), run]);
          else run();
        });
      },
      dial(address: string): void {
        if (this.isOpen) lab.#dial(member, address);
        else early.push(address);
      },
      undial(address: string): void {
        const key = `${member.name}>${address}`;
        const dialled = lab.#dials.get(key);
        lab.#dials.delete(key);
        if (dialled !== undefined && dialled.live !== 0) lab.#break(dialled.live);
      },
      reset: (session: number): void => lab.#break(session),
      append: (index: number, entry: LogEntry): void =>
        isDead ? undefined : void member.image.records.push(entryRecord(index, entry)),
      write(record: FileRecord): void {
        if (!isDead) member.image.records.push(record);
      },
      sync(ticket: number): void {
        lab.#clock.at(lab.nowMs + SYNC_MS, () => {
          if (member.starts === starts) lab.#step(member, { type: "synced", ticket });
        });
      },
      replace(header: Header, records: readonly FileRecord[]): void {
        if (!isDead) member.image = { header, records: [...records] };
      },
      apply(_index: number, entry: LogEntry, isSnapshot: boolean): void {
        if (isSnapshot) member.database = [];
        const data = entry.data;
        if (isSnapshot && Array.isArray(data) && Array.isArray(data[1])) member.database = [...(data[1] as Json[])];
        else if (!isSnapshot && data !== undefined) member.database.push(data);
      },
      complete(eid: Uuid, status: string): void {
        member.completed.set(eid, status);
      },
      crash(): void {
        isDead = true;
        lab.#clock.at(lab.nowMs, () => {
          if (member.starts === starts && member.node !== undefined) lab.kill(member.name);
        });
      },
      note(note): void {
        member.notes.push(note);
      },
    };
  }

  /** Compacts a member's file, as `ovsdb-server/compact`. */
  compact(name: string): void {
    const { database } = this.member(name);
    this.step(name, { type: "snapshot", data: ["schema", [...database]] });
  }
}
