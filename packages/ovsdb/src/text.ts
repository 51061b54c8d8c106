/**
 * Values as people type and read them: the text forms of ovs-vsctl(8) and ovn-nbctl(8). Atoms are bare words, numbers,
 * quoted strings and uuids; a set is `[a, b]`, a map `{k=v, k2=v2}`; a set of integers may hold ranges (`1-3`).
 */
import { canonicalInteger, compareAtoms } from "./atom.ts";
import { describeColumnType } from "./column-type.ts";
import { type AtomEncoder, atomEncoder, type Place } from "./constraint.ts";
import { OvsdbSyntaxError, ValueError } from "./error.ts";
import { INT64_MAX, INT64_MIN } from "./json.ts";
import type { Atom, AtomType, BaseType, ColumnType } from "./schema.ts";
import { columnKind } from "./schema.ts";
import { isUuid } from "./uuid.ts";
import { type AtomValue, EMPTY_MAP, EMPTY_SET, type Value } from "./value.ts";

/** A range of integers holds at most this many, as in ovs-vsctl. */
export const RANGE_SIZE_MAX = 4096;

const WORD = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const DELIMITERS = ":=, []{}!<>";

/** One atom as text: a string is quoted only where it would read as something else. */
export function formatAtom(type: AtomType, atom: Atom): string {
  if (type === "real") return formatReal(atom as number);
  if (type !== "string") return String(atom);
  const string = atom as string;
  return WORD.test(string) && string !== "true" && string !== "false" && !isUuid(string)
    ? string
    : JSON.stringify(string);
}

/** A value as text, elements and keys in the server's order; `[]` or `{}` for nothing. */
export function formatValue(type: ColumnType, value: Value): string {
  const elements = listed(type, value);
  const body = elements
    .map(
      ([key, inner]) =>
        formatAtom(type.key.type, key) +
        (inner === undefined ? "" : `=${formatAtom(type.value?.type ?? "string", inner)}`),
    )
    .join(", ");
  if (type.max === 1 && elements.length === 1) return body;
  return columnKind(type) === "map" ? `{${body}}` : `[${body}]`;
}

/** Without quotes and brackets, for shell scripts; it cannot be read back for sure (`--bare` of ovs-vsctl). */
export function formatBare(type: ColumnType, value: Value): string {
  const bare = (atomType: AtomType, atom: Atom): string =>
    atomType === "string" ? (atom as string) : formatAtom(atomType, atom);
  return listed(type, value)
    .map(
      ([key, inner]) =>
        bare(type.key.type, key) + (inner === undefined ? "" : `=${bare(type.value?.type ?? "string", inner)}`),
    )
    .join(" ");
}

function listed(type: ColumnType, value: Value): (readonly [Atom, Atom | undefined])[] {
  switch (columnKind(type)) {
    case "scalar":
      return [[value as Atom, undefined]];
    case "optional":
      return value === undefined ? [] : [[value as Atom, undefined]];
    case "set":
      return [...(value as ReadonlySet<Atom>)].sort(compareAtoms).map((element) => [element, undefined]);
    case "map":
      return [...(value as ReadonlyMap<Atom, Atom>)].sort(([a], [b]) => compareAtoms(a, b));
  }
}

