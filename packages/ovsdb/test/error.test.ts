import { expect, test } from "vitest";
import * as errors from "../src/error.ts";
import { errorFromResult, OvsdbError, RemoteError, UnavailableError } from "../src/error.ts";
import { readTransactionResult } from "../src/transaction-result.ts";

test.each<[string, string, string]>([
  ["referential integrity violation", "ReferentialError", "REFERENTIAL"],
  ["constraint violation", "ConstraintError", "CONSTRAINT"],
  ["resources exhausted", "ResourcesError", "RESOURCES"],
  ["I/O error", "IoError", "IO"],
  ["duplicate uuid", "DuplicateUuidError", "DUPLICATE_UUID"],
  ["duplicate uuid-name", "DuplicateUuidNameError", "DUPLICATE_UUID_NAME"],
  ["domain error", "ArithmeticError", "ARITHMETIC"],
  ["range error", "ArithmeticError", "ARITHMETIC"],
  ["timed out", "TimedOutError", "TIMED_OUT"],
  ["aborted", "AbortedError", "ABORTED"],
  ["not owner", "NotOwnerError", "NOT_OWNER"],
  ["permission error", "PermissionError", "PERMISSION"],
  ["not allowed", "NotAllowedError", "NOT_ALLOWED"],
  ["canceled", "CanceledError", "CANCELED"],
  ["unknown database", "UnknownDatabaseError", "UNKNOWN_DATABASE"],
  ["database not available", "DatabaseNotAvailableError", "DATABASE_NOT_AVAILABLE"],
  ["unknown method", "UnknownMethodError", "UNKNOWN_METHOD"],
  ["cluster error", "ClusterError", "CLUSTER"],
  ["syntax error", "OvsdbSyntaxError", "SYNTAX"],
  ["unknown column", "OvsdbSyntaxError", "SYNTAX"],
  ["something new", "RemoteError", "REMOTE"],
])("the server's %s is a %s", (tag, name, code) => {
  for (const json of [tag, { error: tag, details: "why", syntax: "x" }]) {
    const error = errorFromResult(json, { operation: { index: 2, op: "update", table: "T" } });
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ name, code, tag, origin: "remote", table: "T", operation: { index: 2 } });
    expect(error.message).toContain("(operation 2, update on T)");
  }
});

test("an error of no known shape still says something", () => {
  expect(errorFromResult(undefined).message).toContain("without a name");
  expect(errorFromResult({ odd: 1 }).message).toContain("odd");
});

test("every class has a code, a name of its own, and is an OvsdbError", () => {
  const classes = Object.entries(errors).filter(
    ([, value]) => typeof value === "function" && value.prototype instanceof Error,
  ) as [string, new (...args: never[]) => OvsdbError][];
  expect(classes.length).toBeGreaterThan(30);
  for (const [name, Class] of classes) {
    const error = new (Class as new (...args: unknown[]) => OvsdbError)("VALUE", Class === UnavailableError ? [] : "b");
    expect(error.name).toBe(name);
    expect(error).toBeInstanceOf(OvsdbError);
    expect(typeof error.code).toBe("string");
  }
});

test("UnavailableError tells each endpoint's reason", () => {
  const error = new UnavailableError("no server", [
    { endpoint: "tcp:a:1", reason: "refused-follower", detail: "not the leader" },
  ]);
  expect(error.message).toBe("no server\n  tcp:a:1: refused-follower (not the leader)");
});

const OPERATIONS = [
  { op: "insert", table: "T" },
  { op: "select", table: "T" },
  { op: "mutate", table: "T" },
  { op: "commit" },
];

test("results of a transact, by operation", () => {
  const result = readTransactionResult([{ uuid: ["uuid", "u"] }, { rows: [{ a: 1 }] }, { count: 2 }, {}], OPERATIONS);
  expect(result).toEqual({
    ok: true,
    results: [
      { op: "insert", uuid: "u" },
      { op: "select", rows: [{ a: 1 }] },
      { op: "mutate", count: 2 },
      { op: "commit" },
    ],
  });
});

test("an error in the middle, after results that look good; and one at commit", () => {
  const middle = readTransactionResult([{ uuid: ["uuid", "u"] }, { error: "timed out" }, null, null], OPERATIONS);
  expect(middle).toMatchObject({ ok: false, error: { code: "TIMED_OUT", operation: { index: 1, op: "select" } } });
  const commit = readTransactionResult(
    [{ uuid: ["uuid", "u"] }, { rows: [] }, { count: 0 }, {}, { error: "constraint violation" }],
    OPERATIONS,
  );
  expect(commit).toMatchObject({ ok: false, error: { code: "CONSTRAINT", operation: { index: 4, op: undefined } } });
  expect(() => readTransactionResult([{}], OPERATIONS)).toThrow(/4 operations with 1 results/);
  expect(() => readTransactionResult({}, OPERATIONS)).toThrow(/other than an array/);
  expect(() => readTransactionResult([{}, {}, {}, {}], OPERATIONS)).toThrow(/operation 0 \(insert\) has no uuid/);
});
