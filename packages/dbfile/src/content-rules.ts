/**
 * What ovsdb-server asks of all rows together (RFC 7047 §3.2): strong references, indexes, and rows that something refers to.
 * A file whose one transaction breaks the first two makes it start without a word, and without any row.
 */
import type { ColumnSchema, DatabaseSchema } from "@ovnha/ovsdb/core";
import { type ColumnReference, columnReferences, type ColumnValue, indexKey, referredUuids } from "./column-values.ts";
import { DbFileError } from "./error.ts";

/** What ovsdb-server leaves out by itself as it reads the file. */
export type LeftOut = {
  /** In tables that are no root, and nothing refers to them; what only they refer to goes with them, and is not counted. */
  readonly rows: number;
  /** Rows that are not there, and that weak references lead to. */
  readonly weakReferences: number;
  /** The first few of both, in sentences that name table, row and column. */
  readonly examples: readonly string[];
};

const EXAMPLES_MAX = 10;

type Referrer = { readonly table: string; readonly uuid: string; readonly column: string };

type Index = { readonly columns: readonly string[]; readonly seen: Map<string, string> };

type Table = {
  readonly name: string;
  readonly isRoot: boolean;
  readonly columns: ReadonlyMap<string, ColumnSchema>;
  readonly references: readonly ColumnReference[];
  readonly indexes: readonly Index[];
  readonly uuids: Set<string>;
  /** Whom the first reference to each row came from, whether that row has come or not. */
  readonly strong: Map<string, Referrer>;
  readonly fatalWeak: Map<string, Referrer>;
  readonly weak: Map<string, Referrer>;
};

/** Takes row after row; some 100 bytes of each, and of each index and reference, are kept. */
export class ContentRules {
  readonly #tables: ReadonlyMap<string, Table>;

  constructor(schema: DatabaseSchema) {
    this.#tables = new Map(
      [...schema.tables].map(([name, { isRoot, columns, indexes }]) => [
        name,
        {
          name,
          isRoot,
          columns,
          references: [...columns.values()].flatMap(columnReferences),
          indexes: indexes.map((of) => ({ columns: of, seen: new Map<string, string>() })),
          uuids: new Set<string>(),
          strong: new Map<string, Referrer>(),
          fatalWeak: new Map<string, Referrer>(),
          weak: new Map<string, Referrer>(),
        },
      ]),
    );
  }

  /**
   * @param columnOf what a column holds, its default if the row does not name it.
   * @throws DbFileError `BAD_TRANSACTION` for a row that comes twice, and for two rows with one index.
   */
  take(tableName: string, uuid: string, columnOf: (column: string) => ColumnValue): void {
    const table = this.#table(tableName);
    if (table.uuids.has(uuid))
      throw new DbFileError("BAD_TRANSACTION", `row ${uuid} of table ${tableName} comes twice`);
    table.uuids.add(uuid);
    for (const { columns, seen } of table.indexes) {
      const key = indexKey(table.columns, columns, columnOf);
      const other = seen.get(key);
      if (other !== undefined)
        throw new DbFileError(
          "BAD_TRANSACTION",
          `row ${uuid} of table ${tableName}, column ${columns.join(", ")}: row ${other} has the same, and the schema makes that an index`,
        );
      seen.set(key, uuid);
    }
    for (const { column, place, target, isStrong, isFatal } of table.references)
      for (const to of referredUuids(columnOf(column), place)) {
        const into = this.#table(target);
        const list = isStrong ? into.strong : isFatal ? into.fatalWeak : into.weak;
        if (!list.has(to)) list.set(to, { table: tableName, uuid, column });
      }
  }

  /** No more rows come. @throws DbFileError `BAD_TRANSACTION` for a reference that may not lead nowhere, but does. */
  finish(): LeftOut {
    const examples: string[] = [];
    const tell = (text: string): void => {
      if (examples.length < EXAMPLES_MAX) examples.push(text);
    };
    let rows = 0;
    let weakReferences = 0;
    for (const table of this.#tables.values()) {
      for (const [to, from] of [...table.strong, ...table.fatalWeak])
        if (!table.uuids.has(to)) throw new DbFileError("BAD_TRANSACTION", nowhere(from, table.name, to));
      for (const [to, from] of table.weak) {
        if (table.uuids.has(to)) continue;
        weakReferences++;
        tell(nowhere(from, table.name, to));
      }
      if (table.isRoot) continue;
      for (const uuid of table.uuids) {
        if (table.strong.has(uuid)) continue;
        rows++;
        tell(`row ${uuid} of table ${table.name}: no row refers to it, and the table is no root`);
      }
    }
    return { rows, weakReferences, examples };
  }

  #table(name: string): Table {
    const table = this.#tables.get(name);
    if (table === undefined) throw new DbFileError("BAD_SCHEMA", `there is no table ${name}, which another refers to`);
    return table;
  }
}

function nowhere({ table, uuid, column }: Referrer, target: string, to: string): string {
  return `row ${uuid} of table ${table}, column ${column}: refers to row ${to} of table ${target}, which is not there`;
}
