/** The verbs of a schedule: each is a key of its step, with whom it is done to as the value. */
import { z } from "zod";
import type { Action, Condition, Step } from "./types.ts";
import { durationMs } from "./duration.ts";
import { nearest } from "./nearest.ts";
import { zBytesPerSecond, zDelay, zDuration, zVersion } from "./values.ts";

type WithoutLine<T> = T extends unknown ? Omit<T, "line"> : never;
/** A step that does not know its line yet. */
export type Unplaced = WithoutLine<Step>;

const TARGET_WORDS = ["leader", "followers", "others", "random", "all"];
const zTarget = z.string().refine((text) => /^m\d+$/.test(text) || TARGET_WORDS.includes(text), {
  message: `whom: a member such as m1, or ${TARGET_WORDS.join(", ")}`,
});
const zHow = z
  .enum(["kill", "sigkill", "terminate", "sigterm", "exit", "powerloss"])
  .transform((how) => (how === "sigkill" ? ("kill" as const) : how === "sigterm" ? ("terminate" as const) : how));
const zBoot = z.enum(["same-disk", "join", "join-same-sid", "bootstrap", "kube-ovn"]);
const zWipe = z.enum(["all", "db-only"]);
const zFor = zDuration.optional();

/** The other keys of each verb. */
const VERBS = {
  restart: {
    value: zTarget,
    rest: {
      how: zHow.default("kill"),
      down: zDuration,
      wipe: zWipe.optional(),
      boot: zBoot.optional(),
      kick: z.boolean().default(false),
    },
    make: (target: string, rest) => ({
      do: "restart",
      target,
      how: rest.how,
      downMs: rest.down,
      wipe: rest.wipe,
      boot: rest.boot,
      kick: rest.kick,
    }),
  },
  stop: {
    value: zTarget,
    rest: { how: zHow.default("kill") },
    make: (target: string, { how }) => ({ do: "stop", target, how }),
  },
  start: {
    value: zTarget,
    rest: { boot: zBoot.optional() },
    make: (target: string, { boot }) => ({ do: "start", target, boot }),
  },
  pause: {
    value: zTarget,
    rest: { for: zFor },
    make: (target: string, rest) => ({ do: "pause", target, forMs: rest.for }),
  },
  resume: { value: zTarget, rest: {}, make: (target: string) => ({ do: "resume", target }) },
  wipe: {
    value: zTarget,
    rest: { what: zWipe.default("all") },
    make: (target: string, { what }) => ({ do: "wipe", target, what }),
  },
  rollback: {
    value: zTarget,
    rest: { to: zDuration },
    make: (target: string, rest) => ({ do: "rollback", target, toMs: rest.to }),
  },
  "move-address": { value: zTarget, rest: {}, make: (target: string) => ({ do: "move-address", target }) },
  cut: {
    value: z.tuple([zTarget, zTarget]),
    rest: { "one-way": z.boolean().default(false), for: zFor },
    make: (between: [string, string], rest) => ({ do: "cut", between, oneWay: rest["one-way"], forMs: rest.for }),
  },
  isolate: {
    value: zTarget,
    rest: { for: zFor },
    make: (target: string, rest) => ({ do: "isolate", target, forMs: rest.for }),
  },
  mute: {
    value: zTarget,
    rest: { for: zFor },
    make: (target: string, rest) => ({ do: "mute", target, forMs: rest.for }),
  },
  heal: { value: z.literal("all"), rest: {}, make: () => ({ do: "heal" }) },
  swizzle: {
    value: z.literal("all"),
    rest: { every: zDuration },
    make: (_: string, rest) => ({ do: "swizzle", everyMs: rest.every }),
  },
  degrade: {
    value: zTarget,
    rest: { latency: zDelay.optional(), bandwidth: zBytesPerSecond.optional(), for: zFor },
    make: (target: string, rest) => ({
      do: "degrade",
      target,
      latency: rest.latency,
      bandwidth: rest.bandwidth,
      forMs: rest.for,
    }),
  },
  "slow-disk": {
    value: zTarget,
    rest: { fsync: zDelay, for: zFor },
    make: (target: string, rest) => ({ do: "slow-disk", target, fsync: rest.fsync, forMs: rest.for }),
  },
  "lying-disk": { value: zTarget, rest: {}, make: (target: string) => ({ do: "lying-disk", target }) },
  "fill-disk": {
    value: zTarget,
    rest: { for: zFor },
    make: (target: string, rest) => ({ do: "fill-disk", target, forMs: rest.for }),
  },
  clock: {
    value: zTarget,
    rest: { ppm: z.number().min(-500_000).max(500_000) },
    make: (target: string, { ppm }) => ({ do: "clock", target, ppm }),
  },
  burst: { value: z.number().int().min(1).max(100_000), rest: {}, make: (count: number) => ({ do: "burst", count }) },
  compact: { value: zTarget, rest: {}, make: (target: string) => ({ do: "compact", target }) },
  transfer: { value: z.literal("leader"), rest: {}, make: () => ({ do: "transfer" }) },
  "change-timer": {
    value: zTarget,
    rest: { to: zDuration },
    make: (target: string, rest) => ({ do: "change-timer", target, toMs: rest.to }),
  },
  join: { value: z.string().regex(/^m\d+$/), rest: {}, make: (name: string) => ({ do: "join", name }) },
  leave: { value: zTarget, rest: {}, make: (target: string) => ({ do: "leave", target }) },
  kick: {
    value: z.union([z.literal("ghosts"), zTarget]),
    rest: {},
    make: (target: string) => ({ do: "kick", target }),
  },
  upgrade: {
    value: zTarget,
    rest: { profile: zVersion, down: zDuration },
    make: (target: string, rest) => ({ do: "upgrade", target, profile: rest.profile, downMs: rest.down }),
  },
  "failure-test": {
    value: zTarget,
    rest: { test: z.string() },
    make: (target: string, { test }) => ({ do: "failure-test", target, test }),
  },
  mark: { value: z.string().max(200), rest: {}, make: (text: string) => ({ do: "mark", text }) },
  expect: {
    value: z.strictObject({
      leader: z.boolean().optional(),
      configured: z.number().int().min(0).optional(),
      connected: zTarget.optional(),
      clusters: z.number().int().min(0).optional(),
    }),
    rest: {},
    make: (value) => ({ do: "expect", ...value }),
  },
  // biome-ignore lint/suspicious/noExplicitAny: each entry ties its own value, rest and action; the table holds them all.
} as const satisfies Record<string, { value: z.ZodType; rest: z.ZodRawShape; make: (value: any, rest: any) => Action }>;

