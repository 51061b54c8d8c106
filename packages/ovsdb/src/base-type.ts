/** `<base-type>` of RFC 7047 §3.2: what one atom may be. */
import { canonicalInteger, compareAtoms, decodeAtom, encodeAtom } from "./atom.ts";
import { SchemaError } from "./error.ts";
import { INT64_MAX, INT64_MIN, isJsonInteger, isJsonObject, type Json, type JsonObject } from "./json.ts";
import { type Atom, type AtomType, type BaseType, isId } from "./schema.ts";

const ATOM_TYPES: readonly string[] = ["integer", "real", "boolean", "string", "uuid"];
const UINT32_MAX = 2 ** 32 - 1;

/** @throws SchemaError where ovsdb-server would refuse it. An enum excludes every other constraint. */
export function parseBaseType(json: Json, path: string): BaseType {
  if (typeof json === "string") return { type: parseAtomType(json, path) };
  if (!isJsonObject(json)) throw new SchemaError(path, "must be the name of an atomic type, or an object");
  const type = parseAtomType(json["type"], `${path}.type`);
  allow(json, allowedMembers(json, type), path);
  if (json["enum"] !== undefined) return { type, enum: parseEnum(json["enum"], type, `${path}.enum`) };
  switch (type) {
    case "integer":
      return { type, ...integerRange(json, path) };
    case "real":
      return { type, ...realRange(json, path) };
    case "string":
      return { type, ...lengthRange(json, path) };
    case "uuid":
      return { type, ...reference(json, path) };
    case "boolean":
      return { type };
  }
}

/** The canonical JSON: the bare name when there is no constraint. */
export function formatBaseType(base: BaseType): Json {
  const { type, refType, enum: members, ...rest } = base;
  const object: Record<string, Json> = { type };
  if (members !== undefined) object["enum"] = formatEnum(members, type);
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) object[name] = value;
  if (refType === "weak") object["refType"] = "weak";
  return Object.keys(object).length === 1 ? type : object;
}

function parseAtomType(json: Json | undefined, path: string): AtomType {
  if (typeof json !== "string" || !ATOM_TYPES.includes(json)) {
    throw new SchemaError(path, `must be one of ${ATOM_TYPES.join(", ")}, not ${JSON.stringify(json) ?? "absent"}`);
  }
  return json as AtomType;
}

function allowedMembers(json: JsonObject, type: AtomType): readonly string[] {
  if (json["enum"] !== undefined) return ["type", "enum"];
  if (type === "integer") return ["type", "minInteger", "maxInteger"];
  if (type === "real") return ["type", "minReal", "maxReal"];
  if (type === "string") return ["type", "minLength", "maxLength"];
  // The server reads refType only beside refTable, so alone it is a member that it does not know.
  if (type === "uuid") return json["refTable"] === undefined ? ["type"] : ["type", "refTable", "refType"];
  return ["type"];
}

function allow(json: JsonObject, allowed: readonly string[], path: string): void {
  for (const name of Object.keys(json)) {
    if (!allowed.includes(name))
      throw new SchemaError(`${path}.${name}`, `is not allowed here; only ${allowed.join(", ")} are`);
  }
}

function parseEnum(json: Json, type: AtomType, path: string): readonly Atom[] {
  const elements: readonly Json[] =
    Array.isArray(json) && json[0] === "set" && json.length === 2 && Array.isArray(json[1]) ? json[1] : [json];
  if (elements.length === 0) throw new SchemaError(path, "must name at least one value");
  const atoms = elements.map((element) => {
    const atom = decodeAtom(type, element);
    if (atom === undefined)
      throw new SchemaError(
        path,
        `${JSON.stringify(element, bigintText)} is not of type ${type}; write ["set", [value, …]]`,
      );
    return atom;
  });
  if (new Set(atoms).size < atoms.length) throw new SchemaError(path, "names a value twice");
  // In the server's order, so that a schema from a file equals the same schema from a server.
  return atoms.sort(compareAtoms);
}

function formatEnum(members: readonly Atom[], type: AtomType): Json {
  const atoms = members.map((member) => encodeAtom(type, member));
  return atoms.length === 1 ? (atoms[0] as Json) : ["set", atoms];
}

function integerRange(json: JsonObject, path: string): Partial<BaseType> {
  const { minInteger, maxInteger } = json;
  for (const [name, bound] of Object.entries({ minInteger, maxInteger })) {
    if (bound !== undefined && !isJsonInteger(bound))
      throw new SchemaError(`${path}.${name}`, "must be an integer of 64 bits");
  }
  if (minInteger !== undefined && maxInteger !== undefined && (minInteger as number) > (maxInteger as number)) {
    throw new SchemaError(path, "minInteger exceeds maxInteger");
  }
  return {
    // A bound that is the type's own limit constrains nothing; the server drops it too.
    ...(minInteger === undefined || minInteger === INT64_MIN
      ? {}
      : { minInteger: canonicalInteger(minInteger as number) }),
    ...(maxInteger === undefined || maxInteger === INT64_MAX
      ? {}
      : { maxInteger: canonicalInteger(maxInteger as number) }),
  };
}

function realRange(json: JsonObject, path: string): Partial<BaseType> {
  const bounds: { minReal?: number; maxReal?: number } = {};
  for (const name of ["minReal", "maxReal"] as const) {
    const bound = json[name];
    if (bound === undefined) continue;
    if (typeof bound !== "number" && typeof bound !== "bigint")
      throw new SchemaError(`${path}.${name}`, "must be a number");
    bounds[name] = Number(bound);
  }
  if (bounds.minReal !== undefined && bounds.maxReal !== undefined && bounds.minReal > bounds.maxReal) {
    throw new SchemaError(path, "minReal exceeds maxReal");
  }
  if (bounds.minReal === -Number.MAX_VALUE) delete bounds.minReal;
  if (bounds.maxReal === Number.MAX_VALUE) delete bounds.maxReal;
  return bounds;
}

function lengthRange(json: JsonObject, path: string): Partial<BaseType> {
  const lengths: { minLength?: number; maxLength?: number } = {};
  for (const name of ["minLength", "maxLength"] as const) {
    const length = json[name];
    if (length === undefined) continue;
    if (!isJsonInteger(length) || length < 0 || length > UINT32_MAX)
      throw new SchemaError(`${path}.${name}`, "must be an integer from 0 to 4294967295");
    lengths[name] = Number(length);
  }
  if ((lengths.minLength ?? 0) > (lengths.maxLength ?? UINT32_MAX))
    throw new SchemaError(path, "minLength exceeds maxLength");
  if (lengths.minLength === 0) delete lengths.minLength;
  if (lengths.maxLength === UINT32_MAX) delete lengths.maxLength;
  return lengths;
}

function reference(json: JsonObject, path: string): Partial<BaseType> {
  const { refTable, refType = "strong" } = json;
  if (refTable === undefined) return {};
  if (!isId(refTable)) throw new SchemaError(`${path}.refTable`, "must be the name of a table");
  if (refType !== "strong" && refType !== "weak")
    throw new SchemaError(`${path}.refType`, 'must be "strong" or "weak"');
  return { refTable, refType };
}

function bigintText(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
