/** Each clever function beside one that is too dumb to be wrong. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BEHAVIOUR_NAMES,
  createCluster,
  EffectList,
  hash32,
  majority,
  majorityIndex,
  openNode,
  profileOf,
  SINCE,
} from "../src/index.ts";

describe("quorum", () => {
  test("a majority is the smallest number that two of them cannot both be without sharing one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), (n) => {
        let least = 0;
        while (least * 2 <= n) least++;
        expect(majority(n)).toBe(least);
      }),
    );
  });

  test("the index that a majority has is found by trying every index from the top", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 9 }), (matches) => {
        let dumb = Math.max(...matches);
        while (matches.filter((match) => match >= dumb).length * 2 <= matches.length) dumb--;
        expect(majorityIndex(matches.map((matchIndex) => ({ matchIndex })))).toBe(dumb);
      }),
    );
  });

  test("what is at or below the floor is not looked for", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 9 }), fc.nat(40), (matches, floor) => {
        const servers = matches.map((matchIndex) => ({ matchIndex }));
        expect(majorityIndex(servers, floor)).toBe(Math.max(floor, majorityIndex(servers)));
      }),
    );
  });
});

/** A branch such as 3.4 has the behaviour if one of its own releases brought it, or the branch came after. */
function dumbHas(since: readonly string[], version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const parsed = since.map((each) => each.split(".").map(Number));
  const same = parsed.find(([a, b]) => a === major && b === minor);
  if (same !== undefined) return patch >= (same[2] ?? 0);
  const newest = parsed.map(([a = 0, b = 0]) => a * 1000 + b);
  return newest.length > 0 && major * 1000 + minor > Math.max(...newest);
}

test("a profile has what its release, or one before it on its branch, brought", () => {
  const versions = [
    "2.13.0",
    "2.13.4",
    "2.14.0",
    "2.15.1",
    "2.16.0",
    "2.17.0",
    "2.17.10",
    "3.0.0",
    "3.1.0",
    "3.1.5",
    "3.2.0",
  ];
  for (const version of [...versions, "3.3.0", "3.3.8", "3.4.0", "3.4.5", "3.5.0", "3.6.0", "3.6.3", "3.7.0", "3.7.1"])
    for (const name of BEHAVIOUR_NAMES)
      expect({ version, name, has: profileOf(version)[name] }).toEqual({
        version,
        name,
        has: dumbHas(SINCE[name], version),
      });
});

test("chance is spread evenly, and no draw depends on another stream", () => {
  const counts = Array.from({ length: 100 }, () => 0);
  for (let i = 0; i < 100_000; i++) counts[Math.floor((hash32(7, i) / 2 ** 32) * 100)]!++;
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(200);
});

test("a file cut behind any record opens to a prefix, or is refused with the number of the record", () => {
  const cid = "00000000-0000-4000-8000-0000000000c1";
  const sid = "00000000-0000-4000-8000-000000000001";
  const { header } = createCluster({ cid, sid, eid: cid, name: "Lab", address: "tcp:10.0.0.1:6643", data: [{}, {}] });
  const entry = fc.record({
    type: fc.constant("entry" as const),
    term: fc.integer({ min: 1, max: 4 }),
    index: fc.integer({ min: 1, max: 8 }),
    data: fc.constant("x"),
    eid: fc.constant(cid),
    servers: fc.constant(undefined),
    election_timer: fc.constant(0),
    comment: fc.constant(undefined),
  });
  const commit = fc
    .integer({ min: 1, max: 8 })
    .map((commit_index) => ({ type: "commit_index" as const, commit_index, comment: undefined }));
  const term = fc
    .integer({ min: 1, max: 5 })
    .map((each) => ({ type: "term" as const, term: each, comment: undefined }));
  fc.assert(
    fc.property(fc.array(fc.oneof(entry, commit, term), { maxLength: 12 }), (records) => {
      try {
        const node = openNode(
          { header, records },
          { profile: profileOf("3.7.1"), seed: 1, nowMs: 0 },
          new EffectList(),
        );
        expect(node.commitIndex).toBeLessThan(node.logStart + node.log.length);
        expect([...node.log].every((each, i) => i === 0 || each.term >= node.log[i - 1]!.term)).toBe(true);
      } catch (error) {
        expect((error as { code?: string }).code).toBe("BAD_LOG");
        expect((error as Error).message).toMatch(/record \d+/);
      }
    }),
    { numRuns: 500 },
  );
});
