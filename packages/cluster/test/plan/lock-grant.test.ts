/** What a grant of the operation lock is worth. */
import { describe, expect, it } from "vitest";
import { countServers, grantLifeMs, isSameServer, probesIn, serverIdsIn } from "../../src/plan/lock-grant.ts";

describe("a grant", () => {
  it("counts for less than the server waits for a silent client, two probes, whatever they are", () => {
    for (const probes of [[], [0], [5_000], [60_000], [0, 60_000]]) expect(grantLifeMs(probes)).toBe(8_000);
    for (const probe of [200, 1_000, 2_500, 4_999]) {
      expect(grantLifeMs([60_000, 0, probe])).toBeLessThan(2 * probe);
      expect(grantLifeMs([probe])).toBeGreaterThan(probe);
    }
  });

  it("is of one server, by however many names it is called", () => {
    const named = (remote: string, ...ids: readonly string[]): Parameters<typeof isSameServer>[0] => ({
      remote,
      serverIds: new Map(ids.map((id, index) => [index === 0 ? "A" : "B", id])),
    });
    const [one, again, other, unknown] = [named("x", "1", "2"), named("y", "1", "2"), named("z", "3", "4"), named("w")];
    expect([isSameServer(one, again), isSameServer(one, other), isSameServer(unknown, unknown)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(countServers([one, again, other, unknown], "A")).toBe(3);
    expect(countServers([one, again], "B")).toBe(1);
  });

  it("reads what servers answer, and takes nothing else for an answer", () => {
    expect(probesIn([{ rows: [{ inactivity_probe: 180_000 }, { inactivity_probe: ["set", []] }] }])).toEqual([180_000]);
    const rows = [
      { name: "A", sid: ["uuid", "1111"] },
      { name: "_Server", sid: ["set", []] },
    ];
    expect(serverIdsIn([{ rows }])).toEqual([["A", "1111"]]);
    for (const nothing of [undefined, null, "x", {}, [], [null], [{ error: "no such table" }]]) {
      expect(probesIn(nothing)).toEqual([]);
      expect(serverIdsIn(nothing)).toEqual([]);
    }
  });
});
