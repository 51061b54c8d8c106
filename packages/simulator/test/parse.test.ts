/** What is wrong in a scenario is told with its place; what is right is read as it is meant. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseScenario, ScenarioError } from "../src/index.ts";

const head = "version: 1\nname: x\ncluster: { members: 3 }\n";

const WRONG: readonly (readonly [string, string, string])[] = [
  ["an unknown key", `${head}colour: red\n`, 'plan.yaml:4:1: unknown key "colour"'],
  ["no unit", `${head}run: { for: 10 }\n`, "plan.yaml:4:8: run.for:"],
  [
    "an unknown verb",
    `${head}schedule:\n  - { at: 1s, explode: m1 }\n`,
    'plan.yaml:5:15: schedule.0.explode: "explode" is no verb; the verbs are restart',
  ],
  ["a key of the cluster", "version: 1\nname: x\ncluster: { members: 3, timr: 1s }\n", '"timr", did you mean timer?'],
  ["a key of the file", `${head}shedule: []\n`, '"shedule", did you mean schedule?'],
  ["a key within a transformed object", `${head}expect: { verdct: safe }\n`, '"verdct", did you mean verdict?'],
  ["a key of an element", `${head}clients: [{ kind: writer, rat: 1/s }]\n`, '"rat", did you mean rate?'],
  [
    "another word for a key",
    `${head}schedule:\n  - { at: 1s, upgrade: m1, down: 5s, to: "3.7.1" }\n`,
    'unknown key "to", did you mean profile?',
  ],
  ["no verb", `${head}schedule:\n  - { at: 1s }\n`, "plan.yaml:5:5: schedule.0: this step says nothing to do"],
  [
    "a misspelt verb",
    `${head}schedule:\n  - { at: 1s, resart: m1, down: 3s }\n`,
    'plan.yaml:5:15: schedule.0.resart: "resart" is no verb: did you mean restart?',
  ],
  [
    "a misspelt detail",
    `${head}schedule:\n  - { at: 1s, restart: m1, dwn: 3s }\n`,
    'plan.yaml:5:28: schedule.0.dwn: unknown key "dwn", did you mean down?',
  ],
  ["a detail that is missing", `${head}schedule:\n  - { at: 1s, restart: m1 }\n`, "schedule.0.down: restart needs it"],
  ["nothing", "", "plan.yaml:1:1: there is no scenario in it"],
  ["nothing but a remark", "# later\n", "plan.yaml:1:1: there is no scenario in it"],
  [
    "a step that the run never comes to",
    `${head}schedule:\n  - { at: 1s, stop: m1 }\n  - { at: 5m, start: m1 }\nrun: { for: 3m }\n`,
    "plan.yaml:6:1: start at 5m is beyond the end of the run, which is 3m long",
  ],
  [
    "an upgrade to what is no release",
    `${head}schedule:\n  - { at: 1s, upgrade: m1, profile: "9.9", down: 3s }\n`,
    "schedule.0.profile: no release 9.9 is known",
  ],
  [
    "two verbs",
    `${head}schedule:\n  - { at: 1s, stop: m1, start: m2 }\n`,
    "plan.yaml:5:5: schedule.0: this step does two things",
  ],
  ["no time", `${head}schedule:\n  - { stop: m1 }\n`, "a step has either at, a time, or when, a condition"],
  ["a member too many", `${head}schedule:\n  - { at: 1s, stop: m9 }\n`, "plan.yaml:5:1: there is no member m9"],
  ["a detail of another verb", `${head}schedule:\n  - { at: 1s, stop: m1, down: 3s }\n`, 'unknown key "down"'],
  ["a condition that is none", `${head}schedule:\n  - { when: m1.happy, stop: m1 }\n`, '"m1.happy" is no condition'],
  [
    "a release that is none",
    `version: 1\nname: x\ncluster: { members: 3, profile: "1.0" }\n`,
    "plan.yaml:3:24: cluster.profile:",
  ],
  ["no YAML", "version: 1\n  name: : x\n", "plan.yaml:1:10: Nested mappings are not allowed in compact mappings"],
  ["a key twice", `${head}name: y\n`, "plan.yaml:4:1"],
  ["another version", "version: 2\nname: x\n", "plan.yaml:1:1: version: write version: 1"],
];

describe("a mistake is told with its line:", () => {
  test.each(WRONG)("%s", (_what, text, complaint) => {
    expect(() => parseScenario(text, "plan.yaml")).toThrow(ScenarioError);
    expect(() => parseScenario(text, "plan.yaml")).toThrow(complaint);
  });
});

test("all mistakes are told at once", () => {
  const text = `${head}colour: red\nrun: { for: soon }\n`;
  expect(() => parseScenario(text)).toThrow(/colour[\s\S]*soon/);
});

test("any text is a scenario or a ScenarioError", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.string().map((rest) => head + rest),
      ),
      (text) => {
        try {
          parseScenario(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ScenarioError);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("JSON is YAML", () => {
  const scenario = parseScenario(
    JSON.stringify({ version: 1, name: "j", schedule: [{ at: "5s", cut: ["m1", "leader"], for: "2s" }] }),
  );
  expect(scenario.steps).toEqual([
    { at: { ms: 5000 }, action: { do: "cut", between: ["m1", "leader"], oneWay: false, forMs: 2000 }, line: 1 },
  ]);
  expect(scenario.cluster).toMatchObject({ members: 3, electionTimerMs: 1000, profile: "3.7.1" });
});
