import type { Uuid } from "../uuid.ts";

/**
 * What an operation of a transaction will have answered once it is committed. A builder hands these out;
 * `transact` puts the answers in their place in whatever the builder function returned.
 */
export abstract class Pending<Answer> {
  /** @internal Type only: what this becomes. */
  declare readonly answer: Answer;
  /** Position of the operation among those that are sent; set when the operations are laid out. */
  readonly operation: { readonly id: number };
  constructor(operation: { readonly id: number }) {
    this.operation = operation;
  }
}

/** Rows that a `select` inside the transaction will return. */
export class PendingRows<Row> extends Pending<readonly Row[]> {}

/** How many rows an `update`, `mutate` or `delete` will have touched. */
export class PendingCount extends Pending<number> {}

/**
 * A row that this transaction inserts. It stands wherever a uuid may stand in the same transaction (RFC 7047 §5.1,
 * `<named-uuid>`), before or after its insert, and becomes the row's real uuid in the answer.
 */
export class InsertedRow<Table extends string = string> extends Pending<Uuid<Table>> {
  readonly table: Table;
  /** The `uuid-name` on the wire, an `<id>` of RFC 7047 §3.1. */
  readonly namedUuid: string;
  constructor(operation: { readonly id: number }, table: Table, namedUuid: string) {
    super(operation);
    this.table = table;
    this.namedUuid = namedUuid;
  }
}

/** The builder function's return value with every {@link Pending} replaced by its answer, up to four levels deep. */
export type Answered<T> =
  T extends Pending<infer Answer>
    ? Answer
    : T extends readonly (infer Element)[]
      ? readonly Answered<Element>[]
      : T extends Readonly<Record<string, unknown>>
        ? { readonly [Member in keyof T]: Answered<T[Member]> }
        : T;

const DEPTH_MAX = 4;

export function answered<T>(value: T, answerOf: (pending: Pending<unknown>) => unknown): Answered<T> {
  return replace(value, answerOf, 0) as Answered<T>;
}

function replace(value: unknown, answerOf: (pending: Pending<unknown>) => unknown, depth: number): unknown {
  if (value instanceof Pending) return answerOf(value);
  if (depth >= DEPTH_MAX || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => replace(element, answerOf, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, replace(member, answerOf, depth + 1)]),
  );
}
