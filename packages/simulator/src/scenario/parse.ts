/** YAML or JSON to a scenario. What is wrong is told with line and column, all of it at once. */
import { BEHAVIOUR_NAMES } from "@ovnha/raft";
import { type Document, isCollection, isNode, isPair, isScalar, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { ScenarioError } from "./error.ts";
import { nearest } from "./nearest.ts";
import { formatDuration } from "./duration.ts";
import { zStep } from "./steps.ts";
import { DATABASE_BYTES, type Expectation, type Scenario, type Step } from "./types.ts";
import { zBytes, zBytesPerSecond, zDelay, zDuration, zRate, zVersion } from "./values.ts";

const TEXT_MAX = 1 << 20;
const STEPS_MAX = 10_000;

const zFlags = z.partialRecord(z.enum(BEHAVIOUR_NAMES as [string, ...string[]]), z.boolean());
const zTimer = zDuration.refine((ms) => ms >= 100 && ms <= 600_000, "an election timer is 100ms to 600s");
const words = ["safe", "brief", "outage", "permanent", "violation"] as const;
const zWord = z.enum(words);

const zExpect = z
  .strictObject({
    verdict: z.union([zWord, z.array(zWord).min(1)]).optional(),
    "acked-lost": z.union([z.number().int().min(0), z.literal("some")]).optional(),
    leader: z.boolean().optional(),
    configured: z.number().int().min(1).optional(),
    ghosts: z.number().int().min(0).optional(),
    clusters: z.number().int().min(1).optional(),
    outage: z
      .strictObject({
        "at-most": zDuration.optional(),
        "at-least": zDuration.optional(),
        quantile: z.number().min(0).max(1).default(1),
      })
      .optional(),
  })
  .transform(
    (raw): Expectation => ({
      verdict: raw.verdict === undefined ? undefined : Array.isArray(raw.verdict) ? raw.verdict : [raw.verdict],
      ackedLost: raw["acked-lost"],
      leader: raw.leader,
      configured: raw.configured,
      ghosts: raw.ghosts,
      clusters: raw.clusters,
      outageMs:
        raw.outage === undefined
          ? undefined
          : { atMost: raw.outage["at-most"], atLeast: raw.outage["at-least"], quantile: raw.outage.quantile },
    }),
  );

const zScenario = z.strictObject({
  version: z.literal(1, { message: "write version: 1" }),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "lower-case letters, digits and dashes"),
  title: z.string().default(""),
  reason: z.string().default(""),
  cluster: z
    .strictObject({
      members: z.number().int().min(1).max(16),
      timer: zTimer.default(1000),
      profile: zVersion.default("3.7.1"),
      flags: zFlags.default({}),
      profiles: z.record(z.string().regex(/^m\d+$/), zVersion).default({}),
      watchdog: z.enum(["none", "kube-ovn"]).default("none"),
    })
    .prefault({ members: 3 }),
  models: z
    .strictObject({
      latency: zDelay.prefault({ dist: "uniform", ms: [0.2, 0.7] }),
      fsync: zDelay.prefault({ dist: "lognormal", p50: "1ms", p99: "8ms" }),
      bandwidth: zBytesPerSecond.optional(),
      database: zBytes.optional(),
      snapshot: zDuration.default(0),
    })
    .prefault({}),
  groups: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9]{0,15}$/, "a short word of lower-case letters and digits, such as nb"),
        timer: zTimer.optional(),
        profile: zVersion.optional(),
        snapshot: zDuration.optional(),
        rate: zRate.optional(),
      }),
    )
    .max(4)
    .default([]),
  clients: z
    .array(
      z.strictObject({
        kind: z.enum(["writer", "reader"]),
        name: z.string().optional(),
        rate: zRate.default(10),
        to: z
          .string()
          .regex(/^(leader|any|m\d+)$/, "leader, any, or a member")
          .default("any"),
      }),
    )
    .max(100)
    .prefault([{ kind: "writer", rate: "10/s" }]),
  schedule: z.array(zStep).max(STEPS_MAX).default([]),
  expect: zExpect.prefault({}),
  run: z
    .strictObject({
      for: zDuration.refine((ms) => ms > 0, "longer than nothing"),
      seeds: z.number().int().min(1).max(1_000_000).default(100),
    })
    .prefault({ for: "3m" }),
  found: z
    .strictObject({
      seed: z.number().int().min(0),
      trace: z.string().regex(/^[0-9a-f]{16}$/, "16 hexadecimal digits"),
      failures: z.array(z.string()).max(100),
    })
    .optional(),
});

