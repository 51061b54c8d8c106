/**
 * Types of rows, inserts, updates, conditions and mutations, inferred from a schema literal. Each is one mapped type over
 * the columns of one table, looked at only when it is used, so the large schemas of OVN cost the compiler next to nothing.
 */
import type { AnySchema, BaseLiteral, ColumnLiteral, TypeLiteral } from "./define-schema.ts";
import type { AtomType } from "./schema.ts";
import type { NamedUuid, Uuid } from "./uuid.ts";
import type { IntegerPolicy, Value } from "./value.ts";

/** Names of the tables of a schema; any string when the schema is not known. */
export type TableName<S extends AnySchema> = keyof S["literal"]["tables"] & string;
type Columns<S extends AnySchema, T extends TableName<S>> = S["literal"]["tables"][T]["columns"];
/** Names of the columns of a table, without `_uuid` and `_version`. */
export type ColumnName<S extends AnySchema, T extends TableName<S>> = keyof Columns<S, T> & string;
type TypeOf<S extends AnySchema, T extends TableName<S>, C extends keyof Columns<S, T>> = Columns<S, T>[C]["type"];

// ---- atoms ---------------------------------------------------------------------------------------------------------

type BaseName<B> = B extends AtomType ? B : B extends { readonly type: infer Name } ? Name : never;
/** `["set", [a, b]]`, or a single value. */
type EnumOf<E> = E extends readonly ["set", readonly (infer Member)[]] ? Member : E;
/** In memory; `I` is what the policy makes of integers. */
type ReadAtom<B, I> = B extends { readonly enum: infer E }
  ? BaseName<B> extends "integer"
    ? I extends bigint
      ? bigint
      : EnumOf<E>
    : BaseName<B> extends "uuid"
      ? Uuid
      : EnumOf<E>
  : B extends { readonly refTable: infer Table extends string }
    ? Uuid<Table>
    : BaseAtom<BaseName<B>, I>;
/** As a program may give it: integers as number or bigint, a row of this transaction for a uuid. */
type WriteAtom<B> = B extends { readonly enum: infer E }
  ? BaseName<B> extends "integer"
    ? EnumOf<E> | bigint
    : BaseName<B> extends "uuid"
      ? Uuid
      : EnumOf<E>
  : B extends { readonly refTable: infer Table extends string }
    ? Uuid<Table> | NamedUuid<Table>
    : BaseName<B> extends "uuid"
      ? Uuid | NamedUuid
      : BaseAtom<BaseName<B>, number | bigint>;
type BaseAtom<Name, I> = Name extends "string"
  ? string
  : Name extends "integer"
    ? I
    : Name extends "boolean"
      ? boolean
      : Name extends "real"
        ? number
        : Uuid;

// ---- policies ------------------------------------------------------------------------------------------------------

type PolicyOf<P, T, C> = P extends IntegerPolicy
  ? P
  : T extends keyof P
    ? C extends keyof P[T]
      ? P[T][C]
      : "checked"
    : "checked";
type IntegerOf<S extends AnySchema, T, C> =
  PolicyOf<S["integers"], T, C> extends infer Policy
    ? Policy extends "bigint"
      ? bigint
      : Policy extends "auto"
        ? number | bigint
        : number
    : never;

// ---- kinds ---------------------------------------------------------------------------------------------------------

type Key<Ty> = Ty extends { readonly key: infer K } ? K : Ty;
type Kind<Ty> = Ty extends { readonly value: BaseLiteral }
  ? "map"
  : Ty extends { readonly max: infer Max }
    ? Max extends 1
      ? Single<Ty>
      : "set"
    : Single<Ty>;
type Single<Ty> = Ty extends { readonly min: 0 } ? "optional" : "scalar";
type Inner<Ty> = Ty extends { readonly value: infer V } ? V : never;

