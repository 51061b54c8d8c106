import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chooseMembers, type MemberView } from "../src/take/choose-member.ts";

const CID = "aaaaaaaa-0000-4000-8000-000000000000";
const OTHER = "bbbbbbbb-0000-4000-8000-000000000000";

type Row = NonNullable<MemberView["row"]>;
const member = (remote: string, row: Partial<Row> = {}): MemberView => ({
  remote,
  row: {
    model: "clustered",
    connected: true,
    leader: false,
    hasSchema: true,
    cid: CID,
    sid: remote,
    index: 10,
    ...row,
  },
});

const views: fc.Arbitrary<MemberView[]> = fc
  .array(
    fc.oneof(
      { weight: 1, arbitrary: fc.constant(undefined) },
      {
        weight: 4,
        arbitrary: fc.record({
          model: fc.constantFrom("clustered" as const, "clustered" as const, "relay" as const),
          connected: fc.boolean(),
          leader: fc.boolean(),
          hasSchema: fc.boolean(),
          cid: fc.constantFrom(CID, CID, CID, OTHER),
          sid: fc.constant(undefined),
          index: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
        }),
      },
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((rows) =>
    rows.map((row, index) => ({ remote: `m${index}`, row, ...(row === undefined ? { problem: "down" } : {}) })),
  );

describe("the choice of a member", () => {
  test("never takes what may be old, whatever the members say", () => {
    fc.assert(
      fc.property(views, (all) => {
        const { candidates, refused } = chooseMembers(all);
        const newest = Math.max(0, ...candidates.map(({ view }) => view.row?.index ?? 0));
        for (const { view, leastIndex } of candidates) {
          expect(view.row).toMatchObject({ connected: true, hasSchema: true, model: "clustered" });
          expect(leastIndex).toBeGreaterThanOrEqual(newest);
        }
        expect(new Set(candidates.map(({ view }) => view.row?.cid)).size).toBeLessThanOrEqual(1);
        const connected = all.filter(
          ({ row }) => row?.connected === true && row.hasSchema && row.model === "clustered",
        );
        if (all.length > 2 && connected.length <= all.length / 2) expect(candidates).toEqual([]);
        // Each member is either a candidate, or refused with a reason.
        expect([...candidates.map(({ view }) => view.remote), ...refused.map(({ remote }) => remote)].sort()).toEqual(
          all.map(({ remote }) => remote).sort(),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test("prefers a follower, the one that is furthest; or the leader when asked", () => {
    const all = [
      member("leader", { leader: true, index: 12 }),
      member("behind", { index: 9 }),
      member("ahead", { index: 11 }),
    ];
    const order = (options = {}): string[] => chooseMembers(all, options).candidates.map(({ view }) => view.remote);
    expect(order()).toEqual(["ahead", "behind", "leader"]);
    expect(order({ prefer: "leader" })).toEqual(["leader", "ahead", "behind"]);
    // Whoever is taken must first reach what the leader had.
    expect(chooseMembers(all).candidates.map(({ leastIndex }) => leastIndex)).toEqual([12, 12, 12]);
  });

  test("takes anything when it must, the best first, and says what is wrong with it", () => {
    const lost = [
      member("cut off", { connected: false }),
      { remote: "down", problem: "refused" },
      { remote: "gone", problem: "refused" },
    ];
    expect(chooseMembers(lost).candidates).toEqual([]);
    const { candidates, warnings } = chooseMembers(lost, { accept: "any" });
    expect(candidates).toMatchObject([{ view: { remote: "cut off" }, leastIndex: undefined }]);
    expect(warnings.join("\n")).toMatch(/only 0 of 3 members.*\ncut off is disconnected/);
  });

  test("mixes no clusters, and goes by the id that it is given", () => {
    const all = [member("a"), member("b"), member("c", { cid: OTHER, index: 99 })];
    expect(chooseMembers(all).candidates).toEqual([]);
    expect(chooseMembers(all, { cid: CID }).candidates.map(({ view }) => view.remote)).toEqual(["a", "b"]);
  });

  test("warns where nobody could contradict", () => {
    expect(chooseMembers([member("only")]).warnings).toEqual(["one member was asked, so nobody could contradict it"]);
    expect(
      chooseMembers([member("standalone", { model: "standalone", cid: undefined, index: undefined })]).warnings,
    ).toEqual([]);
  });
});
