import { existsSync } from "node:fs";
import { join } from "node:path";
import { localRunner } from "@ovnha/runner";
import {
  ovsHas,
  type OvsdbCluster,
  realOvs,
  runCommand,
  SCHEMAS,
  startCluster,
  startStandalone,
  waitFor,
} from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Control, parseClusterStatus, unixctl, unixctlThrough } from "../../src/index.ts";

const DB = "OVN_Northbound";

describe.skipIf(realOvs() === "skip")("control sockets of real servers", () => {
  let cluster: OvsdbCluster;
  const path = (index: number): string => join(cluster.member(index).dir, "ctl");

  beforeAll(async () => {
    cluster = await startCluster({ members: 3, schema: SCHEMAS.northbound });
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  for (const way of ["socket", "runner"] as const) {
    const open = (index: number): Control =>
      way === "socket" ? unixctl(path(index)) : unixctlThrough(localRunner(), path(index));

    it(`reads through the ${way}`, async () => {
      const leader = await cluster.waitForLeader();
      const control = open(leader);
      const answer = await control.status(DB);
      if (answer.type !== "status") throw new Error(answer.type);
      expect(answer.status).toMatchObject({ name: DB, role: "leader", leader: "self", unknownLines: [] });
      expect(answer.status.servers).toHaveLength(3);
      expect(await control.serverId(DB)).toBe(await cluster.sid(leader));
      expect(await control.clusterId(DB)).toBe(await cluster.cid(leader));
      if (ovsHas("2.15.0")) expect(await control.storageStatus(DB)).toEqual({ ok: true, text: "ok" });
      else await expect(control.storageStatus(DB)).rejects.toMatchObject({ code: "UNKNOWN_COMMAND" });
      expect(await control.listDatabases()).toEqual(["OVN_Northbound", "_Server"]);
      expect((await control.memory())["raft-connections"]).toBe(4);
      expect(await control.version()).toMatch(/^ovsdb-server \(Open vSwitch\) \d+\.\d+/);
      const commands = await control.listCommands();
      expect(commands).toContainEqual({ name: "cluster/kick", usage: "DB SERVER" });
      // This server is older than the JSON mode, or wraps the text in it; either way the text comes out.
      const json = await control.callJson("cluster/sid", [DB]);
      expect(json).toEqual({ type: "text", text: await cluster.sid(leader) });
    });

    it(`has what the server refuses as codes through the ${way}`, async () => {
      const leader = await cluster.waitForLeader();
      const control = open(leader);
      expect(await control.status("Nowhere")).toEqual({ type: "unknown-cluster" });
      await expect(control.serverId("Nowhere")).rejects.toMatchObject({ code: "UNKNOWN_CLUSTER" });
      await expect(control.call("no/such")).rejects.toMatchObject({ code: "UNKNOWN_COMMAND" });
      await expect(control.call("cluster/status")).rejects.toMatchObject({
        code: "REFUSED",
        text: '"cluster/status" command requires at least 1 arguments',
      });
      await expect(control.kick(DB, "ffff")).rejects.toMatchObject({ code: "REFUSED", text: "unknown server" });
      await expect(control.changeElectionTimer(DB, 99)).rejects.toMatchObject({ code: "INVALID_VALUE" });
      await expect(control.changeElectionTimer(DB, 10_000)).rejects.toMatchObject({ code: "REFUSED" });
      // On a follower, since a leader hands its leadership over first, which is something new to compact.
      const follower = open((await cluster.followers())[0] as number);
      const isDone = async (): Promise<boolean> => !(await follower.compact(DB));
      await waitFor(isDone, { what: "nothing new to compact" });
    });

    it(`gives up on a frozen server through the ${way}, and says so`, async () => {
      const follower = (await cluster.followers())[0] as number;
      const member = cluster.member(follower);
      const control = open(follower);
      member.pause();
      try {
        await expect(control.status(DB, { timeoutMs: 1_000 })).rejects.toMatchObject({ code: "TIMEOUT" });
        await expect(control.setBacklogThreshold(DB, 500, 1 << 20, { timeoutMs: 1_000 })).rejects.toMatchObject({
          code: "OUTCOME_UNKNOWN",
          cause: { code: "TIMEOUT" },
        });
      } finally {
        member.resume();
      }
      await control.setBacklogThreshold(DB, 500, 1 << 20);
      await cluster.waitConnected();
    });

    it(`changes the timer through the ${way}`, async () => {
      const leader = await cluster.waitForLeader();
      const control = open(leader);
      const timer = async (): Promise<number | undefined> => {
        const answer = await control.status(DB);
        return answer.type === "status" ? answer.status.electionTimer?.ms : undefined;
      };
      const next = ((await timer()) ?? 0) + 200;
      await control.changeElectionTimer(DB, next);
      await waitFor(async () => (await timer()) === next, { what: "the new election timer" });
    });
  }

  it("tells why a socket can't be reached", async () => {
    const absent = join(cluster.dir, "absent.ctl");
    await expect(unixctl(absent).version()).rejects.toMatchObject({ code: "UNREACHABLE" });
    await expect(unixctlThrough(localRunner(), absent).version()).rejects.toMatchObject({ code: "UNREACHABLE" });
    // A command that was never sent has no unknown outcome.
    await expect(unixctl(absent).leave(DB)).rejects.toMatchObject({ code: "UNREACHABLE" });
    const noProgram = unixctlThrough(localRunner(), absent, { appctl: ["no-such-appctl"] });
    await expect(noProgram.leave(DB)).rejects.toMatchObject({ code: "RUNNER" });
    expect(() => unixctl(`/${"x".repeat(107)}`)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    const aborted = AbortSignal.abort();
    await expect(unixctl(path(0), { signal: aborted }).leave(DB)).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("agrees with ovs-appctl on every command that only tells", async () => {
    const control = unixctl(path(0));
    // The server adds its counters up every few seconds.
    const counted = async (): Promise<boolean> => "unixctl_received" in (await control.coverage());
    await waitFor(counted, { what: "the first coverage counters" });
    expect(await control.coverageCounter("unixctl_received")).toBeGreaterThan(0);
    for (const command of ["version", "list-commands", "vlog/list", "ovsdb-server/list-remotes"]) {
      expect(`${await control.call(command)}\n`).toBe(await runCommand("ovs-appctl", ["-t", path(0), command]));
    }
    const text = await runCommand("ovs-appctl", ["-t", path(0), "cluster/status", DB]);
    expect(parseClusterStatus(text).serverId).toEqual(
      parseClusterStatus(await control.call("cluster/status", [DB])).serverId,
    );
  });

  it("has every command that is typed, as far as the release has it", async () => {
    await using server = await startStandalone({ schemas: [SCHEMAS.northbound], listen: "unix" });
    const leader = await cluster.waitForLeader();
    const clustered = unixctl(path(leader));
    const control = unixctl(join(server.dir, "ctl"));
    const known = new Set((await clustered.listCommands()).map(({ name }) => name));
    const tried = new Set<string>();
    /** What the release does not have is refused as such, and nothing else of it is. */
    const unless = async <T>(command: string, call: () => Promise<T>): Promise<T | undefined> => {
      tried.add(command);
      if (known.has(command)) return call();
      await expect(call()).rejects.toMatchObject({ code: "UNKNOWN_COMMAND" });
      return undefined;
    };
    const second = join(server.dir, "second.db");
    await runCommand("ovsdb-tool", ["create", second, SCHEMAS.southbound]);
    await control.addDatabase(second);
    expect(await control.listDatabases()).toContain("OVN_Southbound");
    await expect(control.addDatabase(second)).rejects.toMatchObject({ code: "REFUSED" });
    await control.removeDatabase("OVN_Southbound");
    expect(await control.listDatabases()).not.toContain("OVN_Southbound");
    const remote = `punix:${join(server.dir, "third.sock")}`;
    await control.addRemote(remote);
    expect(await control.listRemotes()).toContain(remote);
    await control.removeRemote(remote);
    expect(await control.listRemotes()).not.toContain(remote);
    await expect(control.removeRemote(remote)).rejects.toMatchObject({ code: "REFUSED" });
    await control.reconnectClients();
    expect((await control.syncStatus())["state"]).toBe("active");
    await control.setLogLevel("raft:file:dbg");
    await expect(control.setLogLevel("no-such-module:dbg")).rejects.toMatchObject({ code: "REFUSED" });
    await control.reopenLog();
    expect(await control.compact()).toBe(true);
    await unless("ovsdb-server/memory-trim-on-compaction", () => control.trimMemoryOnCompaction(true));
    await unless("ovsdb-server/tlog-set", () => control.setTransactionLog(DB, "Logical_Switch", true));
    await unless("ovsdb-server/set-relay-source-probe-interval", () => control.setRelayProbeInterval(60_000));
    if (known.has("ovsdb-server/reload"))
      // Without --config-file there is nothing to read again, which the server says.
      await control.reload().catch((error: unknown) => expect(error).toMatchObject({ code: "REFUSED" }));
    await unless("cluster/set-backlog-threshold", () => clustered.setBacklogThreshold(DB, 500, 1 << 20));
    expect(await clustered.failureTest("delay-election")).toMatch(/engaged|ok/i);
    expect(await clustered.failureTest("clear")).not.toBe("");
    expect(tried.size).toBe(4);
    await cluster.waitConnected();
  });

  it("knows a standalone server by its answer, and ends a server by exit", async () => {
    await using server = await startStandalone({ schemas: [SCHEMAS.northbound], listen: "unix" });
    const control = unixctl(join(server.dir, "ctl"));
    expect(await control.status(DB)).toEqual({ type: "unknown-command" });
    await control.exit();
    await waitFor(() => server.pid === undefined, { what: "the server to end" });
    expect(existsSync(join(server.dir, "ctl"))).toBe(false);
  });
});
