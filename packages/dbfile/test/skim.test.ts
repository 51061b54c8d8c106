import { describe, expect, test } from "vitest";
import fc from "fast-check";
import type { Json } from "@ovnha/ovsdb/core";
import { inspect } from "../src/index.ts";
import { dbFile, fileBytes } from "./support/memory-file.ts";
import { CLUSTER_RECORDS, eid, HEADER, row, SCHEMA, STANDALONE_RECORDS } from "./support/samples.ts";

/** Texts that look like the end of the rows, or like a date, to whoever does not mind quotes. */
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc.constantFrom('}],"prev_eid":"', "}]}", '"_date":12345}', '\\"_date":1}', '}]},"', '}],"prev_term":5}\n', "}],"),
);
const animals = fc.dictionary(
  fc.constantFrom("1", "2", "3", "4", "5").map(row),
  fc.record({
    name: text,
    tags: fc
      .uniqueArray(fc.tuple(text, text), { selector: ([key]) => key, maxLength: 3 })
      .map((pairs) => ["map", pairs]),
  }),
  { maxKeys: 5 },
);
const transaction = fc
  .tuple(animals, fc.option(text, { nil: undefined }), fc.option(fc.nat({ max: 2 ** 40 }), { nil: undefined }))
  .chain(([Animal, _comment, _date]) =>
    shuffled({
      Animal: { ...Animal },
      ...(_comment === undefined ? {} : { _comment }),
      ...(_date === undefined ? {} : { _date: _date + 2 ** 31 }),
      _is_diff: true,
    }),
  );

/** Members in any order, as hashing gives them. */
function shuffled(object: object): fc.Arbitrary<Json> {
  const members = Object.entries(object);
  return fc
    .shuffledSubarray(members, { minLength: members.length })
    .map((entries) => Object.fromEntries(entries) as unknown as Json);
}

const clustered = fc
  .tuple(transaction, transaction, fc.boolean())
  .chain(([snapshot, change, isLong]) =>
    fc.tuple(
      shuffled({ ...HEADER, prev_data: [SCHEMA, snapshot] }),
      shuffled({
        term: 3,
        index: 11,
        data: [null, change],
        eid: eid(11),
        ...(isLong ? { comment: "x".repeat(700) } : {}),
      }),
    ),
  )
  .map(([header, entry]) => fileBytes("CLUSTER", [header, entry, { commit_index: 11 }]));
const standalone = transaction.map((change) => fileBytes("JSON", [SCHEMA, change]));

describe("inspecting without a look at the rows", () => {
  test("says what a whole walk says", async () => {
    const property = fc.asyncProperty(
      fc.oneof(clustered, standalone),
      fc.integer({ min: 127, max: 3000 }),
      async (bytes, windowBytes) => {
        const walked = dbFile(bytes, windowBytes);
        await walked.survey();
        expect(await inspect(dbFile(bytes, windowBytes))).toEqual(await inspect(walked));
      },
    );
    await fc.assert(property, { numRuns: 400 });
  });

  test("the samples, in windows of every size", async () => {
    for (const bytes of [fileBytes("CLUSTER", CLUSTER_RECORDS), fileBytes("JSON", STANDALONE_RECORDS)]) {
      const walked = dbFile(bytes);
      await walked.survey();
      const expected = await inspect(walked);
      for (let windowBytes = 127; windowBytes < 1200; windowBytes += 7)
        expect(await inspect(dbFile(bytes, windowBytes))).toEqual(expected);
    }
  });

  test("a hash that differs is damage all the same", async () => {
    const bytes = fileBytes("CLUSTER", [HEADER]);
    bytes[600] = (bytes[600] as number) ^ 1;
    await expect(inspect(dbFile(bytes, 200))).rejects.toMatchObject({ code: "DAMAGED" });
  });
});