type ReadValue<Ty, I> =
  Kind<Ty> extends infer K
    ? K extends "map"
      ? ReadonlyMap<ReadAtom<Key<Ty>, I>, ReadAtom<Inner<Ty>, I>>
      : K extends "set"
        ? ReadonlySet<ReadAtom<Key<Ty>, I>>
        : K extends "optional"
          ? ReadAtom<Key<Ty>, I> | undefined
          : ReadAtom<Key<Ty>, I>
    : never;
type SetArgument<B> = ReadonlySet<WriteAtom<B>> | readonly WriteAtom<B>[];
type MapArgument<K, V> =
  | ReadonlyMap<WriteAtom<K>, WriteAtom<V>>
  | (WriteAtom<K> extends string
      ? BaseName<K> extends "uuid"
        ? never
        : { readonly [key in WriteAtom<K>]?: WriteAtom<V> }
      : never);
type WriteValue<Ty> =
  Kind<Ty> extends infer K
    ? K extends "map"
      ? MapArgument<Key<Ty>, Inner<Ty>>
      : K extends "set"
        ? SetArgument<Key<Ty>>
        : K extends "optional"
          ? WriteAtom<Key<Ty>> | undefined
          : WriteAtom<Key<Ty>>
    : never;

type Flat<Type> = { [Member in keyof Type]: Type[Member] };
/** True when the schema is not known at compile time. */
type Untyped<S extends AnySchema> = string extends TableName<S> ? true : false;

// ---- rows ----------------------------------------------------------------------------------------------------------

type UntypedRow = { readonly _uuid: Uuid; readonly [column: string]: Value };

/** A row as it is read: all columns (or the chosen ones) are there; an optional one may be `undefined`. */
export type RowOf<S extends AnySchema, T extends TableName<S>, C extends ColumnName<S, T> = ColumnName<S, T>> =
  Untyped<S> extends true
    ? UntypedRow
    : Flat<
        { readonly _uuid: Uuid<T> } & {
          readonly [N in C]: ReadValue<TypeOf<S, T, N>, IntegerOf<S, T, N>>;
        }
      >;

/** True where the server would refuse an insert that leaves the column out: its default is not allowed, or refers to no row. */
type IsRequired<Ty extends TypeLiteral> =
  Kind<Ty> extends "scalar"
    ? Key<Ty> extends { readonly enum: infer E }
      ? (BaseName<Key<Ty>> extends "string" ? "" : BaseName<Key<Ty>> extends "boolean" ? false : 0) extends EnumOf<E>
        ? false
        : true
      : Key<Ty> extends { readonly refTable: string }
        ? true
        : false
    : false;
type RequiredNames<Cols extends { readonly [column: string]: ColumnLiteral }> = {
  [C in keyof Cols]: IsRequired<Cols[C]["type"]> extends true ? C : never;
}[keyof Cols];

/**
 * A row to insert. A column may be left out where its default (RFC 7047 §5.2.1) is allowed; `_uuid` chooses the row's uuid
 * (ovsdb-server 2.13 and later).
 */
export type InsertOf<S extends AnySchema, T extends TableName<S>> =
  Untyped<S> extends true
    ? { readonly _uuid?: Uuid; readonly [column: string]: unknown }
    : Flat<
        { readonly _uuid?: Uuid<T> } & {
          readonly [C in RequiredNames<Columns<S, T>>]: WriteValue<TypeOf<S, T, C>>;
        } & {
          readonly [C in Exclude<keyof Columns<S, T>, RequiredNames<Columns<S, T>>>]?: WriteValue<TypeOf<S, T, C>>;
        }
      >;

type IsWeak<B> = B extends { readonly refType: "weak" } ? true : false;
/** The server makes weak references mutable whatever the schema says. */
type MutableNames<Cols extends { readonly [column: string]: ColumnLiteral }> = {
  [C in keyof Cols]: Cols[C] extends { readonly mutable: false }
    ? true extends IsWeak<Key<Cols[C]["type"]>> | IsWeak<Inner<Cols[C]["type"]>>
      ? C
      : never
    : C;
}[keyof Cols];

