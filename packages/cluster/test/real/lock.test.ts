/** The operation lock on real servers: its holder knows that it is gone before the server gives it away. */
import {
  freePort,
  ovsdbTransact,
  realOvs,
  SCHEMAS,
  startCluster,
  startProxy,
  startStandalone,
  waitFor,
} from "@ovnha/testkit";
import { describe, expect, it } from "vitest";
import { acquireOperationLock } from "../../src/index.ts";

const LONG = { timeoutMs: 20_000 };

describe.skipIf(realOvs() === "skip")("the operation lock", () => {
  it("is lost to its holder when the link is cut off in silence, before another one has it", async () => {
    const remotes = "--remote=db:OVN_Northbound,NB_Global,connections";
    await using server = await startStandalone({ schemas: [SCHEMAS.northbound], extraArgs: [remotes] });
    const port = await freePort();
    // A probe of half a minute, so that the server gives nothing away while the test looks, be the machine ever so slow.
    await ovsdbTransact(server.unix, "OVN_Northbound", [
      { op: "insert", table: "NB_Global", row: { connections: ["named-uuid", "row"] } },
      {
        op: "insert",
        table: "Connection",
        row: { target: `ptcp:${port}:127.0.0.1`, inactivity_probe: 30_000 },
        "uuid-name": "row",
      },
    ]);
    await using proxy = await startProxy(`tcp:127.0.0.1:${port}`);
    await using first = await acquireOperationLock({ remotes: { OVN_Northbound: [proxy.remote] } });
    const taken = (): Promise<unknown> =>
      acquireOperationLock({ remotes: { OVN_Northbound: [server.remote] } }).catch(() => undefined);
    expect(await taken()).toBeUndefined();
    proxy.stall();
    await waitFor(() => first.signal.aborted, { what: "the loss of the lock", ...LONG });
    expect(first.isHeld).toBe(false);
    // The server has not given it away yet.
    expect(await taken()).toBeUndefined();
  }, 40_000);

  it("is kept while a server is busy for some seconds, and nobody else gets it meanwhile", async () => {
    await using server = await startStandalone({ schemas: [SCHEMAS.northbound] });
    const remotes = { OVN_Northbound: [server.remote] };
    await using lock = await acquireOperationLock({ remotes });
    const pausedMs = performance.now();
    const sinceMs = (): number => performance.now() - pausedMs;
    server.pause();
    const other = acquireOperationLock({ remotes, timeoutMs: 15_000 }).then(
      (had) => had.release().then(() => "had it"),
      (error: unknown) => (error as { code?: unknown }).code,
    );
    await waitFor(() => sinceMs() > 5_200, { what: "the time to pass" });
    server.resume();
    const outcome = await other;
    // On a machine that was away itself for as long as a grant counts, the lock is rightly lost.
    const wasAway = sinceMs() > 7_000;
    expect(wasAway || [outcome, lock.isHeld]).toEqual(wasAway || ["LOCKED", true]);
    await waitFor(() => sinceMs() > 9_500 || lock.signal.aborted, { what: "a life to pass" });
    expect(lock.isHeld || wasAway).toBe(true);
  }, 40_000);

  it("counts a member once that is named twice, and does not take itself for somebody else", async () => {
    await using cluster = await startCluster({ members: 3, schema: SCHEMAS.northbound });
    const [one, two] = cluster.members;
    if (one === undefined || two === undefined) throw new Error("no members");
    const database = "OVN_Northbound";
    const acquire = (...remotes: readonly string[]): ReturnType<typeof acquireOperationLock> =>
      acquireOperationLock({ remotes: { [database]: remotes }, voters: { [database]: 3 } });
    await expect(acquire(one.remote, one.unix)).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining("is a second name of another one"),
    });
    // Two of three are a majority, though four names were given and one of the servers is dead.
    await cluster.member(2).kill("SIGKILL");
    await using lock = await acquire(one.remote, one.unix, two.remote, cluster.member(2).remote);
    expect([lock.isHeld, lock.granted.length]).toEqual([true, 2]);
    await expect(acquire(one.unix, two.unix)).rejects.toMatchObject({ code: "LOCKED" });
    // Nor where all that answer are taken.
    await lock.release();
    const all = { [database]: [one.remote, one.unix, two.remote] };
    await using left = await acquireOperationLock({ remotes: all, needs: "reachable" });
    expect([left.isHeld, left.granted.length]).toEqual([true, 2]);
  }, 60_000);

  it("is lost when the server freezes; both databases of one process take it once", async () => {
    await using server = await startStandalone({ schemas: [SCHEMAS.northbound] });
    await using lock = await acquireOperationLock({ remotes: { A: [server.remote], B: [server.remote] } });
    expect([lock.isHeld, lock.granted]).toEqual([true, [server.remote]]);
    server.pause();
    await waitFor(() => lock.signal.aborted, { what: "the loss of the lock", ...LONG });
    expect([lock.isHeld, lock.granted]).toEqual([false, []]);
    server.resume();
  }, 30_000);

  it("is free for the next one as soon as it is given back, and nobody who was refused stays in its way", async () => {
    await using server = await startStandalone({ schemas: [SCHEMAS.northbound] });
    const options = { remotes: { A: [server.remote] } };
    for (let turn = 0; turn < 25; turn++) {
      const lock = await acquireOperationLock(options);
      await expect(acquireOperationLock(options)).rejects.toMatchObject({ code: "LOCKED" });
      await lock.release();
    }
  }, 30_000);

  it("is refused where those who are named can be no majority of the voters", async () => {
    await expect(acquireOperationLock({ remotes: { A: ["tcp:127.0.0.1:1"] }, voters: { A: 3 } })).rejects.toMatchObject(
      { code: "INVALID_CONFIG" },
    );
  });
});
