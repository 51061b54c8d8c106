/** TLS and access control through the public face of the client. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, type OvsdbServer, type RawJson, rawCall, realOvs, startStandalone } from "@ovnha/testkit";
import { filesTls, openDatabase, PermissionError } from "../../src/index.ts";
import { Authority } from "../support/pki.ts";

/** A role comes with the listener; what it may do is in two tables; who it is comes from the certificate (ovsdb-server(1), RBAC). */
const RBAC = {
  name: "Lab",
  version: "1.0.0",
  tables: {
    Root: {
      columns: { remotes: { type: { key: { type: "uuid", refTable: "Remote" }, min: 0, max: "unlimited" } } },
      isRoot: true,
    },
    Remote: { columns: { target: { type: "string" }, role: { type: "string" } } },
    RBAC_Role: {
      columns: {
        name: { type: "string" },
        permissions: {
          type: { key: "string", value: { type: "uuid", refTable: "RBAC_Permission" }, min: 0, max: "unlimited" },
        },
      },
      isRoot: true,
    },
    RBAC_Permission: {
      columns: {
        table: { type: "string" },
        authorization: { type: { key: "string", min: 0, max: "unlimited" } },
        insert_delete: { type: "boolean" },
        update: { type: { key: "string", min: 0, max: "unlimited" } },
      },
      isRoot: true,
    },
    Host: { columns: { name: { type: "string" }, note: { type: "string" } }, isRoot: true },
    Secret: { columns: { name: { type: "string" } }, isRoot: true },
  },
};

describe.skipIf(realOvs() === "skip")("a server behind TLS", () => {
  const dir = mkdtempSync(join(tmpdir(), "ovnha-tls-"));
  const authority = new Authority(dir, "ours");
  const other = new Authority(dir, "theirs");
  const serverPair = authority.issue({ name: "server", names: "IP:127.0.0.1" });
  const wrongHost = authority.issue({ name: "elsewhere", names: "DNS:elsewhere.example" });
  const client = authority.issue({ name: "client-1" });
  const stranger = other.issue({ name: "stranger" });
  let server: OvsdbServer;
  beforeAll(async () => {
    server = await startStandalone({ schemas: [RBAC], listen: "ssl", tls: { ca: authority.ca, ...serverPair } });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });
  const limits = { openMs: 1_500 };

  it("is used with a client certificate, and rows come over it", async () => {
    await using db = await openDatabase("Lab", {
      remote: server.remote,
      tls: filesTls({ ca: authority.ca, ...client }),
    });
    await using lab = await db.replicate({ Host: true });
    await db.transact((tx) => {
      tx.insert("Host", { name: "over TLS" });
    });
    expect(lab.table("Host").size).toBe(1);
  });

  it("is refused by who does not know its authority", async () => {
    const opening = openDatabase("Lab", { remote: server.remote, limits, tls: filesTls({ ca: other.ca, ...client }) });
    await expect(opening).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reasons: [{ reason: "tls", error: { code: "TLS" } }],
    });
  });

  it("refuses who comes with a stranger's certificate, and the client says so", async () => {
    const opening = openDatabase("Lab", {
      remote: server.remote,
      limits,
      tls: filesTls({ ca: authority.ca, ...stranger }),
    });
    await expect(opening).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reasons: [{ reason: "tls", error: { code: "TLS" } }],
    });
  });

  it("is refused when its certificate is another host's", async () => {
    await using elsewhere = await startStandalone({
      schemas: [RBAC],
      listen: "ssl",
      tls: { ca: authority.ca, ...wrongHost },
    });
    const opening = openDatabase("Lab", {
      remote: elsewhere.remote,
      limits,
      tls: filesTls({ ca: authority.ca, ...client }),
    });
    await expect(opening).rejects.toMatchObject({ reasons: [{ reason: "tls", error: { reason: "wrong-host" } }] });
  });

  it("takes a new certificate from changed files with the next connection, without a restart", async () => {
    const files = { ca: authority.ca, cert: join(dir, "hot.pem"), key: join(dir, "hot.key") };
    const use = (pair: { cert: string; key: string }): void => {
      copyFileSync(pair.cert, files.cert);
      copyFileSync(pair.key, files.key);
    };
    use(client);
    await using db = await openDatabase("Lab", {
      remote: server.remote,
      tls: filesTls(files),
      limits: { transactMs: 10_000 },
    });
    await db.select("Host");
    use(stranger);
    await db.select("Host");
    expect(db.status.state).toBe("ready");
    const events = db.lifecycle();
    db.reconnect();
    for await (const event of events) if (event.type === "refused" && event.reason.reason === "tls") break;
    use(authority.issue({ name: "client-2" }));
    await db.select("Host");
    expect(db.status.state).toBe("ready");
  });

  it("denies what the role does not allow, and the client calls it by its name", async () => {
    const port = await freePort();
    await rawCall(server.unix, "transact", [
      "Lab",
      {
        op: "insert",
        table: "RBAC_Permission",
        row: { table: "Host", authorization: "name", insert_delete: true, update: ["set", ["note"]] },
        "uuid-name": "hosts",
      },
      {
        op: "insert",
        table: "RBAC_Role",
        row: { name: "worker", permissions: ["map", [["Host", ["named-uuid", "hosts"]]]] },
      },
      {
        op: "insert",
        table: "Remote",
        row: { target: `pssl:${port}:127.0.0.1`, role: "worker" },
        "uuid-name": "remote",
      },
      { op: "insert", table: "Root", row: { remotes: ["named-uuid", "remote"] } },
    ] as unknown as RawJson[]);
    await server.appctl("ovsdb-server/add-remote", "db:Lab,Root,remotes");
    await using worker = await openDatabase("Lab", {
      remote: `ssl:127.0.0.1:${port}`,
      tls: filesTls({ ca: authority.ca, ...client }),
    });
    await worker.transact((tx) => {
      tx.insert("Host", { name: "client-1", note: "mine" });
    });
    await worker.transact((tx) => tx.where("Host", { name: "client-1" }).update({ note: "changed" }).expect(1));
    await expect(
      worker.transact((tx) => tx.where("Host", { name: "over TLS" }).update({ note: "not mine" })),
    ).rejects.toThrow(PermissionError);
    await expect(
      worker.transact((tx) => {
        tx.insert("Secret", { name: "x" });
      }),
    ).rejects.toThrow(PermissionError);
  });
});
