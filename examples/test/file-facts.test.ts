/** What `inspect` of @ovnha/dbfile says of real files is what @ovnha/cluster understands: neither may import the other. */
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type FileEvidence, type FileFacts, fileFacts, rankFiles } from "@ovnha/cluster";
import { type Inspection, inspect } from "@ovnha/dbfile";
import { type OvsdbCluster, realOvs, runCommand, SCHEMAS, startCluster, waitFor } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** By type: whatever `inspect` gives is evidence. The compiler is the judge of this. */
const evidenceOf = (inspection: Inspection): FileEvidence => inspection;

const NB = "OVN_Northbound";
const tsx = fileURLToPath(new URL("../../node_modules/.bin/tsx", import.meta.url));
const packages = fileURLToPath(new URL("../../packages/", import.meta.url));

function command(path: string, ...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(tsx, ["--conditions=ovnha-source", join(packages, path), ...args], {
    encoding: "utf8",
    timeout: 50_000,
  });
}

describe.skipIf(realOvs() === "skip").sequential("inspected files as evidence", () => {
  let cluster: OvsdbCluster;

  beforeAll(async () => {
    cluster = await startCluster({ members: 3, schema: SCHEMAS.northbound });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const factsOf = async (path: string): Promise<FileFacts> => fileFacts(evidenceOf(await inspect(path)));
  const tool = async (...args: readonly string[]): Promise<string> => (await runCommand("ovsdb-tool", args)).trim();
  const copyOf = (name: string, index = 0): string => {
    const path = join(cluster.dir, name);
    copyFileSync(cluster.file(index), path);
    return path;
  };

  it("clustered: who it is, where its log ends, who else there is", async () => {
    const sids = await Promise.all([0, 1, 2].map((index) => cluster.sid(index)));
    for (const [index, sid] of sids.entries()) {
      const path = cluster.file(index);
      const status = await cluster.status(index);
      const [, end] = /^Log: \[\d+, (\d+)\]$/m.exec(status) ?? [];
      const facts = await factsOf(path);
      expect(facts).toMatchObject({
        path,
        serverId: sid,
        clusterId: await tool("db-cid", path),
        address: await tool("db-local-address", path),
        term: Number(/^Term: (\d+)$/m.exec(status)?.[1]),
        lastIndex: Number(end) - 1,
        hasLeft: false,
      });
      expect(facts.commitIndex).toBeLessThanOrEqual(facts.lastIndex ?? 0);
      expect(Object.keys(facts.servers ?? {}).sort()).toEqual([...sids].sort());
      expect(facts.damage).toBeUndefined();
    }
  });

  it("standalone: a path and nothing of a cluster; joining: an id, and that it has not joined", async () => {
    const standalone = join(cluster.dir, "standalone.db");
    await tool("create", standalone, SCHEMAS.northbound);
    expect(await factsOf(standalone)).toEqual({ path: standalone });
    const joining = join(cluster.dir, "joining.db");
    await tool("join-cluster", joining, NB, "tcp:127.0.0.1:1", "tcp:127.0.0.1:2");
    expect(await factsOf(joining)).toEqual({
      path: joining,
      serverId: await tool("db-sid", joining),
      address: "tcp:127.0.0.1:1",
      hasJoined: false,
    });
  });

  it("damaged: said where; a torn end is told from it; the whole file is worth more", async () => {
    const torn = copyOf("torn.db");
    truncateSync(torn, readFileSync(torn).length - 3);
    expect(await factsOf(torn)).toMatchObject({ isTorn: true, damage: expect.any(String) });
    const flipped = copyOf("flipped.db");
    const bytes = readFileSync(flipped);
    // In the text of the last record, so that its hash is wrong.
    bytes[bytes.length - 4] = (bytes[bytes.length - 4] ?? 0) ^ 1;
    writeFileSync(flipped, bytes);
    const facts = await factsOf(flipped);
    expect(facts.damage).toMatch(/\d/);
    expect(facts.isTorn).not.toBe(true);
    const whole = await factsOf(cluster.file(0));
    const ranked = rankFiles([
      { ...facts, member: "flipped" },
      { ...whole, member: "whole" },
    ]);
    expect(ranked[0]?.member).toBe("whole");
  });

  it("the output of `ovn-backup inspect --json` is what `ovn-ha --files` takes, with a member that is lost", async () => {
    for (const index of [0, 1, 2]) await cluster.member(index).kill("SIGTERM");
    const { status, stdout: printed } = command(
      "backup/src/edge/cli/ovn-backup.ts",
      "inspect",
      "--json",
      cluster.file(0),
    );
    expect(status).toBe(0);
    // The whole of what the command printed will do, and so will one result of it.
    const inspected = { node0: JSON.parse(printed), node1: await inspect(cluster.file(1)) };
    const files = join(cluster.dir, "files.json");
    writeFileSync(files, JSON.stringify({ nb: inspected }));
    const members = join(cluster.dir, "members.json");
    const access = cluster.members.map(({ remote, dir }, index) => ({
      name: `node${index}`,
      nb: { remote, control: join(dir, "ctl") },
    }));
    writeFileSync(members, JSON.stringify({ members: access }));
    const aside = `${cluster.file(2)}.lost`;
    renameSync(cluster.file(2), aside);
    const args = ["runbook", "-m", members, "--files", files, "--lost", "node2", "--json"];
    const { stdout, stderr } = command("cluster/src/edge/cli/ovn-ha.ts", ...args);
    expect(stderr).toBe("");
    const [plan] = JSON.parse(stdout).plans as { files: FileFacts[] }[];
    expect(plan?.files.map(({ serverId }) => serverId).sort()).toEqual(
      [await cluster.sid(0), await cluster.sid(1)].sort(),
    );
    renameSync(aside, cluster.file(2));
    await cluster.startAll();
  }, 60_000);

  it("kicked and left: the file says that it is no member any more", async () => {
    const leader = await cluster.waitForLeader();
    const [kicked = 0, left = 0] = await cluster.followers();
    const sid = await cluster.sid(kicked);
    await cluster.member(leader).appctl("cluster/kick", NB, sid);
    const isGone = async (index: number): Promise<boolean> => {
      const inspection = await inspect(cluster.file(index));
      return inspection.format === "clustered" && (inspection.left || !inspection.isMember);
    };
    await waitFor(() => isGone(kicked), { what: "the kicked one's file to say so" });
    await cluster.member(left).appctl("cluster/leave", NB);
    await waitFor(() => isGone(left), { what: "the file of the one that left to say so" });
    for (const index of [kicked, left]) {
      const facts = await factsOf(cluster.file(index));
      expect(facts.damage).toBeUndefined();
      expect(facts.hasLeft === true || facts.servers?.[facts.serverId ?? ""] === undefined).toBe(true);
    }
    expect((await factsOf(cluster.file(left))).hasLeft).toBe(true);
    const stays = await factsOf(cluster.file(leader));
    expect(stays.hasLeft).toBe(false);
    expect(Object.keys(stays.servers ?? {})).not.toContain(sid);
  });
});
