/** Random column types, and values that fit them or nearly do. */
import fc from "fast-check";
import type { Json } from "../../src/json.ts";
import { type AtomType, type BaseType, type ColumnSchema, type ColumnType, columnKind } from "../../src/schema.ts";
import type { AtomValue, Value } from "../../src/value.ts";

const INT64: { min: bigint; max: bigint } = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

const integer: fc.Arbitrary<number | bigint> = fc
  .oneof({ weight: 4, arbitrary: fc.integer({ min: -5, max: 5 }).map(BigInt) }, fc.bigInt(INT64))
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
/** With 15 significant digits, which is what ovsdb-server prints, and within the range where that does not overflow. */
const real: fc.Arbitrary<number> = fc
  .oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true, min: -1e300, max: 1e300 }))
  .map((value) => (Math.abs(value) < 1e-300 ? 0 : Number(value.toPrecision(15)) + 0));
const string: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom("", "a", "b", "true", "set", "map", "uuid", "ü", "😀"),
    fc.string({ unit: "binary", maxLength: 8 }),
  )
  .map((text) => text.replaceAll("\u0000", "0"));

export function atom(type: AtomType): fc.Arbitrary<AtomValue> {
  switch (type) {
    case "integer":
      return integer;
    case "real":
      return real;
    case "boolean":
      return fc.boolean();
    case "string":
      return string;
    case "uuid":
      return fc.oneof(
        fc.constantFrom(1, 2, 3).map((digit) => `00000000-0000-4000-8000-00000000000${digit}`),
        fc.uuid(),
      );
  }
}

function atomIn(base: BaseType): fc.Arbitrary<AtomValue> {
  return base.enum === undefined ? atom(base.type).filter((value) => fits(base, value)) : fc.constantFrom(...base.enum);
}

/** The constraints, executed literally; the dumb twin of the encoder's. */
export function fits(base: BaseType, value: AtomValue): boolean {
  if (base.enum !== undefined) return base.enum.includes(value);
  if (base.minInteger !== undefined && (value as bigint) < base.minInteger) return false;
  if (base.maxInteger !== undefined && (value as bigint) > base.maxInteger) return false;
  if (base.minReal !== undefined && (value as number) < base.minReal) return false;
  if (base.maxReal !== undefined && (value as number) > base.maxReal) return false;
  if (base.minLength !== undefined && [...(value as string)].length < base.minLength) return false;
  return base.maxLength === undefined || [...(value as string)].length <= base.maxLength;
}

const atomType: fc.Arbitrary<AtomType> = fc.constantFrom("integer", "real", "boolean", "string", "uuid");

export const baseType: fc.Arbitrary<BaseType> = atomType.chain((type): fc.Arbitrary<BaseType> => {
  const plain = fc.constant<BaseType>({ type });
  const members = fc
    .uniqueArray(atom(type), { minLength: 1, maxLength: 3, comparator: "SameValueZero" })
    .map((list): BaseType => ({ type, enum: list }));
  if (type === "integer")
    return fc.oneof(
      plain,
      members,
      fc.constant<BaseType>({ type, minInteger: -2, maxInteger: 3 }),
      fc.constant<BaseType>({ type, minInteger: 1 }),
    );
  if (type === "real")
    return fc.oneof(
      plain,
      members,
      fc.constant<BaseType>({ type, minReal: -2, maxReal: 3 }),
      fc.constant<BaseType>({ type, maxReal: 1 }),
    );
  if (type === "string")
    return fc.oneof(
      plain,
      members,
      fc.constant<BaseType>({ type, minLength: 1, maxLength: 2 }),
      fc.constant<BaseType>({ type, maxLength: 1 }),
    );
  return fc.oneof({ weight: 4, arbitrary: plain }, members);
});

export const columnType: fc.Arbitrary<ColumnType> = fc
  .record({
    key: baseType,
    value: fc.option(baseType, { nil: undefined, freq: 3 }),
    min: fc.constantFrom<0 | 1>(0, 1),
    max: fc.constantFrom(1, 1, 2, 3, Number.POSITIVE_INFINITY),
  })
  .map(({ key, value, min, max }) => ({ key, ...(value === undefined ? {} : { value }), min, max }));

export function column(type: ColumnType, name = "c"): ColumnSchema {
  return { name, type, ephemeral: false, mutable: true };
}

/** A value that the column takes. */
export function fittingValue(type: ColumnType): fc.Arbitrary<Value> {
  return shaped(
    type,
    atomIn(type.key),
    type.value === undefined ? undefined : atomIn(type.value),
    type.min,
    Math.min(type.max, 5),
  );
}

/** A value of the right shape that may break constraints and counts. */
export function nearValue(type: ColumnType): fc.Arbitrary<Value> {
  return shaped(type, atom(type.key.type), type.value === undefined ? undefined : atom(type.value.type), 0, 4);
}

function shaped(
  type: ColumnType,
  key: fc.Arbitrary<AtomValue>,
  value: fc.Arbitrary<AtomValue> | undefined,
  min: number,
  max: number,
): fc.Arbitrary<Value> {
  const sizes = { minLength: Math.min(min, distinct(type.key)), maxLength: Math.min(max, distinct(type.key)) };
  switch (columnKind(type)) {
    case "scalar":
      return key;
    case "optional":
      return fc.option(key, { nil: undefined });
    case "set":
      return fc.uniqueArray(key, { ...sizes, comparator: "SameValueZero" }).map((list) => new Set(list));
    case "map":
      return fc
        .uniqueArray(fc.tuple(key, value as fc.Arbitrary<AtomValue>), {
          ...sizes,
          selector: ([k]) => k,
          comparator: "SameValueZero",
        })
        .map((list) => new Map(list));
  }
}

function distinct(base: BaseType): number {
  if (base.enum !== undefined) return base.enum.length;
  return base.type === "boolean" ? 2 : 5;
}

/** Writes any value of the right shape without checking anything. */
export function wire(type: ColumnType, value: Value): Json {
  const one = (base: BaseType, element: AtomValue): Json =>
    base.type === "uuid" ? ["uuid", element as string] : element;
  switch (columnKind(type)) {
    case "scalar":
      return one(type.key, value as AtomValue);
    case "optional":
      return value === undefined ? ["set", []] : one(type.key, value as AtomValue);
    case "set":
      return ["set", [...(value as ReadonlySet<AtomValue>)].map((element) => one(type.key, element))];
    case "map":
      return [
        "map",
        [...(value as ReadonlyMap<AtomValue, AtomValue>)].map(([k, v]) => [
          one(type.key, k),
          one(type.value as BaseType, v),
        ]),
      ];
  }
}
