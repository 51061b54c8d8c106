/** Bounds of the frame reader, so that a hostile or broken peer costs a bounded amount of memory and time. */
import { LimitError } from "./error.ts";

/**
 * Limits of one incoming message. A full replica of 200,000 logical flows arrives as one message of about 84 MB, with
 * rows of about 400 bytes and 5 million values; every default passes it several times over. Exceeding a limit ends the
 * connection with a `LimitError` whose `limit` is the option's name.
 */
export type ReaderLimits = {
  /** Bytes of one message, from its opening to its closing brace. Default 1 GiB. */
  readonly frameBytesMax?: number | undefined;
  /**
   * Bytes of one value that is parsed in one piece: a row of a large message, a whole small message, or a member name.
   * A string or a number can't be longer than this. Default 64 MiB.
   */
  readonly valueBytesMax?: number | undefined;
  /**
   * Values in one message: array elements, members and containers, counted by their separators. Bounds what a few bytes
   * such as `{},{},{}` grow to in memory. Default 50 million.
   */
  readonly valuesMax?: number | undefined;
  /** Arrays and objects inside one another. Default 1000, as in ovsdb-server's own parser. */
  readonly depthMax?: number | undefined;
  /**
   * Messages that grow beyond this many bytes are parsed row by row as they arrive; smaller ones in one piece at
   * their end. Not a limit, but it decides the longest stall. Default 64 KiB.
   */
  readonly splitBytes?: number | undefined;
};

/** {@link ReaderLimits} with every default filled in. */
export type ResolvedLimits = { readonly [name in keyof ReaderLimits]-?: number };

export const DEFAULT_LIMITS: ResolvedLimits = {
  frameBytesMax: 1024 * 1024 * 1024,
  valueBytesMax: 64 * 1024 * 1024,
  valuesMax: 50_000_000,
  depthMax: 1000,
  splitBytes: 64 * 1024,
};

/** @throws LimitError if a limit is not a positive number. */
export function resolveLimits(limits: ReaderLimits = {}): ResolvedLimits {
  const resolved = { ...DEFAULT_LIMITS };
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof ReaderLimits)[]) {
    const value = limits[name];
    if (value === undefined) continue;
    if (!(value >= 1)) throw new LimitError(name, `${name} must be a number of at least 1, not ${String(value)}`);
    resolved[name] = value;
  }
  return resolved;
}

/** The error for a message that goes beyond a limit: what was found, and which option lets it pass. */
export function beyondLimit(name: keyof ReaderLimits, limits: ResolvedLimits, what: string): LimitError {
  return new LimitError(
    name,
    `${what} beyond ${limits[name]}; raise the reader limit ${name} if such messages are expected`,
    { origin: "remote" },
  );
}
