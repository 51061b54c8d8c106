import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runTypesCommand, type TypesCommandWorld } from "../../../src/edge/cli/ovsdb-types.ts";
import { type Json, type JsonObject, stringifyJson } from "../../../src/json.ts";
import { exportName, printSchemaLiteral, printSchemaModule } from "../../../src/literal.ts";
import { formatSchema, parseSchema } from "../../../src/schema.ts";
import { RawServer, withOvs } from "../../support/raw-server.ts";

const LAB: JsonObject = {
  name: "Lab",
  version: "1.2.3",
  cksum: "1 2",
  tables: {
    Host: {
      isRoot: true,
      maxRows: 7,
      indexes: [["name"], ["kind", "n"]],
      columns: {
        name: { type: "string", mutable: false },
        kind: { type: { key: { type: "string", enum: ["set", ["a", "b */ c"]] } } },
        n: { type: { key: { type: "integer", minInteger: -9223372036854775808n, maxInteger: 9223372036854775806n } } },
        state: { type: { key: "boolean", min: 0 }, ephemeral: true },
        ports: { type: { key: { type: "uuid", refTable: "Port" }, min: 0, max: "unlimited" } },
        rates: {
          type: {
            key: { type: "string", minLength: 1, maxLength: 5 },
            value: { type: "real", minReal: 0.5 },
            min: 0,
            max: 3,
          },
        },
      },
    },
    Port: { columns: { home: { type: { key: { type: "uuid", refTable: "Host", refType: "weak" }, min: 0 } } } },
  },
};
const schema = parseSchema(LAB);

describe("the printed literal", () => {
  test.each([false, true])("is the schema again (docs: %s)", (docs) => {
    const literal = new Function(`return (${printSchemaLiteral(schema, { docs })});`)() as Json;
    expect(parseSchema(literal)).toEqual(schema);
    expect(formatSchema(parseSchema(literal))).toEqual(formatSchema(schema));
  });

  test("is a module that a person can read", () => {
    const printed = printSchemaModule(schema, { docs: true, source: "tcp:lab:6640" });
    expect(printed).toContain('import { defineSchema } from "@ovnha/ovsdb";');
    expect(printed).toContain("export const Lab = defineSchema({");
    expect(printed).toContain("// Schema Lab 1.2.3, printed from tcp:lab:6640 by ovsdb-types.");
    expect(printed).toContain('/** One string, one of "a", "b * / c". */');
    expect(printed).toContain("/** Set: strong reference to Port. */");
    expect(printed).toContain(
      "/** Root table; at most 7 row(s); unique by name; unique by kind and n; referred to by Port. */",
    );
    expect(printed).toContain("maxInteger: 9223372036854775806n");
  });

  test("can be sorted by name", () => {
    const names = printSchemaLiteral(schema, { sorted: true })
      .match(/^ {8}(\w+):/gm)
      ?.map((line) => line.trim());
    expect(names).toEqual(["kind:", "n:", "name:", "ports:", "rates:", "state:", "home:"]);
  });

  test("has a name that TypeScript takes", () => {
    expect(["OVN_Northbound", "default", "delete", "_x"].map(exportName)).toEqual([
      "OVN_Northbound",
      "default_",
      "delete_",
      "_x",
    ]);
  });
});

type Run = { readonly status: number; readonly out: string; readonly err: string };
async function run(args: readonly string[], world: Partial<TypesCommandWorld> = {}): Promise<Run> {
  const [out, err]: [string[], string[]] = [[], []];
  const status = await runTypesCommand(args, {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    readFile: async () => stringifyJson(LAB),
    openRemote: async () => ({
      listDatabases: async () => ["_Server", "Lab"],
      fetchSchema: async () => LAB,
      close: async () => undefined,
    }),
    ...world,
  });
  return { status, out: out.join(""), err: err.join("") };
}

describe("ovsdb-types", () => {
  test.each<[string, string[]]>([
    ["a file", ["lab.ovsschema"]],
    ["a remote with one database", ["tcp:lab:6640"]],
    ["a remote and a name", ["unix:/x", "--db", "Lab"]],
  ])("prints %s", async (_title, args) => {
    const { status, out, err } = await run(args);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toContain("export const Lab = defineSchema({");
  });

  test("--help", async () => {
    const { status, out } = await run(["--help"]);
    expect(status).toBe(0);
    expect(out).toContain("--db <name>");
    expect(out).toContain("Exit status: 0 printed");
  });

  const missing: Partial<TypesCommandWorld> = {
    readFile: async (path) => Promise.reject(Object.assign(new Error("ENOENT"), { code: "ENOENT", path })),
  };
  const many: Partial<TypesCommandWorld> = {
    openRemote: async () => ({
      listDatabases: async () => ["A", "B"],
      fetchSchema: async () => LAB,
      close: async () => undefined,
    }),
  };
  test.each<[string, string[], Partial<TypesCommandWorld>, number, RegExp]>([
    ["no argument", [], {}, 2, /missing required argument/],
    ["unknown option", ["x", "--dbs"], {}, 2, /unknown option/],
    ["several databases", ["tcp:x:1"], many, 2, /has A, B; choose one with --db/],
    ["another schema in the file", ["x", "--db", "Other"], {}, 2, /holds the schema Lab, not Other/],
    [
      "a database file",
      ["x"],
      { readFile: async () => "OVSDB JSON 5 abc\n{}" },
      2,
      /is a database, not a schema; .*ovsdb-tool db-schema x/,
    ],
    ["missing file", ["nope"], missing, 1, /nope does not exist \(a remote begins with tcp:/],
    ["broken JSON", ["x"], { readFile: async () => "{" }, 1, /x: JSON text is not valid at character 1/],
    ["bad schema", ["x"], { readFile: async () => "{}" }, 1, /the schema is not valid: .*name/],
    [
      "server down",
      ["tcp:x:1"],
      { openRemote: async () => Promise.reject(new Error("connection refused")) },
      1,
      /ovsdb-types: connection refused/,
    ],
  ])("%s", async (_title, args, world, status, message) => {
    const result = await run(args, world);
    expect(result).toMatchObject({ status, out: "" });
    expect(result.err).toMatch(message);
  });

  test.skipIf(!withOvs)("as a command of its own, from a file and from a real server", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ovnha types "));
    await using server = await RawServer.start(LAB);
    try {
      writeFileSync(join(folder, "lab.ovsschema"), stringifyJson(LAB));
      const bin = fileURLToPath(new URL("../../../src/edge/cli/ovsdb-types.ts", import.meta.url));
      for (const source of [join(folder, "lab.ovsschema"), server.remote]) {
        const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", bin, source], {
          encoding: "utf8",
        });
        expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
        const literal = /defineSchema\((.*) as const\);/s.exec(stdout)?.[1];
        const printed = parseSchema(new Function(`return ${literal}`)() as Json);
        for (const [name, table] of schema.tables) expect(printed.tables.get(name)).toEqual(table);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