/** Columns to set. Immutable ones are not offered. A missing member leaves its column alone; `undefined` clears an optional one. */
export type UpdateOf<S extends AnySchema, T extends TableName<S>> =
  Untyped<S> extends true
    ? { readonly [column: string]: unknown }
    : { readonly [C in MutableNames<Columns<S, T>>]?: WriteValue<TypeOf<S, T, C>> };

// ---- conditions ----------------------------------------------------------------------------------------------------

type IsNumeric<B> = BaseName<B> extends "integer" | "real" ? true : false;
type SubsetArgument<Ty> = Kind<Ty> extends "set" ? SetArgument<Key<Ty>> | WriteAtom<Key<Ty>> : WriteValue<Ty>;
type ClauseOn<C, Ty> =
  | readonly [column: C, relation: "==" | "!=", value: WriteValue<Ty>]
  | readonly [column: C, relation: "includes" | "excludes", value: SubsetArgument<Ty>]
  | (Kind<Ty> extends "scalar" | "optional"
      ? IsNumeric<Key<Ty>> extends true
        ? readonly [column: C, order: "<" | "<=" | ">" | ">=", value: WriteAtom<Key<Ty>>]
        : never
      : never);
type UuidClause<T extends string, C> = readonly [
  column: C,
  relation: "==" | "!=" | "includes" | "excludes",
  value: Uuid<T> | NamedUuid<T>,
];

/** One clause: `[column, function, value]`, or `true` or `false` for always and never. */
export type ClauseOf<S extends AnySchema, T extends TableName<S>> =
  Untyped<S> extends true
    ? boolean | readonly [column: string, relation: Relation, value: unknown]
    :
        | boolean
        | UuidClause<T, "_uuid">
        | UuidClause<string, "_version">
        | { [C in keyof Columns<S, T>]: ClauseOn<C, TypeOf<S, T, C>> }[keyof Columns<S, T>];

/** The functions of RFC 7047 §5.1. */
export type Relation = "==" | "!=" | "<" | "<=" | ">" | ">=" | "includes" | "excludes";

/** Which rows: columns that must all be equal, or clauses that must all hold; `true` or an empty list is every row. */
export type WhereOf<S extends AnySchema, T extends TableName<S>> =
  | boolean
  | readonly ClauseOf<S, T>[]
  | (Untyped<S> extends true
      ? { readonly [column: string]: unknown }
      : Flat<
          { readonly _uuid?: Uuid<T> | NamedUuid<T> } & {
            readonly [C in keyof Columns<S, T>]?: WriteValue<TypeOf<S, T, C>>;
          }
        >);

// ---- mutations -----------------------------------------------------------------------------------------------------

type Arithmetic<Ty> = Kind<Ty> extends "map" ? false : IsNumeric<Key<Ty>>;
type MutationOn<C, Ty> =
  | (Arithmetic<Ty> extends true
      ? readonly [
          column: C,
          mutator: "+=" | "-=" | "*=" | "/=" | (BaseName<Key<Ty>> extends "integer" ? "%=" : never),
          value: BaseName<Key<Ty>> extends "integer" ? number | bigint : number,
        ]
      : never)
  | (Kind<Ty> extends "map"
      ?
          | readonly [column: C, mutator: "insert", entries: MapArgument<Key<Ty>, Inner<Ty>>]
          | readonly [
              column: C,
              mutator: "delete",
              keys: MapArgument<Key<Ty>, Inner<Ty>> | SetArgument<Key<Ty>> | WriteAtom<Key<Ty>>,
            ]
      : Kind<Ty> extends "set" | "optional"
        ? readonly [column: C, mutator: "insert" | "delete", elements: SetArgument<Key<Ty>> | WriteAtom<Key<Ty>>]
        : never);

