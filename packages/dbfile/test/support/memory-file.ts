/** Database files made of bytes, without a disk: records in, a `DbFile` out. */
import { createHash } from "node:crypto";
import type { Json } from "@ovnha/ovsdb/core";
import { stringifyJson } from "@ovnha/ovsdb/core";
import { DbFile, formatRecord, type Magic, type ReadableFile } from "../../src/index.ts";

export const sha1 = (bytes: Uint8Array): string => createHash("sha1").update(bytes).digest("hex");

/** Records of one file; a text is a body as it is, without its line feed. */
export function fileBytes(magic: Magic, records: readonly (Json | { readonly body: string })[]): Buffer {
  return Buffer.concat(
    records.map((record) => formatRecord(magic, isBody(record) ? record.body : stringifyJson(record as Json), sha1)),
  );
}

function isBody(record: unknown): record is { readonly body: string } {
  return typeof record === "object" && record !== null && "body" in record;
}

export function memoryFile(bytes: Uint8Array): ReadableFile {
  return {
    path: "memory.db",
    sizeBytes: bytes.length,
    modifiedMs: 0,
    readAt(offset, into) {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
    close() {
      // Nothing is open.
    },
    [Symbol.dispose]() {
      // Nothing is open.
    },
  };
}

export const dbFile = (bytes: Uint8Array, windowBytes?: number): DbFile => new DbFile(memoryFile(bytes), windowBytes);
