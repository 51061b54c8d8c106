import { describe, expect, it } from "vitest";
import { assess, type Expected, type Finding, FINDINGS } from "../../src/index.ts";
import { Built } from "./build.ts";
import { CASES, OVER_TIME } from "./cases.ts";

function found(built: Built, expected?: Expected): readonly Finding[] {
  return assess(built.observation(), expected === undefined ? {} : { expected }).databases[0]?.findings ?? [];
}

describe("the catalogue", () => {
  it("has a case for every code", () => {
    const covered = new Set<string>([...CASES.map(({ code }) => code), ...OVER_TIME]);
    expect(Object.keys(FINDINGS).filter((code) => !covered.has(code))).toEqual([]);
  });

  it.each([1, 3, 5, 7])("says nothing of %i members that are well", (size) => {
    expect(found(new Built(size), { members: size })).toEqual([]);
  });

  it.each(CASES.map((one) => [one.code, one] as const))("%s", (code, { make, size = 3, expected }) => {
    const built = new Built(size);
    make(built);
    const findings = found(built, expected);
    const finding = findings.find((one) => one.code === code);
    expect(finding, `among ${findings.map((one) => one.code).join(", ")}`).toBeDefined();
    expect(finding?.evidence.length).toBeGreaterThan(0);
    expect(finding?.incident).toMatch(/^[A-F]\d+$/);
  });

  it("proposes nothing destructive on the word of one", () => {
    for (const { make, size = 3, expected } of CASES) {
      const built = new Built(size);
      make(built);
      for (const { code, remedy, witnesses } of found(built, expected)) {
        if (remedy.isDestructive) expect(witnesses.length, code).toBeGreaterThanOrEqual(2);
        // Only the rules that say so may be destructive at all.
        if (remedy.isDestructive) expect(FINDINGS[code].remedy.isDestructive, code).toBe(true);
      }
      // And of any single member's word alone, nothing at all.
      for (const member of built.members) {
        const alone = { ...built.observation(), databases: [{ database: "OVN_Southbound", members: [member] }] };
        const findings = assess(alone).databases[0]?.findings ?? [];
        expect(
          findings.filter(
            ({ remedy, evidence }) =>
              remedy.isDestructive && !evidence.some(({ source }) => source === "log" || source === "file"),
          ),
        ).toEqual([]);
      }
    }
  });
});
