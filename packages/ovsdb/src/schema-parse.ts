/** Schema from JSON and back, with every check that ovsdb-server makes (RFC 7047 §3.2; `ovsdb-tool create` refuses the same). */
import { formatColumnType, parseColumnType } from "./column-type.ts";
import { SchemaError } from "./error.ts";
import { isJsonInteger, isJsonObject, type Json, type JsonObject } from "./json.ts";
import { type BaseType, type ColumnSchema, type DatabaseSchema, isId, type TableSchema } from "./schema.ts";

const UINT32_MAX = 2 ** 32 - 1;

/**
 * Reads a `<database-schema>`.
 *
 * Three rules of the server are applied, so the result says what holds and not what was written: if no table is root, all
 * are; a weak reference is always mutable; a strong reference into a non-root table is never ephemeral.
 *
 * @throws SchemaError naming the place and what to do, wherever ovsdb-server would refuse the schema.
 */
export function parseSchema(json: Json): DatabaseSchema {
  const object = members(json, "", ["name", "version", "cksum", "tables"]);
  const name = object["name"];
  if (!isId(name)) throw new SchemaError("name", "must be an <id>: a letter or _, then letters, digits and _");
  const version = optionalString(object["version"], "version");
  if (version !== undefined && !isVersion(version)) {
    throw new SchemaError("version", `must be "x.y.z", three decimal numbers, not ${JSON.stringify(version)}`);
  }
  const cksum = optionalString(object["cksum"], "cksum");
  if (!isJsonObject(object["tables"])) throw new SchemaError("tables", "must be there, as an object of table schemas");

  const tables = new Map<string, TableSchema>();
  for (const [table, schema] of Object.entries(object["tables"])) {
    checkName(table, `tables.${table}`);
    tables.set(table, parseTable(schema, table));
  }
  const rootless = [...tables.values()].every((table) => !table.isRoot);
  if (rootless) for (const [key, table] of tables) tables.set(key, { ...table, isRoot: true });
  for (const [key, table] of tables) tables.set(key, settleReferences(table, tables));
  return {
    name,
    ...(version === undefined ? {} : { version }),
    ...(cksum === undefined || cksum === "" ? {} : { cksum }),
    tables,
  };
}

/** The canonical JSON of a schema, as ovsdb-server itself writes it: defaults are left out. */
export function formatSchema(schema: DatabaseSchema): JsonObject {
  const allRoot = [...schema.tables.values()].every((table) => table.isRoot);
  const tables: Record<string, Json> = {};
  for (const table of schema.tables.values()) tables[table.name] = formatTable(table, allRoot);
  return {
    name: schema.name,
    ...(schema.version === undefined ? {} : { version: schema.version }),
    ...(schema.cksum === undefined ? {} : { cksum: schema.cksum }),
    tables,
  };
}

function parseTable(json: Json, name: string): TableSchema {
  const path = `tables.${name}`;
  const object = members(json, path, ["columns", "mutable", "maxRows", "isRoot", "indexes"]);
  if (!isJsonObject(object["columns"]))
    throw new SchemaError(`${path}.columns`, "must be there, as an object of column schemas");
  // "mutable" of a table is accepted and means nothing, as on the server.
  optionalBoolean(object["mutable"], `${path}.mutable`);
  const isRoot = optionalBoolean(object["isRoot"], `${path}.isRoot`) ?? false;
  const maxRows = parseMaxRows(object["maxRows"], `${path}.maxRows`);
  if (Object.keys(object["columns"]).length === 0)
    throw new SchemaError(`${path}.columns`, "a table must have at least one column");
  const columns = new Map<string, ColumnSchema>();
  for (const [column, schema] of Object.entries(object["columns"])) {
    checkName(column, `${path}.columns.${column}`);
    columns.set(column, parseColumn(schema, column, `${path}.columns.${column}`));
  }
  return { name, columns, maxRows, isRoot, indexes: parseIndexes(object["indexes"], columns, `${path}.indexes`) };
}

function parseMaxRows(json: Json | undefined, path: string): number {
  if (json === undefined) return Number.POSITIVE_INFINITY;
  if (!isJsonInteger(json) || json <= 0)
    throw new SchemaError(path, "must be an integer of at least 1; leave it out for no limit");
  return json >= UINT32_MAX ? Number.POSITIVE_INFINITY : Number(json);
}

