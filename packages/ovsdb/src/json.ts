/**
 * JSON with exact 64-bit integers.
 *
 * `JSON.parse` turns every number into a double, which rounds integers beyond ±(2^53-1). An OVSDB integer has 64 bits
 * (RFC 7047 §3.1), so a message that may hold a long integer goes through {@link parseJsonExact} instead.
 */
import { OvsdbSyntaxError } from "./error.ts";

/** Any JSON value. Integers beyond ±(2^53-1) are bigint. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject;
/** A JSON object. */
export type JsonObject = { readonly [member: string]: Json };

/** Smallest 64-bit integer. */
export const INT64_MIN: bigint = -(2n ** 63n);
/** Largest 64-bit integer. */
export const INT64_MAX: bigint = 2n ** 63n - 1n;

/** True for objects that are neither null nor arrays. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * True if ovsdb-server would read this value as an integer: a whole number within int64, however it was written (`1.0`
 * and `1e3` are integers too; 2^63 is a real).
 */
export function isJsonInteger(value: unknown): value is number | bigint {
  if (typeof value === "bigint") return value >= INT64_MIN && value <= INT64_MAX;
  return typeof value === "number" && Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
}

/**
 * Parses one JSON text. Integers outside ±(2^53-1) but within int64 become bigint; other numbers become numbers, as in
 * ovsdb-server's own parser: `-0` is 0, and a number too big for a double is an error rather than Infinity.
 *
 * @throws OvsdbSyntaxError with the position of the first character that is wrong.
 */
export function parseJsonExact(text: string): Json {
  const parser = new ExactParser(text);
  return parser.document();
}

/** Writes JSON text; bigint as bare digits. Members that are `undefined` are left out, as `JSON.stringify` does. */
export function stringifyJson(value: Json): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // JSON.stringify refuses bigint (rare: only integers beyond a double), so only then pay for the slow road.
    if (error instanceof TypeError) return stringifySlowly(value);
    throw error;
  }
}

function stringifySlowly(value: Json): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map((element: Json) => stringifySlowly(element)).join(",")}]`;
  const members: string[] = [];
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${stringifySlowly(member)}`);
  }
  return `{${members.join(",")}}`;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these inside strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
/** Nested arrays and objects beyond this are refused; ovsdb-server's parser stops at 1000. */
const DEPTH_MAX = 1000;

class ExactParser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Json {
    const value = this.#value();
    this.#skip();
    if (this.#at < this.#text.length) this.#fail("text after the end of the value");
    return value;
  }

  #value(): Json {
    this.#skip();
    const first = this.#text.charCodeAt(this.#at);
    if (first === 0x22) return this.#string();
    if (first === 0x7b) return this.#nested(() => this.#object());
    if (first === 0x5b) return this.#nested(() => this.#array());
    if (first === 0x2d || (first >= 0x30 && first <= 0x39)) return this.#number();
    for (const [word, value] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#fail("expected a JSON value");
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > DEPTH_MAX) this.#fail(`nested deeper than ${DEPTH_MAX}`);
    const value = parse();
    this.#depth--;
    return value;
  }

  #object(): JsonObject {
    const object: Record<string, Json> = {};
    this.#at++;
    this.#skip();
    if (this.#take("}")) return object;
    for (;;) {
      this.#skip();
      if (this.#text.charCodeAt(this.#at) !== 0x22) this.#fail("expected a member name");
      const name = this.#string();
      this.#skip();
      if (!this.#take(":")) this.#fail('expected ":"');
      const value = this.#value();
      // "__proto__" assigned plainly would set the prototype instead of a member.
      if (name === "__proto__")
        Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
      else object[name] = value;
      this.#skip();
      if (this.#take("}")) return object;
      if (!this.#take(",")) this.#fail('expected "," or "}"');
    }
  }

  #array(): Json[] {
    const array: Json[] = [];
    this.#at++;
    this.#skip();
    if (this.#take("]")) return array;
    for (;;) {
      array.push(this.#value());
      this.#skip();
      if (this.#take("]")) return array;
      if (!this.#take(",")) this.#fail('expected "," or "]"');
    }
  }

  #string(): string {
    STRING.lastIndex = this.#at;
    if (!STRING.test(this.#text)) this.#fail("string that does not end, or holds a control character");
    const source = this.#text.slice(this.#at, STRING.lastIndex);
    if (!source.includes("\\")) {
      this.#at = STRING.lastIndex;
      return source.slice(1, -1);
    }
    try {
      const string = JSON.parse(source) as string;
      this.#at = STRING.lastIndex;
      return string;
    } catch {
      return this.#fail("bad escape in a string");
    }
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#at;
    const source = NUMBER.exec(this.#text)?.[0];
    if (source === undefined) return this.#fail("bad number");
    const number = Number(source);
    if (!Number.isFinite(number)) this.#fail("number outside the range of a double");
    this.#at = NUMBER.lastIndex;
    if (Number.isSafeInteger(number) && source.length < 16) return number + 0;
    return exactInteger(source) ?? number + 0;
  }

  #skip(): void {
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #fail(reason: string): never {
    const around = JSON.stringify(this.#text.slice(this.#at, this.#at + 20));
    throw new OvsdbSyntaxError(`JSON text is not valid at character ${this.#at}: ${reason}, found ${around}`, {
      origin: "local",
    });
  }
}

/** The whole number that `source` (a JSON number) writes, if it is one within int64; `1.5e1` counts, `0.5` does not. */
function exactInteger(source: string): number | bigint | undefined {
  const parts = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(source);
  if (parts === null) return undefined;
  const fraction = (parts[3] ?? "").replace(/0+$/, "");
  const power = Number(parts[4] ?? 0) - fraction.length;
  let digits = (parts[2] ?? "") + fraction;
  if (power > 19) return undefined;
  if (power >= 0) digits += "0".repeat(power);
  else if (/^0*$/.test(digits.slice(power))) digits = digits.slice(0, power);
  else return undefined;
  const integer = BigInt(parts[1] + (digits === "" ? "0" : digits));
  if (integer < INT64_MIN || integer > INT64_MAX) return undefined;
  return integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER ? Number(integer) : integer;
}
