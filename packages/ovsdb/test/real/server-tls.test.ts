/** TLS and access control of a real ovsdb-server, through `openDatabase`. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  freePort,
  type OvsdbServer,
  rawCall,
  type RawJson,
  realOvs,
  removeFolder,
  startStandalone,
  temporaryFolder,
  waitFor,
} from "@ovnha/testkit";
import {
  filesTls,
  memoryTls,
  openDatabase,
  type OpenOptions,
  PermissionError,
  TlsError,
  type TlsSource,
  UnavailableError,
} from "../../src/index.ts";
import { Authority, type KeyPair } from "../support/pki.ts";

const SKIP = realOvs() === "skip";
const STRINGS = { type: { key: "string", min: 0, max: "unlimited" } };
/** Roles as ovsdb-server(7) "Role-Based Access Control" wants them: names of tables and columns are fixed. */
const GUARDED = {
  name: "Guarded",
  tables: {
    Settings: {
      columns: { remotes: { type: { key: { type: "uuid", refTable: "Remote" }, min: 0, max: "unlimited" } } },
      isRoot: true,
    },
    Remote: { columns: { target: { type: "string" }, role: { type: "string" } } },
    RBAC_Role: {
      columns: {
        name: { type: "string" },
        permissions: {
          type: {
            key: "string",
            value: { type: "uuid", refTable: "RBAC_Permission", refType: "weak" },
            min: 0,
            max: "unlimited",
          },
        },
      },
      isRoot: true,
    },
    RBAC_Permission: {
      columns: {
        table: { type: "string" },
        authorization: STRINGS,
        insert_delete: { type: "boolean" },
        update: STRINGS,
      },
      isRoot: true,
    },
    Note: {
      columns: { owner: { type: "string" }, text: { type: "string" }, sealed: { type: "string" } },
      isRoot: true,
    },
    Law: { columns: { text: { type: "string" } }, isRoot: true },
  },
} as const;
const LAB = { name: "Lab", tables: { T: { columns: { name: { type: "string" } }, isRoot: true } } } as const;

let folder: string;
let own: Authority;
let other: Authority;
let server: KeyPair;
let ann: KeyPair;
let bob: KeyPair;

beforeAll(() => {
  if (SKIP) return;
  folder = temporaryFolder();
  own = new Authority(folder, "own");
  other = new Authority(folder, "other");
  server = own.issue({ name: "server", names: "IP:127.0.0.1,DNS:localhost" });
  ann = own.issue({ name: "ann" });
  bob = own.issue({ name: "bob" });
});
afterAll(() => {
  if (!SKIP) removeFolder(folder);
});

const serve = (pair: KeyPair, authority = own): Promise<OvsdbServer> =>
  startStandalone({ schemas: [LAB], listen: "ssl", tls: { ca: authority.ca, ...pair } });

