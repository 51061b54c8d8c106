/** Random schedules find no broken rule in OVSDB's Raft; with reused ids they do, and the smallest is replayable. */
import { expect, test, vi } from "vitest";
import { disappointments, formatScenario, parseScenario, simulate, swarm } from "../src/index.ts";

// A bound against hanging, and no measure: a machine that is busy with other things takes its time.
vi.setConfig({ testTimeout: 300_000 });

const base = { members: 3, electionTimerMs: 1000, seed: 1, faultsMax: 8, identityFaults: false } as const;

test.each(["2.13.0", "2.17.0", "3.1.0", "3.3.0", "3.7.1"])(
  "no random schedule breaks a rule of Raft: %s",
  async (profile) => {
    const { smallest, seen } = await swarm({ ...base, profile, runs: 120 });
    expect(smallest?.failures).toBeUndefined();
    // The runs have to have been worth something.
    for (const kind of ["another leader", "truncated", "unknown outcome", "transfer", "outage"])
      expect(seen[kind] ?? 0).toBeGreaterThan(0);
  },
);

test("five members, more faults", async () => {
  const { smallest } = await swarm({ ...base, members: 5, profile: "3.7.1", faultsMax: 14, runs: 100, seed: 7 });
  expect(smallest?.failures).toBeUndefined();
});

test("reused ids lose writes: found, made small, written, and found again from the file", async () => {
  const { smallest } = await swarm({ ...base, profile: "3.7.1", identityFaults: true, runs: 3000, faultsMax: 10 });
  expect(smallest).toBeDefined();
  if (smallest === undefined) return;
  expect(smallest.failures.length).toBeGreaterThan(0);
  const again = simulate(parseScenario(formatScenario(smallest.scenario)), { seed: smallest.run.seed });
  expect(again.traceHash).toBe(smallest.run.traceHash);
  expect(disappointments({ ackedLost: 0, verdict: ["safe", "brief", "outage"] }, again)).not.toEqual([]);
});
