/** The builder says what a file says. */
import { expect, test } from "vitest";
import { parseScenario, ScenarioError, scenario, simulate } from "../src/index.ts";

test("a built scenario is the one that a file gives", () => {
  const built = scenario("two-too-fast")
    .members(3)
    .timer("5s")
    .profile("3.1.0")
    .writer({ rate: "5/s" })
    .at("60s")
    .restart("m1", { how: "sigterm", down: "40s" })
    .when("m1.connected", { after: "5s" })
    .restart("m2", { down: "40s", wipe: "all", boot: "kube-ovn" })
    .at("200s")
    .expect({ leader: true })
    .ends({ "acked-lost": 0 })
    .for("10m")
    .build();
  const read = parseScenario(`
version: 1
name: two-too-fast
cluster: { members: 3, timer: 5s, profile: "3.1.0" }
clients: [{ kind: writer, rate: 5/s }]
schedule:
  - { at: 60s, restart: m1, how: sigterm, down: 40s }
  - { when: m1.connected, after: 5s, restart: m2, down: 40s, wipe: all, boot: kube-ovn }
  - { at: 200s, expect: { leader: true } }
expect: { acked-lost: 0 }
run: { for: 10m }
`);
  const bare = (value: typeof built): unknown => ({
    ...value,
    steps: value.steps.map((step) => ({ ...step, line: undefined })),
  });
  expect(bare(built)).toEqual(bare(read));
  expect(simulate(built, { seed: 3 }).traceHash).toBe(simulate(read, { seed: 3 }).traceHash);
});

test("a step changes no builder that was there before", () => {
  const base = scenario("base").at("1s").stop("m1");
  base.at("2s").stop("m2");
  expect(base.build().steps).toHaveLength(1);
});

test("what a file could not say is refused here too", () => {
  expect(() => scenario("x").at("1s").stop("m7").build()).toThrow(ScenarioError);
  expect(() => scenario("x").at("1s").do("explode", "m1").build()).toThrow('"explode" is no verb');
});
