/** Arguments as people write them, and what is said when they cannot be read. */
import { profileOf } from "@ovnha/raft";
import { InvalidArgumentError, Option } from "commander";
import { durationMs } from "../../scenario/duration.ts";

export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(
      `Not a whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? "" : ` to ${most}`}.`,
    );
  };
}

/** Milliseconds of `40s`. */
export function duration(text: string): number {
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError("Not a duration: write a number and a unit, such as 500ms, 40s, 2m.");
}

/** An option that is a duration; its default is shown as it is given here, with its unit. */
export function lasting(flags: string, description: string, usually: string): Option {
  return new Option(flags, description).argParser(duration).default(duration(usually), usually);
}

export function seconds(text: string): number {
  return (/^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : duration(text)) / 1000;
}

export function profile(text: string): string {
  try {
    profileOf(text);
    return text;
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

/** `99.9%` or `0.999` to a share. */
export function share(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text.trim());
  const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === "%" ? 100 : 1);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("Not a share: write 99.9% or 0.999.");
}

export function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("Not a number greater than 0.");
}

/** Between two stops: a time, or a gate. */
export function wait(text: string): number | "healthy" | "joined" {
  return text === "healthy" || text === "joined" ? text : duration(text);
}
