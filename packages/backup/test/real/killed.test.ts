/** A restore whose process is killed in every step, on a real cluster: resumed it loses nothing, undone it brings all back. */
import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { localRunner } from "@ovnha/runner";
import {
  dumpRows,
  ovsdbTransact,
  type RawJson,
  realOvs,
  removeFolder,
  runCommand,
  SCHEMAS,
  startStandalone,
  temporaryFolder,
} from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lookAtSource, planRestore, readJournal, type RestorePlan, surveyRestore } from "../../src/index.ts";
import { bundle } from "./bundle.ts";
import { DATABASE, type Lab, startLab } from "./members.ts";

type Rows = Map<string, Map<string, Record<string, RawJson>>>;
type End = { readonly code: number | null; readonly signal: string | null; readonly output: string };

describe.skipIf(realOvs() === "skip")("a restore that is killed", () => {
  const folder = temporaryFolder();
  const source = join(folder, "source.db");
  let executor: string;
  let wanted: Rows;

  beforeAll(async () => {
    await runCommand("ovsdb-tool", ["create", source, SCHEMAS.northbound]);
    const inserts = [...Array(20).keys()].flatMap((index) => [
      { op: "insert", table: "Logical_Switch_Port", "uuid-name": `p${index}`, row: { name: `port ${index} "ü"` } },
      {
        op: "insert",
        table: "Logical_Switch",
        row: {
          name: `switch ${index}`,
          ports: ["named-uuid", `p${index}`],
          external_ids: [
            "map",
            [
              ["k", `${index}`],
              ["l", "\n"],
            ],
          ],
        },
      },
    ]);
    await runCommand("ovsdb-tool", ["transact", source, JSON.stringify([DATABASE, ...inserts])]);
    const copy = join(folder, "oracle.db");
    copyFileSync(source, copy);
    await using oracle = await startStandalone({ databaseFiles: [copy], listen: "unix" });
    wanted = bare(await dumpRows(oracle.remote, DATABASE));
    expect(wanted.get("Logical_Switch")?.size).toBe(20);
    executor = await bundle("executor", folder);
  });
  afterAll(() => removeFolder(folder));

  async function plan(lab: Lab, id: string): Promise<{ readonly plan: RestorePlan; readonly file: string }> {
    const nowMs = Date.now();
    const workFolder = join(folder, `work ${id} '$(touch PWNED)'`);
    const runners = Object.fromEntries(lab.cluster.members.map(({ name }) => [name, localRunner()]));
    const sources = [await lookAtSource(source, { nowMs })];
    const facts = await surveyRestore(lab.cluster, { runners, databases: ["nb"], sources, workFolder });
    const made = planRestore(lab.cluster, facts, {
      id,
      nowMs,
      drawUuid: randomUUID,
      workFolder,
      accept: ["STILL_ALIVE"],
    });
    expect(made.findings.filter(({ severity }) => severity === "refuse")).toEqual([]);
    const file = join(folder, `${id}.json`);
    writeFileSync(file, JSON.stringify(made));
    return { plan: made, file };
  }

  function run(planFile: string, point: string, step: string, direction: "forward" | "undo" = "forward"): Promise<End> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [executor, planFile, point, step, direction], {
        cwd: folder,
        stdio: ["ignore", "pipe", "pipe"],
      });
      let output = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
      child.once("close", (code, signal) => resolve({ code, signal, output }));
    });
  }

  test("in every step, and resumed: every row of the backup is on every member, and the old files are kept", {
    timeout: 300_000,
  }, async () => {
    await using lab = await startLab(source);
    await ovsdbTransact(lab.remotes[0] ?? "", DATABASE, [
      { op: "insert", table: "Logical_Switch", row: { name: "newer than the backup" } },
    ]).catch(() => []);
    const { plan: made, file } = await plan(lab, "0000000a");
    const seen = new Map<string, number>();
    for (const step of made.steps) {
      // Between two of its actions at one member; at the next, when all is done, and nothing of it is in the journal.
      const [kind = ""] = step.id.split(".");
      const nth = seen.get(kind) ?? 0;
      seen.set(kind, nth + 1);
      const isMiddle = step.acts && nth % 2 === 0;
      const point = isMiddle ? `action ${Math.floor(step.actions.length * 0.6)}` : "acted";
      expect((await run(file, point, step.id)).signal, step.id).toBe("SIGKILL");
    }
    // Each kind of step that acts was killed at both points.
    for (const { id, acts } of made.steps) if (acts) expect(seen.get(id.split(".")[0] ?? ""), id).toBeGreaterThan(1);
    const end = await run(file, "", "");
    expect(end).toMatchObject({ code: 0, output: expect.stringContaining('"restored"') });
    const { events } = await readJournal(made.workFolder);
    for (const { id } of made.steps)
      expect(events.filter((event) => event.type === "begun" && event.step === id).length, id).toBeGreaterThan(1);
    await lab.connected();
    for (const remote of lab.remotes) expect(bare(await dumpRows(remote, DATABASE))).toEqual(wanted);
    for (const home of lab.folders) {
      const aside = join(home, "ovnha-restore-0000000a");
      expect(hash(join(aside, "old/db.db"))).toBe(hash(join(aside, "copy/db.db")));
      expect(statSync(join(home, "db.db")).mode & 0o777).toBe(0o640);
    }
    expect(findAll(folder, "PWNED").concat(findAll(lab.folder, "PWNED"))).toEqual([]);
    expect(existsSync("PWNED")).toBe(false);
  });

  test("and undone, itself killed in every step: the old files are back, and the old cluster runs", {
    timeout: 300_000,
  }, async () => {
    await using lab = await startLab(source);
    const before = await lab.cids();
    const { plan: made, file } = await plan(lab, "0000000b");
    const last = `start.nb.${made.members[1]?.name}`;
    expect((await run(file, "acted", last)).signal).toBe("SIGKILL");
    const begun = made.steps.slice(0, made.steps.findIndex(({ id }) => id === last) + 1);
    for (const step of begun.reverse()) {
      if (step.undo.kind !== "actions") continue;
      expect((await run(file, "undo", step.id, "undo")).signal, step.id).toBe("SIGKILL");
    }
    expect(await run(file, "", "", "undo")).toMatchObject({ code: 0, output: expect.stringContaining('"undone"') });
    await lab.connected();
    expect(await lab.cids()).toEqual(before);
    for (const remote of lab.remotes) expect(bare(await dumpRows(remote, DATABASE))).toEqual(wanted);
    // There is no way forward any more.
    expect(await run(file, "", "")).toMatchObject({ code: 0, output: expect.stringContaining('"undone"') });
  });

  test("undone from within a move, a start and the verification: the files are what they were, byte by byte", {
    timeout: 300_000,
  }, async () => {
    await using lab = await startLab(source);
    for (const index of lab.folders.keys()) await lab.service("stop", index);
    const before = lab.folders.map((home) => hash(join(home, "db.db")));
    for (const [number, kind] of ["move.nb.", "start.nb.", "verify.nb"].entries()) {
      const { plan: made, file } = await plan(lab, `0000000${number}`);
      const step = made.steps.find(({ id }) => id.startsWith(kind));
      expect((await run(file, "acted", step?.id ?? "")).signal, kind).toBe("SIGKILL");
      expect(claimsIn(lab), kind).toHaveLength(3);
      expect(await run(file, "", "", "undo")).toMatchObject({ code: 0, output: expect.stringContaining('"undone"') });
      expect(
        lab.folders.map((home) => hash(join(home, "db.db"))),
        kind,
      ).toEqual(before);
      expect(claimsIn(lab), kind).toEqual([]);
    }
  });

  test("another restore of the same cluster, from another work folder, waits until it is finished or taken back", {
    timeout: 300_000,
  }, async () => {
    await using lab = await startLab(source);
    const plans = [await plan(lab, "000000c1"), await plan(lab, "000000c2")] as const;
    const step = plans[0].plan.steps.find(({ id }) => id.startsWith("stop.nb."))?.id ?? "";
    // Both at once, and each would be killed when it has stopped the first server: only one comes that far.
    const ends = await Promise.all(plans.map(({ file }) => run(file, "acted", step)));
    expect(ends.map(({ signal }) => signal).sort()).toEqual(["SIGKILL", null]);
    const [first, second] = ends[0]?.signal === "SIGKILL" ? plans : [plans[1], plans[0]];
    expect(claimsIn(lab)).toHaveLength(3);
    const refused = await run(second.file, "", "");
    expect(refused.code).toBe(1);
    expect(refused.output).toContain(`is claimed by another restore, ${first.plan.id}`);
    expect(refused.output).toContain("no process works on it now");
    // The one that has it goes on.
    expect(await run(first.file, "", "", "undo")).toMatchObject({ output: expect.stringContaining('"undone"') });
    expect(claimsIn(lab)).toEqual([]);
  });
});

function claimsIn(lab: Lab): string[] {
  return lab.folders.flatMap((home) =>
    readdirSync(home).filter((name) => name.includes("ovnha-restore") && !name.startsWith("ovnha-restore")),
  );
}

function bare(rows: Rows): Rows {
  // Which version a row has, a server makes up when it reads the file.
  return new Map(
    [...rows].map(([table, of]) => [table, new Map([...of].map(([uuid, { _version, ...row }]) => [uuid, row]))]),
  );
}

function hash(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function findAll(folder: string, name: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.endsWith(`/${name}`) || path === name,
  );
}