/** The shape of a file, without what is checked behind it; see schema.ts. */
export const scenarioInput: z.ZodType = zScenario;

/** Throws `ScenarioError` with every complaint, a line each; `line` and `column` are those of the first. */
export function parseScenario(text: string, file?: string): Scenario {
  if (text.length > TEXT_MAX)
    throw new ScenarioError(`${file ?? "scenario"} has ${text.length} characters, more than ${TEXT_MAX}`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const [bad] = document.errors;
  if (bad !== undefined) {
    const { line, col } = lines.linePos(bad.pos[0]);
    throw new ScenarioError((bad.message.split("\n")[0] ?? "").replace(/ at line \d+, column \d+:?$/, ""), {
      file,
      line,
      column: col,
    });
  }
  if (document.contents === null)
    throw new ScenarioError(
      "there is no scenario in it: it begins with version: 1, a name and a schedule (quorum-sim show s1 prints one)",
      { file, line: 1, column: 1 },
    );
  const parsed = zScenario.safeParse(plainValue(document, file));
  if (!parsed.success) throw complain(parsed.error, document, lines, file);
  const { cluster, models, groups, clients, schedule, run, found, ...rest } = parsed.data;
  const steps = schedule.map((step, i) => ({ ...step, line: placeOf(document, lines, ["schedule", i]).line }) as Step);
  const scenario: Scenario = {
    ...rest,
    cluster: {
      members: cluster.members,
      electionTimerMs: cluster.timer,
      profile: cluster.profile,
      flags: cluster.flags,
      profiles: cluster.profiles,
      watchdog: cluster.watchdog,
    },
    models: {
      latency: models.latency,
      fsync: models.fsync,
      bandwidth: models.bandwidth ?? Number.POSITIVE_INFINITY,
      databaseBytes: models.database ?? DATABASE_BYTES,
      snapshotMs: models.snapshot,
    },
    groups: groups.map(({ name, timer, profile, snapshot, rate }) => ({
      name,
      electionTimerMs: timer,
      profile,
      snapshotMs: snapshot,
      perSecond: rate,
    })),
    clients: clients.map((client, i) => ({
      kind: client.kind,
      name: client.name ?? `${client.kind}${i + 1}`,
      perSecond: client.rate,
      to: client.to,
    })),
    steps,
    forMs: run.for,
    seeds: run.seeds,
    ...(found && { found: { seed: found.seed, traceHash: found.trace, failures: found.failures } }),
  };
  checkNames(scenario, file);
  checkTimes(scenario, file);
  return scenario;
}

/** Aliases that lead nowhere, or to too much. */
function plainValue(document: Document, file: string | undefined): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ScenarioError(error instanceof Error ? error.message : String(error), { file, line: 1, column: 1 });
  }
}

/** Members that are named have to exist by then. */
function checkNames(scenario: Scenario, file: string | undefined): void {
  const known = new Set(Array.from({ length: scenario.cluster.members }, (_, i) => `m${i + 1}`));
  const check = (name: unknown, line: number | undefined): void => {
    if (typeof name !== "string" || !/^m\d+$/.test(name) || known.has(name)) return;
    throw new ScenarioError(`there is no member ${name}: the cluster has ${[...known].join(", ")}`, {
      file,
      line: line ?? 1,
      column: 1,
    });
  };
  for (const { action, line } of scenario.steps) {
    if (action.do === "join") {
      const next = `m${known.size + 1}`;
      if (action.name !== next)
        throw new ScenarioError(`the next member to join is ${next}, not ${action.name}`, {
          file,
          line: line ?? 1,
          column: 1,
        });
      known.add(next);
    }
    if ("target" in action) check(action.target, line);
    if (action.do === "cut") for (const name of action.between) check(name, line);
  }
  for (const { to } of scenario.clients) check(to, undefined);
  if (scenario.groups.length > 0) checkGroups(scenario, file);
}

