/** What a grant of the operation lock is worth. */
import { describe, expect, it } from "vitest";
import {
  countingFor,
  countServers,
  grantLifeMs,
  isSameServer,
  probesIn,
  serverIdsIn,
} from "../../src/plan/lock-grant.ts";

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

  it("counts for a database whose server it is, though another one was named there", () => {
    const grant = (remote: string, databases: readonly string[], ids: Readonly<Record<string, string>>) => ({
      remote,
      databases,
      serverIds: new Map(Object.entries(ids)),
    });
    const one = grant("x", ["A"], { A: "1", B: "2" });
    const same = grant("y", ["B"], { A: "1", B: "2" });
    expect(countingFor([one, same], "A")).toEqual([one, same]);
    expect(countingFor([one, same], "B")).toEqual([one, same]);
    expect(countServers(countingFor([one, same], "B"), "B")).toBe(1);
    // Of a process that serves other servers of B, or no longer that one, or does not tell, the lock is another one.
    const others = [grant("z", ["A"], { A: "3", B: "4" }), grant("v", ["A"], { A: "1" }), grant("w", ["A"], {})];
    expect(countingFor([...others, same], "B")).toEqual([same]);
    expect(countingFor([...others, grant("u", ["B"], {})], "B").map(({ remote }) => remote)).toEqual(["u"]);
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
