/** What a column's value says of other rows: whom it refers to, and whether two rows of one index have the same (RFC 7047 §3.2). */
import { type ColumnSchema, columnKind } from "@ovnha/ovsdb/core";

/** Decoded, as a `ColumnCodec` gives it. */
export type ColumnValue = unknown;

/** A column, or one side of its map, whose atoms are uuids of rows. */
export type ColumnReference = {
  readonly column: string;
  readonly place: "key" | "value";
  /** The table of those rows. */
  readonly target: string;
  readonly isStrong: boolean;
  /** Where it leads to no row, the whole transaction is refused. */
  readonly isFatal: boolean;
};

export function columnReferences({ name: column, type }: ColumnSchema): ColumnReference[] {
  // A weak reference that leads nowhere is taken out; where the column must hold one, that breaks the transaction.
  const mustHold = type.min > 0;
  const of = (place: "key" | "value", base: ColumnSchema["type"]["value"]): ColumnReference[] => {
    if (base?.refTable === undefined) return [];
    const isStrong = base.refType === "strong";
    return [{ column, place, target: base.refTable, isStrong, isFatal: isStrong || (mustHold && type.max === 1) }];
  };
  return [...of("key", type.key), ...of("value", type.value)];
}

/** The uuids in a value of a {@link ColumnReference}. */
export function referredUuids(value: ColumnValue, place: "key" | "value"): Iterable<string> {
  if (value === undefined) return [];
  if (value instanceof Map) return (place === "key" ? value.keys() : value.values()) as Iterable<string>;
  return value instanceof Set ? (value as Iterable<string>) : [value as string];
}

/**
 * The values of an index's columns as one text: rows that have equal values have equal texts, and no others.
 *
 * @param columnOf what a column holds, its default if the row does not name it.
 */
export function indexKey(
  columns: ReadonlyMap<string, ColumnSchema>,
  index: readonly string[],
  columnOf: (column: string) => ColumnValue,
): string {
  return JSON.stringify(index.map((name) => canonical(columns.get(name), columnOf(name))));
}

/** Elements of sets and maps are sorted; an integer may be a `bigint`, which JSON does not know. */
function canonical(column: ColumnSchema | undefined, value: ColumnValue): unknown {
  switch (column === undefined ? "scalar" : columnKind(column.type)) {
    case "set":
      return [...(value as ReadonlySet<unknown>)].map(String).sort();
    case "map":
      return [...(value as ReadonlyMap<unknown, unknown>)]
        .map(([key, of]) => JSON.stringify([String(key), String(of)]))
        .sort();
    default:
      // An optional column that is empty holds no text, not even "undefined".
      return value === undefined ? null : String(value);
  }
}
