/** Files that we make: ovsdb-server starts on them, ovsdb-tool reads them, and their rows are the rows that were given. */
import { existsSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  freePort,
  OvsdbServer,
  rawCall,
  realOvs,
  removeFolder,
  startStandalone,
  temporaryFolder,
  waitFor,
} from "@ovnha/testkit";
import { createCluster, createStandalone, DbFileError, type FileRow, joinCluster, lockState } from "../../src/index.ts";
import { LAB, operations } from "../support/lab.ts";
import {
  ovsdbTool,
  type Rows,
  servedRows,
  serverRows,
  toolCheck,
  toolClusterRows,
  toolRows,
} from "../support/oracle.ts";

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: unknown) => (error instanceof DbFileError ? error.code : String(error)),
  );

describe.skipIf(realOvs() === "skip")("files made for real servers", () => {
  let folder: string;
  let rows: FileRow[];
  let expected: Rows;
  let number = 0;
  const path = (): string => join(folder, `new${number++}.db`);

  beforeAll(async () => {
    folder = temporaryFolder();
    await using server = await startStandalone({ schemas: [LAB], listen: "unix" });
    for (const list of fc.sample(operations, { seed: 11, numRuns: 80 }))
      await rawCall(server.unix, "transact", ["Lab", ...list]);
    expected = await servedRows(server.unix, "Lab");
    rows = await selectAll(server.unix);
    for (const table of Object.values(expected))
      for (const row of Object.values(table)) if ("scratch" in row) row["scratch"] = ['""'];
  });
  afterAll(() => removeFolder(folder));

  test("a standalone file", async () => {
    const made = await createStandalone({ path: path(), schema: LAB, rows, comment: "made\nhere" });
    expect(made.rows.get("Node")).toBe(Object.keys(expected["Node"] ?? {}).length);
    expect(made.sizeBytes).toBe(statSync(made.path).size);
    expect(statSync(made.path).mode & 0o777).toBe(0o640);
    expect(await toolRows(made.path)).toEqual(expected);
    expect(await serverRows(made.path, "Lab")).toEqual(expected);
    expect((await ovsdbTool("show-log", made.path)).stdout).toContain("made");
  });

  test("an empty standalone file is what ovsdb-tool makes", async () => {
    const schema = join(folder, "lab.ovsschema");
    writeFileSync(schema, JSON.stringify(LAB));
    const theirs = path();
    await ovsdbTool("create", theirs, schema);
    const ours = await createStandalone({ path: path(), schema: LAB });
    const body = (file: string): unknown => JSON.parse(readFileSync(file, "utf8").split("\n")[1] ?? "");
    expect(body(ours.path)).toEqual(body(theirs));
  });

  test("a cluster of three, from rows, with ids and a timer of our choice", async () => {
    const addresses = [];
    for (let member = 0; member < 3; member++) addresses.push(`tcp:127.0.0.1:${await freePort()}`);
    const [first = "", second = "", third = ""] = addresses;
    const clusterId = "11111111-2222-4333-8444-555555555555";
    const made = await createCluster({
      path: path(),
      schema: LAB,
      rows,
      localAddress: first,
      electionTimerMs: 1500,
      clusterId,
    });
    expect((await ovsdbTool("db-cid", made.path)).stdout.trim()).toBe(clusterId);
    expect((await ovsdbTool("db-sid", made.path)).stdout.trim()).toBe(made.serverId);
    expect((await toolCheck([made.path])).stderr).toBe("");
    expect(await toolClusterRows(made.path)).toEqual(expected);
    const joining = [
      await joinCluster({ path: path(), name: "Lab", localAddress: second, remotes: [first], clusterId }),
      await joinCluster({ path: path(), name: "Lab", localAddress: third, remotes: [first, second, first] }),
    ];
    expect((await ovsdbTool("db-cid", joining[0]?.path ?? "")).stdout.trim()).toBe(clusterId);
    expect((await ovsdbTool("db-cid", joining[1]?.path ?? "")).code).toBe(2);
    const servers: OvsdbServer[] = [];
    try {
      for (const file of [made.path, ...joining.map((each) => each.path)]) {
        const dir = temporaryFolder();
        servers.push(
          await new OvsdbServer({ dir, databases: [file], listen: [], extraArgs: [], tls: undefined })
            .ownFolder()
            .start(),
        );
      }
      for (const server of servers) {
        const status = (): Promise<string> => server.appctl("cluster/status", "Lab");
        await waitFor(async () => ((await status()).match(/ at tcp:/g) ?? []).length === 3, { what: "three members" });
        await waitFor(async () => (await servedRows(server.unix, "Lab"))["Node"] !== undefined, { what: "rows" });
        // Every column is persistent in a cluster; what was ephemeral before starts at its default.
        expect(await servedRows(server.unix, "Lab")).toEqual(expected);
        expect(await status()).toContain("Election timer: 1500");
        expect(await lockState(server.spec.databases[0] ?? "")).toMatchObject({ state: "held", pid: server.pid });
      }
    } finally {
      for (const server of servers) await server[Symbol.asyncDispose]();
    }
    expect(await lockState(made.path)).toEqual({ state: "free" });
    const files = [made.path, ...joining.map((each) => each.path)];
    expect(await toolCheck(files)).toMatchObject({ code: 0, stderr: "" });
  });

  test("nothing is overwritten, and nothing is left behind", async () => {
    const target = path();
    await createStandalone({ path: target, schema: LAB });
    const before = readFileSync(target);
    const names = readdirSync(folder).sort();
    expect(await code(createStandalone({ path: target, schema: LAB, rows }))).toBe("EXISTS");
    expect(await code(createCluster({ path: target, schema: LAB, localAddress: "tcp:127.0.0.1:6643" }))).toBe("EXISTS");
    expect(await code(joinCluster({ path: target, name: "Lab", localAddress: "tcp:a:1", remotes: ["tcp:b:1"] }))).toBe(
      "EXISTS",
    );
    const bad: FileRow = { table: "Node", uuid: "11111111-2222-4333-8444-555555555555", columns: { serial: "one" } };
    expect(
      await code(
        createStandalone({
          path: path(),
          schema: LAB,
          rows: [rows[0] as FileRow, { ...bad, table: "Port", columns: {} }, rows[1] as FileRow],
        }),
      ),
    ).toBe("ARGUMENT");
    expect(await code(createStandalone({ path: path(), schema: LAB, rows: [bad] }))).toBe("BAD_TRANSACTION");
    expect(await code(createStandalone({ path: join(folder, "missing", "x.db"), schema: LAB }))).toBe("IO");
    expect(readdirSync(folder).sort()).toEqual(names);
    expect(readFileSync(target)).toEqual(before);
    const dangling = path();
    symlinkSync(join(folder, "nowhere"), dangling);
    expect(await code(createStandalone({ path: dangling, schema: LAB }))).toBe("EXISTS");
  });

  test("a uuid may stand in two tables, as ovsdb-server has it, and only once in one", async () => {
    const schema = {
      name: "Two",
      version: "1.0.0",
      tables: {
        A: { isRoot: true, columns: { text: { type: "string" } } },
        B: { isRoot: true, columns: { text: { type: "string" } } },
      },
    };
    const uuid = "11111111-2222-4333-8444-555555555555";
    const both = ["A", "B"].map((table) => ({ table, uuid, columns: { text: table } }));
    const { path: made } = await createStandalone({ path: path(), schema, rows: both });
    const served = await serverRows(made, "Two");
    expect(Object.keys(served).sort()).toEqual(["A", "B"]);
    for (const table of ["A", "B"]) expect(Object.keys(served[table] ?? {})).toEqual([uuid]);
    const twice = [both[0] as FileRow, { ...(both[0] as FileRow), uuid: uuid.toUpperCase() }];
    expect(await code(createStandalone({ path: path(), schema, rows: twice }))).toBe("BAD_TRANSACTION");
  });

  test("of two that make the same file at once, one wins", async () => {
    const target = path();
    const done = await Promise.all(
      Array.from({ length: 8 }, () => code(createStandalone({ path: target, schema: LAB, rows }))),
    );
    expect(done.filter((each) => each === "done")).toHaveLength(1);
    expect(done.filter((each) => each === "EXISTS")).toHaveLength(7);
    expect(await toolRows(target)).toEqual(expected);
  });

  test("a name that a running server holds is refused even when its file is gone", async () => {
    const { path: target } = await createStandalone({ path: path(), schema: LAB });
    await using server = await startStandalone({ databaseFiles: [target], listen: "unix" });
    expect(await lockState(target)).toMatchObject({ state: "held", pid: server.pid });
    const away = `${target}.away`;
    renameSync(target, away);
    expect(await code(createStandalone({ path: target, schema: LAB }))).toBe("LOCKED");
    expect(existsSync(target)).toBe(false);
    const alias = path();
    symlinkSync(target, alias);
    expect(await lockState(alias)).toMatchObject({ state: "held", pid: server.pid });
    await server.kill("SIGTERM");
    expect(await lockState(target)).toEqual({ state: "free" });
  });

  test("addresses that ovsdb-tool refuses are refused, and besides those where nobody can be reached", async () => {
    const schema = join(folder, "lab2.ovsschema");
    writeFileSync(schema, JSON.stringify(LAB));
    const besides: string[] = [];
    for (const address of [
      ...["tcp:127.0.0.1:6643", "ssl:[::1]:6643", "unix:x", "tcp:[fe80::1]:1", "tcp:[::ffff:1.2.3.4]:65535"],
      ...["tcp:127.0.0.1", "tcp:1.2.3.4:0", "tcp:1.2.3.4:65536", "tcp:[::1:6643", "tcp:::1:6643", "ptcp:6643", "unix:"],
      ...["", "tcp:[1::2::3]:1", "tcp:[12345::]:1", "tcp:127.0.0.1:x", "udp:1.2.3.4:5", "tcp:[]:1", "tcp::1"],
    ]) {
      const theirs = await ovsdbTool("create-cluster", path(), schema, address);
      const ours = await code(createCluster({ path: path(), schema: LAB, localAddress: address }));
      if (theirs.code === 0 && ours !== "done") besides.push(address);
      else expect([address, ours]).toEqual([address, theirs.code === 0 ? "done" : "ARGUMENT"]);
    }
    expect(besides).toEqual(["tcp:1.2.3.4:0", "unix:", "tcp:[]:1", "tcp::1"]);
  });
});

async function selectAll(remote: string): Promise<FileRow[]> {
  const rows: FileRow[] = [];
  for (const table of Object.keys(LAB.tables)) {
    const [result] = (await rawCall(remote, "transact", ["Lab", { op: "select", table, where: [] }])) as unknown as {
      readonly rows: readonly (FileRow["columns"] & { readonly _uuid: readonly [string, string] })[];
    }[];
    for (const row of result?.rows ?? []) rows.push({ table, uuid: row._uuid[1], columns: row });
  }
  return rows;
}
