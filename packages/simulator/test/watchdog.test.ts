/** Kube-OVN's watchdogs: they wait ten strikes, and they make it worse where recovery is slower than they are. */
import { expect, test } from "vitest";
import { parseScenario, simulate, storyOf } from "../src/index.ts";

const plan = (steps: string): ReturnType<typeof parseScenario> =>
  parseScenario(
    `version: 1\nname: w\ncluster: { members: 3, timer: 1s, watchdog: kube-ovn }\nschedule:\n${steps}run: { for: 10m }\n`,
  );

test("a lone candidate is restarted after ten failed probes, again and again", () => {
  const run = simulate(plan("  - { at: 5s, stop: m2 }\n  - { at: 5s, stop: m3 }\n"), { seed: 1 });
  const restarts = storyOf(run, { limit: 5000 }).filter((line) =>
    line.includes("restarted by its watchdog: the liveness probe"),
  );
  expect(restarts.length).toBeGreaterThan(1);
  expect(Number.parseFloat(restarts[0] ?? "")).toBeGreaterThan(150);
});

test("a healthy cluster is left alone", () => {
  const run = simulate(plan("  - { at: 300s, transfer: leader }\n"), { seed: 1 });
  expect(storyOf(run, { limit: 5000 }).join("\n")).not.toContain("watchdog");
});
