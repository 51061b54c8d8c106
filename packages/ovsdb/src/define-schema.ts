/**
 * The schema as a value: written once with `as const`, it gives every type by inference and every check at run time. The
 * `ovsdb-types` command prints one from a server or a file.
 */
import type { Json } from "./json.ts";
import { type AtomType, type DatabaseSchema, parseSchema } from "./schema.ts";
import type { IntegerPolicy } from "./value.ts";

export type BaseLiteral =
  | AtomType
  | {
      readonly type: AtomType;
      readonly enum?: unknown;
      readonly minInteger?: number | bigint;
      readonly maxInteger?: number | bigint;
      readonly minReal?: number;
      readonly maxReal?: number;
      readonly minLength?: number;
      readonly maxLength?: number;
      readonly refTable?: string;
      readonly refType?: "strong" | "weak";
    };
export type TypeLiteral =
  | AtomType
  | {
      readonly key: BaseLiteral;
      readonly value?: BaseLiteral;
      readonly min?: number;
      readonly max?: number | "unlimited";
    };
export type ColumnLiteral = { readonly type: TypeLiteral; readonly mutable?: boolean; readonly ephemeral?: boolean };
export type TableLiteral = {
  readonly columns: { readonly [column: string]: ColumnLiteral };
  readonly isRoot?: boolean;
  readonly maxRows?: number;
  readonly mutable?: boolean;
  readonly indexes?: readonly (readonly string[])[];
};
/** A `<database-schema>` of RFC 7047 §3.2, written as a TypeScript literal. */
export type SchemaLiteral = {
  readonly name: string;
  readonly version?: string;
  readonly cksum?: string;
  readonly tables: { readonly [table: string]: TableLiteral };
};

/** One policy for all integer columns, or per table and column; what is not named is "checked". */
export type PolicyLiteral<S extends SchemaLiteral = SchemaLiteral> =
  | IntegerPolicy
  | { readonly [T in keyof S["tables"]]?: { readonly [C in keyof S["tables"][T]["columns"]]?: IntegerPolicy } };

export type TypedSchema<S extends SchemaLiteral = SchemaLiteral, P = unknown> = {
  readonly name: S["name"];
  readonly literal: S;
  /** Parsed on first use. @throws SchemaError if the server would refuse the literal. */
  readonly parsed: DatabaseSchema;
  /** How integers of this column are given; see {@link IntegerPolicy}. */
  policy(table: string, column: string): IntegerPolicy;
  /** The policies as they were given, for inference. */
  readonly integers: P;
};

/** Any schema, known or not: a database opened by name has this, with every table name a string and every column a `Value`. */
export type AnySchema = TypedSchema<SchemaLiteral, unknown>;

/**
 * Makes a typed schema of a literal.
 *
 * ```ts
 * export const Lab = defineSchema({
 *   name: "Lab",
 *   tables: { Host: { columns: { name: { type: "string" }, up: { type: { key: "boolean", min: 0 } } }, isRoot: true } },
 * } as const, { integers: "auto" });
 * type Host = Row<typeof Lab, "Host">;   // { _uuid: Uuid<"Host">; name: string; up: boolean | undefined }
 * ```
 */
export function defineSchema<const S extends SchemaLiteral, const P extends PolicyLiteral<S> = "checked">(
  literal: S,
  policies: { readonly integers?: P } = {},
): TypedSchema<S, P> {
  return typedSchema(literal, policies.integers ?? ("checked" as P), () => parseSchema(literal as unknown as Json));
}

/** The untyped face of a schema that came from a server. */
export function anySchema(parsed: DatabaseSchema, policies: { readonly integers?: PolicyLiteral } = {}): AnySchema {
  const literal: SchemaLiteral = { name: parsed.name, tables: {} };
  return typedSchema<SchemaLiteral, unknown>(literal, policies.integers ?? "checked", () => parsed);
}

function typedSchema<S extends SchemaLiteral, P>(
  literal: S,
  integers: P,
  parse: () => DatabaseSchema,
): TypedSchema<S, P> {
  let parsed: DatabaseSchema | undefined;
  return {
    name: literal.name,
    literal,
    get parsed() {
      parsed ??= parse();
      return parsed;
    },
    policy: (table, column) => {
      if (typeof integers === "string") return integers as IntegerPolicy;
      return (integers as { [table: string]: { [column: string]: IntegerPolicy } })[table]?.[column] ?? "checked";
    },
    integers,
  };
}
