import { errorFromResult, ExpectationError, type OvsdbError, ProtocolError } from "../error.ts";
import type { Json, JsonObject } from "../json.ts";
import type { OperationEncoder as Encoder } from "../operation.ts";
import type { LaidOperation } from "./layout.ts";
import { expectationHolds } from "./rows.ts";
import { InsertedRow, type Pending, PendingCount, PendingRows } from "./symbols.ts";

/** What a reply to `transact` means (RFC 7047 §4.1.3). */
export type Verdict =
  | { readonly type: "committed"; readonly results: ReadonlyMap<number, JsonObject> }
  /** Nothing was committed. `failed` is the operation that refused, undefined if the commit as a whole did. */
  | { readonly type: "failed"; readonly error: OvsdbError; readonly failed: LaidOperation | undefined };

/**
 * Reads the reply. An error may stand at any position, also one past the end (a constraint found at commit), and
 * operations before it look as if they had succeeded: one error anywhere means that nothing was done.
 */
export function judgeReply(operations: readonly LaidOperation[], reply: Json): Verdict {
  if (!Array.isArray(reply)) throw new ProtocolError(`the reply to transact is not an array: ${typeof reply}`);
  const results = reply as readonly Json[];
  for (const [position, result] of results.entries()) {
    if (!isObject(result) || result["error"] === undefined || result["error"] === null) continue;
    const failed = operations[position];
    const place = { index: position, op: failed?.op, table: failed?.table };
    return { type: "failed", error: errorFromResult(result, { operation: place }), failed };
  }
  if (results.length < operations.length) {
    throw new ProtocolError(
      `the reply to transact has ${results.length} results for ${operations.length} operations and no error`,
    );
  }
  const byId = new Map<number, JsonObject>();
  for (const [position, operation] of operations.entries()) {
    const result = results[position];
    byId.set(operation.id, isObject(result) ? result : {});
  }
  return { type: "committed", results: byId };
}

/** The first expectation that the counts of a committed transaction do not meet. */
export function unmetExpectation(
  operations: readonly LaidOperation[],
  results: ReadonlyMap<number, JsonObject>,
): ExpectationError | undefined {
  for (const [index, operation] of operations.entries()) {
    if (operation.role !== "caller" || operation.expectation === undefined) continue;
    const count = results.get(operation.id)?.["count"];
    if (typeof count !== "number" || expectationHolds(operation.expectation, count)) continue;
    const details = "the transaction was committed: the count is only known afterwards";
    return new ExpectationError(boundFor(operation.expectation, count), count, {
      operation: { index, op: operation.op, table: operation.table },
      details,
    });
  }
  return undefined;
}

/** The `wait` that goes with an expectation refused: fewer rows than wanted, or some where none were wanted. */
export function refusedExpectation(operation: LaidOperation, index: number): ExpectationError {
  const expectation = operation.expectation ?? { min: 1, max: 1 };
  const actual = expectation.min >= 1 ? 0 : 1;
  const details = "nothing was committed";
  return new ExpectationError(expectation.min, actual, {
    operation: { index, op: operation.op, table: operation.table },
    details,
  });
}

function boundFor({ min, max }: { min: number; max: number }, count: number): number {
  return count < min ? min : max;
}

/** What a committed transaction answers to one of the builder's symbols. */
export function answerOf(
  pending: Pending<unknown>,
  results: ReadonlyMap<number, JsonObject>,
  encoder: Encoder,
  operations: readonly LaidOperation[],
): unknown {
  const result = results.get(pending.operation.id);
  if (pending instanceof InsertedRow) {
    const uuid = result?.["uuid"];
    return Array.isArray(uuid) ? uuid[1] : undefined;
  }
  if (pending instanceof PendingCount) return result?.["count"];
  if (pending instanceof PendingRows) {
    const table = operations.find(({ id }) => id === pending.operation.id)?.table;
    const rows = result?.["rows"];
    if (!Array.isArray(rows) || table === undefined) return [];
    return (rows as readonly JsonObject[]).map((row) => encoder.decodeRow(table, row));
  }
  return undefined;
}

function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
