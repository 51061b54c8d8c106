/** On the real server: what raises the log's index and changes nothing, and what does not. */
import { realOvs, SCHEMAS, startCluster, type OvsdbCluster } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSession, type RawSession } from "@ovnha/ovsdb";
import { compareContent, probeWrite } from "../../src/index.ts";

const NB = "OVN_Northbound";

describe.skipIf(realOvs() === "skip").sequential("a write that changes nothing", () => {
  let cluster: OvsdbCluster;
  let session: RawSession;

  beforeAll(async () => {
    cluster = await startCluster({ members: 1, schema: SCHEMAS.northbound });
    session = openSession(cluster.member(0).remote, {});
  }, 30_000);
  afterAll(async () => {
    await session?.close();
    await cluster?.[Symbol.asyncDispose]();
  });

  const transact = (...operations: readonly object[]): Promise<unknown> =>
    session.call("transact", [NB, ...operations] as never);

  async function index(): Promise<number> {
    const where = [["name", "==", NB]];
    const reply = await session.call("transact", [
      "_Server",
      { op: "select", table: "Database", where, columns: ["index"] },
    ] as never);
    return (reply as unknown as [{ rows: [{ index: number }] }])[0].rows[0].index;
  }

  it("is impossible in an empty database: nothing else reaches the log", async () => {
    const { remote } = cluster.member(0);
    expect(await probeWrite(remote, { database: NB })).toMatchObject({ type: "impossible" });
    const before = await index();
    const named = { op: "insert", table: "Logical_Switch", row: { name: "x" } };
    await transact(named, { op: "delete", table: "Logical_Switch", where: [["name", "==", "x"]] });
    await transact({ op: "insert", table: "Logical_Switch_Port", row: { name: "unreferenced" } });
    await transact({ op: "comment", comment: "x" });
    await transact({ op: "commit", durable: true });
    expect(await index()).toBe(before);
    await transact(named);
    expect(await index()).toBe(before + 1);
    await transact({ op: "update", table: "Logical_Switch", where: [], row: { name: "x" } });
    expect(await index()).toBe(before + 1);
  });

  async function probed(one: OvsdbCluster, database: string): Promise<void> {
    const { remote } = one.member(0);
    const hashes = async (): Promise<unknown[]> =>
      (await compareContent([remote], { database })).members.map((each) => each.ok && each.sha256);
    const before = await hashes();
    const probe = await probeWrite(remote, { database });
    expect(probe).toMatchObject({ type: "committed" });
    if (probe.type === "committed") expect(probe.indexAfter).toBe(probe.indexBefore + 1);
    expect(await hashes()).toEqual(before);
  }

  it("goes through a set of weak references", () => probed(cluster, NB));

  it("goes through an optional one that is empty", async () => {
    await using southbound = await startCluster({ members: 1, schema: SCHEMAS.southbound });
    const { remote } = southbound.member(0);
    await using own = openSession(remote, {});
    const database = "OVN_Southbound";
    await own.call("transact", [database, { op: "insert", table: "Chassis_Private", row: { name: "x" } }] as never);
    await probed(southbound, database);
  });

  it("tells no monitor, and finds a row that it knows without looking", async () => {
    const { remote } = cluster.member(0);
    await using watching = openSession(remote, {});
    const wanted = { Logical_Switch: [{}], Logical_Router: [{}] };
    await watching.call("monitor_cond", [NB, "all", wanted] as never);
    const first = await probeWrite(remote, { database: NB });
    if (first.type !== "committed") throw new Error(first.type);
    const again = await probeWrite(remote, { database: NB, target: first.target });
    expect(again).toMatchObject({ type: "committed", target: first.target, indexBefore: first.indexAfter });
    // What is told first is what comes after the probes.
    const told = watching.notifications()[Symbol.asyncIterator]();
    await transact({ op: "insert", table: "Logical_Router", row: { name: "after" } });
    expect(JSON.stringify((await told.next()).value)).toContain('"after"');
    const gone = { ...first.target, row: "00000000-0000-4000-8000-000000000001" };
    const found = await probeWrite(remote, { database: NB, target: gone });
    expect(found.type === "committed" && found.target.row !== gone.row).toBe(true);
  });

  it("is told as failed within its limit when it can't be committed", async () => {
    await cluster.member(0).kill("SIGKILL");
    const probe = await probeWrite(cluster.member(0).remote, { database: NB, timeoutMs: 1_000 });
    expect(probe).toMatchObject({ type: "failed" });
  });
});
