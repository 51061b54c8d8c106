import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assess, expose, METRICS } from "../../src/index.ts";
import { Built, changeRow, rowsOnly, silence } from "../judge/build.ts";
import { FIXTURES, memberOf, observationOf, rowOf } from "../judge/samples.ts";

const sample = (name: string): string => readFileSync(`${FIXTURES}${name}.txt`, "utf8");

async function exposed(...names: readonly string[]): Promise<string> {
  const members = names.map((name) => memberOf(name, sample(name), rowOf(`${FIXTURES}${name}.server.txt`)));
  const observation = observationOf(members);
  return expose({
    observation,
    verdict: assess(observation),
    probes: [{ database: "OVN_Northbound", isCommitted: true, latencyMs: 2 }],
  });
}

describe("the metrics", () => {
  it("of a healthy cluster", async () => {
    const text = await exposed("lab-three-healthy-leader", "lab-three-healthy-follower");
    for (const line of [
      'ovn_cluster_health{database="OVN_Northbound"} 0',
      'ovn_cluster_quorum{database="OVN_Northbound"} 1',
      'ovn_cluster_voters_live{database="OVN_Northbound"} 3',
      'ovn_cluster_fault_tolerance{database="OVN_Northbound"} 1',
      'ovn_cluster_leaders{database="OVN_Northbound"} 1',
      'ovn_cluster_role{database="OVN_Northbound",member="lab-three-healthy-leader"} 3',
      'ovn_cluster_finding{database="OVN_Northbound",code="no-quorum",severity="critical"} 0',
      'ovn_cluster_probe_seconds{database="OVN_Northbound"} 0.002',
    ])
      expect(text.split("\n")).toContain(line);
  });

  it("of one whose joining member has no id and whose timer is changing: no number is made up", async () => {
    expect(await exposed("lab-joining-remotes-down")).not.toMatch(/cluster_id="(yet|not yet known)"/);
    const changing = await exposed("lab-timer-change-pending");
    expect(changing).toContain(
      'ovn_cluster_election_timer{database="OVN_Northbound",member="lab-timer-change-pending"} 1000',
    );
  });

  it("count links that do not stand", async () => {
    const text = await exposed("lab-three-one-down-leader");
    expect(text).toMatch(/ovn_cluster_outbound_connections_error_total\{.*\} 1/);
    expect(text).toMatch(/ovn_cluster_finding\{database="OVN_Northbound",code="peer-down",severity="warning"\} 1/);
  });

  const about = async (built: Built, pattern: RegExp): Promise<string[]> => {
    const observation = built.observation();
    const text = await expose({ observation, verdict: assess(observation) });
    return text.split("\n").filter((line) => pattern.test(line));
  };

  it("say nothing of a quorum that nobody can tell of", async () => {
    const built = new Built(3);
    for (const member of built.members) Object.assign(member, { server: silence, status: silence });
    expect(await about(built, /^ovn_cluster_(health|quorum)\{/)).toEqual([
      'ovn_cluster_health{database="OVN_Southbound"} 3',
    ]);
  });

  it("do not count relays among those who vote", async () => {
    const built = rowsOnly(new Built(6));
    for (const index of [4, 5, 6])
      changeRow(built, index, { model: "relay", leader: false, cid: undefined, sid: undefined });
    expect(await about(built, /^ovn_cluster_(health|quorum)\{/)).toEqual([
      'ovn_cluster_health{database="OVN_Southbound"} 0',
      'ovn_cluster_quorum{database="OVN_Southbound"} 1',
    ]);
  });

  it("name a peer alike while it lives and when it is dead", async () => {
    const alive = await about(new Built(3), /^ovn_cluster_peer_match_index/);
    const dead = await about(new Built(3).kill(3), /^ovn_cluster_peer_match_index/);
    expect(alive).toHaveLength(2);
    expect(dead).toEqual(alive);
  });

  it("have help and a name of their own", () => {
    expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length);
    for (const { name, help } of METRICS)
      expect([name, help.length > 5]).toEqual([expect.stringMatching(/^ovn_(cluster|db)_[a-z_]+$/), true]);
  });
});
