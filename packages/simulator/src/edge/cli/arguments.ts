/** Arguments as people write them, and what is said when they cannot be read. */
import { profileOf } from "@ovnha/raft";
import { InvalidArgumentError } from "commander";
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