export const VERB_NAMES: readonly string[] = Object.keys(VERBS);

/** What any step may say besides its verb. */
const STEP_KEYS: readonly string[] = ["at", "when", "after", "within"];

const CONDITION = /^(?:(healthy|caught-up|no-leader|leader)|([a-z0-9]+)\.(connected|joined|leads))$/;

const zWhen = z.string().transform((text, context): Condition => {
  const match = CONDITION.exec(text.trim());
  if (match?.[1] !== undefined) return { is: match[1] as "healthy" };
  if (match?.[2] !== undefined && zTarget.safeParse(match[2]).success)
    return { is: match[3] as "connected", target: match[2] };
  context.addIssue({
    code: "custom",
    message: `"${text}" is no condition: write healthy, leader, no-leader, caught-up, m2.connected, m2.joined or m2.leads`,
  });
  return z.NEVER;
});

const stepOf = (verb: string) => {
  const { value, rest, make } = VERBS[verb as keyof typeof VERBS] as (typeof VERBS)["restart"];
  return z
    .strictObject({
      at: zDuration.optional(),
      when: zWhen.optional(),
      after: zDuration.default(0),
      within: zDuration.default(durationMs("10m") ?? 0),
      [verb]: value,
      ...rest,
    })
    .transform((step, context): Unplaced => {
      const fields = step as unknown as Record<string, never> & {
        at?: number;
        when?: Condition;
        after: number;
        within: number;
      };
      const action = make(fields[verb] as never, fields as never) as Action;
      if ((fields.at === undefined) === (fields.when === undefined)) {
        context.addIssue({ code: "custom", message: "a step has either at, a time, or when, a condition" });
        return z.NEVER;
      }
      if (action.do === "degrade" && action.latency === undefined && action.bandwidth === undefined) {
        context.addIssue({ code: "custom", message: "degrade takes latency, bandwidth, or both" });
        return z.NEVER;
      }
      if (fields.at !== undefined) return { at: { ms: fields.at }, action };
      return { when: { condition: fields.when as Condition, afterMs: fields.after, withinMs: fields.within }, action };
    });
};