describe.skipIf(SKIP)("TLS", () => {
  test("with certificates on both sides it serves, by address and by name", async () => {
    await using running = await serve(server);
    const port = running.remote.split(":").at(-1);
    for (const remote of [running.remote, `ssl:localhost:${port}`]) {
      await using db = await openDatabase("Lab", { remote, tls: filesTls({ ca: own.ca, ...ann }) });
      await using lab = await db.replicate({ T: true });
      await db.transact((tx) => {
        tx.insert("T", { name: remote });
      });
      expect([...lab.table("T")].map(({ name }) => name)).toContain(remote);
    }
  });

  test("each refusal is told with its reason, in the error of opening", async () => {
    const refusals: [string, () => KeyPair, () => TlsSource | undefined, string[]][] = [
      [
        "the server's authority is not ours",
        () => server,
        () => filesTls({ ca: other.ca, ...ann }),
        ["unknown-ca", "self-signed"],
      ],
      [
        "only public authorities are trusted without options",
        () => server,
        () => undefined,
        ["unknown-ca", "self-signed"],
      ],
      [
        "the server has another name",
        () => own.issue({ name: "elsewhere", names: "DNS:elsewhere.example" }),
        () => filesTls({ ca: own.ca, ...ann }),
        ["wrong-host"],
      ],
      [
        "the server's certificate is old",
        () => own.issue({ name: "old", names: "IP:127.0.0.1", until: "20210101000000Z" }),
        () => filesTls({ ca: own.ca, ...ann }),
        ["expired"],
      ],
      [
        "the server's certificate is for later",
        () => own.issue({ name: "young", names: "IP:127.0.0.1", from: "20980101000000Z" }),
        () => filesTls({ ca: own.ca, ...ann }),
        ["not-yet-valid"],
      ],
      [
        "we have no certificate",
        () => server,
        () => filesTls({ ca: own.ca }),
        ["no-client-certificate", "client-certificate-refused", "closed"],
      ],
      [
        "our certificate is of another authority",
        () => server,
        () => filesTls({ ca: own.ca, ...other.issue({ name: "stranger" }) }),
        ["client-certificate-refused"],
      ],
      [
        "our certificate is old",
        () => server,
        () => filesTls({ ca: own.ca, ...own.issue({ name: "late", until: "20210101000000Z" }) }),
        ["client-certificate-refused"],
      ],
      ["our files are not there", () => server, () => filesTls({ ca: join(folder, "nowhere.pem") }), ["unreadable"]],
    ];
    for (const [what, pair, tls, reasons] of refusals) {
      await using running = await serve(pair());
      const error = await openDatabase("Lab", { remote: running.remote, tls: tls(), limits: { openMs: 300 } }).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(error, what).toBeInstanceOf(UnavailableError);
      const [told] = (error as UnavailableError).reasons;
      expect(told, what).toMatchObject({ endpoint: running.remote, reason: "tls" });
      expect(told?.error, what).toBeInstanceOf(TlsError);
      expect(reasons, what).toContain((told?.error as TlsError | undefined)?.reason);
    }
  });

  test("a server that does not speak TLS, and one that does where it should not", async () => {
    await using plain = await startStandalone({ schemas: [LAB] });
    await using secret = await serve(server);
    const failing = (options: OpenOptions): Promise<UnavailableError> =>
      openDatabase("Lab", { ...options, limits: { openMs: 300 } }).then(
        () => expect.unreachable(),
        (error: UnavailableError) => error,
      );
    const [told] = (
      await failing({ remote: plain.remote.replace("tcp:", "ssl:"), tls: filesTls({ ca: own.ca, ...ann }) })
    ).reasons;
    expect(told?.reason).toBe("tls");
    const [other] = (await failing({ remote: secret.remote.replace("ssl:", "tcp:") })).reasons;
    expect(["lost", "refused", "protocol", "timeout"]).toContain(other?.reason);
  });

  test("goes on to the endpoint that it may trust, and says why not the other", async () => {
    await using wrong = await serve(other.issue({ name: "server", names: "IP:127.0.0.1" }), other);
    await using right = await serve(server);
    await using db = await openDatabase("Lab", {
      remote: [wrong.remote, right.remote],
      shuffle: false,
      tls: filesTls({ ca: own.ca, ...ann }),
    });
    expect(db.status).toMatchObject({ state: "ready", endpoint: right.remote });
    expect(db.status.reasons).toMatchObject([{ endpoint: wrong.remote, reason: "tls" }]);
    expect(db.status.reasons[0]?.error).toBeInstanceOf(TlsError);
  });

  test("renewed files are used by the next connection, without a restart of ours", async () => {
    const files = { ca: join(folder, "hot-ca.pem"), cert: join(folder, "hot.pem"), key: join(folder, "hot.key") };
    const renew = (authority: Authority, pair: KeyPair): void => {
      copyFileSync(authority.ca, files.ca);
      copyFileSync(pair.cert, files.cert);
      copyFileSync(pair.key, files.key);
    };
    renew(own, ann);
    const port = await freePort();
    const listen = [`--remote=pssl:${port}:127.0.0.1`];
    const start = (authority: Authority, pair: KeyPair): Promise<OvsdbServer> =>
      startStandalone({ schemas: [LAB], listen: "unix", tls: { ca: authority.ca, ...pair }, extraArgs: listen });
    const before = await start(own, server);
    await using db = await openDatabase("Lab", {
      remote: `ssl:127.0.0.1:${port}`,
      tls: filesTls(files),
      backoff: { minMs: 10, maxMs: 50 },
    });
    await before[Symbol.asyncDispose]();
    await using _after = await start(other, other.issue({ name: "server2", names: "IP:127.0.0.1" }));
    await waitFor(() => db.status.reasons.some(({ reason }) => reason === "tls"), {
      what: "the new server to be refused",
    });
    renew(other, other.issue({ name: "ann2" }));
    await waitFor(() => db.status.state === "ready", { what: "the renewed files to be used" });
    expect(await db.listDatabases()).toContain("Lab");
  });

  test("text from memory does as well as files, and a server may dial in over TLS", async () => {
    const { readFile } = await import("node:fs/promises");
    const read = (path: string): Promise<string> => readFile(path, "utf8");
    const tls = memoryTls({ ca: await read(own.ca), cert: await read(server.cert), key: await read(server.key) });
    const port = await freePort();
    const opening = openDatabase("Lab", { remote: `pssl:${port}:127.0.0.1`, tls });
    opening.catch(() => {});
    await using _running = await startStandalone({
      schemas: [LAB],
      listen: "unix",
      tls: { ca: own.ca, ...ann },
      extraArgs: [`--remote=ssl:127.0.0.1:${port}`],
    });
    await using db = await opening;
    expect(await db.listDatabases()).toContain("Lab");
  });
});

