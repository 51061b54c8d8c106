/** What `--nb` and `--sb` alone can show: rows of `_Server`, and no status at all. */
import { describe, expect, it } from "vitest";
import { assess, type DatabaseVerdict, emptyHistory, type Health, track } from "../../src/index.ts";
import { Built, changeRow, CLUSTER_ID, rowsOnly, silence } from "./build.ts";
import { AT_MS } from "./samples.ts";

function judged(built: Built): DatabaseVerdict {
  const [verdict] = assess(built.observation()).databases;
  if (verdict === undefined) throw new Error("no verdict");
  return verdict;
}

const dead = (built: Built, ...indexes: readonly number[]): Built => {
  for (const index of indexes)
    Object.assign(built.at(index), { server: { ...silence, via: `tcp:10.0.0.${index}:6642` } });
  return built;
};

const OTHER = "99999999-aaaa-4bbb-8ccc-000000000000";

describe("rows alone", () => {
  it("three that are well say nothing", () => {
    expect(judged(rowsOnly(new Built(3)))).toMatchObject({ health: "ok", findings: [], answered: 3 });
  });

  it.each<[string, (built: Built) => unknown, Health, string, string]>([
    ["a follower down", (built) => dead(built, 3), "warning", "member-silent", "node3"],
    ["two down, a leader that may be stale", (built) => dead(built, 2, 3), "critical", "member-silent", "node2"],
    [
      "two down, a follower that has lost its leader",
      (built) => changeRow(dead(built, 1, 2), 3, { connected: false }),
      "critical",
      "no-leader",
      "",
    ],
    ["the leader down, and nobody elected", (built) => dead(built, 1), "critical", "no-leader", ""],
    [
      "a leader that is cut off claims to lead and not to be connected",
      (built) => changeRow(dead(built, 2, 3), 1, { connected: false }),
      "critical",
      "no-leader",
      "",
    ],
    ["a member cut off", (built) => changeRow(built, 3, { connected: false }), "warning", "disconnected", "node3"],
    ["two leaders", (built) => changeRow(built, 2, { leader: true }), "critical", "two-leaders", "node1"],
    ["two cluster ids", (built) => changeRow(built, 3, { cid: OTHER }), "critical", "cluster-id-mismatch", "node3"],
    [
      "a server that joins",
      (built) => changeRow(built, 3, { cid: undefined, connected: false, hasSchema: false, index: undefined }),
      "warning",
      "joining",
      "node3",
    ],
    [
      "far behind",
      (built) => changeRow(changeRow(built, 1, { index: 5_000 }), 2, { index: 4_900 }),
      "warning",
      "follower-lagging",
      "node3",
    ],
    [
      "a standalone server among members",
      (built) => changeRow(built, 3, { model: "standalone", cid: undefined, sid: undefined, index: undefined }),
      "critical",
      "not-clustered",
      "node3",
    ],
    [
      "a standalone server, and one that does not answer",
      (built) => {
        for (const index of [1, 2]) changeRow(built, index, { model: "standalone", cid: undefined });
        dead(built, 3);
      },
      "warning",
      "member-silent",
      "node3",
    ],
  ])("%s", (_what, make, health, code, member) => {
    const built = rowsOnly(new Built(3));
    make(built);
    const verdict = judged(built);
    const finding = verdict.findings.find((one) => one.code === code);
    expect(finding, verdict.findings.map((one) => one.code).join(", ")).toBeDefined();
    if (member !== "") expect(finding?.members).toContain(member);
    expect(verdict.health).toBe(health);
    expect(verdict.findings.filter(({ remedy, witnesses }) => remedy.isDestructive && witnesses.length < 2)).toEqual(
      [],
    );
  });

  it("one that does not move while the leader does is frozen; one that follows is not", () => {
    const codes = (step: number): string[] => {
      let history = emptyHistory();
      let found: string[] = [];
      for (const look of [0, 1, 2, 3]) {
        const built = changeRow(changeRow(rowsOnly(new Built(3)), 1, { index: 110 + look * 10 }), 2, {
          index: 110 + look * 10,
        });
        changeRow(built, 3, { index: 100 + look * step });
        const tracked = track(history, built.observation(AT_MS + look * 1_000));
        history = tracked.history;
        found =
          tracked.verdict.databases[0]?.findings.filter(({ isConfirmed }) => isConfirmed).map(({ code }) => code) ?? [];
      }
      return found;
    };
    expect(codes(0)).toEqual(["frozen-entries"]);
    expect(codes(10)).toEqual([]);
  });

  it("a leader known by its status, and another that a row names", () => {
    const built = new Built(3);
    delete built.at(2).status;
    changeRow(built, 2, { leader: true });
    expect(judged(built).findings.map(({ code }) => code)).toContain("two-leaders");
  });

  it("a member beyond the list that gives no answer is not passed over", () => {
    const built = new Built(3);
    const spare = new Built(4).at(4);
    Object.assign(spare, { status: undefined, server: { ...silence, via: "tcp:10.0.0.4:6642" } });
    built.members.push(spare);
    expect(judged(built)).toMatchObject({ health: "warning" });
    expect(judged(built).findings.map(({ code }) => code)).toEqual(["member-silent"]);
  });

  it("names the place of a failure once", () => {
    const path = "/run/node3.ctl";
    const built = rowsOnly(new Built(3));
    const error = { code: "UNREACHABLE", message: `${path}: nobody listens on this socket` } as const;
    Object.assign(built.at(3), { status: { ...silence, via: path, error }, server: undefined });
    const texts = judged(built).findings.flatMap(({ evidence }) => evidence.map(({ text }) => text));
    expect(texts).toContain(error.message);
    expect(judged(built).clusterId).toBe(CLUSTER_ID);
  });
});
