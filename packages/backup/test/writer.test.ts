import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { temporaryFolder } from "@ovnha/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { StandaloneWriter } from "../src/edge/take/standalone-writer.ts";

const schemaOf = (bytes: number): string => {
  const column = (at: number): string => `"column_${at}":{"type":{"key":"string","min":0,"max":"unlimited"}}`;
  const columns = Array.from({ length: Math.ceil(bytes / 64) }, (_one, at) => column(at)).join(",");
  return `{"name":"Lab","version":"1.0.0","tables":{"T":{"columns":{${columns}}}}}`;
};

async function written(schemaJson: string, rows: number, gzipLevel: number | undefined): Promise<Buffer> {
  const path = join(temporaryFolder(), "lab.db");
  const writer = new StandaloneWriter(path, schemaJson, { gzipLevel, bytesMax: 2 ** 30 });
  for (let at = 0; at < rows; at++) writer.row("T", `00000000-0000-4000-8000-${String(at).padStart(12, "0")}`, "{}");
  const { bytes, contentBytes } = await writer.finish(1_700_000_000_000, "made by the test");
  const file = readFileSync(path);
  expect([file.length, (gzipLevel === undefined ? file : gunzipSync(file)).length]).toEqual([bytes, contentBytes]);
  return file;
}

test("a small database with a large schema shrinks as gzip(1) would shrink it", async () => {
  const schema = schemaOf(13_000);
  const plain = await written(schema, 3, undefined);
  const packed = await written(schema, 3, 6);
  expect(gunzipSync(packed).equals(plain)).toBe(true);
  expect(packed.length).toBeLessThan(gzipSync(plain).length + 250);
});

test("compressed and not, the content is the same, whatever the size of schema and rows", async () => {
  const sizes = fc.record({ schema: fc.nat(120_000), rows: fc.nat(300), level: fc.integer({ min: 1, max: 9 }) });
  await fc.assert(
    fc.asyncProperty(sizes, async ({ schema, rows, level }) => {
      const json = schemaOf(schema);
      const packed = await written(json, rows, level);
      expect(gunzipSync(packed).equals(await written(json, rows, undefined))).toBe(true);
    }),
    { numRuns: 25 },
  );
  // Around these lengths a header line grows by a digit.
  for (const length of [960, 990, 9_960, 9_990, 99_960]) {
    for (let more = 0; more < 40; more += 3) {
      const short = schemaOf(64);
      const json = short.replace("Lab", "L".repeat(length + more - short.length));
      expect(gunzipSync(await written(json, 1, 1)).equals(await written(json, 1, undefined))).toBe(true);
    }
  }
});