describe.skipIf(SKIP)("role-based access control", () => {
  let running: OvsdbServer;
  let remote: string;
  beforeAll(async () => {
    const port = await freePort();
    remote = `ssl:127.0.0.1:${port}`;
    running = await startStandalone({
      schemas: [GUARDED],
      listen: "unix",
      tls: { ca: own.ca, ...server },
      extraArgs: ["--remote=db:Guarded,Settings,remotes"],
    });
    const rows: RawJson[] = [
      { op: "insert", table: "Remote", "uuid-name": "r", row: { target: `pssl:${port}:127.0.0.1`, role: "writer" } },
      { op: "insert", table: "Settings", row: { remotes: ["named-uuid", "r"] } },
      {
        op: "insert",
        table: "RBAC_Permission",
        "uuid-name": "p",
        row: { table: "Note", authorization: "owner", insert_delete: true, update: "text" },
      },
      {
        op: "insert",
        table: "RBAC_Role",
        row: { name: "writer", permissions: ["map", [["Note", ["named-uuid", "p"]]]] },
      },
    ];
    await rawCall(running.unix, "transact", ["Guarded", ...rows]);
  });
  afterAll(async () => running?.[Symbol.asyncDispose]());

  test("what the role does not allow is a PermissionError, and nothing of it is done", async () => {
    await using asAnn = await openDatabase("Guarded", { remote, tls: filesTls({ ca: own.ca, ...ann }) });
    await using asBob = await openDatabase("Guarded", { remote, tls: filesTls({ ca: own.ca, ...bob }) });
    await using notes = await asBob.replicate({ Note: true });
    const { note } = await asAnn.transact((tx) => ({
      note: tx.insert("Note", { owner: "ann", text: "mine", sealed: "s" }),
    }));
    await asAnn.transact((tx) => tx.row("Note", note).update({ text: "still mine" }));
    const refused: [string, () => Promise<unknown>][] = [
      ["another's row", () => asBob.transact((tx) => tx.row("Note", note).update({ text: "bob's" }))],
      ["another's row, gone", () => asBob.transact((tx) => tx.row("Note", note).delete())],
      [
        "another's row, mutated",
        () => asBob.transact((tx) => tx.row("Note", note).update({ text: "x" }), { once: true }),
      ],
      ["a column outside the role", () => asAnn.transact((tx) => tx.row("Note", note).update({ sealed: "open" }))],
      [
        "a table outside the role",
        () =>
          asAnn.transact((tx) => {
            tx.insert("Law", { text: "I rule" });
          }),
      ],
      [
        "in somebody else's name, with something allowed before it",
        () =>
          asBob.transact((tx) => {
            tx.insert("Note", { owner: "bob" });
            tx.insert("Law", { text: "too" });
          }),
      ],
    ];
    for (const [what, attempt] of refused) {
      const error = await attempt().then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(error, what).toBeInstanceOf(PermissionError);
      expect((error as PermissionError).message, what).toMatch(/RBAC rules for client "(ann|bob)" role "writer"/);
    }
    await expect(
      asBob.transact((tx) => {
        tx.insert("Law", { text: "x" });
      }),
    ).rejects.toMatchObject({ code: "PERMISSION", origin: "remote", table: "Law", operation: { op: "insert" } });
    await notes.synced();
    expect([...notes.table("Note")].map(({ text, sealed }) => [text, sealed])).toEqual([["still mine", "s"]]);
    expect(await asAnn.select("Law")).toEqual([]);
  });
});
