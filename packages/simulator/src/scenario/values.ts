/** Durations, rates and distributions as people write them; every one needs its unit. */
import { profileOf } from "@ovnha/raft";
import { z } from "zod";
import { durationMs, UNITS } from "./duration.ts";
import type { Delay } from "./types.ts";

/** For the published schema: what an editor says of a value. */
const TEXT = {
  duration: {
    description: "a number and a unit (us, ms, s, m, h, d, y), such as 500ms, 5s, 10m",
    examples: ["500ms", "5s"],
  },
  rate: { description: "how often, such as 10/s or 6/m", examples: ["10/s"] },
  bandwidth: { description: "bytes a second, such as 10MB/s", examples: ["10MB/s"] },
  bytes: { description: "a size, such as 300MB", examples: ["300MB"] },
} as const;

export const zDuration: z.ZodType<number> = z
  .union([z.string(), z.number()])
  .transform((value, context): number => {
    if (value === 0) return 0;
    const ms = typeof value === "number" ? undefined : durationMs(value);
    if (ms !== undefined && ms <= 1e13) return ms;
    context.addIssue({
      code: "custom",
      message: `"${value}" is no duration: write a number and a unit, such as 500ms, 5s, 10m`,
    });
    return z.NEVER;
  })
  .meta(TEXT.duration);

export const zRate: z.ZodType<number> = z
  .union([z.string(), z.number()])
  .transform((value, context): number => {
    const match = /^(\d+(?:\.\d+)?)\s*\/\s*(s|m|h)$/.exec(String(value).trim());
    const perSecond = match === null ? Number.NaN : (Number(match[1]) * 1000) / UNITS[match[2] ?? "s"]!;
    if (perSecond > 0 && perSecond <= 100_000) return perSecond;
    context.addIssue({ code: "custom", message: `"${value}" is no rate: write 10/s or 6/m, at most 100000/s` });
    return z.NEVER;
  })
  .meta(TEXT.rate);

/** A release of Open vSwitch that there is a profile of. */
export const zVersion: z.ZodType<string> = z.string().superRefine((text, context) => {
  try {
    profileOf(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
  }
});

function bytesOf(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(k|M|G)?B$/.exec(text.trim());
  const bytes = match === null ? 0 : Number(match[1]) * ({ k: 1e3, M: 1e6, G: 1e9 }[match[2] ?? ""] ?? 1);
  return bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER ? bytes : undefined;
}

export const zBytesPerSecond: z.ZodType<number> = z
  .string()
  .transform((value, context): number => {
    const text = value.trim();
    const bytes = text.endsWith("/s") ? bytesOf(text.slice(0, -2)) : undefined;
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: "custom", message: `"${value}" is no bandwidth: write 10MB/s` });
    return z.NEVER;
  })
  .meta(TEXT.bandwidth);

export const zBytes: z.ZodType<number> = z
  .string()
  .transform((value, context): number => {
    const bytes = bytesOf(value);
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: "custom", message: `"${value}" is no size: write 300MB` });
    return z.NEVER;
  })
  .meta(TEXT.bytes);

const zMs = z.union([zDuration, z.number().min(0)]);

/** A duration alone is a constant. */
export const zDelay: z.ZodType<Delay> = z.union([
  zDuration.transform((ms): Delay => ({ dist: "constant", ms })),
  z
    .strictObject({ dist: z.literal("constant"), ms: z.number().min(0) })
    .transform(({ ms }): Delay => ({ dist: "constant", ms })),
  z
    .strictObject({ dist: z.literal("uniform"), ms: z.tuple([z.number().min(0), z.number().min(0)]) })
    .transform(({ ms }): Delay => ({ dist: "uniform", fromMs: Math.min(...ms), toMs: Math.max(...ms) })),
  z
    .strictObject({ dist: z.literal("exponential"), base: zMs, mean: zMs })
    .transform(({ base, mean }): Delay => ({ dist: "exponential", baseMs: base, meanMs: mean })),
  z
    .strictObject({ dist: z.literal("lognormal"), p50: zMs, p99: zMs })
    .transform(({ p50, p99 }): Delay => ({ dist: "lognormal", p50Ms: p50, p99Ms: p99 })),
]);
