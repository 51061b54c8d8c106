/** A database schema as plain, canonical data (RFC 7047 §3.2). {@link parseSchema} makes it from JSON. */

export type AtomType = "integer" | "real" | "boolean" | "string" | "uuid";

/** One atom in memory. An integer is a number while it is safe, else a bigint; a uuid is its 36 characters. */
export type Atom = number | bigint | boolean | string;

/** `<base-type>`: what one atom may be. Members are absent where there is no constraint. */
export type BaseType = {
  readonly type: AtomType;
  /** The only values allowed; at least one, distinct, sorted as the server sorts. */
  readonly enum?: readonly Atom[];
  /** Inclusive. */
  readonly minInteger?: number | bigint;
  readonly maxInteger?: number | bigint;
  readonly minReal?: number;
  readonly maxReal?: number;
  /** Unicode code points. */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly refTable?: string;
  /** Present exactly when `refTable` is. */
  readonly refType?: "strong" | "weak";
};

/** `<type>`: a scalar has min 1 and max 1; an optional scalar min 0 and max 1; anything else is a set, or a map if `value` is there. */
export type ColumnType = {
  readonly key: BaseType;
  readonly value?: BaseType;
  readonly min: 0 | 1;
  /** Infinity for "unlimited". */
  readonly max: number;
};

export type ColumnSchema = {
  readonly name: string;
  readonly type: ColumnType;
  /** Lost when the server restarts. False for every strong reference into a non-root table, whatever the schema says. */
  readonly ephemeral: boolean;
  /** True for every weak reference, whatever the schema says: the server itself must be able to remove it. */
  readonly mutable: boolean;
};

export type TableSchema = {
  readonly name: string;
  /** In the order of the schema; without `_uuid` and `_version`, see {@link findColumn}. */
  readonly columns: ReadonlyMap<string, ColumnSchema>;
  /** Infinity if the schema sets no limit. */
  readonly maxRows: number;
  /** A row of a table that is not root goes away when nothing refers to it. */
  readonly isRoot: boolean;
  readonly indexes: readonly (readonly string[])[];
};

export type DatabaseSchema = {
  readonly name: string;
  /** "x.y.z"; absent in very old schemas. */
  readonly version?: string;
  readonly cksum?: string;
  readonly tables: ReadonlyMap<string, TableSchema>;
};

/** What kind of JavaScript value a column type has. */
export type ColumnKind = "scalar" | "optional" | "set" | "map";

export function columnKind(type: ColumnType): ColumnKind {
  if (type.value !== undefined) return "map";
  if (type.max > 1) return "set";
  return type.min === 1 ? "scalar" : "optional";
}

const UUID_TYPE: ColumnType = { key: { type: "uuid" }, min: 1, max: 1 };
/** Columns that every table has (RFC 7047 §3.2): the row's name, and a uuid that changes with every change of the row. */
export const UUID_COLUMN: ColumnSchema = { name: "_uuid", type: UUID_TYPE, ephemeral: false, mutable: false };
export const VERSION_COLUMN: ColumnSchema = { name: "_version", type: UUID_TYPE, ephemeral: true, mutable: false };

/** A column of a table, `_uuid` and `_version` included; undefined if there is none of that name. */
export function findColumn(table: TableSchema, name: string): ColumnSchema | undefined {
  if (name === "_uuid") return UUID_COLUMN;
  if (name === "_version") return VERSION_COLUMN;
  return table.columns.get(name);
}

/** `<id>` of RFC 7047 §3.1: a letter or "_", then letters, digits, "_". */
export function isId(text: unknown): text is string {
  return typeof text === "string" && /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);
}

export { formatSchema, parseSchema } from "./schema-parse.ts";
