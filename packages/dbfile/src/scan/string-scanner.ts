/**
 * The inside of JSON strings, in pieces, as strict as ovsdb-server's parser and not stricter: it takes bytes that are no
 * UTF-8, and low surrogates without a high one before them. A comment brings such bytes into a log, since ovsdb-server
 * looks at the texts of columns alone.
 */

/** 1 for a byte of a string that needs no second look. */
export const PLAIN: Uint8Array = new Uint8Array(256).fill(1, 0x20);
PLAIN[0x22] = 0;
PLAIN[0x5c] = 0;

const SIMPLE_ESCAPES = new Set([...'"\\/bfnrt'].map((char) => char.charCodeAt(0)));

const TEXT = 0;
const ESCAPE = 1;
const HEX = 2;

export class StringScanner {
  /** The closing quote was taken. */
  done = false;
  fault: string | undefined;
  #state = TEXT;
  /** Digits of `\uXXXX` still to come, and what they say so far. */
  #digits = 0;
  #unit = 0;
  /** A high surrogate came last: only `\u` with a low one may follow. */
  #high = false;

  reset(): void {
    this.fault = undefined;
    this.begin();
  }

  /** The opening quote was taken. */
  begin(): void {
    this.done = false;
    this.#state = TEXT;
    this.#high = false;
  }

  /** Goes on at `at` and returns where it stopped: behind the closing quote (`done`), at a `fault`, or at `to`. */
  run(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    if (this.#state === TEXT && !this.#high) {
      while (at < to && PLAIN[bytes[at] as number] === 1) at++;
      if (at < to && bytes[at] === 0x22) {
        this.done = true;
        return at + 1;
      }
    }
    while (at < to && !this.done) {
      if (!this.#take(bytes[at] as number)) return at;
      at++;
      if (this.#state === TEXT && !this.#high && !this.done) while (at < to && PLAIN[bytes[at] as number] === 1) at++;
    }
    return at;
  }

  #take(byte: number): boolean {
    switch (this.#state) {
      case TEXT:
        return this.#takeText(byte);
      case ESCAPE:
        return this.#takeEscape(byte);
      default:
        return this.#takeHex(byte);
    }
  }

  #takeText(byte: number): boolean {
    if (byte === 0x5c) {
      this.#state = ESCAPE;
      return true;
    }
    if (this.#high) return this.#fail("half of a surrogate pair in a string");
    if (byte === 0x22) this.done = true;
    else if (byte < 0x20) return this.#fail("a control character in a string that is not escaped");
    return true;
  }

  #takeEscape(byte: number): boolean {
    if (byte === 0x75) {
      this.#state = HEX;
      this.#digits = 4;
      this.#unit = 0;
      return true;
    }
    if (this.#high) return this.#fail("half of a surrogate pair in a string");
    if (!SIMPLE_ESCAPES.has(byte)) return this.#fail("an escape in a string that JSON does not know");
    this.#state = TEXT;
    return true;
  }

  #takeHex(byte: number): boolean {
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    if (Number.isNaN(digit)) return this.#fail("an escape \\u in a string without four hexadecimal digits");
    this.#unit = this.#unit * 16 + digit;
    if (--this.#digits > 0) return true;
    const isLow = this.#unit >= 0xdc00 && this.#unit <= 0xdfff;
    if (this.#high && !isLow) return this.#fail("half of a surrogate pair in a string");
    if (this.#unit === 0) return this.#fail("the character U+0000 in a string, which OVSDB does not allow");
    this.#high = this.#unit >= 0xd800 && this.#unit <= 0xdbff;
    this.#state = TEXT;
    return true;
  }

  #fail(what: string): false {
    this.fault = what;
    return false;
  }
}
