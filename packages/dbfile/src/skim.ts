/**
 * The outline of a long record without a look at its rows: the hash vouches for them. What stands before the rows is read
 * from the front and what stands behind them from the back; only the date is searched for between.
 */
import { JsonScanner } from "./scan/json-scanner.ts";
import { type MemberSpan, type Outline, OutlineVisitor } from "./scan/outline.ts";
import type { Window } from "./scan/window.ts";

/** Where `needle` begins in `haystack`, or -1; from outside, because the system's is a hundred times as fast as ours. */
export type FindBytes = (haystack: Uint8Array, needle: Uint8Array) => number;

/** Members behind the rows: ids, a few numbers, the list of servers. */
const TAIL_BYTES_MAX = 1 << 16;
const ENCODER = new TextEncoder();
/**
 * A quote that is not escaped, before a name and a colon, is a member's. No table or column may begin with "_", so that this
 * one is the transaction's annotation, wherever it stands.
 */
const DATE = ENCODER.encode('"_date":');
/** Searched for instead: a search goes from one first byte to the next, and rows are full of quotes. */
const DATE_WITHOUT_QUOTE = DATE.subarray(1);
const QUOTE = 0x22;
const DATE_TEXT = /^"_date":([0-9]{1,16})[,}]/;
const DATE_BYTES_MAX = DATE.length + 17;
const OPEN_BRACE = ENCODER.encode("{");
const COMMA = 0x2c;
const CLOSE_ARRAY = 0x5d;
const CLOSE_OBJECT = 0x7d;

export class Skimmer {
  readonly #scanner: JsonScanner;
  readonly #visitor: OutlineVisitor;
  readonly #isClustered: boolean;
  readonly #find: FindBytes;
  /** The rows have begun; nothing is scanned any more. */
  #isInRows = false;
  #dateOffset = -1;
  /** The last bytes of the piece before, for a name that two pieces share. */
  readonly #seam = new Uint8Array(2 * DATE.length);

  constructor(isClustered: boolean, find: FindBytes, scanner: JsonScanner, visitor: OutlineVisitor) {
    this.#isClustered = isClustered;
    this.#find = find;
    this.#scanner = scanner;
    this.#visitor = visitor;
  }

  /** Like JsonScanner's. The first piece may be short: what stands before the rows is scanned in small steps. */
  push(bytes: Uint8Array, from: number, to: number, position: number): void {
    let at = from;
    while (!this.#isInRows && at < to) {
      const end = Math.min(to, at + HEAD_STEP_BYTES);
      this.#scanner.push(bytes, at, end, position + at - from);
      at = end;
      this.#isInRows = !this.#isClustered || this.#visitor.transactionStart !== undefined;
    }
    this.#searchDate(bytes, from, to, position);
  }

  #searchDate(bytes: Uint8Array, from: number, to: number, position: number): void {
    if (this.#dateOffset !== -1) return;
    const half = DATE.length;
    this.#seam.set(bytes.subarray(from, Math.min(to, from + half)), half);
    const atSeam = this.#find(this.#seam, DATE);
    if (atSeam !== -1) this.#dateOffset = position - half + atSeam;
    this.#seam.fill(0);
    if (to - from >= half) this.#seam.set(bytes.subarray(to - half, to));
    for (let at = from + 1; this.#dateOffset === -1 && at < to; ) {
      const found = this.#find(bytes.subarray(at, to), DATE_WITHOUT_QUOTE);
      if (found === -1) return;
      if (bytes[at + found - 1] === QUOTE) this.#dateOffset = position + at + found - 1 - from;
      at += found + 1;
    }
  }

  /** The outline of `[bodyOffset, endOffset)`; undefined if it has to be scanned after all. `window` may move. */
  finish(window: Window, endOffset: number): Outline | undefined {
    if (!this.#isInRows)
      return this.#scanner.finish(endOffset) && this.#scanner.rootIsObject ? this.#visitor.outline() : undefined;
    const date = this.#dateMember(window);
    const members = date === undefined ? [] : [date];
    if (!this.#isClustered) return { members, data: undefined };
    return this.#withTail(window, endOffset, members);
  }

  #dateMember(window: Window): MemberSpan | undefined {
    const start = this.#dateOffset;
    if (start === -1) return undefined;
    const end = Math.min(start + DATE_BYTES_MAX, window.source.sizeBytes);
    const text = String.fromCharCode(...window.view({ start, end }));
    const digits = DATE_TEXT.exec(text)?.[1];
    if (digits === undefined) return undefined;
    const value = start + DATE.length;
    return { key: { start, end: value - 1 }, value: { start: value, end: value + digits.length } };
  }

  /** Looks for the end of the data: the last `}]` behind which there are only members of a record. */
  #withTail(window: Window, endOffset: number, members: readonly MemberSpan[]): Outline | undefined {
    const start = Math.max(
      this.#visitor.transactionStart as number,
      endOffset - Math.min(TAIL_BYTES_MAX, window.bytes.length),
    );
    const tail = window.view({ start, end: endOffset });
    for (let at = tail.length - 2; at >= 0; at--) {
      if (tail[at] !== CLOSE_OBJECT || tail[at + 1] !== CLOSE_ARRAY) continue;
      const rest = tailMembers(tail, at + 2, start);
      if (rest !== undefined) return this.#visitor.skimmedOutline(members, start + at + 1, rest);
    }
    return undefined;
  }
}

const HEAD_STEP_BYTES = 1 << 12;

/** The members in `tail[from…]`, which begins behind the data; undefined if that is no end of a record. */
function tailMembers(tail: Uint8Array, from: number, position: number): readonly MemberSpan[] | undefined {
  if (tail[from] !== COMMA && tail[from] !== CLOSE_OBJECT) return undefined;
  const visitor = new OutlineVisitor(false, () => "");
  const scanner = new JsonScanner(visitor);
  scanner.push(OPEN_BRACE, 0, 1, position + from - 1);
  const begin = tail[from] === COMMA ? from + 1 : from;
  const isWhole = scanner.push(tail, begin, tail.length, position + begin) && scanner.finish(position + tail.length);
  return isWhole ? visitor.outline().members : undefined;
}
