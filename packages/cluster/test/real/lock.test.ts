/** The operation lock on real servers: its holder knows that it is gone before the server gives it away. */
import { realOvs, SCHEMAS, startProxy, startStandalone, waitFor } from "@ovnha/testkit";
import { describe, expect, it } from "vitest";
import { acquireOperationLock } from "../../src/index.ts";

const LONG = { timeoutMs: 20_000 };

describe.skipIf(realOvs() === "skip")("the operation lock", () => {
  it("is lost to its holder when the link is cut off in silence, before another one has it", async () => {
    await using server = await startStandalone({ schemas: [SCHEMAS.northbound] });
    await using proxy = await startProxy(server.remote);
    await using first = await acquireOperationLock({ remotes: { A: [proxy.remote] } });
    const taken = (): Promise<unknown> =>
      acquireOperationLock({ remotes: { A: [server.remote] } }).catch(() => undefined);
    expect(await taken()).toBeUndefined();
    proxy.stall();
    await waitFor(() => first.signal.aborted, { what: "the loss of the lock", ...LONG });
    expect(first.isHeld).toBe(false);
    // The server has not given it away yet.
    expect(await taken()).toBeUndefined();
  }, 30_000);

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
