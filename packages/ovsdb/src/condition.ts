/**
 * Conditions: which rows an operation, a select or a monitor means (RFC 7047 §5.1, `<condition>`). The server's own type
 * rules are applied here, so that a wrong clause is refused at the call and not after a round trip.
 */

import { describeColumnType } from "./column-type.ts";
import { type Place, refuse } from "./constraint.ts";
import { valueEncoder } from "./datum.ts";
import { ValueError } from "./error.ts";
import type { Json } from "./json.ts";
import { type ColumnSchema, type ColumnType, columnKind, findColumn, type TableSchema } from "./schema.ts";

const ORDERINGS: ReadonlySet<unknown> = new Set(["<", "<=", ">", ">="]);
const RELATIONS: readonly unknown[] = ["==", "!=", "<", "<=", ">", ">=", "includes", "excludes"];

/**
 * Writes a `where`.
 *
 * | given | meaning |
 * |---|---|
 * | `{ name: "x", up: undefined }` | all these columns equal these values; `undefined` is an empty optional |
 * | `[["name", "==", "x"], …]` | all clauses hold; a clause may also be `true` or `false` |
 * | `true`, `[]` | every row; the empty object is refused, because it is rarely meant |
 * | `false` | no row |
 *
 * `includes` and `excludes` take a subset of a set or map, or one element of a set. The orderings compare numbers, also
 * optional ones, and are false where the value is missing.
 *
 * @throws ValueError naming table, column and reason.
 */
export function encodeCondition(table: TableSchema, where: unknown): Json[] {
  if (where === true) return [];
  if (where === false) return [false];
  if (Array.isArray(where)) return where.map((clause: unknown) => encodeClause(table, clause));
  if (typeof where !== "object" || where === null) {
    const place: Place = { table: table.name, column: undefined };
    refuse(
      place,
      where,
      "is not a condition",
      "give { column: value }, a list of [column, function, value], or true for every row",
    );
  }
  const entries = Object.entries(where);
  if (entries.length === 0)
    throw new ValueError(
      table.name,
      undefined,
      "a condition without columns would match every row; write true if that is meant",
    );
  return entries.map(([column, value]) => encodeClause(table, [column, "==", value]));
}

/** Writes one clause; see {@link encodeCondition}. */
export function encodeClause(table: TableSchema, clause: unknown): Json {
  if (typeof clause === "boolean") return clause;
  if (!Array.isArray(clause) || clause.length !== 3) {
    refuse(
      { table: table.name, column: undefined },
      JSON.stringify(clause) ?? clause,
      "is not a clause",
      "write [column, function, value]",
    );
  }
  const [name, relation, value] = clause as [unknown, unknown, unknown];
  const column = columnOf(table, name);
  const place: Place = { table: table.name, column: column.name };
  if (!RELATIONS.includes(relation)) refuse(place, relation, "is not a function", `use one of ${RELATIONS.join(", ")}`);
  return [column.name, relation as string, encodeArgument(place, column, relation as string, value)];
}

function encodeArgument(place: Place, column: ColumnSchema, relation: string, value: unknown): Json {
  const { type } = column;
  const kind = columnKind(type);
  if (ORDERINGS.has(relation)) {
    const isNumber = type.key.type === "integer" || type.key.type === "real";
    if ((kind !== "scalar" && kind !== "optional") || !isNumber) {
      refuse(
        place,
        relation,
        `does not apply to a ${describeColumnType(type)}`,
        "orderings compare integers and reals only, also optional ones",
      );
    }
    return valueEncoder(place, { ...type, min: 1 })(value);
  }
  if (kind === "scalar" || relation === "==" || relation === "!=") return valueEncoder(place, type)(value);
  if (kind === "optional" && value === undefined) return ["set", []];
  const relaxed: ColumnType = { ...type, min: 0, max: relation === "excludes" ? Number.POSITIVE_INFINITY : type.max };
  return encodeSome(place, relaxed, value);
}

/** Writes a part of a set or map: a collection, or for sets one element. */
export function encodeSome(place: Place, type: ColumnType, value: unknown): Json {
  const isCollection = value instanceof Set || value instanceof Map || Array.isArray(value);
  if (columnKind(type) === "map") return valueEncoder(place, type)(value);
  // An optional column is a set of at most one here, so that collections are welcome.
  if (isCollection) return valueEncoder(place, { ...type, max: Math.max(type.max, 2) })(limited(place, type, value));
  return valueEncoder(place, { ...type, min: 1, max: 1 })(value);
}

function limited(place: Place, type: ColumnType, value: unknown): unknown {
  const size = value instanceof Set ? value.size : (value as readonly unknown[]).length;
  if (size > type.max)
    throw new ValueError(
      place.table,
      place.column,
      `${size} elements are too many; the column holds at most ${type.max}`,
    );
  return value;
}

/** @throws ValueError if the table has no such column. */
export function columnOf(table: TableSchema, name: unknown): ColumnSchema {
  const column = typeof name === "string" ? findColumn(table, name) : undefined;
  if (column === undefined) {
    throw new ValueError(
      table.name,
      String(name),
      `is not a column of this table; it has _uuid, _version, ${[...table.columns.keys()].join(", ")}`,
    );
  }
  return column;
}
