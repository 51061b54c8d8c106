import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { headRoom, standaloneHead } from "../src/take/head.ts";

const sha1Hex = (bytes: Uint8Array): string => createHash("sha1").update(bytes).digest("hex");

/** A reader as ovsdb(5) describes the format: header line, body of that length, hash of the body. */
function readRecord(bytes: Buffer, at: number): { body: Buffer; end: number } {
  const lineEnd = bytes.indexOf(0x0a, at);
  const [, length = "", sha1 = ""] =
    /^OVSDB JSON ([1-9][0-9]*) ([0-9a-f]{40})$/.exec(bytes.toString("latin1", at, lineEnd)) ?? [];
  const end = lineEnd + 1 + Number(length);
  const body = bytes.subarray(lineEnd + 1, end);
  expect(sha1Hex(body)).toBe(sha1);
  return { body, end };
}

function check(schemaJson: string, body: Buffer): void {
  const room = headRoom(schemaJson);
  const head = standaloneHead(schemaJson, room, body.length, sha1Hex(body), sha1Hex);
  expect(head.length).toBe(room);
  const file = Buffer.concat([head, body]);
  const schema = readRecord(file, 0);
  expect(schema.body.toString()).toMatch(/^\{.*\} *\n$/);
  expect(JSON.parse(schema.body.toString())).toEqual(JSON.parse(schemaJson));
  const transaction = readRecord(file, schema.end);
  expect(transaction.body.equals(body)).toBe(true);
  expect(transaction.end).toBe(file.length);
}

describe("the head of a standalone file", () => {
  test("fits its room to the byte, whatever the lengths", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12_000 }), fc.integer({ min: 1, max: 3_000 }), (pad, length) => {
        check(JSON.stringify({ name: "x".repeat(pad) }), Buffer.alloc(length, "a"));
      }),
    );
  });

  test("fits where the number of digits changes, on both sides of every power of ten", () => {
    for (const power of [100, 1_000, 10_000, 100_000])
      for (let size = power - 80; size < power + 20; size++)
        for (const length of [1, 9, 10, 99, 100, 99_999, 100_000])
          check(JSON.stringify({ name: "x".repeat(Math.max(0, size - 11)) }), Buffer.alloc(length, "a"));
  });

  test("counts bytes and not characters", () => {
    check(JSON.stringify({ name: "é☂😀" }), Buffer.from('{"T":{}}\n'));
  });

  test("leaves room for the longest length that a file can have", () => {
    const schemaJson = '{"name":"x"}';
    const room = headRoom(schemaJson);
    for (const bytes of [1, Number.MAX_SAFE_INTEGER])
      expect(standaloneHead(schemaJson, room, bytes, "0".repeat(40), sha1Hex).length).toBe(room);
  });
});