/** A step that the run never comes to would be taken for done. */
function checkTimes({ steps, forMs }: Scenario, file: string | undefined): void {
  for (const step of steps) {
    if (!("at" in step) || step.at.ms <= forMs) continue;
    throw new ScenarioError(
      `${step.action.do} at ${formatDuration(step.at.ms)} is beyond the end of the run, which is ${formatDuration(forMs)} long: write run: { for: ${formatDuration(step.at.ms)} } or more`,
      { file, line: step.line ?? 1, column: 1 },
    );
  }
}

/** What happens to a host happens to it in every group: so it must be plain which host is meant. */
function checkGroups({ groups, steps }: Scenario, file: string | undefined): void {
  const names = groups.map(({ name }) => name);
  if (new Set(names).size < names.length)
    throw new ScenarioError(`two groups have the same name: ${names.join(", ")}`, { file, line: 1, column: 1 });
  for (const { action, line } of steps) {
    const whom = "target" in action ? [action.target] : action.do === "cut" ? action.between : [];
    const vague = whom.find((target) => ["leader", "followers", "others", "random"].includes(target));
    const what =
      action.do === "swizzle" ? "swizzle is by chance" : vague === undefined ? undefined : `who is "${vague}"`;
    if (what === undefined) continue;
    throw new ScenarioError(`with groups a step names its members: ${what} differs from group to group`, {
      file,
      line: line ?? 1,
      column: 1,
    });
  }
}

type Path = readonly PropertyKey[];

function complain(error: z.ZodError, document: Document, lines: LineCounter, file: string | undefined): ScenarioError {
  const complaints = error.issues.slice(0, 20).map((issue) => {
    const extra = issue.code === "unrecognized_keys" ? issue.keys : [];
    const place = placeOf(document, lines, extra.length > 0 ? [...issue.path, extra[0]!] : issue.path);
    const where = issue.path.map(String).join(".");
    const known = extra.length > 0 ? keysAt(issue.path) : [];
    const named = extra.map((key) => {
      const meant = nearest(key, known);
      return meant === undefined ? `"${key}"` : `"${key}", did you mean ${meant}?`;
    });
    const what = extra.length > 0 ? `unknown key ${named.join(", ")}` : issue.message;
    return { ...place, text: where === "" ? what : `${where}: ${what}` };
  });
  complaints.sort((a, b) => a.line - b.line || a.column - b.column);
  const [first] = complaints;
  const more = complaints.slice(1).map(({ line, column, text }) => `${file ?? "scenario"}:${line}:${column}: ${text}`);
  return new ScenarioError([first?.text ?? "", ...more].join("\n"), {
    file,
    line: first?.line ?? 1,
    column: first?.column ?? 1,
  });
}

/** The keys of the object at a path of the schema; none where that is no object. */
function keysAt(path: Path): string[] {
  let schema: unknown = zScenario;
  for (const part of [...path, undefined]) {
    for (let inner = innerOf(schema); inner !== undefined; inner = innerOf(schema)) schema = inner;
    if (part === undefined) break;
    if (schema instanceof z.ZodArray) schema = schema.element;
    else if (schema instanceof z.ZodObject) schema = schema.shape[String(part)];
    else return [];
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** What a default, an option or a transformation is put around. */
function innerOf(schema: unknown): unknown {
  if (schema instanceof z.ZodPipe) return schema.in;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return schema.unwrap();
  return undefined;
}

/** Where the value of a path is written, or the nearest that holds it. */
function placeOf(document: Document, lines: LineCounter, path: Path): { line: number; column: number } {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length) as unknown[], true);
    const start = keyStart(document, path.slice(0, length)) ?? (isNode(node) ? node.range?.[0] : undefined);
    if (start === undefined) continue;
    const { line, col } = lines.linePos(start);
    return { line, column: col };
  }
  return { line: 1, column: 1 };
}

function keyStart(document: Document, path: Path): number | undefined {
  const last = path.at(-1);
  if (typeof last !== "string") return undefined;
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1) as unknown[], true);
  if (!isCollection(parent)) return undefined;
  for (const item of parent.items)
    if (isPair(item) && isScalar(item.key) && item.key.value === last) return item.key.range?.[0];
  return undefined;
}
