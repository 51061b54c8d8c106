/**
 * The machines of a scenario: one real cluster, or one for each of its groups, with a writer for each. What befalls a
 * machine befalls the servers of all groups on it; the service is up while every group takes writes.
 */
import { scenarioOf, union } from "../../groups.ts";
import type { Action, Condition, Scenario } from "../../scenario/types.ts";
import type { Checkpoint } from "../../trace.ts";
import { RealCluster } from "./cluster.ts";
import { look, lost } from "./look.ts";
import { perform } from "./perform.ts";
import { Writer } from "./writer.ts";

/** As long as a writer waits for an answer before that counts, in ms. */
const FLOWING_MS = 500;

type Group = { readonly name: string; readonly cluster: RealCluster; readonly perSecond: number; writer?: Writer };

export type Written = {
  readonly acked: number;
  readonly unknown: number;
  readonly outages: readonly (readonly [number, number])[];
  readonly longestOutageMs: number;
};

export class RealHosts implements AsyncDisposable {
  readonly #groups: readonly Group[];

  constructor(scenario: Scenario, keep: boolean, signal: AbortSignal) {
    const parts =
      scenario.groups.length === 0
        ? [{ name: "", scenario }]
        : scenario.groups.map((group) => ({ name: group.name, scenario: scenarioOf(scenario, group) }));
    this.#groups = parts.map(({ name, scenario: own }) => ({
      name,
      cluster: new RealCluster(own, keep, signal),
      perSecond: own.clients[0]?.perSecond ?? 10,
    }));
  }

  get #clusters(): RealCluster[] {
    return this.#groups.map(({ cluster }) => cluster);
  }

  /** The largest of all groups, in ms. */
  get electionTimerMs(): number {
    return Math.max(...this.#clusters.map(({ scenario }) => scenario.cluster.electionTimerMs));
  }

  /** Ends when none of them is being formed any more; the first that can't be calls `onFailure`, which stops the others. */
  async form(onFailure: () => void): Promise<void> {
    const failures: unknown[] = [];
    const forming = this.#clusters.map((cluster) =>
      cluster.form().catch((error: unknown) => {
        failures.push(error);
        onFailure();
      }),
    );
    await Promise.all(forming);
    if (failures.length > 0) throw failures[0];
  }

  /** `startMs`: when the schedule began, on the monotonic clock. */
  startWriters(startMs: number): void {
    for (const group of this.#groups) {
      group.writer = new Writer(group.cluster, group.perSecond, startMs);
      group.writer.start();
    }
  }

  async stopWriters(how?: "at once"): Promise<void> {
    await Promise.all(this.#groups.map(({ writer }) => writer?.stop(how)));
  }

  async perform(action: Action, later: (ms: number, run: () => Promise<void>) => void): Promise<void> {
    await Promise.all(this.#clusters.map((cluster) => perform(cluster, action, later)));
  }

  /** Keeps a copy of every disk, to which a later step goes back. */
  mark(name: string): void {
    for (const { members } of this.#clusters) for (const member of members) member.mark(name);
  }

  /** Until it holds in every group. */
  async wait(condition: Condition, limitMs: number): Promise<void> {
    const all = async (): Promise<boolean> =>
      (await Promise.all(this.#clusters.map((cluster) => cluster.holds(condition)))).every(Boolean);
    await this.#clusters[0]?.wait(all, limitMs, condition.is);
  }

  /** Whether every group has a leader, and has taken a write a moment ago. */
  async isFlowing(nowMs: number): Promise<boolean> {
    const each = this.#groups.map(
      async ({ cluster, writer }) =>
        nowMs - (writer?.lastAckMs ?? 0) < FLOWING_MS && (await cluster.leader()) !== undefined,
    );
    return (await Promise.all(each)).every(Boolean);
  }

  /** Of several groups as the simulator tells it: led if all are, configured as the first, as many clusters as the worst. */
  async look(): Promise<Pick<Checkpoint, "leader" | "configured" | "clusters" | "alive">> {
    const all = await Promise.all(this.#clusters.map(look));
    const [first] = all;
    const isLed = all.every(({ leader }) => leader !== undefined);
    const names = all.map(({ leader }, i) => (this.#groups[i]?.name ? `${this.#groups[i].name}-${leader}` : leader));
    return {
      leader: isLed ? names.join(", ") : undefined,
      configured: first?.configured ?? 0,
      clusters: Math.max(...all.map(({ clusters }) => clusters)),
      alive: first?.alive ?? 0,
    };
  }

  /** Acknowledged writes that the leaders do not hold; undefined where one could not be asked. */
  async ackedLost(): Promise<number | undefined> {
    const all = await Promise.all(this.#groups.map(({ cluster, writer }) => lost(cluster, writer?.acked ?? [])));
    return all.reduce<number | undefined>(
      (sum, each) => (sum === undefined || each === undefined ? undefined : sum + each),
      0,
    );
  }

  /** What all writers saw together. Outages are those of the service. */
  written(): Written {
    const writers = this.#groups.flatMap(({ writer }) => (writer === undefined ? [] : [writer]));
    const own = writers.flatMap(({ outages }) => outages);
    const outages = writers.length > 1 ? together(own) : own;
    return {
      acked: writers.reduce((sum, { acked }) => sum + acked.length, 0),
      unknown: writers.reduce((sum, { unknown }) => sum + unknown, 0),
      outages,
      longestOutageMs: Math.max(0, ...outages.map(([from, to]) => to - from)),
    };
  }

  /** Why members did not start, those that did not. */
  refusals(): string[] {
    return this.#groups.flatMap(({ name, cluster }) =>
      cluster.refusals().map((text) => (name === "" ? text : `${name}-${text}`)),
    );
  }

  get dirs(): string[] {
    return this.#clusters.map(({ dir }) => dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clusters.map((cluster) => cluster[Symbol.asyncDispose]()));
  }
}

/** Stretches in which one or more took no writes. */
function together(outages: Written["outages"]): Written["outages"] {
  const all = outages.map(([from, to]) => ({ fromUs: from * 1000, toUs: to * 1000, healed: true, cause: "" }));
  return union(all).map(({ fromUs, toUs }) => [fromUs / 1000, toUs / 1000] as const);
}
