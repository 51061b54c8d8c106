/** What `defineSchema` infers, held by the compiler: `tsc` fails if a line here is not as it says. Nothing runs. */
import { type AnySchema, defineSchema } from "../src/define-schema.ts";
import type {
  ClauseOf,
  InsertOf,
  MutationOf,
  MutatorsOf,
  RowOf,
  TableName,
  UpdateOf,
  WhereOf,
} from "../src/row-types.ts";
import type { NamedUuid, Uuid } from "../src/uuid.ts";
import type { Value } from "../src/value.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function holds<_Claim extends true>(): void {}

const Lab = defineSchema(
  {
    name: "Lab",
    version: "1.0.0",
    tables: {
      Host: {
        isRoot: true,
        columns: {
          name: { type: "string", mutable: false },
          kind: { type: { key: { type: "string", enum: ["set", ["bare", "virtual"]] } } },
          mode: { type: { key: { type: "string", enum: ["set", ["", "fast"]] } } },
          level: { type: { key: { type: "integer", enum: ["set", [1, 2]] } } },
          only: { type: { key: { type: "string", enum: "x" }, min: 0 } },
          up: { type: { key: "boolean", min: 0 } },
          load: { type: "real" },
          count: { type: "integer" },
          bytes: { type: "integer" },
          any: { type: "integer" },
          slots: { type: { key: { type: "integer", minInteger: 0, maxInteger: 9 }, min: 0, max: 4 } },
          tags: { type: { key: "string", min: 0, max: "unlimited" } },
          ids: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
          rates: {
            type: { key: { type: "string", enum: ["set", ["in", "out"]] }, value: "integer", min: 0, max: "unlimited" },
          },
          ports: { type: { key: { type: "uuid", refTable: "Port" }, min: 0, max: "unlimited" } },
          first: { type: { key: { type: "uuid", refTable: "Port", refType: "weak" }, min: 0 }, mutable: false },
          home: { type: { key: { type: "uuid", refTable: "Host" } } },
          token: { type: { key: "uuid", min: 0, max: 1 } },
        },
        indexes: [["name"]],
      },
      Port: { columns: { name: { type: "string" } } },
    },
  } as const,
  { integers: { Host: { bytes: "bigint", any: "auto" } } },
);
type S = typeof Lab;

holds<Equal<TableName<S>, "Host" | "Port">>();

// ---- rows: every column is there; optional ones may be undefined ----
type Host = RowOf<S, "Host">;
holds<
  Equal<
    Host,
    {
      readonly _uuid: Uuid<"Host">;
      readonly name: string;
      readonly kind: "bare" | "virtual";
      readonly mode: "" | "fast";
      readonly level: 1 | 2;
      readonly only: "x" | undefined;
      readonly up: boolean | undefined;
      readonly load: number;
      readonly count: number;
      readonly bytes: bigint;
      readonly any: number | bigint;
      readonly slots: ReadonlySet<number>;
      readonly tags: ReadonlySet<string>;
      readonly ids: ReadonlyMap<string, string>;
      readonly rates: ReadonlyMap<"in" | "out", number>;
      readonly ports: ReadonlySet<Uuid<"Port">>;
      readonly first: Uuid<"Port"> | undefined;
      readonly home: Uuid<"Host">;
      readonly token: Uuid | undefined;
    }
  >
>();
holds<
  Equal<
    RowOf<S, "Host", "name" | "up">,
    { readonly _uuid: Uuid<"Host">; readonly name: string; readonly up: boolean | undefined }
  >
>();

// ---- references are tagged by table ----
declare const port: Uuid<"Port">;
declare const host: Uuid<"Host">;
declare const newPort: NamedUuid<"Port">;
declare const newHost: NamedUuid<"Host">;
export const widened: Uuid = port;
// @ts-expect-error a Host is no Port
export const mixed: Uuid<"Port"> = host;
export const pasted: Uuid<"Port"> = "00000000-0000-0000-0000-000000000000";

// ---- inserts ----
export const insert: InsertOf<S, "Host"> = { kind: "bare", level: 1, home: host };
export const full: InsertOf<S, "Host"> = {
  _uuid: host,
  name: "x",
  kind: "virtual",
  level: 2n,
  home: newHost,
  mode: "",
  up: undefined,
  count: 5n,
  slots: [1, 2n],
  tags: new Set(["a"]),
  ids: { a: "b" },
  rates: { in: 1 },
  ports: [port, newPort],
  first: newPort,
};
export const maps: InsertOf<S, "Host"> = {
  kind: "bare",
  level: 1,
  home: host,
  ids: new Map([["a", "b"]]),
  rates: new Map([["in", 1n] as const]),
};
// @ts-expect-error kind has no default that is allowed
export const missingEnum: InsertOf<S, "Host"> = { level: 1, home: host };
// @ts-expect-error home refers to a row and there is no default row
export const missingReference: InsertOf<S, "Host"> = { kind: "bare", level: 1 };
// @ts-expect-error undefined clears only optional columns
export const notOptional: InsertOf<S, "Host"> = { kind: "bare", level: 1, home: host, name: undefined };
// @ts-expect-error not in the enum
export const notInEnum: InsertOf<S, "Host"> = { kind: "metal", level: 1, home: host };
// @ts-expect-error a Host among Ports
export const wrongTable: InsertOf<S, "Host"> = { kind: "bare", level: 1, home: host, ports: [host] };
// @ts-expect-error a new Host among Ports
export const wrongNewTable: InsertOf<S, "Host"> = { kind: "bare", level: 1, home: host, ports: [newHost] };
// @ts-expect-error no such column
export const unknownColumn: InsertOf<S, "Port"> = { nmae: "x" };
export const empty: InsertOf<S, "Port"> = {};

