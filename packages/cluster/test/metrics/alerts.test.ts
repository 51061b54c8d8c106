import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { METRICS } from "../../src/index.ts";

const FILE = fileURLToPath(new URL("../../alerts/ovn-cluster.rules.yaml", import.meta.url));
const PROMTOOL = spawnSync("promtool", ["--version"]).status === 0;

type Rule = {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: Record<string, string>;
};

describe("the alert rules", () => {
  const { groups } = parse(readFileSync(FILE, "utf8")) as { groups: { name: string; rules: Rule[] }[] };
  const rules = groups.flatMap((group) => group.rules);

  it("each have a name, a severity and words", () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, labels, annotations } of rules) {
      expect(["warning", "critical"], alert).toContain(labels.severity);
      expect(Object.keys(annotations), alert).toEqual(["summary", "description"]);
    }
  });

  it("name only metrics that there are", () => {
    const names = new Set(METRICS.map(({ name }) => name));
    for (const { alert, expr } of rules) {
      const used = expr.match(/\bovn_\w+/g) ?? [];
      expect(used.length, alert).toBeGreaterThan(0);
      for (const name of used) expect(names.has(name), `${alert}: ${name}`).toBe(true);
    }
  });

  it.skipIf(!PROMTOOL)("are accepted by promtool", () => {
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "rules", FILE], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain(`${rules.length} rules found`);
  });

  it.skipIf(!PROMTOOL)("are silent where nothing is wrong, and not where something is", () => {
    const cases = fileURLToPath(new URL("./alerts.promtool.yaml", import.meta.url));
    const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", cases], { encoding: "utf8" });
    expect({ status, said: status === 0 ? "" : `${stdout}${stderr}` }).toEqual({ status: 0, said: "" });
  });
});
