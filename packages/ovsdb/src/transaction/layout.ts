import type { Json, JsonObject } from "../json.ts";
import type { RowExpectation } from "./rows.ts";

/** What an operation is for; a reply is judged by it. */
export type OperationRole =
  /** Asked for by the caller. */
  | "caller"
  /** A `wait` with timeout 0 that holds a value which was read (`verify` in the C client). */
  | "verify"
  /** A `wait` with timeout 0 that makes sure that an operation will find rows. */
  | "expect"
  /** The guard of a transaction that must not be applied twice. */
  | "once"
  /** The `assert` of a lock. */
  | "lock";

/** One operation on its way to the wire (RFC 7047 §5.2). */
export interface LaidOperation {
  /** Identity inside one builder; {@link Pending} answers refer to it. */
  readonly id: number;
  readonly role: OperationRole;
  readonly op: string;
  readonly table: string | undefined;
  readonly json: JsonObject;
  expectation: RowExpectation | undefined;
}

/** Names an operation for an error message: `operation 3 (mutate Logical_Switch)`. */
export function nameOperation(operation: LaidOperation, position: number): string {
  return `operation ${position} (${operation.op}${operation.table === undefined ? "" : ` ${operation.table}`})`;
}

/** The `params` of `transact` (RFC 7047 §4.1.3). */
export function transactParams(database: string, operations: readonly LaidOperation[]): Json[] {
  return [database, ...operations.map((operation) => operation.json)];
}

/**
 * Order on the wire: what can fail comes first, so that nothing is computed in vain: the lock's `assert`, then guards
 * and verifications, then the caller's own operations in the caller's order.
 */
export function inWireOrder(operations: readonly LaidOperation[]): LaidOperation[] {
  const rank: Record<OperationRole, number> = { lock: 0, once: 1, verify: 2, expect: 3, caller: 3 };
  return operations
    .map((operation, position) => ({ operation, position }))
    .sort((a, b) => rank[a.operation.role] - rank[b.operation.role] || a.position - b.position)
    .map(({ operation }) => operation);
}