// ---- updates: immutable columns are absent; undefined clears ----
export const update: UpdateOf<S, "Host"> = { up: undefined, tags: [], count: 1 };
// @ts-expect-error name is immutable
export const immutable: UpdateOf<S, "Host"> = { name: "x" };
// A weak reference is mutable whatever the schema says.
export const weak: UpdateOf<S, "Host"> = { first: undefined };
// @ts-expect-error the server keeps _uuid
export const noUuid: UpdateOf<S, "Host"> = { _uuid: host };

// ---- conditions ----
export const where: WhereOf<S, "Host">[] = [
  true,
  [],
  { name: "x", up: undefined },
  { _uuid: host },
  [
    ["count", "<", 5],
    ["slots", "includes", 3],
    ["ids", "includes", { a: "b" }],
    ["_uuid", "!=", newHost],
    ["load", ">=", 0.5],
    false,
  ],
  [
    ["tags", "excludes", ["a", "b"]],
    ["up", "==", undefined],
    ["ports", "includes", port],
  ],
];
// @ts-expect-error strings have no order
export const noOrder: ClauseOf<S, "Host"> = ["name", "<", "x"];
// @ts-expect-error sets have no order
export const noSetOrder: ClauseOf<S, "Host"> = ["slots", "<", 1];
// @ts-expect-error not in the enum
export const whereEnum: WhereOf<S, "Host"> = { kind: "metal" };
// @ts-expect-error a Host is no Port
export const whereTable: ClauseOf<S, "Host"> = ["ports", "includes", host];
// @ts-expect-error undefined is no condition
export const noWhere: WhereOf<S, "Host"> = undefined;

// ---- mutations: only what the column's type allows ----
export const mutations: MutationOf<S, "Host">[] = [
  ["count", "+=", 1n],
  ["count", "%=", 2],
  ["load", "/=", 2],
  ["slots", "*=", 2],
  ["slots", "insert", [1]],
  ["tags", "delete", "a"],
  ["ids", "insert", { a: "b" }],
  ["ids", "delete", ["a"]],
  ["ports", "insert", newPort],
];
// @ts-expect-error no modulo on reals
export const noModulo: MutationOf<S, "Host"> = ["load", "%=", 2];
// @ts-expect-error no arithmetic on strings
export const noArithmetic: MutationOf<S, "Host"> = ["tags", "+=", 1];
// @ts-expect-error a scalar has no elements
export const noElements: MutationOf<S, "Host"> = ["count", "insert", 1];
// @ts-expect-error immutable
export const noImmutable: MutationOf<S, "Host"> = ["name", "insert", "x"];

export function mutate(m: MutatorsOf<S, "Host">): void {
  m.ids
    .set("a", "b")
    .ids.setIfAbsent("c", "d")
    .ids.delete("e", "f")
    .ports.delete(port)
    .ports.insert(newPort, port)
    .count.add(1)
    .slots.insert([1, 2])
    .load.divide(2)
    .slots.modulo(3);
  // @ts-expect-error name is immutable
  m.name;
  // @ts-expect-error a string scalar has no mutator
  m.kind;
  // @ts-expect-error no modulo on reals
  m.load.modulo;
  // @ts-expect-error maps have no arithmetic
  m.rates.add;
  // @ts-expect-error a Host is no Port
  m.ports.insert(host);
  // @ts-expect-error the map's values are strings
  m.ids.set("a", 1);
}

// ---- a schema that is not known at compile time ----
declare const unknown: AnySchema;
export const any: AnySchema = Lab;
holds<Equal<RowOf<typeof unknown, "T">, { readonly _uuid: Uuid; readonly [column: string]: Value }>>();
export const anyInsert: InsertOf<AnySchema, "T"> = { whatever: 1 };
export const anyWhere: WhereOf<AnySchema, "T">[] = [true, { a: 1 }, [["a", "==", 1]]];
export function anyMutate(m: MutatorsOf<AnySchema, "T">): void {
  m["ids"]?.set("a", 1)["n"]?.add(1);
}

// ---- policies ----
const AllBig = defineSchema({ name: "L", tables: { T: { columns: { n: { type: "integer" } } } } } as const, {
  integers: "bigint",
});
holds<Equal<RowOf<typeof AllBig, "T">["n"], bigint>>();
const Checked = defineSchema({ name: "L", tables: { T: { columns: { n: { type: "integer" } } } } });
holds<Equal<RowOf<typeof Checked, "T">["n"], number>>();
export const wrongPolicy = defineSchema(
  { name: "L", tables: { T: { columns: { n: { type: "integer" } } } } },
  // @ts-expect-error there is no such column to give a policy to
  { integers: { T: { m: "bigint" } } },
);
