/** Mutations: changes relative to what a column holds (RFC 7047 §5.1, `<mutation>`), with the server's own type rules. */
import { describeColumnType } from "./column-type.ts";
import { columnOf, encodeSome } from "./condition.ts";
import { atomEncoder, type Place, refuse } from "./constraint.ts";
import { valueEncoder } from "./datum.ts";
import { ValueError } from "./error.ts";
import type { Json } from "./json.ts";
import { type BaseType, type ColumnSchema, columnKind, type TableSchema } from "./schema.ts";
import { isNamedUuid } from "./uuid.ts";

const ARITHMETIC: ReadonlySet<unknown> = new Set(["+=", "-=", "*=", "/=", "%="]);
const MUTATORS: readonly unknown[] = ["+=", "-=", "*=", "/=", "%=", "insert", "delete"];

/**
 * Writes one mutation.
 *
 * | mutator | columns | argument |
 * |---|---|---|
 * | `+=` `-=` `*=` `/=` | numbers; optional ones and sets element by element | one number |
 * | `%=` | the same, integers only | one integer |
 * | `insert` | sets, optionals | elements, or one; what is there stays |
 * | `insert` | maps | entries; a key that is there keeps its value |
 * | `delete` | sets, optionals | elements, or one; what is not there is passed over |
 * | `delete` | maps | a set or array of keys (or one key), or a map of pairs that must match whole |
 *
 * @throws ValueError naming table, column and reason.
 */
export function encodeMutation(table: TableSchema, name: unknown, mutator: unknown, value: unknown): Json {
  const column = columnOf(table, name);
  const place: Place = { table: table.name, column: column.name };
  if (!column.mutable)
    throw new ValueError(
      table.name,
      column.name,
      "is immutable: it is set by the insert and never changes; leave it out",
    );
  if (!MUTATORS.includes(mutator)) refuse(place, mutator, "is not a mutator", `use one of ${MUTATORS.join(", ")}`);
  const argument = ARITHMETIC.has(mutator)
    ? encodeOperand(place, column, mutator as string, value)
    : encodePart(place, column, mutator as string, value);
  return [column.name, mutator as string, argument];
}

/** Writes a list of `[column, mutator, value]`. */
export function encodeMutations(table: TableSchema, mutations: readonly unknown[]): Json[] {
  return mutations.map((mutation) => {
    if (!Array.isArray(mutation) || mutation.length !== 3) {
      refuse(
        { table: table.name, column: undefined },
        String(mutation),
        "is not a mutation",
        "write [column, mutator, value]",
      );
    }
    return encodeMutation(table, mutation[0], mutation[1], mutation[2]);
  });
}

function encodeOperand(place: Place, column: ColumnSchema, mutator: string, value: unknown): Json {
  const { type } = column;
  const atom = type.key.type;
  if (columnKind(type) === "map" || (atom !== "integer" && atom !== "real") || (mutator === "%=" && atom === "real")) {
    refuse(
      place,
      mutator,
      `does not apply to a ${describeColumnType(type)}`,
      mutator === "%=" ? "it needs integers" : "it needs integers or reals",
    );
  }
  // The result must satisfy the column's constraints, the operand need not.
  const operand = atomEncoder(place, { type: atom })(value);
  if ((mutator === "/=" || mutator === "%=") && Number(operand) === 0)
    refuse(place, value, "divides by zero", "give another number");
  return operand;
}

function encodePart(place: Place, column: ColumnSchema, mutator: string, value: unknown): Json {
  const { type } = column;
  const kind = columnKind(type);
  if (kind === "scalar") {
    refuse(
      place,
      mutator,
      `does not apply to a ${describeColumnType(type)}`,
      "it needs a set, an optional column or a map; use update to set a scalar",
    );
  }
  if (value === undefined) refuse(place, value, "is no element", `give what to ${mutator}`);
  const relaxed = { ...type, min: 0 as const, max: mutator === "delete" ? Number.POSITIVE_INFINITY : type.max };
  if (kind !== "map") return encodeSome(place, relaxed, value);
  const isKeys = typeof value !== "object" || value instanceof Set || Array.isArray(value) || isNamedUuid(value);
  if (mutator === "insert" || !isKeys) return valueEncoder(place, relaxed)(value);
  return encodeKeys(place, type.key, value);
}

/** Keys to remove from a map: a set, an array, or one key. */
function encodeKeys(place: Place, key: BaseType, value: unknown): Json {
  const keys = encodeSome(place, { key, min: 0, max: Number.POSITIVE_INFINITY }, value);
  // One key goes out as a set too: a bare atom would be a mistake to the eye beside the map form.
  return Array.isArray(keys) && keys[0] === "set" ? keys : ["set", [keys]];
}
