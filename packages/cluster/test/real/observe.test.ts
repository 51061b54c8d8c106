import { filesTls } from "@ovnha/ovsdb";
import { localRunner } from "@ovnha/runner";
import { makePki, ovsHas, realOvs, removeFolder, SCHEMAS, startStandalone, temporaryFolder } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  answered,
  type DatabaseObservation,
  formatClusterStatus,
  type MemberObservation,
  observe,
  type Observation,
  parseClusterStatus,
  serverRowOf,
  statusOf,
} from "../../src/index.ts";
import { type Both, startBoth } from "../support/both.ts";

const [NB, SB] = ["OVN_Northbound", "OVN_Southbound"] as const;

function databaseIn(observation: Observation, name: string): DatabaseObservation {
  const found = observation.databases.find(({ database }) => database === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

function memberIn(observation: Observation, database: string, index: number): MemberObservation {
  const found = databaseIn(observation, database).members[index];
  if (found === undefined) throw new Error(`no member ${index}`);
  return found;
}

describe.skipIf(realOvs() === "skip").sequential("observing real clusters of both databases", () => {
  let both: Both;

  beforeAll(async () => {
    both = await startBoth();
  });
  afterAll(async () => {
    await both?.[Symbol.asyncDispose]();
  });

  it("sees all members, from the database and from the control socket", async () => {
    const observation = await observe({ members: both.members, extras: ["storage", "memory", "version", "log"] });
    expect(observation.databases.map(({ database }) => database)).toEqual([NB, SB]);
    for (const [cluster, name] of [
      [both.nb, NB],
      [both.sb, SB],
    ] as const) {
      const { members } = databaseIn(observation, name);
      expect(members.map(({ member }) => member)).toEqual(["node0", "node1", "node2"]);
      expect(members.filter((member) => statusOf(member)?.role === "leader")).toHaveLength(1);
      for (const [index, member] of members.entries()) {
        const row = serverRowOf(member);
        const status = statusOf(member);
        expect(row).toMatchObject({ name, model: "clustered", connected: true, hasSchema: true });
        expect(row?.sid).toBe(await cluster.sid(index));
        expect(row?.sid).toBe(status?.serverId?.uuid);
        expect(row?.leader).toBe(status?.role === "leader");
        expect(status?.servers).toHaveLength(3);
        expect(status?.unknownLines).toEqual([]);
        // get-db-storage-status came with 2.15.
        expect(member.storage).toMatchObject(
          ovsHas("2.15.0") ? { ok: true, value: { ok: true } } : { ok: false, error: { code: "UNKNOWN_COMMAND" } },
        );
        expect(member.memory?.ok === true && member.memory.value["raft-log"]).toBeGreaterThan(0);
        expect(member.version).toMatchObject({ ok: true, value: expect.stringContaining("ovsdb-server") });
      }
    }
    expect(memberIn(observation, NB, 0).logText).toContain("raft");
    // It is plain data: what is stored is what was seen.
    expect(JSON.parse(JSON.stringify(observation))).toEqual(observation);
  });

  it("reads live captures to the letter", async () => {
    for (const cluster of [both.nb, both.sb]) {
      for (const index of cluster.members.keys()) {
        const text = await cluster.status(index);
        expect(formatClusterStatus(parseClusterStatus(text))).toBe(text);
      }
    }
  });

  it("has control sockets alone, remotes alone, and all of it through a runner", async () => {
    const controls = both.members.map(({ name, nb }) => ({ name, nb: { control: nb?.control } }));
    const remotes = both.members.map(({ name, nb }) => ({ name, nb: { remote: nb?.remote } }));
    const there = both.members.map(({ name, nb }, index) => ({
      name,
      nb: { control: nb?.control, remote: both.nb.member(index).unix, logFile: nb?.logFile },
      runner: localRunner(),
    }));
    const [byControl, byRemote, byRunner] = await Promise.all([
      observe({ members: controls }),
      observe({ members: remotes, databases: ["nb"] }),
      observe({ members: there, extras: ["log"], logBytesMax: 300 }),
    ]);
    for (const index of [0, 1, 2]) {
      expect(memberIn(byControl, NB, index).server).toBeUndefined();
      expect(statusOf(memberIn(byControl, NB, index))?.name).toBe(NB);
      expect(memberIn(byRemote, NB, index).status).toBeUndefined();
      expect(serverRowOf(memberIn(byRemote, NB, index))?.connected).toBe(true);
      const far = memberIn(byRunner, NB, index);
      expect(serverRowOf(far)).toEqual(serverRowOf(memberIn(byRemote, NB, index)));
      expect(statusOf(far)?.serverId).toEqual(statusOf(memberIn(byControl, NB, index))?.serverId);
      expect(far.logText).toMatch(/^20/);
    }
  });

  it("waits for a frozen member no longer than the limit, and has all the others", async () => {
    const frozen = both.nb.member(1);
    frozen.pause();
    try {
      const observation = await observe({ members: both.members, timeoutMs: 700 });
      const member = memberIn(observation, NB, 1);
      expect(member.server).toMatchObject({ ok: false, error: { code: "TIMEOUT" } });
      expect(member.status).toMatchObject({ ok: false, error: { code: "TIMEOUT" } });
      expect(answered(member)).toBe(false);
      expect([0, 2].map((index) => answered(memberIn(observation, NB, index)))).toEqual([true, true]);
      expect([0, 1, 2].map((index) => answered(memberIn(observation, SB, index)))).toEqual([true, true, true]);
    } finally {
      frozen.resume();
    }
    await both.nb.waitConnected();
  });

  it("works with one member down, and with one member alive and no leader", async () => {
    await both.nb.member(2).kill();
    const oneDown = await observe({ members: both.members });
    expect(memberIn(oneDown, NB, 2).server).toMatchObject({ ok: false, error: { code: "UNREACHABLE" } });
    expect(memberIn(oneDown, NB, 2).status).toMatchObject({ ok: false, error: { code: "UNREACHABLE" } });
    expect(answered(memberIn(oneDown, NB, 0))).toBe(true);

    await both.nb.member(1).kill();
    const alone = await observe({ members: both.members });
    expect([0, 1, 2].map((index) => answered(memberIn(alone, NB, index)))).toEqual([true, false, false]);
    expect(statusOf(memberIn(alone, NB, 0))?.servers).toHaveLength(3);

    await both.nb.member(0).kill();
    const nobody = await observe({ members: both.members });
    expect([0, 1, 2].map((index) => answered(memberIn(nobody, NB, index)))).toEqual([false, false, false]);
    expect([0, 1, 2].map((index) => answered(memberIn(nobody, SB, index)))).toEqual([true, true, true]);
    await both.nb.startAll();
  });

  it("ends by its signal", async () => {
    both.nb.member(0).pause();
    try {
      const abort = new AbortController();
      const observing = observe({ members: both.members, timeoutMs: 30_000, signal: abort.signal });
      abort.abort();
      await expect(observing).rejects.toMatchObject({ code: "ABORTED" });
    } finally {
      both.nb.member(0).resume();
    }
  });
});

describe.skipIf(realOvs() === "skip")("observing over TLS", () => {
  it("asks a server that wants a certificate, and tells why one that has none can't", async () => {
    const dir = temporaryFolder();
    const pki = await makePki(dir);
    await using server = await startStandalone({ schemas: [SCHEMAS.northbound], listen: "ssl", tls: pki.server });
    const members = [{ name: "a", nb: { remote: server.remote } }];
    const seen = await observe({ members, tls: filesTls(pki.client) });
    expect(serverRowOf(memberIn(seen, NB, 0))).toMatchObject({ model: "standalone", connected: true, hasSchema: true });
    const stranger = await observe({ members });
    expect(memberIn(stranger, NB, 0).server).toMatchObject({ ok: false, error: { code: "UNREACHABLE" } });
    removeFolder(dir);
  });
});
