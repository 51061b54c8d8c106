/** The hot half of atoms: from the wire, one closure per base type and integer policy. */
import { decodeAtom } from "./atom.ts";
import { type Place, show } from "./constraint.ts";
import { IntegerRangeError, ProtocolError } from "./error.ts";
import type { Json } from "./json.ts";
import type { AtomType, BaseType } from "./schema.ts";
import type { AtomValue, IntegerPolicy } from "./value.ts";

/** @throws ProtocolError if the value is not of the type; IntegerRangeError by policy. */
export type AtomDecoder = (json: Json) => AtomValue;
/** Decodes the inside of `["set", […]]`. */
export type ElementsDecoder = (elements: readonly Json[]) => ReadonlySet<AtomValue>;

export function atomDecoder(place: Place, base: BaseType, policy: IntegerPolicy): AtomDecoder {
  switch (base.type) {
    case "integer":
      return integerDecoder(place, policy);
    case "real":
      return (json) => (typeof json === "number" ? json + 0 : strictly(place, "real", json));
    case "boolean":
      return (json) => (typeof json === "boolean" ? json : strictly(place, "boolean", json));
    case "string":
      return (json) => (typeof json === "string" ? shared(json) : strictly(place, "string", json));
    case "uuid":
      return (json) => {
        // The shape is enough here: digits were checked by whoever wrote them, and a wrong one only fails to match.
        if (Array.isArray(json) && json.length === 2 && json[0] === "uuid") {
          const text = json[1] as Json;
          if (typeof text === "string" && text.length === 36) return shared(text);
        }
        return strictly(place, "uuid", json);
      };
  }
}

/** Longer strings are seldom repeated. */
const SHARED_LENGTH_MAX = 48;
const SHARED_COUNT_MAX = 16_384;
const sharedStrings = new Map<string, string>();

/**
 * One copy of a short string instead of one per row: map keys, datapath uuids, stage names. Over 200,000 logical flows this
 * halves the memory of the replica's maps and costs no measurable time. The cache starts over when it is full, so it
 * stays small whatever goes through it.
 */
function shared(text: string): string {
  if (text.length > SHARED_LENGTH_MAX) return text;
  const known = sharedStrings.get(text);
  if (known !== undefined) return known;
  if (sharedStrings.size >= SHARED_COUNT_MAX) sharedStrings.clear();
  sharedStrings.set(text, text);
  return text;
}

export function elementsDecoder(decode: AtomDecoder): ElementsDecoder {
  return (elements) => {
    const set = new Set<AtomValue>();
    for (let index = 0; index < elements.length; index++) set.add(decode(elements[index] as Json));
    return set;
  };
}

function integerDecoder(place: Place, policy: IntegerPolicy): AtomDecoder {
  if (policy === "bigint") {
    return (json) => (Number.isSafeInteger(json) ? BigInt(json as number) : BigInt(strictly(place, "integer", json)));
  }
  return (json) => {
    if (Number.isSafeInteger(json)) return (json as number) + 0;
    const integer = strictly(place, "integer", json);
    if (policy === "checked" && typeof integer === "bigint")
      throw new IntegerRangeError(place.table, place.column, integer);
    return integer;
  };
}

/** The slow road, which also finds the words for what is wrong. */
function strictly(place: Place, type: AtomType, json: Json): AtomValue {
  const atom = decodeAtom(type, json);
  if (atom !== undefined) return atom;
  const text = JSON.stringify(json, (_name, value) => (typeof value === "bigint" ? value.toString() : value));
  throw new ProtocolError(
    `${place.table}.${place.column}: the server sent ${show(text)} where ${type} was expected`,
    place,
  );
}
