/** The codec of one column: closures made once, for its type, so that decoding a row asks no questions. */

import { defaultAtom } from "./atom.ts";
import { type AtomDecoder, atomDecoder, type ElementsDecoder, elementsDecoder } from "./atom-codec.ts";
import { type AtomEncoder, atomEncoder, type Place, refuse, show } from "./constraint.ts";
import { ProtocolError, ValueError } from "./error.ts";
import { isJsonObject, type Json } from "./json.ts";
import { type ColumnSchema, type ColumnType, columnKind } from "./schema.ts";
import { isNamedUuid } from "./uuid.ts";
import { type AtomValue, type ColumnCodec, EMPTY_MAP, EMPTY_SET, type IntegerPolicy, type Value } from "./value.ts";

type Set_ = ReadonlySet<AtomValue>;
type Map_ = ReadonlyMap<AtomValue, AtomValue>;
type Codec = Omit<ColumnCodec, "column" | "policy">;

/** Makes the codec of a column. `table` is only for messages. */
export function columnCodec(table: string, column: ColumnSchema, policy: IntegerPolicy): ColumnCodec {
  const place: Place = { table, column: column.name };
  const { type } = column;
  const decodeKey = atomDecoder(place, type.key, policy);
  const encode = valueEncoder(place, type);
  return { column, policy, ...codecOfKind(place, type, decodeKey, encode, policy) };
}

function codecOfKind(
  place: Place,
  type: ColumnType,
  decodeKey: AtomDecoder,
  encode: (value: unknown) => Json,
  policy: IntegerPolicy,
): Codec {
  const defaultKey = policy === "bigint" && type.key.type === "integer" ? 0n : defaultAtom(type.key.type);
  switch (columnKind(type)) {
    case "scalar": {
      const decode = (json: Json): Value =>
        decodeKey(Array.isArray(json) && json[0] === "set" ? only(place, json, 1) : json);
      return { defaultValue: defaultKey, decode, encode, applyDiff: (_old, diff) => decode(diff), equal: Object.is };
    }
    case "optional": {
      const decode = (json: Json): Value => {
        if (!Array.isArray(json) || json[0] !== "set") return decodeKey(json);
        const element = only(place, json, 0);
        return element === undefined ? undefined : decodeKey(element);
      };
      return { defaultValue: undefined, decode, encode, applyDiff: (_old, diff) => decode(diff), equal: Object.is };
    }
    case "set": {
      const elements = elementsDecoder(decodeKey);
      const defaultValue = type.min === 0 ? EMPTY_SET : new Set([defaultKey]);
      const decode = (json: Json): Set_ => decodeSet(place, json, decodeKey, elements);
      const applyDiff = (old: Value, diff: Json): Value => applySetDiff(place, type, old as Set_, decode(diff));
      return { defaultValue, decode, encode, applyDiff, equal: (a, b) => equalSets(a as Set_, b as Set_) };
    }
    case "map": {
      const base = type.value as ColumnType["key"];
      const decodeValue = atomDecoder(place, base, policy);
      const defaultInner = policy === "bigint" && base.type === "integer" ? 0n : defaultAtom(base.type);
      const defaultValue = type.min === 0 ? EMPTY_MAP : new Map([[defaultKey, defaultInner]]);
      const decode = (json: Json): Map_ => decodeMap(place, json, decodeKey, decodeValue);
      const applyDiff = (old: Value, diff: Json): Value =>
        type.max === 1 ? decode(diff) : applyMapDiff(place, type, old as Map_, decode(diff));
      return { defaultValue, decode, encode, applyDiff, equal: (a, b) => equalMaps(a as Map_, b as Map_) };
    }
  }
}

// ---- from the wire -------------------------------------------------------------------------------------------------

function bad(place: Place, json: Json, expected: string): never {
  const text = JSON.stringify(json, (_name, value) => (typeof value === "bigint" ? value.toString() : value));
  throw new ProtocolError(
    `${place.table}.${place.column}: the server sent ${show(text)} where ${expected} was expected`,
    place,
  );
}

/** The one element of `["set", [element]]`; undefined if there is none and `min` is 0. */
function only(place: Place, json: readonly Json[], min: 0 | 1): Json {
  const inner = json[1];
  if (json.length !== 2 || !Array.isArray(inner) || inner.length > 1 || inner.length < min)
    bad(place, json, min === 1 ? "one value" : "at most one value");
  return inner[0] as Json;
}

function decodeSet(place: Place, json: Json, decodeKey: AtomDecoder, elements: ElementsDecoder): Set_ {
  if (!Array.isArray(json) || json[0] !== "set") return new Set([decodeKey(json)]);
  const inner = json[1];
  if (json.length !== 2 || !Array.isArray(inner)) bad(place, json, '["set", [value, …]]');
  if (inner.length === 0) return EMPTY_SET;
  const set = elements(inner);
  if (set.size !== inner.length) bad(place, json, "a set without duplicates");
  return set;
}

