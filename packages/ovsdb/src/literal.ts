/** Prints a schema as the TypeScript file that `defineSchema` infers from; what the `ovsdb-types` command writes. */
import { formatBaseType } from "./column-type.ts";
import { type ColumnSchema, type ColumnType, columnKind, type DatabaseSchema, type TableSchema } from "./schema.ts";

export type LiteralOptions = {
  /** Put a comment with its type and constraints over each column. */
  readonly docs?: boolean;
  /** What the file imports from; the published package by default. */
  readonly importFrom?: string;
  /** Where the schema came from, for the head comment. */
  readonly source?: string;
  /** Tables and columns by name. A server sends them in the order of its hash table, which no one wants to read or diff. */
  readonly sorted?: boolean;
};

/** A whole TypeScript module with one export, named after the database. Tables and columns keep the order of the schema unless `sorted`. */
export function printSchemaModule(schema: DatabaseSchema, options: LiteralOptions = {}): string {
  const { importFrom = "@ovnha/ovsdb", source } = options;
  const origin = source === undefined ? "" : ` from ${oneLine(source)}`;
  const version = schema.version === undefined ? "" : ` ${schema.version}`;
  return [
    `// Schema ${schema.name}${version}, printed${origin} by ovsdb-types. Print it again rather than editing it.`,
    `import { defineSchema } from ${JSON.stringify(importFrom)};`,
    "",
    `export const ${exportName(schema.name)} = defineSchema(${printSchemaLiteral(schema, options)} as const);`,
    "",
  ].join("\n");
}

/** The object literal alone. */
export function printSchemaLiteral(schema: DatabaseSchema, options: LiteralOptions = {}): string {
  const allRoot = [...schema.tables.values()].every((table) => table.isRoot);
  const lines = ["{", `  name: ${text(schema.name)},`];
  if (schema.version !== undefined) lines.push(`  version: ${text(schema.version)},`);
  if (schema.cksum !== undefined) lines.push(`  cksum: ${text(schema.cksum)},`);
  lines.push("  tables: {");
  for (const table of ordered(schema.tables, options)) lines.push(...printTable(schema, table, allRoot, options));
  lines.push("  },", "}");
  return lines.join("\n");
}

function ordered<Named extends { readonly name: string }>(
  items: ReadonlyMap<string, Named>,
  options: LiteralOptions,
): Named[] {
  const list = [...items.values()];
  return options.sorted === true ? list.sort((a, b) => (a.name < b.name ? -1 : 1)) : list;
}

/** A name that TypeScript takes for a constant: the database's own, or with a "_" where that is a reserved word. */
export function exportName(database: string): string {
  const identifier = database.replace(/[^A-Za-z0-9_$]/g, "_").replace(/^(?=[0-9])/, "_");
  return identifier === "" || RESERVED.has(identifier) ? `${identifier}_` : identifier;
}

function printTable(schema: DatabaseSchema, table: TableSchema, allRoot: boolean, options: LiteralOptions): string[] {
  const lines: string[] = [];
  if (options.docs === true) lines.push(...comment(4, describeTable(schema, table)));
  lines.push(`    ${table.name}: {`, "      columns: {");
  for (const column of ordered(table.columns, options)) {
    if (options.docs === true) lines.push(...comment(8, describeColumn(column)));
    lines.push(`        ${column.name}: ${printColumn(column)},`);
  }
  lines.push("      },");
  if (table.isRoot !== allRoot) lines.push(`      isRoot: ${table.isRoot},`);
  if (table.maxRows !== Number.POSITIVE_INFINITY) lines.push(`      maxRows: ${table.maxRows},`);
  if (table.indexes.length > 0) lines.push(`      indexes: ${print(table.indexes)},`);
  lines.push("    },");
  return lines;
}

function printColumn(column: ColumnSchema): string {
  const members: string[] = [`type: ${printType(column.type)}`];
  if (!column.mutable) members.push("mutable: false");
  if (column.ephemeral) members.push("ephemeral: true");
  return `{ ${members.join(", ")} }`;
}

