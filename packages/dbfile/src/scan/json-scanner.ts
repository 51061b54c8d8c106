/**
 * Walks one JSON text that comes in pieces, checks its grammar as ovsdb-server's parser does, and tells a visitor where
 * values begin and end. It builds nothing, so a text of gigabytes costs no memory. Positions are those of the caller.
 */
import { PLAIN, StringScanner } from "./string-scanner.ts";

export interface JsonVisitor {
  /** An object or array begins. True to be told of what is in it; false to get it whole, as one `value`. */
  open(isObject: boolean, start: number): boolean;
  /**
   * The name of the next member, with its quotes, in an object that was opened. `isPlain`: it is what its bytes say; otherwise
   * escapes may be in it.
   */
  key(start: number, end: number, isPlain: boolean): void;
  /** A value that was not opened: its bytes are `[start, end)`. */
  value(start: number, end: number): void;
  /** The innermost opened object or array is complete; it ends before `end`. */
  close(end: number): void;
}

/** ovsdb-server's parser stops at 1000. */
export const DEPTH_MAX = 1000;

// What may come next.
const VALUE = 0;
const FIRST_ELEMENT = 1; // A value, or the end of an empty array.
const FIRST_KEY = 2; // A name, or the end of an empty object.
const KEY = 3;
const COLON = 4;
const NEXT = 5; // A comma, or the end of the container.
const DONE = 6;
const IN_KEY = 7;
const IN_STRING = 8;
const IN_NUMBER = 9;
const IN_WORD = 10;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON_BYTE = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

// Where a number is; it may end where the name says so.
const AFTER_MINUS = 0;
const ZERO_MAY_END = 1;
const DIGITS_MAY_END = 2;
const AFTER_POINT = 3;
const FRACTION_MAY_END = 4;
const AFTER_E = 5;
const AFTER_SIGN = 6;
const EXPONENT_MAY_END = 7;

const WORDS = ["true", "false", "null"];

export class JsonScanner {
  readonly #visitor: JsonVisitor;
  readonly #string = new StringScanner();
  /** By depth, from 1: 1 for an object. */
  readonly #objects = new Uint8Array(DEPTH_MAX + 1);
  #state = VALUE;
  #depth = 0;
  /** Containers that the visitor opened; they are the outermost ones. */
  #opened = 0;
  /** Where the current leaf or name began. */
  #start = 0;
  #number = 0;
  #word = "";
  #wordAt = 0;
  #fault: string | undefined;
  #rootIsObject = false;

  constructor(visitor: JsonVisitor) {
    this.#visitor = visitor;
  }

  /** Why the text is not JSON; undefined as long as it may be. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Once the text is done: whether it is an object. */
  get rootIsObject(): boolean {
    return this.#rootIsObject;
  }

  /** For the next text. */
  reset(): void {
    this.#state = VALUE;
    this.#depth = 0;
    this.#opened = 0;
    this.#fault = undefined;
    this.#string.reset();
  }

