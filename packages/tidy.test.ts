import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Complaint, type Files, findComplaints, LINES_MAX, MAY_IMPORT, type Rule } from "./tidy-rules.ts";

const top = join(import.meta.dirname, "..");
const LEFT_OUT = new Set(["node_modules", "dist", "coverage"]);

function readTree(folder: string, into: Map<string, string>): Files {
  for (const entry of readdirSync(join(top, folder), { withFileTypes: true })) {
    const path = folder === "." ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !entry.name.startsWith(".") && !LEFT_OUT.has(entry.name)) readTree(path, into);
    if (entry.isFile() && path.endsWith(".ts")) into.set(path, readFileSync(join(top, path), "utf8"));
  }
  return into;
}

function print({ path, line, rule, message }: Complaint): string {
  return `${path}:${line} ${rule}: ${message}`;
}

describe("this repository", () => {
  const files = readTree(".", new Map());

  test("keeps every rule", () => {
    expect(findComplaints(files).map(print)).toEqual([]);
  });

  test("a package that tells its version tells the one of its package.json", async () => {
    const told = [...files.keys()].filter((path) => /^packages\/[a-z]+\/src\/version\.ts$/.test(path));
    expect(told).toHaveLength(3);
    for (const path of told) {
      const { VERSION } = (await import(join(top, path))) as { readonly VERSION: string };
      const { version } = JSON.parse(readFileSync(join(top, path, "../../package.json"), "utf8")) as {
        version: string;
      };
      expect({ path, VERSION }).toEqual({ path, VERSION: version });
    }
  });

  test("was read: every package has sources", () => {
    const packages = readdirSync(join(top, "packages")).filter((name) =>
      existsSync(join(top, "packages", name, "src")),
    );
    expect(packages).toContain("ovsdb");
    for (const name of packages) {
      expect(Object.keys(MAY_IMPORT)).toContain(name);
      expect([...files.keys()].some((path) => path.startsWith(`packages/${name}/src/`))).toBe(true);
    }
  });
});

/** The rules broken by these files, as `rule path:line`. */
function broken(files: Record<string, string>): string[] {
  return findComplaints(new Map(Object.entries(files))).map(({ rule, path, line }) => `${rule} ${path}:${line}`);
}

const PURE = "packages/ovsdb/src/pure.ts";
const EDGE = "packages/ovsdb/src/edge/socket.ts";
const TEST = "packages/ovsdb/test/pure.test.ts";
const EXAMPLE = "examples/start.ts";

type Plant = readonly [rule: Rule, path: string, text: string];

const planted: readonly Plant[] = [
  // The table of imports.
  ["imports", PURE, `import "@ovnha/raft";`],
  ["imports", "packages/raft/src/a.ts", `import type { A } from "@ovnha/ovsdb";`],
  ["imports", "packages/cluster/src/a.ts", `export * from "@ovnha/dbfile";`],
  ["imports", "packages/simulator/src/a.ts", `const a = await import("@ovnha/cluster");`],
  ["imports", "packages/dbfile/src/edge/a.ts", `import { a } from "@ovnha/ovsdb";`],
  ["imports", "packages/backup/src/a.ts", `import { a } from "@ovnha/server";`],
  ["imports", "packages/server/src/a.ts", `import { a } from "@ovnha/ovsdb";`],
  ["imports", "packages/server/src/a.ts", `type A = import("@ovnha/backup").A;`],
  ["imports", "packages/unheard/src/a.ts", `import "@ovnha/ovsdb";`],
  ["imports", PURE, `import "../../raft/src/node.ts";`],
  ["imports", PURE, `import "../test/support.ts";`],
  ["imports", PURE, `import "../../testkit/src/index.ts";`],
  ["imports", EDGE, `import "@ovnha/testkit";`],
  ["imports", TEST, `import "../../testkit/src/index.ts";`],
  ["imports", TEST, `import "@ovnha/raft";`],
  ["imports", EXAMPLE, `import "../packages/ovsdb/src/index.ts";`],
  ["imports", "bench/a.ts", `import "../examples/start.ts";`],
  ["imports", PURE, `import "/home/me/a.ts";`],
  // Time, chance and the outside world.
  ...[
    "const a = Date.now();",
    "const a = globalThis.Date.now();",
    'const a = Date["now"]();',
    "const a = new Date();",
    "const a = new Date;",
    "const a = Date();",
    "const a = performance.now();",
    "const a = Math.random();",
    "setTimeout(f, 1);",
    "globalThis.setTimeout(f, 1);",
    "const wait = setInterval;",
    "const timers = { setImmediate };",
    "process.exit(1);",
    "const { env } = process;",
    "const a = crypto.randomUUID();",
    "const a = globalThis.crypto.getRandomValues(b);",
    "const a = Buffer.from(b);",
    "function f(a: Buffer): void {}",
    'import net from "node:net";',
    'import fs from "fs/promises";',
    'import type { Socket } from "node:net";',
    'import { Buffer } from "node:buffer";',
    'import "./edge/socket.ts";',
    'import type { A } from "./edge/socket.ts";',
  ].map((text): Plant => ["purity", PURE, text]),
  ["purity", "packages/ovsdb/src/deep/er.ts", 'const a = import("../edge/socket.ts");'],
  ["purity", "packages/ovsdb/src/deep/index.ts", 'export * from "../edge/socket.ts";'],
  ["purity", "packages/ovsdb/src/edges.ts", "Math.random();"],
  // Length.
  ["length", PURE, "\n".repeat(LINES_MAX + 1)],
  ["length", EDGE, `${"\n".repeat(LINES_MAX)}x`],
  ["length", TEST, "\n".repeat(LINES_MAX + 1)],
  ["length", EXAMPLE, "\n".repeat(LINES_MAX + 1)],
  ["length", "bench/a.ts", "\n".repeat(LINES_MAX + 1)],
  // Tests.
  ["tests", TEST, 'test.only("a", () => {});'],
  ["tests", TEST, 'describe.concurrent.only("a", () => {});'],
  ["tests", TEST, 'it.only.each([1])("a", () => {});'],
  ["tests", TEST, 'it("a", { only: true }, () => {});'],
  ["tests", TEST, 'test("a", { retry: 2 }, () => {});'],
  ["tests", "vitest.config.ts", "export default { test: { retry: 1 } };"],
  ["tests", TEST, "await new Promise((resolve) => setTimeout(resolve, 100));"],
  ["tests", TEST, "await new Promise<void>((done) => { setTimeout(() => done(), 5); });"],
  ["tests", TEST, "await new Promise((f) => void globalThis.setTimeout(() => { f(1); }, 5));"],
  ["tests", TEST, 'import { setTimeout } from "node:timers/promises";'],
  ["tests", "packages/ovsdb/test/support/a.ts", "new Promise((resolve) => setTimeout(resolve, 1));"],
  ["tests", "examples/test/start.test.ts", "new Promise((resolve) => setTimeout(resolve, 1));"],
  // Errors waved through.
  ["suppression", PURE, "// @ts-ignore\nf();"],
  ["suppression", TEST, "f(/* @ts-ignore */ 1);"],
  ["suppression", EXAMPLE, "// @ts-nocheck\nf();"],
  ["suppression", PURE, "f();\n// @ts-ignore"],
];

