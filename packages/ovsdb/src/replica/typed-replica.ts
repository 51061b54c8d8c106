/** A replica with the types of its schema: a property per table, rows with the chosen columns only. */
import type { AnySchema } from "../define-schema.ts";
import type { Json } from "../json.ts";
import type { ColumnName, RowOf, TableName, WhereOf } from "../row-types.ts";
import type { Value } from "../value.ts";
import { type Difference, diffAgainst } from "./audit.ts";
import type { Batch } from "./batch.ts";
import type { Subscription } from "./hub.ts";
import type { IndexDefinition } from "./index-definition.ts";
import type { BatchesOf, Freshness, Replica } from "./replica.ts";
import type { BatchesOptions } from "./stream-options.ts";
import type { TableReplica } from "./table-replica.ts";
import type { UntilOptions } from "./until.ts";

/** Which columns of a table, and which rows. `true`: all of both. */
export type TableSelection<S extends AnySchema, T extends TableName<S>> =
  | true
  | readonly ColumnName<S, T>[]
  | {
      /** Default: all. */
      readonly columns?: readonly ColumnName<S, T>[];
      /**
       * The server sends only rows that meet this; it can be changed later. Of a list of clauses, one suffices, as
       * ovsdb-server has it for monitors; an object of several columns is refused. Default: all.
       */
      readonly where?: WhereOf<S, T>;
      /** Indexes to fill while the first rows arrive, rather than at the first `index` call with the same definition. */
      readonly indexes?: readonly IndexDefinition<RowOf<S, T>>[];
    };

/** What to replicate: `{ Logical_Switch: ["name", "ports"], Logical_Switch_Port: true }`. */
export type SelectionOf<S extends AnySchema> = { readonly [T in TableName<S>]?: TableSelection<S, T> };

type Chosen<S extends AnySchema, T extends TableName<S>, Sel> = Sel extends readonly (infer C)[]
  ? C & ColumnName<S, T>
  : Sel extends { readonly columns: readonly (infer C)[] }
    ? C & ColumnName<S, T>
    : ColumnName<S, T>;

type Joined<Names extends readonly unknown[]> = Names extends readonly [infer Only extends string]
  ? Only
  : Names extends readonly [infer First extends string, ...infer Rest]
    ? `${First}_${Joined<Rest>}`
    : string;
type IndexesOf<S extends AnySchema, T extends TableName<S>> = S["literal"]["tables"][T] extends {
  readonly indexes: readonly (infer I extends readonly string[])[];
}
  ? I
  : never;
/** The schema's indexes that lie within the chosen columns, as name → tuple of values. */
type NamedIndexes<S extends AnySchema, T extends TableName<S>, R, C> =
  string extends TableName<S>
    ? Record<string, readonly Value[]>
    : {
        readonly [I in IndexesOf<S, T> as I[number] extends C ? Joined<I> : never]: {
          readonly [P in keyof I]: I[P] extends keyof R ? R[I[P]] : never;
        };
      };

/** The type of a row under a selection. */
export type SelectedRow<S extends AnySchema, T extends TableName<S>, Sel> = RowOf<S, T, Chosen<S, T, Sel>>;
/** The type of a table under a selection. */
export type SelectedTable<S extends AnySchema, T extends TableName<S>, Sel> = TableReplica<
  SelectedRow<S, T, Sel>,
  NamedIndexes<S, T, SelectedRow<S, T, Sel>, Chosen<S, T, Sel>>
>;

type SelectedNames<S extends AnySchema, Sel> = keyof Sel & TableName<S>;
/** Rows by table. */
export type SelectedRows<S extends AnySchema, Sel> = { [T in SelectedNames<S, Sel>]: SelectedRow<S, T, Sel[T]> };

/** What every replica can do, beside its tables. */
export interface ReplicaMembers<S extends AnySchema, Sel> {
  /** A table by name; the only way to one whose name is a member of the replica itself, such as "batches" or "then". */
  table<T extends SelectedNames<S, Sel>>(name: T): SelectedTable<S, T, Sel[T]>;
  /** Count of steps taken. */
  readonly version: number;
  readonly freshness: Freshness;
  /** See {@link Replica.batches}. */
  batches(options?: BatchesOptions): BatchesOf<SelectedRows<S, Sel>>;
  /** See {@link Replica.onBatch}. */
  onBatch(listener: (batch: Batch<SelectedRows<S, Sel>>) => void): Subscription;
  /** See {@link Replica.until}. */
  until(predicate: () => boolean, options?: UntilOptions): Promise<void>;
  /** See {@link diffAgainst}. */
  diffAgainst(rowsByTable: { readonly [T in SelectedNames<S, Sel>]?: readonly Json[] }): Difference[];
}

/** Names that stay what they are for every JavaScript object, or would make a promise of it. */
type ReservedName =
  | "then"
  | "constructor"
  | "__proto__"
  | "toString"
  | "toLocaleString"
  | "valueOf"
  | "hasOwnProperty"
  | "isPrototypeOf"
  | "propertyIsEnumerable";

/**
 * The members of the replica, those that its owner adds (`E`), and a property per selected table. Where a table has the
 * name of a member the member wins; OVSDB's own schemas begin table names with a capital, so none of them does.
 */
export type ReplicaOf<S extends AnySchema, Sel, E = unknown> = ReplicaMembers<S, Sel> &
  E & {
    readonly [T in Exclude<
      SelectedNames<S, Sel>,
      keyof ReplicaMembers<S, Sel> | keyof E | ReservedName
    >]: SelectedTable<S, T, Sel[T]>;
  };

/** Gives a replica its typed face. The owner's own members (`synced`, `close`, …) are taken over, getters as getters. */
export function faceOf<S extends AnySchema, Sel, E extends object>(replica: Replica, own: E): ReplicaOf<S, Sel, E> {
  const members: ReplicaMembers<AnySchema, Record<string, true>> = {
    table: (name) => replica.table(name) as never,
    get version() {
      return replica.version;
    },
    get freshness() {
      return replica.freshness;
    },
    batches: (options) => replica.batches(options) as never,
    onBatch: (listener) => replica.onBatch(listener as never),
    until: (predicate, options) => replica.until(predicate, options),
    diffAgainst: (rowsByTable) => diffAgainst(replica, rowsByTable as Record<string, readonly Json[]>),
  };
  const face = Object.defineProperties(members, Object.getOwnPropertyDescriptors(own));
  for (const [name, table] of replica.tables) {
    if (name !== "then" && !(name in face)) Object.defineProperty(face, name, { value: table, enumerable: true });
  }
  return face as unknown as ReplicaOf<S, Sel, E>;
}