const STEPS = new Map(VERB_NAMES.map((verb) => [verb, stepOf(verb)]));

/** What a step with this verb may say, as it is written in a file; for the published schema. */
export function stepInput(verb: string): z.ZodType {
  const { value, rest } = VERBS[verb as keyof typeof VERBS];
  const when = z
    .string()
    .meta({ description: "healthy, leader, no-leader, caught-up, m2.connected, m2.joined or m2.leads" });
  return z
    .strictObject({
      at: zDuration.optional(),
      when: when.optional(),
      after: zDuration.optional(),
      within: zDuration.optional(),
      [verb]: value,
      ...rest,
    })
    .meta({ title: verb });
}

function isMissing(raw: Readonly<Record<string, unknown>>, path: readonly PropertyKey[]): boolean {
  return path.length === 1 && raw[String(path[0])] === undefined;
}

/** What people write for a key: taken for it where the verb has it. */
const OTHER_WORDS: Readonly<Record<string, string>> = { to: "profile", version: "profile", release: "profile" };

/** One step: the verb decides which other keys there may be. */
export const zStep: z.ZodType<Unplaced> = z.record(z.string(), z.unknown()).transform((raw, context): Unplaced => {
  const named = Object.keys(raw).filter((key) => STEPS.has(key));
  // `wipe` is a verb of its own, and a detail of `restart`.
  const verbs = named.filter(
    (verb) => !named.some((other) => other !== verb && verb in VERBS[other as keyof typeof VERBS].rest),
  );
  const [verb] = verbs;
  if (verb === undefined || verbs.length > 1) {
    const strange = Object.keys(raw).find((key) => !STEP_KEYS.includes(key) && !STEPS.has(key));
    const meant = strange === undefined ? undefined : nearest(strange, VERB_NAMES);
    const what =
      verb !== undefined
        ? `this step does two things: ${verbs.join(" and ")}`
        : strange === undefined
          ? "this step says nothing to do"
          : `"${strange}" is no verb${meant === undefined ? "" : `: did you mean ${meant}?`}`;
    context.addIssue({
      code: "custom",
      message: meant === undefined || verb !== undefined ? `${what}; the verbs are ${VERB_NAMES.join(", ")}` : what,
      path: verb === undefined && strange !== undefined ? [strange] : [],
    });
    return z.NEVER;
  }
  const parsed = STEPS.get(verb)!.safeParse(raw);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const [unknown] = issue.code === "unrecognized_keys" ? issue.keys : [];
    const known = [...STEP_KEYS, ...Object.keys(VERBS[verb as keyof typeof VERBS].rest)];
    const meant =
      unknown === undefined
        ? undefined
        : known.includes(OTHER_WORDS[unknown] ?? "")
          ? OTHER_WORDS[unknown]
          : nearest(unknown, known);
    context.addIssue(
      unknown === undefined
        ? { code: "custom", message: isMissing(raw, issue.path) ? `${verb} needs it` : issue.message, path: issue.path }
        : {
            code: "custom",
            message: `unknown key "${unknown}"${meant === undefined ? "" : `, did you mean ${meant}?`}: ${verb} takes ${known.join(", ")}`,
            path: [...issue.path, unknown],
          },
    );
  }
  return z.NEVER;
});
