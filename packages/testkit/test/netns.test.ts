import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  canNetns,
  type NetnsCluster,
  rawCall,
  realOvs,
  removeStale,
  runCommand,
  startNetnsCluster,
  waitFor,
} from "../src/index.ts";
import { NOTES, put, told } from "./notes.ts";

describe.skipIf(realOvs() === "skip" || !canNetns())("a cluster in network namespaces", () => {
  let cluster: NetnsCluster;
  beforeAll(async () => {
    cluster = await startNetnsCluster({ schema: NOTES, clients: "tcp", electionTimerMs: 500 });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test("is reached over TCP from here", async () => {
    expect(cluster.remote.split(",")).toHaveLength(3);
    for (const remote of cluster.remote.split(",")) {
      expect(remote).toMatch(/^tcp:198\.18\.\d+\.[123]:6641$/);
      expect(await rawCall(remote, "list_dbs", [])).toContain("Notes");
    }
  });

  test("a leader without the others keeps its clients and loses its lead; healed, it catches up", async () => {
    const leader = await cluster.waitForLeader();
    await cluster.partition(leader);
    const next = await cluster.waitForLeader({ not: leader });
    await put(cluster.member(next).remote, "by two of three");
    await waitFor(async () => (await cluster.rows())[leader]?.leader === false, {
      what: "the old leader to step down",
    });
    expect(await told(cluster.member(leader).remote)).toEqual([]);
    await cluster.heal(leader);
    await cluster.waitConnected();
    expect(await told(cluster.member(leader).remote)).toEqual(["by two of three"]);
  });

  test("with its clients cut it is silent to them, and to nobody else", async () => {
    const leader = await cluster.waitForLeader();
    await cluster.cutClients(leader);
    await expect(rawCall(cluster.member(leader).remote, "list_dbs", [], 200)).rejects.toThrow("no reply");
    await put(cluster.member(leader).unix, "from inside");
    expect(await cluster.leader()).toBe(leader);
    await cluster.heal(leader);
    expect(await told(cluster.member(leader).remote)).toContain("from inside");
  });

  test("a member cut off from all returns", async () => {
    const [follower = 0] = await cluster.followers();
    await cluster.partition(follower, { clients: "cut" });
    await expect(rawCall(cluster.member(follower).remote, "list_dbs", [], 200)).rejects.toThrow("no reply");
    await put(cluster.member(await cluster.waitForLeader({ not: follower })).remote, "unheard at first");
    expect(await told(cluster.member(follower).unix)).not.toContain("unheard at first");
    await cluster.heal(follower);
    await cluster.waitConnected();
    expect(await told(cluster.member(follower).remote)).toContain("unheard at first");
  });

  // Other processes have namespaces too: only what is ours is looked at.
  const ours = async () =>
    (await runCommand("ip", ["netns", "list"])).match(new RegExp(`ovnha-${process.pid}-\\S+`, "g")) ?? [];

  const hardware = async (link: string) => {
    const shown = await runCommand("ip", ["link", "show", link]).catch(() => "");
    return /link\/ether (\S+)/.exec(shown)?.[1];
  };

  test("leaves no namespace and no link behind", async () => {
    const before = await ours();
    const other = await startNetnsCluster({ schema: NOTES, clients: "tcp" });
    expect(other.remote).not.toBe(cluster.remote);
    const link = `ovnha-c${/198\.18\.(\d+)\./.exec(other.remote)?.[1]}`;
    const own = await hardware(link);
    expect(own).toBeDefined();
    expect(await ours()).toHaveLength(before.length + 4);
    await other[Symbol.asyncDispose]();
    expect(await ours()).toEqual(before);
    // The number may be another process's by now, but not the link.
    expect(await hardware(link)).not.toBe(own);
  });

  test("what a dead process left is removed, and what is in use is not", async () => {
    const gone = spawn("true");
    await once(gone, "exit");
    const name = `ovnha-${gone.pid}-0-hub`;
    await runCommand("ip", ["netns", "add", name]);
    const before = await ours();
    await removeStale();
    expect(await runCommand("ip", ["netns", "list"])).not.toContain(name);
    expect(await ours()).toEqual(before);
    await cluster.waitConnected();
  });
});
