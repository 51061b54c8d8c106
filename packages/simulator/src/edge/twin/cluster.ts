/** Real servers on loopback that follow a schedule, and the writer that watches them. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ScenarioError } from "../../scenario/error.ts";
import type { Action, Condition, Scenario, Target } from "../../scenario/types.ts";
import { atExit } from "./at-exit.ts";
import { Networks } from "./networks.ts";
import { type MemberStatus, RealMember } from "./member.ts";

const FORM_MS = 60_000;
const RAFT_PORT = 6643;
const NETWORK_VERBS = new Set<Action["do"]>(["cut", "isolate", "heal", "move-address"]);

/** Whether its members need networks of their own. */
export function needsNetworks({ steps }: Scenario): boolean {
  return steps.some(({ action }) => NETWORK_VERBS.has(action.do));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address !== null && typeof address === "object" ? address.port : 0;
}

export class RealCluster implements AsyncDisposable {
  readonly dir: string;
  readonly members: RealMember[] = [];
  readonly scenario: Scenario;
  readonly #keep: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #forget: () => void;
  /** Where the schedule cuts links or moves addresses. */
  readonly networks: Networks | undefined;

  /** With an aborted `signal` nothing is waited for any more and no server is started. */
  constructor(scenario: Scenario, keep: boolean, signal?: AbortSignal) {
    this.networks = needsNetworks(scenario) ? new Networks() : undefined;
    this.dir = mkdtempSync(join(tmpdir(), "quorum-twin-"));
    this.scenario = scenario;
    this.#keep = keep;
    this.#signal = signal;
    this.#forget = atExit(() => {
      for (const { process } of this.members) process?.kill("SIGKILL");
      if (!keep) rmSync(this.dir, { recursive: true, force: true });
    });
  }

  /** m1 makes the cluster, the others join it. */
  async form(): Promise<void> {
    const { members, electionTimerMs } = this.scenario.cluster;
    await this.networks?.make();
    for (let i = 1; i <= members; i++) await this.add();
    for (const member of this.members) {
      if (member === this.members[0]) await member.create(electionTimerMs);
      else await member.join([this.members[0]?.address ?? ""]);
      await member.start();
      await this.wait(() => member.isConnected(), FORM_MS, `${member.name} to be connected`);
    }
    await this.wait(async () => (await this.holds({ is: "healthy" })) === true, FORM_MS, "the cluster to be healthy");
  }

  async add(): Promise<RealMember> {
    const name = `m${this.members.length + 1}`;
    const place = await this.networks?.add();
    const member =
      place === undefined
        ? new RealMember(this.dir, name, `tcp:127.0.0.1:${await freePort()}`, [], this.#signal)
        : new RealMember(this.dir, name, `tcp:${place.address}:${RAFT_PORT}`, place.prefix, this.#signal);
    this.members.push(member);
    return member;
  }

  member(name: string): RealMember {
    const found = this.members.find((each) => each.name === name);
    if (found === undefined) throw new ScenarioError(`there is no member "${name}"`);
    return found;
  }

  async wait(holds: () => Promise<boolean>, limitMs: number, what: string): Promise<void> {
    const deadlineMs = performance.now() + limitMs;
    while (!(await holds())) {
      this.#signal?.throwIfAborted();
      if (performance.now() > deadlineMs) throw new Error(`waited ${limitMs / 1000} s in vain for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Both ways, or from the first to the second alone. */
  async cut(from: readonly RealMember[], to: readonly RealMember[], oneWay: boolean, isCut: boolean): Promise<void> {
    const number = (member: RealMember): number => this.members.indexOf(member);
    for (const a of from)
      for (const b of to) {
        if (a === b) continue;
        await this.networks?.cut(number(a), number(b), isCut);
        if (!oneWay) await this.networks?.cut(number(b), number(a), isCut);
      }
  }

  /** Why members did not start, those that did not. */
  refusals(): string[] {
    return this.members.flatMap(({ name, refusal }) => (refusal === undefined ? [] : [`${name}: ${refusal}`]));
  }

  statuses(): Promise<(MemberStatus | undefined)[]> {
    return Promise.all(this.members.map((member) => member.status()));
  }

  /** The member that leads, of the newest term if two think they do. */
  async leader(): Promise<{ readonly member: RealMember; readonly status: MemberStatus } | undefined> {
    const statuses = await this.statuses();
    let best: { readonly member: RealMember; readonly status: MemberStatus } | undefined;
    statuses.forEach((status, i) => {
      const member = this.members[i];
      if (status?.role !== "leader" || member === undefined) return;
      if (best === undefined || status.term > best.status.term) best = { member, status };
    });
    return best;
  }

  async targets(target: Target): Promise<RealMember[]> {
    const members = this.members.filter(({ isMember }) => isMember);
    if (target === "all") return members;
    if (target === "leader" || target === "followers" || target === "others") {
      const lead = (await this.leader())?.member;
      if (target === "leader") return lead === undefined ? [] : [lead];
      return members.filter((member) => member !== lead && member.process !== undefined);
    }
    if (target === "random") return members.slice(0, 1);
    return [this.member(target)];
  }

  async holds(condition: Condition): Promise<boolean> {
    switch (condition.is) {
      case "connected":
      case "joined": {
        const members = await this.targets(condition.target);
        const connected = await Promise.all(members.map((member) => member.isConnected()));
        return members.length > 0 && connected.every(Boolean);
      }
      case "leads": {
        const lead = await this.leader();
        return (await this.targets(condition.target)).every((member) => member === lead?.member);
      }
      case "leader":
        return (await this.leader()) !== undefined;
      case "no-leader":
        return (await this.leader()) === undefined;
      case "caught-up":
      case "healthy":
        return this.#isHealthy();
    }
  }

  async #isHealthy(): Promise<boolean> {
    const lead = await this.leader();
    if (lead === undefined) return false;
    const statuses = (await this.statuses()).filter((status) => status !== undefined);
    const known = new Set(statuses.map(({ sid }) => sid.slice(0, 4)));
    const isWhole = lead.status.servers.every((sid) => known.has(sid));
    const isCalm = statuses.every(
      ({ status, role }) => status === "cluster member" && (role === "leader" || role === "follower"),
    );
    const connected = await Promise.all(
      this.members.filter(({ isMember }) => isMember).map((member) => member.isConnected()),
    );
    return isWhole && isCalm && connected.every(Boolean);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.members) if (member.isPaused) member.signal(false);
    await Promise.all(this.members.map((member) => member.stop("kill")));
    await this.networks?.remove();
    if (!this.#keep) rmSync(this.dir, { recursive: true, force: true });
    this.#forget();
  }
}
