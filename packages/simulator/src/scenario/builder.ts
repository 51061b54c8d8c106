/** Scenarios in TypeScript: the same verbs, the same checks, the same values as in a file. */
import { parseScenario } from "./parse.ts";
import type { Scenario } from "./types.ts";

/** As in a file: `40s`, `500ms`. */
export type Duration = `${number}${"us" | "ms" | "s" | "m" | "h" | "d"}`;

type Fields = Readonly<Record<string, unknown>>;
type Member = string;

/** What one step can do; each call adds the step and gives the builder back. */
export type StepBuilder = {
  restart(
    whom: Member,
    how: { down: Duration; how?: string; wipe?: "all" | "db-only"; boot?: string; kick?: boolean },
  ): ScenarioBuilder;
  stop(whom: Member, how?: { how?: string }): ScenarioBuilder;
  start(whom: Member, how?: { boot?: string }): ScenarioBuilder;
  pause(whom: Member, how?: { for?: Duration }): ScenarioBuilder;
  isolate(whom: Member, how?: { for?: Duration }): ScenarioBuilder;
  mute(whom: Member, how?: { for?: Duration }): ScenarioBuilder;
  cut(between: readonly [Member, Member], how?: { "one-way"?: boolean; for?: Duration }): ScenarioBuilder;
  wipe(whom: Member, how?: { what?: "all" | "db-only" }): ScenarioBuilder;
  kick(whom: Member | "ghosts"): ScenarioBuilder;
  join(name: Member): ScenarioBuilder;
  leave(whom: Member): ScenarioBuilder;
  expect(what: { leader?: boolean; configured?: number; connected?: Member; clusters?: number }): ScenarioBuilder;
  /** Any verb of a file, with its keys. */
  do(verb: string, value: unknown, rest?: Fields): ScenarioBuilder;
};

export type ScenarioBuilder = {
  members(count: number): ScenarioBuilder;
  timer(duration: Duration): ScenarioBuilder;
  profile(version: string): ScenarioBuilder;
  writer(options?: { rate?: string; to?: string }): ScenarioBuilder;
  reader(options?: { rate?: string; to?: string }): ScenarioBuilder;
  models(models: Fields): ScenarioBuilder;
  at(time: Duration): StepBuilder;
  when(condition: string, how?: { after?: Duration; within?: Duration }): StepBuilder;
  /** What the end must be, as `expect` in a file. */
  ends(expected: Fields): ScenarioBuilder;
  for(duration: Duration): ScenarioBuilder;
  /** Throws `ScenarioError` for what a file could not say either. */
  build(): Scenario;
};

type Draft = {
  readonly name: string;
  readonly cluster: Fields;
  readonly models: Fields | undefined;
  readonly clients: readonly Fields[];
  readonly schedule: readonly Fields[];
  readonly expect: Fields | undefined;
  readonly run: Fields;
};

/** Begins a scenario of three members and three minutes; each call gives a new builder. */
export function scenario(name: string): ScenarioBuilder {
  return builderOf({
    name,
    cluster: { members: 3 },
    models: undefined,
    clients: [],
    schedule: [],
    expect: undefined,
    run: { for: "3m" },
  });
}

function builderOf(draft: Draft): ScenarioBuilder {
  const cluster = (more: Fields): ScenarioBuilder => builderOf({ ...draft, cluster: { ...draft.cluster, ...more } });
  const client = (kind: string, options: Fields = {}): ScenarioBuilder =>
    builderOf({ ...draft, clients: [...draft.clients, { kind, rate: "10/s", ...options }] });
  return {
    members: (members) => cluster({ members }),
    timer: (timer) => cluster({ timer }),
    profile: (profile) => cluster({ profile }),
    writer: (options) => client("writer", options),
    reader: (options) => client("reader", options),
    models: (models) => builderOf({ ...draft, models: { ...draft.models, ...models } }),
    at: (at) => stepOf(draft, { at }),
    when: (when, how) => stepOf(draft, { when, ...how }),
    ends: (expected) => builderOf({ ...draft, expect: { ...draft.expect, ...expected } }),
    for: (duration) => builderOf({ ...draft, run: { ...draft.run, for: duration } }),
    build: () => {
      const { clients, models, expect, ...rest } = draft;
      const given = {
        ...(clients.length === 0 ? {} : { clients }),
        ...(models && { models }),
        ...(expect && { expect }),
      };
      return parseScenario(JSON.stringify({ version: 1, ...rest, ...given }, undefined, 1), draft.name);
    },
  };
}

function stepOf(draft: Draft, when: Fields): StepBuilder {
  const add = (verb: string, value: unknown, rest: Fields = {}): ScenarioBuilder =>
    builderOf({ ...draft, schedule: [...draft.schedule, { ...when, [verb]: value, ...rest }] });
  return {
    restart: (whom, how) => add("restart", whom, how),
    stop: (whom, how) => add("stop", whom, how),
    start: (whom, how) => add("start", whom, how),
    pause: (whom, how) => add("pause", whom, how),
    isolate: (whom, how) => add("isolate", whom, how),
    mute: (whom, how) => add("mute", whom, how),
    cut: (between, how) => add("cut", between, how),
    wipe: (whom, how) => add("wipe", whom, how),
    kick: (whom) => add("kick", whom),
    join: (name) => add("join", name),
    leave: (whom) => add("leave", whom),
    expect: (what) => add("expect", what),
    do: add,
  };
}
