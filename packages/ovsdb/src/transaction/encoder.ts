import type { Json, JsonObject } from "../json.ts";

/**
 * What the builder needs to know of a schema: each function checks its arguments against the server's schema and throws
 * a `ValueError` that names table, column and reason.
 */
export interface Encoder {
  /** The `row` of an `insert`; columns that are left out get the server's default. */
  insertRow(table: string, row: object): JsonObject;
  /** The `row` of an `update`; refuses immutable columns. */
  updateRow(table: string, row: object): JsonObject;
  /** Values to compare with in a `wait`; any column, `_uuid` and `_version` too. */
  compareRow(table: string, row: object): JsonObject;
  /** `where` (RFC 7047 §5.1, `<condition>`*). */
  where(table: string, where: unknown): Json[];
  /** One `<mutation>`. */
  mutation(table: string, column: string, mutator: Mutator, value: unknown): Json;
  /** Refuses names that the table has not; gives all columns if `columns` is undefined. */
  columns(table: string, columns: readonly string[] | undefined): string[];
  isRoot(table: string): boolean;
  /** Does this column refer to rows of a table, strongly? Used to tell an insert that the server would collect at once. */
  columnKind(table: string, column: string): "scalar" | "optional" | "set" | "map";
  /** A row of a `select` result as plain values. */
  decodeRow(table: string, row: JsonObject): Record<string, unknown>;
}

/** RFC 7047 §5.1, `<mutator>`. */
export type Mutator = "+=" | "-=" | "*=" | "/=" | "%=" | "insert" | "delete";