function printType(type: ColumnType): string {
  const key = print(formatBaseType(type.key));
  if (columnKind(type) === "scalar" && key.startsWith('"')) return key;
  const members: string[] = [`key: ${key}`];
  if (type.value !== undefined) members.push(`value: ${print(formatBaseType(type.value))}`);
  if (type.min !== 1) members.push(`min: ${type.min}`);
  if (type.max !== 1) members.push(`max: ${type.max === Number.POSITIVE_INFINITY ? '"unlimited"' : type.max}`);
  return `{ ${members.join(", ")} }`;
}

/** Plain data as a TypeScript expression; bigint with its "n", so that nothing is rounded. */
function print(value: unknown): string {
  if (typeof value === "string") return text(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `[${value.map((element: unknown) => print(element)).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{ ${Object.entries(value)
      .map(([name, member]) => `${name}: ${print(member)}`)
      .join(", ")} }`;
  }
  return String(value);
}

function describeTable(schema: DatabaseSchema, table: TableSchema): string {
  const parts = [table.isRoot ? "Root table" : "Rows go away when nothing refers to them"];
  if (table.maxRows !== Number.POSITIVE_INFINITY) parts.push(`at most ${table.maxRows} row(s)`);
  for (const index of table.indexes) parts.push(`unique by ${index.join(" and ")}`);
  const referrers = [...schema.tables.values()].filter((other) =>
    [...other.columns.values()].some(({ type }) => [type.key.refTable, type.value?.refTable].includes(table.name)),
  );
  if (referrers.length > 0) parts.push(`referred to by ${referrers.map(({ name }) => name).join(", ")}`);
  return `${parts.join("; ")}.`;
}

function describeColumn(column: ColumnSchema): string {
  const parts = [describeType(column.type)];
  if (!column.mutable) parts.push("never changes after the insert");
  if (column.ephemeral) parts.push("lost when the server restarts");
  return `${parts.join("; ")}.`;
}

function describeType(type: ColumnType): string {
  const size = type.max === Number.POSITIVE_INFINITY ? "" : ` of ${type.min === 0 ? "up to" : "1 to"} ${type.max}`;
  const key = describeBase(type.key);
  switch (columnKind(type)) {
    case "scalar":
      return `One ${key}`;
    case "optional":
      return `Optional ${key}`;
    case "set":
      return `Set${size}: ${key}`;
    case "map":
      return `Map${size}: ${key} to ${describeBase(type.value as ColumnType["key"])}`;
  }
}

function describeBase(base: ColumnType["key"]): string {
  if (base.enum !== undefined) return `${base.type}, one of ${base.enum.map((atom) => print(atom)).join(", ")}`;
  if (base.refTable !== undefined) return `${base.refType} reference to ${base.refTable}`;
  const min = base.minInteger ?? base.minReal ?? base.minLength;
  const max = base.maxInteger ?? base.maxReal ?? base.maxLength;
  const unit = base.type === "string" ? " characters" : "";
  if (min === undefined && max === undefined) return base.type;
  if (max === undefined) return `${base.type}, at least ${min}${unit}`;
  return min === undefined ? `${base.type}, at most ${max}${unit}` : `${base.type}, ${min} to ${max}${unit}`;
}

function comment(indent: number, sentence: string): string[] {
  return [`${" ".repeat(indent)}/** ${oneLine(sentence).replaceAll("*/", "* /")} */`];
}

function oneLine(long: string): string {
  return long.replace(/\s+/g, " ");
}

/** A string literal; JSON's form is TypeScript's, save two line separators that would end the line in older tools. */
function text(value: string): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}

const RESERVED: ReadonlySet<string> = new Set(
  (
    "arguments await break case catch class const continue debugger default defineSchema delete do else enum eval export extends false finally for function if " +
    "implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof undefined var void while with yield"
  ).split(" "),
);
