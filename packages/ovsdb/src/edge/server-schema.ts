import { stringifyJson } from "../json.ts";
import { type DatabaseSchema, formatSchema } from "../schema.ts";
import type { JsonObject } from "../json.ts";

/** One difference between the schema a program knows and the server's. */
export type SchemaDifference = {
  readonly table: string;
  readonly column?: string;
  /** "missing": the server lacks it. "added": the program does not know it. "changed": the types differ. */
  readonly kind: "missing" | "added" | "changed";
};

/** The server's schema at this moment, with the questions a program asks that must work with older and newer servers. */
export class ServerSchema {
  readonly schema: DatabaseSchema;
  readonly differences: readonly SchemaDifference[];

  constructor(schema: DatabaseSchema, differences: readonly SchemaDifference[]) {
    this.schema = schema;
    this.differences = differences;
  }

  /** Whether the server has the table, or the column of it. */
  has(table: string, column?: string): boolean {
    const known = this.schema.tables.get(table);
    return known !== undefined && (column === undefined || known.columns.has(column));
  }
}

export function schemaDifference(ours: DatabaseSchema, theirs: DatabaseSchema): SchemaDifference[] {
  const differences: SchemaDifference[] = [];
  for (const table of new Set([...ours.tables.keys(), ...theirs.tables.keys()])) {
    const [a, b] = [ours.tables.get(table), theirs.tables.get(table)];
    if (a === undefined || b === undefined) {
      differences.push({ table, kind: b === undefined ? "missing" : "added" });
      continue;
    }
    const [ourTypes, theirTypes] = [columnTypes(ours, table), columnTypes(theirs, table)];
    for (const column of new Set([...a.columns.keys(), ...b.columns.keys()])) {
      const [x, y] = [ourTypes[column], theirTypes[column]];
      if (x === undefined || y === undefined)
        differences.push({ table, column, kind: y === undefined ? "missing" : "added" });
      else if (stringifyJson(x) !== stringifyJson(y)) differences.push({ table, column, kind: "changed" });
    }
  }
  return differences;
}

function columnTypes(schema: DatabaseSchema, table: string): JsonObject {
  const json = formatSchema(schema) as {
    readonly tables: { readonly [table: string]: { readonly columns: JsonObject } };
  };
  return json.tables[table]?.columns ?? {};
}
