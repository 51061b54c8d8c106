/** A real server that is converted, frozen, a relay, or dials in. */
import { describe, expect, it } from "vitest";
import { freePort, ovsHas, rawCall, realOvs, startProxy, startStandalone, waitFor } from "@ovnha/testkit";
import { openDatabase, OutcomeUnknownError, UnavailableError } from "../../src/index.ts";
import { LAB, Lab, wireRows } from "../support/lab-schema.ts";

describe.skipIf(realOvs() === "skip")("a real server that changes", () => {
  it("converts its schema under a live replica, on the same connection", async () => {
    await using server = await startStandalone({ schemas: [LAB] });
    await using proxy = await startProxy(server.remote);
    await using db = await openDatabase("Lab", { remote: proxy.remote });
    await using lab = await db.replicate({ Host: true });
    await using narrow = await db.replicate({ Host: ["name", "load", "fresh"], Extra: true });
    expect(narrow.missing).toEqual(["Host.fresh", "Extra"]);
    await db.transact((tx) => {
      tx.insert("Host", { name: "h1", load: 2 });
    });
    const { load: _load, ...columns } = LAB.tables.Host.columns;
    const converted = {
      ...LAB,
      version: "2.0.0",
      tables: {
        ...LAB.tables,
        Host: { ...LAB.tables.Host, columns: { ...columns, fresh: { type: "integer" } } },
        Extra: { columns: { note: { type: "string" } }, isRoot: true },
      },
    };
    await db.convert(converted as never);
    await waitFor(() => narrow.missing.length === 1 && narrow.missing[0] === "Host.load", {
      what: "the replica to be in terms of the new schema",
    });
    await db.transact((tx) => {
      tx.where("Host", { name: "h1" }).update({ fresh: 5 });
      tx.insert("Extra", { note: "new" });
    });
    expect(narrow.table("Host").byIndex["name"]?.("h1")).toMatchObject({ name: "h1", fresh: 5 });
    expect(narrow.table("Extra").size).toBe(1);
    expect(lab.table("Host").size).toBe(1);
    expect(proxy.connections).toBe(1);
    expect(db.server.has("Host", "load")).toBe(false);
  });

  it("is frozen: that is noticed, and a write ends at its limit", async () => {
    await using server = await startStandalone({ schemas: [LAB] });
    await using db = await openDatabase(Lab, { remote: server.remote, probeMs: 200, limits: { transactMs: 600 } });
    const events = db.lifecycle();
    server.pause();
    await expect(
      db.transact((tx) => {
        tx.insert("Host", { name: "into the ice" });
      }),
    ).rejects.toThrow(OutcomeUnknownError);
    const { value } = await events.next();
    expect(value).toMatchObject({ type: "refused", reason: { reason: "timeout" } });
    await expect(
      db.transact(
        (tx) => {
          tx.insert("Host", { name: "never sent" });
        },
        { timeoutMs: 300 },
      ),
    ).rejects.toThrow(UnavailableError);
    server.resume();
    await db.select("Host", { timeoutMs: 20_000 });
    expect(db.status.state).toBe("ready");
  });

  it.skipIf(!ovsHas("2.16.0"))("is a relay: used when asked for, refused by who wants the leader", async () => {
    await using source = await startStandalone({ schemas: [LAB] });
    await using relay = await startStandalone({ relayOf: { database: "Lab", remotes: source.remote } });
    await using db = await openDatabase(Lab, { remote: relay.remote, server: "relay-ok" });
    await using lab = await db.replicate({ Host: ["name"] });
    await db.transact((tx) => {
      tx.insert("Host", { name: "through the relay" });
    });
    await lab.Host.until(({ name }) => name === "through the relay");
    expect(await wireRows(source, "Host")).toHaveLength(1);
    await expect(openDatabase(Lab, { remote: relay.remote, limits: { openMs: 700 } })).rejects.toMatchObject({
      reasons: [{ reason: "relay" }],
    });
  });

  it("dials in to a passive remote", async () => {
    const port = await freePort();
    const opening = openDatabase(Lab, { remote: `ptcp:${port}:127.0.0.1` });
    await using server = await startStandalone({ schemas: [LAB], extraArgs: [`--remote=tcp:127.0.0.1:${port}`] });
    await using db = await opening;
    await db.transact((tx) => {
      tx.insert("Host", { name: "dialled in" });
    });
    expect(await wireRows(server, "Host")).toHaveLength(1);
    expect(await rawCall(server.unix, "list_dbs", [])).toContain("Lab");
  });
});