/** One `[column, mutator, value]` that the column's type allows (RFC 7047 §5.1). */
export type MutationOf<S extends AnySchema, T extends TableName<S>> =
  Untyped<S> extends true
    ? readonly [column: string, mutator: Mutator, value: unknown]
    : { [C in MutableNames<Columns<S, T>>]: MutationOn<C, TypeOf<S, T, C>> }[MutableNames<Columns<S, T>>];

/** The mutators of RFC 7047 §5.1. */
export type Mutator = "+=" | "-=" | "*=" | "/=" | "%=" | "insert" | "delete";

interface ArithmeticMutators<N, Next> {
  add(value: N): Next;
  subtract(value: N): Next;
  multiply(value: N): Next;
  /** Integers are divided towards zero. */
  divide(value: N): Next;
}
interface IntegerMutators<Next> extends ArithmeticMutators<number | bigint, Next> {
  modulo(value: number | bigint): Next;
}
interface SetMutators<B, Next> {
  insert(...elements: readonly WriteAtom<B>[] | readonly [SetArgument<B>]): Next;
  delete(...elements: readonly WriteAtom<B>[] | readonly [SetArgument<B>]): Next;
}
interface MapMutators<K, V, Next> {
  /** Puts an entry, whether its key is there or not. */
  set(key: WriteAtom<K>, value: WriteAtom<V>): Next;
  /** Puts an entry only if its key is not there. */
  setIfAbsent(key: WriteAtom<K>, value: WriteAtom<V>): Next;
  /** Puts the entries whose keys are not there. */
  insert(entries: MapArgument<K, V>): Next;
  /** Removes keys; given a map, only pairs that are equal. */
  delete(
    ...keys: readonly WriteAtom<K>[] | readonly [SetArgument<K>] | readonly [ReadonlyMap<WriteAtom<K>, WriteAtom<V>>]
  ): Next;
}
type NumberMutators<Ty, Next> =
  Arithmetic<Ty> extends true
    ? BaseName<Key<Ty>> extends "integer"
      ? IntegerMutators<Next>
      : ArithmeticMutators<number, Next>
    : unknown;
type ColumnMutators<Ty, Next> =
  Kind<Ty> extends "map"
    ? MapMutators<Key<Ty>, Inner<Ty>, Next>
    : Kind<Ty> extends "scalar"
      ? NumberMutators<Ty, Next>
      : SetMutators<Key<Ty>, Next> & NumberMutators<Ty, Next>;
/** Columns that have a mutator at all: numbers, sets, optionals and maps that are mutable. */
type MutatorNames<Cols extends { readonly [column: string]: ColumnLiteral }> = {
  [C in MutableNames<Cols>]: Kind<Cols[C]["type"]> extends "scalar"
    ? IsNumeric<Key<Cols[C]["type"]>> extends true
      ? C
      : never
    : C;
}[MutableNames<Cols>];

/** What a `mutate(m => m.column.verb(…))` function is given: the verbs that each column's type allows, chainable. */
export type MutatorsOf<S extends AnySchema, T extends TableName<S>> =
  Untyped<S> extends true
    ? { readonly [column: string]: AnyMutators<MutatorsOf<S, T>> }
    : { readonly [C in MutatorNames<Columns<S, T>>]: ColumnMutators<TypeOf<S, T, C>, MutatorsOf<S, T>> };

interface AnyMutators<Next> extends IntegerMutators<Next> {
  insert(...elements: readonly unknown[]): Next;
  delete(...elements: readonly unknown[]): Next;
  set(key: unknown, value: unknown): Next;
  setIfAbsent(key: unknown, value: unknown): Next;
}

/** @internal The literal of one column. */
export type ColumnLiteralOf<S extends AnySchema, T extends TableName<S>, C extends ColumnName<S, T>> = Columns<
  S,
  T
>[C] &
  ColumnLiteral;