  /** No more bytes come: false, with a `fault`, if the text is not one whole value. */
  finish(end: number): boolean {
    if (this.#fault === undefined && this.#state === IN_NUMBER && this.#depth === 0) this.#endNumber(end);
    if (this.#fault === undefined && this.#state !== DONE) this.#fault = "the text ends inside a value";
    return this.#fault === undefined;
  }

  /** Takes `bytes[from, to)`; the byte at `from` has position `position`. False, with a `fault`, if it is not JSON. */
  push(bytes: Uint8Array, from: number, to: number, position: number): boolean {
    if (this.#fault !== undefined) return false;
    const shift = position - from;
    const visitor = this.#visitor;
    const objects = this.#objects;
    const plain = PLAIN;
    const fourEnd = to - 3;
    let at = from;
    let state = this.#state;
    let depth = this.#depth;
    let opened = this.#opened;
    while (at < to) {
      if (state >= IN_KEY) {
        this.#state = state;
        at = this.#resume(bytes, at, to, shift);
        if (this.#fault !== undefined) return false;
        state = this.#state;
        continue;
      }
      const byte = bytes[at] as number;
      at++;
      switch (byte) {
        case 0x20:
        case 0x09:
        case 0x0a:
        case 0x0d:
          break;
        case QUOTE: {
          const isName = state === KEY || state === FIRST_KEY;
          if (!isName && state !== VALUE && state !== FIRST_ELEMENT)
            return this.#unexpected(byte, state, at - 1 + shift);
          const start = at - 1;
          // Nearly all strings are plain and end in this piece: they never reach the string scanner. Four bytes at a time
          // save a tenth of the whole walk.
          while (
            at < fourEnd &&
            (plain[bytes[at] as number] as number) +
              (plain[bytes[at + 1] as number] as number) +
              (plain[bytes[at + 2] as number] as number) +
              (plain[bytes[at + 3] as number] as number) ===
              4
          )
            at += 4;
          while (at < to && plain[bytes[at] as number] === 1) at++;
          if (at < to && bytes[at] === QUOTE) {
            at++;
            state = isName ? COLON : depth === 0 ? DONE : NEXT;
            if (opened === depth) {
              if (isName) visitor.key(start + shift, at + shift, true);
              else visitor.value(start + shift, at + shift);
            }
            // What follows nearly always, without another turn.
            if (at < to && isName && bytes[at] === COLON_BYTE) {
              at++;
              state = VALUE;
            } else if (at < to && state === NEXT && bytes[at] === COMMA) {
              at++;
              state = objects[depth] === 1 ? KEY : VALUE;
            }
            break;
          }
          state = isName ? IN_KEY : IN_STRING;
          this.#string.begin();
          if (opened === depth) this.#start = start + shift;
          break;
        }
        case COMMA:
          if (state !== NEXT) return this.#unexpected(byte, state, at - 1 + shift);
          state = objects[depth] === 1 ? KEY : VALUE;
          break;
        case COLON_BYTE:
          if (state !== COLON) return this.#unexpected(byte, state, at - 1 + shift);
          state = VALUE;
          break;
        case OPEN_OBJECT:
        case OPEN_ARRAY: {
          if (state !== VALUE && state !== FIRST_ELEMENT) return this.#unexpected(byte, state, at - 1 + shift);
          if (depth === DEPTH_MAX) return this.#fail(`values are nested deeper than ${DEPTH_MAX}`, at - 1 + shift);
          const isObject = byte === OPEN_OBJECT;
          if (depth === 0) this.#rootIsObject = isObject;
          if (opened === depth) {
            if (visitor.open(isObject, at - 1 + shift)) this.#opened = ++opened;
            else this.#start = at - 1 + shift;
          }
          this.#depth = ++depth;
          objects[depth] = isObject ? 1 : 0;
          state = isObject ? FIRST_KEY : FIRST_ELEMENT;
          break;
        }
        case CLOSE_OBJECT:
        case CLOSE_ARRAY: {
          const isObject = byte === CLOSE_OBJECT;
          const may = state === NEXT || state === (isObject ? FIRST_KEY : FIRST_ELEMENT);
          if (!may || depth === 0 || objects[depth] !== (isObject ? 1 : 0))
            return this.#unexpected(byte, state, at - 1 + shift);
          this.#depth = --depth;
          state = depth === 0 ? DONE : NEXT;
          if (opened > depth) {
            this.#opened = --opened;
            visitor.close(at + shift);
          } else if (opened === depth) visitor.value(this.#start, at + shift);
          break;
        }
        default:
          if ((state !== VALUE && state !== FIRST_ELEMENT) || !this.#beginScalar(byte))
            return this.#unexpected(byte, state, at - 1 + shift);
          if (opened === depth) this.#start = at - 1 + shift;
          state = this.#state;
      }
    }
    this.#state = state;
    return true;
  }

  /** Goes on inside a name, string, number or word. */
  #resume(bytes: Uint8Array, from: number, to: number, shift: number): number {
    if (this.#state === IN_NUMBER) return this.#runNumber(bytes, from, to, shift);
    if (this.#state === IN_WORD) return this.#runWord(bytes, from, to, shift);
    const at = this.#string.run(bytes, from, to);
    if (this.#string.fault !== undefined) this.#fail(this.#string.fault, at + shift);
    else if (this.#string.done) {
      if (this.#state === IN_STRING) this.#endScalar(at + shift);
      else {
        this.#state = COLON;
        if (this.#opened === this.#depth) this.#visitor.key(this.#start, at + shift, false);
      }
    }
    return at;
  }

  #beginScalar(byte: number): boolean {
    if (this.#depth === 0) this.#rootIsObject = false;
    if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      this.#state = IN_NUMBER;
      this.#number = byte === 0x2d ? AFTER_MINUS : byte === 0x30 ? ZERO_MAY_END : DIGITS_MAY_END;
      return true;
    }
    const word = WORDS.find((candidate) => candidate.charCodeAt(0) === byte);
    if (word === undefined) return false;
    this.#state = IN_WORD;
    this.#word = word;
    this.#wordAt = 1;
    return true;
  }

  #runNumber(bytes: Uint8Array, from: number, to: number, shift: number): number {
    let number = this.#number;
    let at = from;
    for (; at < to; at++) {
      const next = nextInNumber(number, bytes[at] as number);
      if (next === -1) {
        this.#number = number;
        this.#endNumber(at + shift);
        return at;
      }
      number = next;
    }
    this.#number = number;
    return at;
  }

  #endNumber(end: number): void {
    const number = this.#number;
    if (
      number === ZERO_MAY_END ||
      number === DIGITS_MAY_END ||
      number === FRACTION_MAY_END ||
      number === EXPONENT_MAY_END
    )
      this.#endScalar(end);
    else this.#fail("a number is cut short", end);
  }

  #runWord(bytes: Uint8Array, from: number, to: number, shift: number): number {
    let at = from;
    while (at < to && this.#wordAt < this.#word.length) {
      if (bytes[at] !== this.#word.charCodeAt(this.#wordAt)) {
        this.#fail(`"${this.#word}" is not spelt so`, at + shift);
        return at;
      }
      this.#wordAt++;
      at++;
    }
    if (this.#wordAt === this.#word.length) this.#endScalar(at + shift);
    return at;
  }

  #endScalar(end: number): void {
    this.#state = this.#depth === 0 ? DONE : NEXT;
    if (this.#opened === this.#depth) this.#visitor.value(this.#start, end);
  }

  #unexpected(byte: number, state: number, position: number): boolean {
    const found = byte > 0x20 && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `byte ${byte}`;
    return this.#fail(`${found} where ${EXPECTED[state]} is expected`, position);
  }

  #fail(what: string, position: number): false {
    this.#fault = `${what}, at offset ${position}`;
    return false;
  }
}

const EXPECTED: Readonly<Record<number, string>> = {
  [VALUE]: "a value",
  [FIRST_ELEMENT]: 'a value or "]"',
  [FIRST_KEY]: 'a member name or "}"',
  [KEY]: "a member name",
  [COLON]: '":"',
  [NEXT]: '"," or the end of an object or array',
  [DONE]: "the end of the text",
};

function nextInNumber(number: number, byte: number): number {
  const isDigit = byte >= 0x30 && byte <= 0x39;
  switch (number) {
    case AFTER_MINUS:
      return isDigit ? (byte === 0x30 ? ZERO_MAY_END : DIGITS_MAY_END) : -1;
    case ZERO_MAY_END:
    case DIGITS_MAY_END:
      if (isDigit) return number === DIGITS_MAY_END ? DIGITS_MAY_END : -1;
      return byte === 0x2e ? AFTER_POINT : isE(byte) ? AFTER_E : -1;
    case AFTER_POINT:
      return isDigit ? FRACTION_MAY_END : -1;
    case FRACTION_MAY_END:
      return isDigit ? FRACTION_MAY_END : isE(byte) ? AFTER_E : -1;
    case AFTER_E:
      return isDigit ? EXPONENT_MAY_END : byte === 0x2b || byte === 0x2d ? AFTER_SIGN : -1;
    default:
      return isDigit ? EXPONENT_MAY_END : -1;
  }
}

function isE(byte: number): boolean {
  return byte === 0x45 || byte === 0x65;
}
