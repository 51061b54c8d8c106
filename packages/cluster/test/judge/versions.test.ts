/** Verdicts on what real servers of each release said; recorded by packages/testkit/test/versions/record.ts. */
import { readdirSync, readFileSync } from "node:fs";
import { assess, type DatabaseVerdict } from "@ovnha/cluster";
import { describe, expect, test } from "vitest";
import { memberOf, observationOf } from "./samples.ts";

const VERSIONS = new URL("../fixtures/versions/", import.meta.url);

function judge(version: string, state: string): DatabaseVerdict {
  const text = readFileSync(new URL(`${version}/${state}.txt`, VERSIONS), "utf8");
  const [verdict] = assess(observationOf([memberOf("a", text)], "Lab"), { expected: { members: 3 } }).databases;
  return verdict!;
}

describe.each(readdirSync(VERSIONS))("ovsdb-server %s", (version) => {
  test.each(["leader", "follower"])("a healthy %s gives no alarm", (role) => {
    const { health, findings, quorum } = judge(version, role);
    // Without "last msg", before 2.15, one member alone cannot tell that the others live.
    const isOld = /^2\.(9|1[0-4])\./.test(version);
    const state = isOld ? "presumed" : "yes";
    expect({ health, findings, quorum: quorum.state }).toEqual({ health: "ok", findings: [], quorum: state });
  });

  // Before 2.12 such a leader never steps down, and calls itself one for ever.
  test.each(["candidate", "leader-left-alone"])("a %s has no quorum", (state) => {
    expect(judge(version, state)).toMatchObject({ health: "critical", quorum: { state: "no" } });
  });

  test.each([
    ["joining", "joining"],
    ["timer-change", "election-timer-changing"],
    ["adding", "join-in-progress"],
    ["removing", "removing"],
    ["kicked", "not-a-member"],
  ])("%s is told as %s", (state, code) => {
    if (!readdirSync(new URL(`${version}/`, VERSIONS)).includes(`${state}.txt`))
      return expect(state).toBe("timer-change");
    const { findings, health } = judge(version, state);
    expect(findings.map((finding) => finding.code)).toContain(code);
    // A join that is under way is no alarm, be it that its entry is in the log already and counts.
    if (state === "adding")
      expect({ health, alarms: findings.filter(({ severity }) => severity !== "info") }).toEqual({
        health: "ok",
        alarms: [],
      });
  });
});
