/** Records of any length, written in pieces, are the records that formatRecord makes of the whole. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RecordWriter } from "../../src/edge/record-writer.ts";
import { formatRecord, sha1Hex } from "../../src/index.ts";

describe("RecordWriter", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "ovnha-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function* pieces(text: string, size: number): Generator<string> {
    for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
  }

  // Longer than what is held in memory; the last two end with more digits of length than were guessed as it first spilt.
  test.each([0, 10, 70_000, 9_000_000, 9_999_980, 10_000_100, 20_000_000])(
    "a body of about %i bytes",
    async (length) => {
      const text = `{"ü":"${"x".repeat(length)}"}`;
      const file = await open(join(folder, `${length}`), "w+");
      const writer = new RecordWriter(file, "JSON");
      await writer.write('{"first":1}');
      await writer.write(pieces(text, 50_000));
      await writer.write('{"last":1}');
      await file.close();
      const expected = Buffer.concat(
        ['{"first":1}', text, '{"last":1}'].map((body) => formatRecord("JSON", body, sha1Hex)),
      );
      const written = readFileSync(join(folder, `${length}`));
      expect(writer.sizeBytes).toBe(expected.length);
      expect(written.equals(expected)).toBe(true);
    },
  );
});
