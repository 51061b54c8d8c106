/** What the server answered to a transact, operation by operation (RFC 7047 §4.1.3). */
import { errorFromResult, ProtocolError, type RemoteError } from "./error.ts";
import { isJsonInteger, isJsonObject, type Json, type JsonObject } from "./json.ts";
import type { Uuid } from "./uuid.ts";

/** Answer to one operation, in the form of its kind; rows still in wire form. */
export type OperationResult =
  | { readonly op: "insert"; readonly uuid: Uuid }
  | { readonly op: "select"; readonly rows: readonly JsonObject[] }
  | { readonly op: "update" | "mutate" | "delete"; readonly count: number }
  | { readonly op: "wait" | "commit" | "abort" | "comment" | "assert" };

export type TransactionResult =
  | { readonly ok: true; readonly results: readonly OperationResult[] }
  | { readonly ok: false; readonly error: RemoteError };

/**
 * Judges the result array of a transact. The transaction failed if any element has an `error`: results before it look
 * successful but were undone, those after it are null, and an error at commit comes as one element more than there were
 * operations.
 *
 * @throws ProtocolError if the array does not fit the operations.
 */
export function readTransactionResult(json: Json, operations: readonly JsonObject[]): TransactionResult {
  if (!Array.isArray(json))
    throw new ProtocolError("the server answered a transact with something other than an array");
  for (let index = 0; index < json.length; index++) {
    const element = json[index] as Json;
    if (!isJsonObject(element) || element["error"] === undefined || element["error"] === null) continue;
    const operation = operations[index];
    const { op, table } = operation ?? {};
    const place = {
      index,
      op: typeof op === "string" ? op : undefined,
      table: typeof table === "string" ? table : undefined,
    };
    return { ok: false, error: errorFromResult(element, { operation: place }) };
  }
  if (json.length !== operations.length) {
    throw new ProtocolError(`the server answered ${operations.length} operations with ${json.length} results`);
  }
  return {
    ok: true,
    results: operations.map((operation, index) => readOperationResult(operation, json[index] as Json, index)),
  };
}

function readOperationResult(operation: JsonObject, json: Json, index: number): OperationResult {
  const op = operation["op"];
  const result: JsonObject = isJsonObject(json) ? json : {};
  const bad = (expected: string): never => {
    throw new ProtocolError(`the result of operation ${index} (${String(op)}) has no ${expected}`);
  };
  switch (op) {
    case "insert": {
      const uuid = result["uuid"];
      if (!Array.isArray(uuid) || typeof uuid[1] !== "string") return bad("uuid");
      return { op, uuid: uuid[1] };
    }
    case "select": {
      const rows = result["rows"];
      if (!Array.isArray(rows)) return bad("rows");
      return { op, rows: rows as readonly JsonObject[] };
    }
    case "update":
    case "mutate":
    case "delete": {
      const count = result["count"];
      if (!isJsonInteger(count)) return bad("count");
      return { op, count: Number(count) };
    }
    default:
      return { op: op as "wait" };
  }
}