describe("a planted violation is caught", () => {
  test.each(planted)("%s, %s: %s", (rule, path, text) => {
    expect(broken({ [path]: text }).map((line) => line.split(":")[0])).toEqual([`${rule} ${path}`]);
  });

  test("the core reaches node and the edge through other files", () => {
    const files = {
      "packages/ovsdb/src/core.ts": 'export * from "./a.ts";',
      "packages/ovsdb/src/a.ts": 'import { b } from "./deep/b.ts";\nimport "./a.ts";',
      "packages/ovsdb/src/deep/b.ts": '\nimport "node:net";\nimport "../edge/c.ts";',
      "packages/ovsdb/src/edge/c.ts": 'import "node:fs";',
    };
    const [core, others] = [broken(files).filter((line) => line.startsWith("core")), broken(files)];
    expect(core).toEqual([
      "core packages/ovsdb/src/deep/b.ts:2",
      "core packages/ovsdb/src/deep/b.ts:3",
      "core packages/ovsdb/src/edge/c.ts:1",
    ]);
    expect(others).toContain("purity packages/ovsdb/src/deep/b.ts:2");
  });

  test("the complaint names the line", () => {
    expect(broken({ [PURE]: "/** one\n * two */\nconst a = 1;\n\n  Date.now();\n" })).toEqual([`purity ${PURE}:5`]);
  });
});

const allowed: readonly (readonly [path: string, text: string])[] = [
  [PURE, "// Date.now() and Math.random(), process.exit, @ts-expect-error\nconst a = 1;"],
  [PURE, "const a = \"Date.now() setTimeout(f) import 'node:net' // @ts-ignore\";"],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the text under test.
  [PURE, "const a = `process.env ${1} @ts-ignore`; const b = /process\\.x/;"],
  [PURE, "const a = new Date(5); const b: Date = a; queueMicrotask(f);"],
  [PURE, "clock.setTimeout(f, 1); this.process(1); host.performance.now(); a.Buffer;"],
  [
    PURE,
    "interface Clock { setTimeout(f: () => void): void; process: number }\nconst c = { process: 1, setTimeout() {} };",
  ],
  [PURE, "const { process: step } = machine; new ArrayBuffer(1);"],
  [PURE, 'import { RequestObject } from "jsonrpc-lite"; import "./deep/er.ts"; import "./edges.ts";'],
  [EDGE, 'import net from "node:net"; setTimeout(f, Date.now()); import "../pure.ts"; process.exit(Math.random());'],
  ["packages/ovsdb/src/index.ts", 'export * from "./edge/socket.ts"; export * from "./core.ts";'],
  [
    "packages/testkit/src/index.ts",
    'import { spawn } from "node:child_process"; import "@ovnha/ovsdb"; setTimeout(f, 1);',
  ],
  ["packages/cluster/src/a.ts", 'import "@ovnha/ovsdb"; import "@ovnha/ovsdb/core";'],
  ["packages/dbfile/src/a.ts", 'import "@ovnha/ovsdb/core";'],
  ["packages/backup/src/a.ts", 'import "@ovnha/dbfile"; import "@ovnha/ovsdb";'],
  [
    TEST,
    'import "../src/pure.ts"; import "./support/a.ts"; import "@ovnha/testkit"; import "@ovnha/ovsdb"; import "node:fs";',
  ],
  [TEST, "new Promise((_, reject) => setTimeout(() => reject(new Error()), 1)); setTimeout(() => socket.end(), 1);"],
  [TEST, 'openDatabase({ retry: 3 }); fc.only; test("only", () => {}); test.skipIf(x)("a", () => {});'],
  [EXAMPLE, 'import "@ovnha/ovsdb"; import "@ovnha/testkit"; import "@ovnha/raft"; import "node:fs"; Date.now();'],
  [PURE, "\n".repeat(LINES_MAX)],
  [PURE, "// @ts-expect-error: the message says why\nf(1);"],
];

test.each(allowed)("no false alarm in %s: %s", (path, text) => {
  expect(broken({ [path]: text })).toEqual([]);
});