function decodeMap(place: Place, json: Json, decodeKey: AtomDecoder, decodeValue: AtomDecoder): Map_ {
  const inner = Array.isArray(json) && json.length === 2 && json[0] === "map" ? json[1] : undefined;
  if (!Array.isArray(inner)) bad(place, json, '["map", [[key, value], …]]');
  if (inner.length === 0) return EMPTY_MAP;
  const map = new Map<AtomValue, AtomValue>();
  for (let index = 0; index < inner.length; index++) {
    const pair = inner[index] as Json;
    if (!Array.isArray(pair) || pair.length !== 2) bad(place, json, "[key, value]");
    map.set(decodeKey(pair[0] as Json), decodeValue(pair[1] as Json));
  }
  if (map.size !== inner.length) bad(place, json, "a map without duplicate keys");
  return map;
}

// ---- differences ---------------------------------------------------------------------------------------------------

function applySetDiff(place: Place, type: ColumnType, old: Set_, diff: Set_): Set_ {
  if (diff.size === 0) return old;
  const result = new Set(old);
  for (const element of diff) if (!result.delete(element)) result.add(element);
  return result.size === 0 ? sized(place, type, 0, EMPTY_SET) : sized(place, type, result.size, result);
}

function applyMapDiff(place: Place, type: ColumnType, old: Map_, diff: Map_): Map_ {
  if (diff.size === 0) return old;
  const result = new Map(old);
  for (const [key, value] of diff) {
    // A pair that is there already means "remove"; values are never undefined, so one look tells all three cases.
    if (result.get(key) === value) result.delete(key);
    else result.set(key, value);
  }
  return result.size === 0 ? sized(place, type, 0, EMPTY_MAP) : sized(place, type, result.size, result);
}

function sized<Collection>(place: Place, type: ColumnType, size: number, collection: Collection): Collection {
  if (size < type.min || size > type.max) {
    throw new ProtocolError(
      `${place.table}.${place.column}: a difference leaves ${size} elements, but the column holds ${type.min} to ${type.max}`,
      place,
    );
  }
  return collection;
}

function equalSets(a: Set_, b: Set_): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const element of a) if (!b.has(element)) return false;
  return true;
}

function equalMaps(a: Map_, b: Map_): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}

// ---- to the wire ---------------------------------------------------------------------------------------------------

/** Checks a whole value against a column type and writes it; see {@link ColumnCodec.encode}. */
export function valueEncoder(place: Place, type: ColumnType): (value: unknown) => Json {
  const encodeKey = atomEncoder(place, type.key);
  switch (columnKind(type)) {
    case "scalar":
      return (value) => {
        if (value === undefined)
          refuse(place, value, "clears only optional columns", "give a value, or leave the column out");
        return encodeKey(value);
      };
    case "optional":
      return (value) => (value === undefined ? ["set", []] : encodeKey(value));
    case "set":
      return (value) => encodeSet(place, type, encodeKey, value);
    case "map": {
      const encodeValue = atomEncoder(place, type.value as ColumnType["key"]);
      return (value) => encodeMap(place, type, encodeKey, encodeValue, value);
    }
  }
}

function encodeSet(place: Place, type: ColumnType, encodeKey: AtomEncoder, value: unknown): Json {
  if (!(value instanceof Set) && !Array.isArray(value))
    refuse(place, value, "is not a set", "give a Set or an array; an empty one clears the column");
  const seen = new Set<unknown>();
  const atoms: Json[] = [];
  for (const element of value as Iterable<unknown>) {
    const atom = encodeKey(element);
    const identity = isNamedUuid(element) ? `@${element.namedUuid}` : Array.isArray(atom) ? atom[1] : atom;
    if (seen.has(identity)) refuse(place, element, "is twice in the set", "give each element once");
    seen.add(identity);
    atoms.push(atom);
  }
  checkSize(place, type, atoms.length);
  return atoms.length === 1 ? (atoms[0] as Json) : ["set", atoms];
}

function encodeMap(
  place: Place,
  type: ColumnType,
  encodeKey: AtomEncoder,
  encodeValue: AtomEncoder,
  value: unknown,
): Json {
  const entries = mapEntries(place, type, value);
  const seen = new Set<unknown>();
  const pairs: Json[] = [];
  for (const [key, inner] of entries) {
    const atom = encodeKey(key);
    const identity = isNamedUuid(key) ? `@${key.namedUuid}` : Array.isArray(atom) ? atom[1] : atom;
    if (seen.has(identity)) refuse(place, key, "is twice a key of the map", "give each key once");
    seen.add(identity);
    pairs.push([atom, encodeValue(inner)]);
  }
  checkSize(place, type, pairs.length);
  return ["map", pairs];
}

function mapEntries(place: Place, type: ColumnType, value: unknown): Iterable<[unknown, unknown]> {
  if (value instanceof Map) return value;
  if (type.key.type === "string" && isJsonObject(value) && isPlain(value)) return Object.entries(value);
  const remedy = type.key.type === "string" ? "give a Map or a plain object" : "give a Map";
  return refuse(place, value, "is not a map", `${remedy}; an empty one clears the column`);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function checkSize(place: Place, type: ColumnType, size: number): void {
  const fail = (reason: string): never => {
    throw new ValueError(place.table, place.column, `${size} elements are ${reason}`);
  };
  if (size < type.min) fail(`too few; the column holds at least ${type.min}`);
  if (size > type.max) fail(`too many; the column holds at most ${type.max}`);
}
