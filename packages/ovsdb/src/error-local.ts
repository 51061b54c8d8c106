/** Errors raised by this client itself, before anything is sent or about what it was asked to keep. */
import { OvsdbError, type OvsdbErrorFields } from "./error-base.ts";

/** A value, condition, mutation or operation that the schema does not allow. `reason` says what is wrong and what to do. */
export class ValueError extends OvsdbError {
  override readonly name: string = "ValueError";
  readonly reason: string;
  constructor(table: string | undefined, column: string | undefined, reason: string, fields: OvsdbErrorFields = {}) {
    const place = [table, column].filter((part) => part !== undefined).join(".");
    super("VALUE", place === "" ? reason : `${place}: ${reason}`, { ...fields, table, column });
    this.reason = reason;
  }
}

/** An integer beyond ±(2^53-1) came in a column whose policy is "checked". Declare the column "bigint" or "auto". */
export class IntegerRangeError extends OvsdbError {
  override readonly name: string = "IntegerRangeError";
  readonly value: bigint | number;
  constructor(table: string | undefined, column: string | undefined, value: bigint | number) {
    const place = [table, column].filter((part) => part !== undefined).join(".");
    const remedy = 'give the column the integer policy "bigint" or "auto"';
    super("INTEGER_RANGE", `${place}: ${value} does not fit a number exactly; ${remedy}`, { table, column });
    this.value = value;
  }
}

/** A schema that ovsdb-server would refuse. `path` leads to the place, as in `tables.Port.columns.name.type`. */
export class SchemaError extends OvsdbError {
  override readonly name: string = "SchemaError";
  readonly path: string;
  constructor(path: string, reason: string, fields: OvsdbErrorFields = {}) {
    super("SCHEMA", path === "" ? `schema: ${reason}` : `schema, ${path}: ${reason}`, fields);
    this.path = path;
  }
}

/** `.expect(n)` saw another number of rows. The transaction may have been committed unless a guard was asked for. */
export class ExpectationError extends OvsdbError {
  override readonly name: string = "ExpectationError";
  readonly expected: number;
  readonly actual: number;
  constructor(expected: number, actual: number, fields: OvsdbErrorFields = {}) {
    const what = fields.operation?.table === undefined ? "" : ` in ${fields.operation.table}`;
    super("EXPECTATION", `expected ${expected} row(s)${what}, but ${actual} matched`, fields);
    this.expected = expected;
    this.actual = actual;
  }
}

/** A limit of this client, in its options, was reached: frame size, nesting, queue length, … */
export class LimitError extends OvsdbError {
  override readonly name: string = "LimitError";
  readonly limit: string;
  constructor(limit: string, message: string, fields: OvsdbErrorFields = {}) {
    super("LIMIT", message, fields);
    this.limit = limit;
  }
}

/** A limit of time on this side passed. Nothing was sent, or the call changes nothing; else see {@link OutcomeUnknownError}. */
export class TimeoutError extends OvsdbError {
  override readonly name: string = "TimeoutError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super("TIMEOUT", message, fields);
  }
}

/** The client, session or stream was closed by its owner. */
export class ClosedError extends OvsdbError {
  override readonly name: string = "ClosedError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super("CLOSED", message, fields);
  }
}

/** An optimistic edit lost against other writers in every attempt. */
export class ConflictError extends OvsdbError {
  override readonly name: string = "ConflictError";
  readonly attempts: number;
  constructor(attempts: number, message: string, fields: OvsdbErrorFields = {}) {
    super("CONFLICT", message, fields);
    this.attempts = attempts;
  }
}
