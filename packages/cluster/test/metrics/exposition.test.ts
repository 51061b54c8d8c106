import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assess, expose, METRICS } from "../../src/index.ts";
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

  it("have help and a name of their own", () => {
    expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length);
    for (const { name, help } of METRICS)
      expect([name, help.length > 5]).toEqual([expect.stringMatching(/^ovn_(cluster|db)_[a-z_]+$/), true]);
  });
});