function parseColumn(json: Json, name: string, path: string): ColumnSchema {
  const object = members(json, path, ["type", "ephemeral", "mutable"]);
  const mutable = optionalBoolean(object["mutable"], `${path}.mutable`) ?? true;
  const ephemeral = optionalBoolean(object["ephemeral"], `${path}.ephemeral`) ?? false;
  if (object["type"] === undefined) throw new SchemaError(`${path}.type`, "must be there");
  const type = parseColumnType(object["type"], `${path}.type`);
  const weak = type.key.refType === "weak" || type.value?.refType === "weak";
  return { name, type, ephemeral, mutable: mutable || weak };
}

function parseIndexes(json: Json | undefined, columns: ReadonlyMap<string, ColumnSchema>, path: string): string[][] {
  if (json === undefined) return [];
  if (!Array.isArray(json)) throw new SchemaError(path, "must be an array of arrays of column names");
  return json.map((index: Json, position) => {
    const place = `${path}[${position}]`;
    if (!Array.isArray(index) || index.length === 0)
      throw new SchemaError(place, "must be an array of at least one column name");
    const names = index.map((column: Json) => {
      // The two columns every table has may be indexed too; _version only in name, because it is not persistent.
      if (column === "_uuid") return column;
      const schema = typeof column === "string" ? columns.get(column) : undefined;
      if (schema === undefined) throw new SchemaError(place, `${JSON.stringify(column)} is not a column of this table`);
      if (schema.ephemeral)
        throw new SchemaError(place, `ephemeral column ${schema.name} may not be indexed; make it persistent`);
      return schema.name;
    });
    if (new Set(names).size < names.length) throw new SchemaError(place, "names a column twice");
    return names;
  });
}

/** Checks that referenced tables exist and makes strong references into non-root tables persistent. */
function settleReferences(table: TableSchema, tables: ReadonlyMap<string, TableSchema>): TableSchema {
  const columns = new Map<string, ColumnSchema>();
  for (const column of table.columns.values()) {
    const path = `tables.${table.name}.columns.${column.name}.type`;
    const keyHolds = holdsOnto(column.type.key, tables, `${path}.key`);
    const valueHolds = column.type.value !== undefined && holdsOnto(column.type.value, tables, `${path}.value`);
    columns.set(column.name, keyHolds || valueHolds ? { ...column, ephemeral: false } : column);
  }
  return { ...table, columns };
}

function holdsOnto(base: BaseType, tables: ReadonlyMap<string, TableSchema>, path: string): boolean {
  if (base.refTable === undefined) return false;
  const target = tables.get(base.refTable);
  if (target === undefined) throw new SchemaError(path, `refTable ${base.refTable} is not a table of this schema`);
  return base.refType === "strong" && !target.isRoot;
}

function formatTable(table: TableSchema, allRoot: boolean): JsonObject {
  const columns: Record<string, Json> = {};
  for (const column of table.columns.values()) {
    columns[column.name] = {
      type: formatColumnType(column.type),
      ...(column.mutable ? {} : { mutable: false }),
      ...(column.ephemeral ? { ephemeral: true } : {}),
    };
  }
  return {
    columns,
    ...(table.isRoot === allRoot ? {} : { isRoot: table.isRoot }),
    ...(table.maxRows === Number.POSITIVE_INFINITY ? {} : { maxRows: table.maxRows }),
    ...(table.indexes.length === 0 ? {} : { indexes: table.indexes }),
  };
}

function isVersion(version: string): boolean {
  return /^[0-9]+\.[0-9]+\.[0-9]+$/.test(version);
}

function checkName(name: string, path: string): void {
  if (name.startsWith("_")) throw new SchemaError(path, 'names that begin with "_" are reserved; choose another');
  if (!isId(name)) throw new SchemaError(path, "must be an <id>: a letter, then letters, digits and _");
}

/** The members of an object; unknown ones are refused, as the server refuses them. */
export function members(json: Json, path: string, allowed: readonly string[]): JsonObject {
  if (!isJsonObject(json)) throw new SchemaError(path, "must be an object");
  for (const name of Object.keys(json)) {
    if (!allowed.includes(name)) {
      throw new SchemaError(
        path === "" ? name : `${path}.${name}`,
        `is not allowed here; only ${allowed.join(", ")} are`,
      );
    }
  }
  return json;
}

function optionalString(json: Json | undefined, path: string): string | undefined {
  if (json !== undefined && typeof json !== "string") throw new SchemaError(path, "must be a string");
  return json;
}

function optionalBoolean(json: Json | undefined, path: string): boolean | undefined {
  if (json !== undefined && typeof json !== "boolean") throw new SchemaError(path, "must be true or false");
  return json;
}
