import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { parseJsonExact, stringifyJson } from "@ovnha/ovsdb";
import { type OvsdbServer, ovsdbTransact, realOvs, startStandalone, temporaryFolder } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Manifest, type TakenBackup, takeBackup, verifyBackup } from "../../src/index.ts";
import { fillLab, LAB_SCHEMA, names } from "../support/lab.ts";

// biome-ignore lint/suspicious/noExplicitAny: rows are spoiled at will here
type Json = Record<string, any>;

/** A standalone file of these two records, as ovsdb(5) has it. */
function fileOf(schema: Json, transaction: Json): Buffer {
  return Buffer.concat(
    [schema, transaction].map((json) => {
      const body = Buffer.from(`${stringifyJson(json)}\n`);
      return Buffer.concat([
        Buffer.from(`OVSDB JSON ${body.length} ${createHash("sha1").update(body).digest("hex")}\n`),
        body,
      ]);
    }),
  );
}

describe.skipIf(realOvs() === "skip")("verifying a backup", () => {
  let server: OvsdbServer;
  let plain: TakenBackup;
  let packed: TakenBackup;
  beforeAll(async () => {
    server = await startStandalone({ schemas: [LAB_SCHEMA] });
    await fillLab(server.remote);
    const take = async (gzip: boolean): Promise<TakenBackup> => {
      const databases = [{ database: "Lab", remote: server.remote }];
      return (await takeBackup({ databases, into: temporaryFolder(), gzip })).backups[0] as TakenBackup;
    };
    [plain, packed] = [await take(false), await take(true)];
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  /** A copy of the backup that may be spoiled. */
  function copied(backup: TakenBackup = plain): { path: string; manifestPath: string; manifest: Manifest } {
    const folder = temporaryFolder();
    const path = join(folder, backup.manifest.file.name);
    const manifestPath = `${path}.manifest.json`;
    copyFileSync(backup.path, path);
    copyFileSync(backup.manifestPath, manifestPath);
    return { path, manifestPath, manifest: backup.manifest };
  }

  /** Rewrites the content with records that are whole, and a manifest that agrees: only the rows are wrong. */
  function withRows(change: (schema: Json, transaction: Json) => void): string {
    const { path, manifestPath, manifest } = copied();
    const bodies = readFileSync(path, "utf8")
      .split(/^OVSDB JSON .*\n/m)
      .filter((body) => body !== "")
      .map((body) => parseJsonExact(body) as Json);
    const [schema = {}, transaction = {}] = bodies;
    change(schema, transaction);
    const bytes = fileOf(schema, transaction);
    writeFileSync(path, bytes);
    const rows = Object.fromEntries(
      Object.keys(manifest.rows).map((table) => [table, Object.keys(transaction[table] ?? {}).length]),
    );
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const file = { ...manifest.file, bytes: bytes.length, contentBytes: bytes.length, sha256 };
    writeFileSync(manifestPath, JSON.stringify({ ...manifest, rows, file }));
    return path;
  }

  const codes = async (path: string): Promise<string[]> => {
    const { ok, problems } = await verifyBackup(path);
    expect(ok).toBe(problems.every(({ severity }) => severity === "warning"));
    return [...new Set(problems.map(({ code }) => code))];
  };

  test.each([false, true])("finds nothing wrong with a good one (gzip %s)", async (isPacked) => {
    const backup = isPacked ? packed : plain;
    const report = await verifyBackup(backup.path);
    expect(report).toMatchObject({ ok: true, problems: [], database: "Lab", schemaVersion: "1.2.3" });
    expect(report.rows).toEqual(backup.manifest.rows);
    expect(await verifyBackup(backup.manifestPath)).toMatchObject({ ok: true, path: backup.path });
    expect(names(join(backup.path, ".."))).toHaveLength(2);
  });

  test("leaves a mark only when asked to, and only for these bytes", async () => {
    const { path } = copied();
    await verifyBackup(path, { record: true });
    expect(JSON.parse(readFileSync(`${path}.verified.json`, "utf8"))).toMatchObject({
      sha256: plain.manifest.file.sha256,
      level: "verified",
    });
    const bad = copied();
    truncateSync(bad.path, 2_000);
    await verifyBackup(bad.path);
    expect(existsSync(`${bad.path}.verified.json`)).toBe(false);
    rmSync(bad.manifestPath);
    await verifyBackup(bad.path, { record: true });
    expect(existsSync(`${bad.path}.verified.json`)).toBe(false);
  });

  test("finds every flipped bit and every cut, plain and compressed", async () => {
    for (const backup of [plain, packed]) {
      const { path } = copied(backup);
      const good = readFileSync(backup.path);
      const step = Math.ceil(good.length / 60);
      for (let at = 0; at < good.length; at += step) {
        const flipped = Buffer.from(good);
        flipped[at] = (flipped[at] as number) ^ 4;
        writeFileSync(path, flipped);
        expect({ at, ok: (await verifyBackup(path)).ok }).toEqual({ at, ok: false });
        writeFileSync(path, good.subarray(0, at));
        expect({ cut: at, ok: (await verifyBackup(path)).ok }).toEqual({ cut: at, ok: false });
      }
    }
  });

  test("finds damage without a manifest too, by the records' own hashes", async () => {
    const { path, manifestPath } = copied();
    rmSync(manifestPath);
    expect(await codes(path)).toEqual(["NO_MANIFEST"]);
    const bytes = readFileSync(path);
    const at = bytes.indexOf('"sw plain"');
    bytes[at + 4] = 0x50;
    writeFileSync(path, bytes);
    expect(await codes(path)).toEqual(["NO_MANIFEST", "STRUCTURE"]);
    writeFileSync(path, "not a database");
    expect(await codes(path)).toEqual(["NO_MANIFEST", "STRUCTURE"]);
  });

  test("finds a manifest that speaks of something else", async () => {
    for (const change of [
      { database: "Other" },
      { schema: { version: "9.9.9" } },
      { rows: { Switch: 8 } },
      { formatVersion: 1, createdAt: "yesterday" },
    ]) {
      const { path, manifestPath, manifest } = copied();
      writeFileSync(manifestPath, JSON.stringify({ ...manifest, ...change }));
      const { ok, problems } = await verifyBackup(path);
      expect({ change, ok, codes: problems.length > 0 }).toEqual({ change, ok: false, codes: true });
    }
  });

  const anyOf = (rows: Json): [string, Json] => Object.entries(rows)[0] as [string, Json];
  const ghost = ["uuid", "00000000-1111-4222-8333-444444444444"];
  const planted: [string, string[], (schema: Json, transaction: Json) => void][] = [
    ["nothing at all", [], () => {}],
    [
      "a strong reference to no row",
      ["REFERENCE", "UNREFERENCED"],
      (_s, t) => Object.assign(anyOf(t["Switch"])[1], { ports: ghost }),
    ],
    ["a weak reference to no row", ["WEAK_REFERENCE"], (_s, t) => Object.assign(anyOf(t["Port"])[1], { peer: ghost })],
    [
      "a row that nothing refers to",
      ["UNREFERENCED"],
      (_s, t) => Object.assign(t["Port"], { [ghost[1] as string]: {} }),
    ],
    ["a number out of range", ["VALUE"], (_s, t) => Object.assign(anyOf(t["Port"])[1], { tag: 4096 })],
    ["a word that is not in the enum", ["VALUE"], (_s, t) => Object.assign(anyOf(t["Port"])[1], { mode: "both" })],
    ["two values where one fits", ["VALUE"], (_s, t) => Object.assign(anyOf(t["Port"])[1], { tag: ["set", [1, 2]] })],
    ["a value of another type", ["VALUE"], (_s, t) => Object.assign(anyOf(t["Port"])[1], { name: 7 })],
    ["a column that is not in the schema", ["VALUE"], (_s, t) => Object.assign(anyOf(t["Port"])[1], { colour: "red" })],
    [
      "a table that is not in the schema",
      ["ROWS", "SCHEMA"],
      (_s, t) => Object.assign(t, { Ghost: { [ghost[1] as string]: {} } }),
    ],
    [
      "two rows of one name",
      ["INDEX"],
      (_s, t) => {
        const [one, two] = Object.values(t["Switch"] as Json) as Json[];
        Object.assign(two as Json, { name: one?.["name"] });
      },
    ],
    ["more rows than allowed", ["ROWS"], (s) => Object.assign(s["tables"]["Switch"], { maxRows: 2 })],
    ["a schema that no server takes", ["SCHEMA"], (s) => Object.assign(s, { name: "9 lives" })],
  ];
  test.each(planted)("finds %s", async (_what, expected, change) => {
    expect((await codes(withRows(change))).sort()).toEqual(expected);
  });

  test("compares with the live database, and tells what has changed since", async () => {
    const live = { remote: server.remote };
    expect((await verifyBackup(packed.path, { live })).live).toMatchObject({ tables: {}, equal: 16, rows: 16 });
    await ovsdbTransact(server.remote, "Lab", [
      { op: "insert", table: "Empty", row: { note: "new" } },
      { op: "delete", table: "Bare", where: [] },
      { op: "update", table: "Port", where: [["name", "==", "plain"]], row: { up: false, tag: 4 } },
      { op: "update", table: "Switch", where: [], row: { session: "ephemeral columns are no change" } },
    ]);
    const { ok, live: since } = await verifyBackup(plain.path, { live });
    expect(ok).toBe(true);
    expect(since?.tables).toEqual({
      Empty: { added: 1, removed: 0, changed: 0 },
      Bare: { added: 0, removed: 2, changed: 0 },
      Port: { added: 0, removed: 0, changed: 1 },
    });
    expect(since?.examples.find(({ kind }) => kind === "changed")?.columns).toEqual(["up", "tag"]);
  });

  test("takes a compressed file apart no further than allowed", async () => {
    const { path } = copied(packed);
    writeFileSync(path, gzipSync(Buffer.concat([gunzipSync(readFileSync(path)), Buffer.alloc(100_000, 0x20)])));
    await expect(verifyBackup(path, { bytesMax: 50_000 })).rejects.toMatchObject({ code: "LIMIT" });
  });
});
