import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ovsHas,
  freePort,
  makePki,
  OvsdbServer,
  type OvsdbServer as Server,
  ovsdbClient,
  ovsdbTransact,
  type Pki,
  PortTaken,
  rawCall,
  realOvs,
  removeFolder,
  runCommand,
  SCHEMAS,
  startRbac,
  startStandalone,
  temporaryFolder,
  waitFor,
} from "../src/index.ts";
import { NOTES, put, told } from "./notes.ts";

describe.skipIf(realOvs() === "skip")("a standalone server", () => {
  let server: Server;
  beforeAll(async () => {
    server = await startStandalone({ schemas: [NOTES, SCHEMAS.vswitch] });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test("serves its databases on a socket and a port", async () => {
    for (const remote of [server.unix, server.remote]) {
      expect(await rawCall(remote, "list_dbs", [])).toEqual(expect.arrayContaining(["Notes", "Open_vSwitch"]));
    }
    expect((await ovsdbClient(["list-dbs", server.remote])).split("\n")).toContain("Notes");
    expect(await server.appctl("version")).toContain("Open vSwitch");
    expect(server.log()).toContain("ovsdb-server");
  });

  test("keeps its rows over kill, restart and graceful exit, at the same address", async () => {
    const { remote } = server;
    await put(remote, "first");
    for (const end of [() => server.kill("SIGKILL"), () => server.kill("SIGTERM"), () => server.exitGracefully()]) {
      await end();
      expect(server.pid).toBeUndefined();
      await expect(rawCall(remote, "list_dbs", [])).rejects.toThrow();
      await server.start();
      expect(await told(remote)).toEqual(["first"]);
    }
    const before = server.pid;
    await server.restart();
    expect(server.pid).not.toBe(before);
  });

  test("answers nothing while it is paused", async () => {
    server.pause();
    await expect(rawCall(server.remote, "list_dbs", [], 100)).rejects.toThrow("no reply within 100 ms");
    server.resume();
    expect(await rawCall(server.remote, "list_dbs", [])).toContain("Notes");
  });

  test.skipIf(!ovsHas("2.16.0"))("has a relay", async () => {
    await using relay = await startStandalone({ relayOf: { database: "Notes", remotes: server.remote } });
    await waitFor(async () => (await told(relay.remote)).includes("first"), { what: "the relay to hold the rows" });
    await put(relay.remote, "through the relay");
    expect(await told(server.remote)).toContain("through the relay");
  });

  test("serves a file that exists, in the caller's folder, which stays", async () => {
    const dir = temporaryFolder();
    const file = join(dir, "mine.db");
    await runCommand("ovsdb-tool", ["create", file, SCHEMAS.vswitch]);
    {
      await using other = await startStandalone({ dir, databaseFiles: [file], listen: "unix" });
      expect(other.remote).toBe(other.unix);
      expect(await rawCall(other.unix, "list_dbs", [])).toContain("Open_vSwitch");
    }
    expect(existsSync(file)).toBe(true);
    removeFolder(dir);
  });

  test("is ended and its folder removed at the end of its scope, even while it is paused", async () => {
    const { dir, pid } = await (async () => {
      await using brief = await startStandalone({ schemas: [NOTES] });
      brief.pause();
      return { dir: brief.dir, pid: brief.pid };
    })();
    expect(existsSync(dir)).toBe(false);
    expect(() => process.kill(pid ?? 0, 0)).toThrow("ESRCH");
  });

  test("that cannot start says why at once", async () => {
    const wrong = startStandalone({ schemas: [NOTES], extraArgs: ["--no-such-option"] });
    await expect(wrong).rejects.toThrow("no-such-option");
    await expect(startStandalone({})).rejects.toThrow("needs a database");
    await expect(startStandalone({ schemas: [{ name: "Bad" }] })).rejects.toThrow("tables");
  });

  test("does not start on a port that somebody else has", async () => {
    const port = await freePort();
    const other = createServer().listen(port, "127.0.0.1");
    await waitFor(() => other.listening, { what: "the other to listen" });
    const dir = temporaryFolder();
    const databases = [join(dir, "system.db")];
    await runCommand("ovsdb-tool", ["create", ...databases, SCHEMAS.vswitch]);
    const spec = { dir, databases, listen: [`ptcp:${port}:127.0.0.1`], extraArgs: [], tls: undefined };
    const late = new OvsdbServer(spec);
    await expect(late.start()).rejects.toThrow(PortTaken);
    expect(late.pid).toBeUndefined();
    other.close();
    removeFolder(dir);
  });
});

describe.skipIf(realOvs() === "skip")("certificates", () => {
  let dir: string;
  let pki: Pki;
  beforeAll(async () => {
    dir = temporaryFolder();
    pki = await makePki(dir);
  });
  afterAll(() => removeFolder(dir));

  test("the good ones pass, the expired and the stranger's do not", async () => {
    await using server = await startStandalone({ schemas: [NOTES], listen: "ssl", tls: pki.server });
    expect(await ovsdbClient(["list-dbs", server.remote], { tls: pki.client })).toContain("Notes");
    for (const bad of [pki.expired, { ...pki.stranger, ca: pki.client.ca }]) {
      await expect(ovsdbClient(["list-dbs", server.remote], { tls: bad })).rejects.toThrow();
    }
    await expect(
      ovsdbClient(["list-dbs", server.remote], { tls: { ...pki.client, ca: pki.stranger.ca } }),
    ).rejects.toThrow();
  });

  test("carry the names that they should", async () => {
    const names = (cert: string) => runCommand("openssl", ["x509", "-in", cert, "-noout", "-ext", "subjectAltName"]);
    expect(await names(pki.server.cert)).toMatch(/IP Address:127\.0\.0\.1.*IP Address:0:0:0:0:0:0:0:1.*DNS:localhost/s);
    expect(await names(pki.wrongHost.cert)).not.toContain("localhost");
    const dates = await runCommand("openssl", ["x509", "-in", pki.expired.cert, "-noout", "-enddate"]);
    expect(dates).toContain("2021");
    const { cert } = await pki.clientNamed("chassis 7");
    expect(await runCommand("openssl", ["x509", "-in", cert, "-noout", "-subject"])).toContain("chassis 7");
  });

  test("tell RBAC who a client is: it may change its own rows, and those columns", async () => {
    await using guarded = await startRbac(pki);
    const as = async (name: string) => {
      const tls = await pki.clientNamed(name);
      return async (operation: object) => {
        const results = await ovsdbTransact(guarded.ssl, "Guarded", [operation], { tls });
        return results.find(({ error }) => error !== undefined)?.["error"] ?? "ok";
      };
    };
    const [anna, bert] = [await as("anna"), await as("bert")];
    const insert = (table: string, row: object) => ({ op: "insert", table, row });
    expect(await anna(insert("Shelf", { label: "x" }))).toBe("permission error");
    expect(await anna(insert("Box", { owner: "bert", label: "x" }))).toBe("permission error");
    expect(await anna(insert("Box", { owner: "anna", label: "x" }))).toBe("ok");
    expect(await anna(insert("Jar", { about: ["map", [["holder", "anna"]]], seal: "wax" }))).toBe("ok");
    const update = (table: string, row: object) => ({ op: "update", table, where: [], row });
    expect(await bert(update("Box", { label: "y" }))).toBe("permission error");
    expect(await anna(update("Box", { label: "y" }))).toBe("ok");
    expect(await anna(update("Jar", { seal: "lead" }))).toBe("permission error");
    expect(await ovsdbTransact(guarded.server.unix, "Guarded", [update("Shelf", { label: "z" })])).toEqual([
      { count: 1 },
    ]);
  });
});
