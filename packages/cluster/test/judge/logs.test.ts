/** What a log says, and of whom; lines as real servers print them. */
import { describe, expect, it } from "vitest";
import { assess, emptyHistory, type Finding, planRecovery, track } from "../../src/index.ts";
import { Built, CLUSTER_ID, idOf, nameOf, shortOf, silence } from "./build.ts";
import { AT_MS } from "./samples.ts";

const line = (module: string, text: string): string => `2023-11-14T22:10:00.000Z|00012|${module}|${text}\n`;
const findings = (index: number, text: string): readonly Finding[] => {
  const built = new Built(3);
  Object.assign(built.at(index), { logText: text });
  return assess(built.observation()).databases[0]?.findings ?? [];
};
const codes = (index: number, text: string): string[] => findings(index, text).map(({ code }) => code);

describe("a log", () => {
  it("tells of another member's disk, and not of its own", () => {
    const text = line("raft|INFO", `${shortOf(3)} reported I/O error`);
    const found = findings(1, text).filter(({ code }) => code === "write-errors");
    expect(found).toMatchObject([{ members: [nameOf(3)], remedy: { kind: "inspect", isDestructive: false } }]);
    // Said by the one whose disk it is, and by the leader: two sources.
    const both = new Built(3);
    Object.assign(both.at(1), { logText: text });
    Object.assign(both.at(3), { logText: line("raft|WARN", "write failed (No space left on device)") });
    const [verdict] = assess(both.observation()).databases;
    const errors = verdict?.findings.filter(({ code }) => code === "write-errors");
    expect(errors).toMatchObject([{ members: [nameOf(3)], remedy: { kind: "rejoin", isDestructive: true } }]);
    expect(codes(1, line("raft|INFO", "9999 reported I/O error"))).toEqual([]);
  });

  const dropped = (hosts: readonly string[]): string =>
    hosts
      .map((host) =>
        line("reconnect|ERR", `ssl:${host}:40667: no response to inactivity probe after 5 seconds, disconnecting`),
      )
      .join("");

  it("tells of clients of many hosts that are dropped; of members, or of one host again and again, it is another trouble", () => {
    const many = Array.from({ length: 10 }, (_, index) => `10.9.0.${index}`);
    expect(codes(1, dropped(many))).toEqual(["client-reconnects"]);
    expect(codes(1, dropped(many.slice(1)))).toEqual([]);
    expect(codes(1, dropped(Array.from({ length: 40 }, () => "10.9.0.1")))).toEqual([]);
    expect(codes(1, dropped([...many.slice(1), "10.0.0.2"]))).toEqual([]);
    expect(codes(1, dropped(many.map((host) => `[fd00::${host.split(".")[3]}]`)))).toEqual(["client-reconnects"]);
  });

  it("tells of compactions that were asked for, if they come again and again", () => {
    const text = line("ovsdb_server|INFO", "compacting OVN_Southbound database by user request");
    expect(codes(2, text.repeat(3))).toEqual([]);
    expect(codes(2, text.repeat(4))).toEqual(["forced-compaction"]);
  });

  it("tells of servers that are not who they should be", () => {
    const text = line(
      "raft|WARN",
      "tcp:10.0.0.3:6643: ignoring message with unexpected server ID 9999 (expected 3333)",
    );
    expect(codes(1, text.repeat(2))).toEqual(["foreign-server-at-address"]);
  });
});

describe("an old write error", () => {
  it("takes nobody's acknowledgements away after an hour", () => {
    const quorum = (stamp: string): string | undefined => {
      const built = new Built(3, 1);
      built.at(1).status = silence;
      built.at(1).server = silence;
      built.at(3).status = silence;
      built.at(3).server = silence;
      Object.assign(built.at(2), { logText: `${stamp}|00012|raft|WARN|write failed (Input/output error)\n` });
      return assess(built.observation()).databases[0]?.quorum.state;
    };
    expect(quorum("2023-11-14T22:10:00.000Z")).toBe("unknown");
    expect(quorum("2023-11-14T20:10:00.000Z")).toBe("yes");
  });
});

describe("a cluster that is another one than before", () => {
  const OTHER = "99999999-aaaa-4bbb-8ccc-000000000000";
  const moved = (clusterId: string): Built => {
    const built = new Built(3);
    for (const [place, member] of built.members.entries()) {
      member.change(() => ({
        clusterId: { short: clusterId.slice(0, 4), uuid: clusterId },
        serverId: { short: shortOf(place + 1), uuid: idOf(place + 1) },
      }));
      if (member.server?.ok === true && member.server.value !== undefined)
        member.server = { ...member.server, value: { ...member.server.value, cid: clusterId } };
    }
    return built;
  };

  it("is told, though all agree, and takes nothing away; what the operator expects ends it", () => {
    const { history } = track(emptyHistory(), moved(CLUSTER_ID).observation());
    const later = moved(OTHER).observation(AT_MS + 5_000);
    const { verdict } = track(history, later);
    const [finding] = verdict.databases[0]?.findings ?? [];
    expect(finding).toMatchObject({ code: "unexpected-cluster-id", severity: "warning", isConfirmed: true });
    expect(finding?.remedy.text).toContain("cluster-state-reset");
    expect(verdict.databases[0]?.findings).toHaveLength(1);
    const plan = planRecovery(later, { database: "OVN_Southbound", history });
    expect(plan.steps.some(({ isDestructive }) => isDestructive)).toBe(false);
    const expected = { clusterIds: { OVN_Southbound: OTHER } };
    expect(assess(later, { history, expected }).databases[0]).toMatchObject({ health: "ok", findings: [] });
    expect(assess(moved(CLUSTER_ID).observation(AT_MS + 5_000), { history }).databases[0]?.findings).toEqual([]);
  });
});