/** Fifteen significant digits, as C prints `%.15g`. */
function formatReal(real: number): string {
  if (real === 0) return "0";
  const [mantissa = "", exponent = "0"] = real.toExponential(14).split("e");
  const power = Number(exponent);
  if (power < -4 || power >= 15) {
    const digits = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
    return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  const fixed = real.toFixed(Math.max(0, 14 - power));
  return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
}

// ---- reading -------------------------------------------------------------------------------------------------------

/** Reads one atom and checks it against the constraints. @throws ValueError, OvsdbSyntaxError */
export function parseAtom(base: BaseType, text: string, place: Place = NOWHERE): Atom {
  return checked(atomEncoder(place, base), parseUnchecked(base.type, text));
}

/**
 * Reads a value: atoms, or `key=value` pairs, with spaces or a comma between, in brackets or not; nothing at all must be
 * written `[]` or `{}`. Integers are numbers while they are safe, else bigints.
 *
 * @throws ValueError if a constraint is violated, OvsdbSyntaxError if the text does not parse.
 */
export function parseValue(type: ColumnType, text: string, place: Place = NOWHERE): Value {
  const isMap = columnKind(type) === "map";
  const elements = new TextParser(type, text, place).elements();
  const keys = new Set(elements.map(([key]) => key));
  if (keys.size < elements.length) throw syntax(text, isMap ? "the map has a key twice" : "the set has a value twice");
  if (elements.length < type.min)
    throw syntax(text, `${elements.length} given, but at least ${type.min} must be there`);
  if (elements.length > type.max) throw syntax(text, `${elements.length} given, but at most ${type.max} may be there`);
  if (isMap) return elements.length === 0 ? EMPTY_MAP : new Map(elements as [AtomValue, AtomValue][]);
  if (type.max > 1) return elements.length === 0 ? EMPTY_SET : keys;
  return elements[0]?.[0];
}

const NOWHERE: Place = { table: undefined, column: undefined };

function parseUnchecked(type: AtomType, text: string): Atom {
  switch (type) {
    case "integer":
      return parseInteger(text) ?? fail(text, "is not an integer of 64 bits");
    case "real": {
      const real = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
      return Number.isFinite(real) ? real + 0 : fail(text, "is not a real number");
    }
    case "boolean":
      if (["true", "yes", "on", "1"].includes(text)) return true;
      if (["false", "no", "off", "0"].includes(text)) return false;
      return fail(text, 'is not a boolean (use "true" or "false")');
    case "string":
      return parseString(text);
    case "uuid":
      return isUuid(text) ? text.toLowerCase() : fail(text, "is not a UUID");
  }
}

function parseInteger(text: string): number | bigint | undefined {
  if (!/^\s*[+-]?\d+$/.test(text)) return undefined;
  const integer = BigInt(text.trim().replace(/^\+/, ""));
  return integer < INT64_MIN || integer > INT64_MAX ? undefined : canonicalInteger(integer);
}

function parseString(text: string): string {
  if (text === "") return fail(text, 'is no value; write "" for the empty string');
  if (!text.startsWith('"')) return text;
  if (text.length < 2 || !text.endsWith('"')) return fail(text, "has no quote at its end");
  try {
    return JSON.parse(text) as string;
  } catch {
    return fail(text, "is not a JSON string");
  }
}

/** The encoder knows every constraint; what it writes is not needed here. */
function checked(encode: AtomEncoder, atom: Atom): Atom {
  encode(atom);
  return atom;
}

class TextParser {
  readonly #type: ColumnType;
  readonly #text: string;
  readonly #encodeKey: AtomEncoder;
  readonly #encodeValue: AtomEncoder | undefined;
  #at = 0;

  constructor(type: ColumnType, text: string, place: Place) {
    this.#type = type;
    this.#text = text;
    this.#encodeKey = atomEncoder(place, type.key);
    this.#encodeValue = type.value === undefined ? undefined : atomEncoder(place, type.value);
  }

  elements(): [Atom, Atom | undefined][] {
    const [open, close] = this.#type.value === undefined ? "[]" : "{}";
    const elements: [Atom, Atom | undefined][] = [];
    this.#skip();
    const bracketed = this.#text[this.#at] === open;
    if (bracketed) this.#at++;
    else if (this.#at >= this.#text.length) throw syntax(this.#text, `write ${open}${close} for nothing`);
    this.#skip();
    while (this.#at < this.#text.length && !(bracketed && this.#text[this.#at] === close)) {
      const char = this.#text[this.#at] as string;
      if (DELIMITERS.includes(char))
        throw syntax(this.#text, `unexpected "${char}" in a ${describeColumnType(this.#type)}`);
      elements.push(...this.#element());
      this.#skip();
      if (this.#text[this.#at] === ",") this.#at++;
      this.#skip();
    }
    if (bracketed) {
      if (this.#text[this.#at] !== close) throw syntax(this.#text, `"${close}" is missing at the end`);
      this.#at++;
      this.#skip();
      if (this.#at < this.#text.length) throw syntax(this.#text, `there is more after "${close}"`);
    }
    return elements;
  }

  #element(): [Atom, Atom | undefined][] {
    const token = this.#token();
    if (this.#encodeValue === undefined) return this.#range(token) ?? [[this.#key(token), undefined]];
    const key = this.#key(token);
    this.#skip();
    if (this.#text[this.#at] !== "=") throw syntax(this.#text, `expected "=" after the key ${token}`);
    this.#at++;
    this.#skip();
    const value = parseUnchecked(this.#type.value?.type ?? "string", this.#token());
    return [[key, checked(this.#encodeValue, value)]];
  }

  #key(token: string): Atom {
    return checked(this.#encodeKey, parseUnchecked(this.#type.key.type, token));
  }

  /** `3-7`, both ends included and each allowed by the column; undefined if the token is no range. */
  #range(token: string): [Atom, undefined][] | undefined {
    const ends = this.#type.key.type === "integer" ? /^\s*([+-]?\d+)-([+-]?\d+)$/.exec(token) : null;
    if (ends === null) return undefined;
    const [start, end] = [
      BigInt((ends[1] as string).replace(/^\+/, "")),
      BigInt((ends[2] as string).replace(/^\+/, "")),
    ];
    if (end < start) throw syntax(token, "the range ends before it starts");
    if (end - start >= BigInt(RANGE_SIZE_MAX))
      throw syntax(token, `the range is too big; at most ${RANGE_SIZE_MAX} integers`);
    const integers: [Atom, undefined][] = [];
    for (let integer = start; integer <= end; integer++)
      integers.push([checked(this.#encodeKey, this.#bounded(token, integer)), undefined]);
    return integers;
  }

  #bounded(token: string, integer: bigint): Atom {
    return integer < INT64_MIN || integer > INT64_MAX ? fail(token, "leaves 64 bits") : canonicalInteger(integer);
  }

  /** Up to the next delimiter. A backslash takes the next character as it is; between quotes all is kept, quotes too. */
  #token(): string {
    let token = "";
    let quoted = false;
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] as string;
      if (char === "\\") {
        const next = this.#text[this.#at + 1];
        if (next === undefined) throw syntax(this.#text, "a backslash at the end escapes nothing");
        token += quoted ? char + next : next;
        this.#at += 2;
        continue;
      }
      if (!quoted && DELIMITERS.includes(char)) break;
      if (char === '"') quoted = !quoted;
      token += char;
      this.#at++;
    }
    if (quoted) throw syntax(this.#text, "a quoted string does not end");
    return token;
  }

  #skip(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
  }
}

function syntax(text: string, reason: string): OvsdbSyntaxError {
  return new OvsdbSyntaxError(`${JSON.stringify(text)}: ${reason}`, { origin: "local", details: reason });
}

function fail(text: string, reason: string): never {
  throw new ValueError(undefined, undefined, `${JSON.stringify(text)} ${reason}`);
}
