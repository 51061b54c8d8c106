import { assess, type DatabaseVerdict, type FindingCode } from "@ovnha/cluster";
import { describe, expect, it } from "vitest";
import { memberOf, observationOf, type SampleCase, sampleCases } from "./samples.ts";

const HEALTH: Readonly<Record<string, string>> = {
  ok: "ok",
  warn: "warning",
  crit: "critical",
  "n/a": "not-applicable",
};
const QUORUM: Readonly<Record<string, string>> = { "n/a": "not-applicable", "yes (own)": "own" };

/** The one state that a member hides: only its log tells, which the capture does not have. */
const WRITE_ERROR = "2026-01-01T00:00:00.000Z|00077|ovsdb_error|ERR|write failed (File too large)";

function judge({ name, text, row }: SampleCase): DatabaseVerdict {
  const member = memberOf("a", text, row);
  const told =
    name === "lab-write-errors-member-view" ? { ...member, logText: WRITE_ERROR.replace(/^[^|]*\|/, "") } : member;
  const size = name.startsWith("lab-five") ? 5 : 3;
  const [verdict] = assess(observationOf([told]), { expected: { members: size } }).databases;
  return verdict!;
}

/** The index's words for what is wrong, and the codes that say so. */
const REASONS: Readonly<Record<string, readonly FindingCode[]>> = {
  "partial-capture": ["partial-capture"],
  "even-members": ["even-members"],
  "no-fault-tolerance": ["no-fault-tolerance"],
  "single-member": ["single-member"],
  "peer-not-replicating": ["peer-not-replicating"],
  "duplicate-address": ["duplicate-address"],
  "no-leader": ["no-leader"],
  "no-quorum": ["no-quorum"],
  joining: ["joining", "leader-while-joining"],
  "remotes-unreachable": ["remotes-unreachable"],
  "not-a-member": ["not-a-member"],
  "leaving-stuck": ["leaving-stuck"],
  "not-clustered": ["not-clustered"],
  removing: ["removing"],
  "peer-link-down": ["peer-link-down", "peer-down"],
  "peer-hung": ["peer-hung", "peer-not-replicating"],
  "stale-leader": ["stale-leader"],
  "election-timer-changing": ["election-timer-changing"],
  "join-in-progress": ["join-in-progress"],
  "unexpected-members": ["unexpected-members"],
  "leader-while-joining": ["leader-while-joining"],
  "foreign-inbound": ["foreign-inbound", "split-suspect"],
  "replication-stalled": ["replication-stalled", "peer-not-replicating"],
  "peer-down": ["peer-down", "duplicate-address"],
  "split-suspect": ["split-suspect", "peer-not-replicating"],
  "undetectable-locally": ["write-errors"],
};

const cases = sampleCases();

describe("the captures", () => {
  it("are there", () => expect(cases.length).toBeGreaterThan(20));

  it.each(cases.map((one) => [one.name, one] as const))("%s", (_name, one) => {
    const verdict = judge(one);
    const found = verdict.findings.map(({ code, severity }) => `${code}:${severity}`);
    expect({ quorum: verdict.quorum.state, health: verdict.health, found }).toEqual({
      quorum: QUORUM[one.quorum] ?? one.quorum,
      health: HEALTH[one.verdict],
      found: one.verdict === "ok" ? [] : expect.anything(),
    });
    const codes = verdict.findings.map(({ code }) => code);
    for (const reason of one.reasons) {
      const wanted = REASONS[reason];
      if (wanted !== undefined)
        expect(
          wanted.some((code) => codes.includes(code)),
          `${reason} among ${codes.join(", ")}`,
        ).toBe(true);
    }
  });
});
