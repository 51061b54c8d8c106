/** `<type>` of RFC 7047 §3.2: a scalar, an optional scalar, a set or a map. */
import { formatBaseType, parseBaseType } from "./base-type.ts";
import { SchemaError } from "./error.ts";
import { isJsonInteger, isJsonObject, type Json } from "./json.ts";
import { type ColumnType, columnKind } from "./schema.ts";

export { formatBaseType, parseBaseType };

const UINT32_MAX = 2 ** 32 - 1;
const MEMBERS: readonly string[] = ["key", "value", "min", "max"];

/** @throws SchemaError where ovsdb-server would refuse it. */
export function parseColumnType(json: Json, path: string): ColumnType {
  if (typeof json === "string") return { key: parseBaseType(json, path), min: 1, max: 1 };
  if (!isJsonObject(json)) throw new SchemaError(path, "must be the name of an atomic type, or an object with a key");
  for (const name of Object.keys(json)) {
    if (!MEMBERS.includes(name))
      throw new SchemaError(`${path}.${name}`, `is not allowed here; only ${MEMBERS.join(", ")} are`);
  }
  if (json["key"] === undefined) throw new SchemaError(`${path}.key`, "must be there");
  const key = parseBaseType(json["key"], `${path}.key`);
  const value = json["value"] === undefined ? undefined : parseBaseType(json["value"], `${path}.value`);
  const min = json["min"] === undefined ? 1 : json["min"];
  if (!isJsonInteger(min) || (min !== 0 && min !== 1)) throw new SchemaError(`${path}.min`, "must be 0 or 1");
  const max = parseMax(json["max"], `${path}.max`);
  return { key, ...(value === undefined ? {} : { value }), min, max };
}

function parseMax(json: Json | undefined, path: string): number {
  if (json === undefined) return 1;
  if (json === "unlimited") return Number.POSITIVE_INFINITY;
  if (!isJsonInteger(json) || json < 1 || json >= UINT32_MAX)
    throw new SchemaError(path, 'must be an integer of at least 1, or "unlimited"');
  return Number(json);
}

/** The canonical JSON, as ovsdb-server writes it. */
export function formatColumnType(type: ColumnType): Json {
  const key = formatBaseType(type.key);
  if (columnKind(type) === "scalar" && typeof key === "string") return key;
  return {
    key,
    ...(type.value === undefined ? {} : { value: formatBaseType(type.value) }),
    ...(type.min === 1 ? {} : { min: type.min }),
    ...(type.max === 1 ? {} : { max: type.max === Number.POSITIVE_INFINITY ? "unlimited" : type.max }),
  };
}

/** "set of up to 3 integers", for messages. */
export function describeColumnType(type: ColumnType): string {
  const kind = columnKind(type);
  const key = type.key.refTable === undefined ? type.key.type : `${type.key.refTable} uuid`;
  if (kind === "scalar") return key;
  if (kind === "optional") return `optional ${key}`;
  const size =
    type.max === Number.POSITIVE_INFINITY
      ? type.min === 0
        ? ""
        : "1 or more "
      : `${type.min === 0 ? "up to" : "1 to"} ${type.max} `;
  return kind === "set" ? `set of ${size}${key}s` : `map of ${size}(${key}, ${type.value?.type}) pairs`;
}
