/** The plug is pulled before every other command of a restore: whoever comes next finishes it, or takes it all back. */
import { randomUUID } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { createCluster, createStandalone, inspect, joinCluster } from "@ovnha/dbfile";
import { removeFolder, temporaryFolder } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ClusterDescription,
  executeRestore,
  findProfile,
  HERE,
  lookAtSource,
  type MemberDescription,
  planRestore,
  type RestorePlan,
  type Runners,
  surveyRestore,
} from "../../src/index.ts";
import { fakeRunner, makeWorld, type World } from "../support/fake-host.ts";

const SCHEMA = {
  name: "OVN_Northbound",
  version: "1.0.0",
  tables: { T: { columns: { n: { type: "integer" } }, isRoot: true } },
};
const NAMES = ["a", "b'$(x)", "c\n"] as const;

describe("whatever command a restore is cut off before", () => {
  // In memory where there is such a place: thousands of files are synced here.
  const folder = existsSync("/dev/shm") ? mkdtempSync("/dev/shm/ovnha-") : temporaryFolder();
  const worlds: World[] = [];
  const template = join(folder, "template");
  const source = join(folder, "source.db");
  afterAll(() => removeFolder(folder));

  beforeAll(async () => {
    await createStandalone({ path: source, schema: SCHEMA });
    mkdirSync(template);
    for (const name of NAMES) mkdirSync(join(template, name));
    const address = (index: number): string => `tcp:10.0.0.${index}:6643`;
    await createCluster({ path: join(template, NAMES[0], "db"), schema: SCHEMA, localAddress: address(0) });
    for (const [index, name] of NAMES.entries())
      if (index > 0)
        await joinCluster({
          path: join(template, name, "db"),
          name: SCHEMA.name,
          localAddress: address(index),
          remotes: [address(0)],
        });
  });

  interface Scene {
    readonly home: string;
    readonly world: World;
    readonly runners: Runners;
    readonly plan: RestorePlan;
    readonly before: ReadonlyMap<string, string>;
  }

  async function scene(number: number): Promise<Scene> {
    const home = join(folder, `scene ${number}`);
    cpSync(template, home, { recursive: true });
    const world = makeWorld();
    worlds.push(world);
    const runners = Object.fromEntries([HERE, ...NAMES].map((name) => [name, fakeRunner(world, name)]));
    const base = findProfile("debian");
    const members = NAMES.map((name, index): MemberDescription => {
      const file = join(home, name, "db");
      const nb = {
        ...base.databases.nb,
        file,
        clientSocket: `${file}.sock`,
        stop: [["service", "stop", file] as const],
        start: [["service", "start", file] as const],
      };
      return {
        name,
        addresses: { nb: `tcp:10.0.0.${index}:6643` },
        databases: { nb, sb: nb },
        remotes: {},
        askedAt: "member",
      };
    });
    for (const name of NAMES) await runners[name]?.run("service", ["start", join(home, name, "db")]);
    const cluster: ClusterDescription = { profile: { ...base, clients: [] }, members, clientArgs: [] };
    const sources = [await lookAtSource(source, { nowMs: Date.now() })];
    const workFolder = join(home, "work");
    const facts = await surveyRestore(cluster, { runners, databases: ["nb"], sources, workFolder });
    const plan = planRestore(cluster, facts, {
      id: "00000000",
      nowMs: Date.now(),
      drawUuid: randomUUID,
      workFolder,
      accept: ["STILL_ALIVE"],
      connectMs: 1_000,
    });
    expect(plan.findings.filter(({ severity }) => severity === "refuse")).toEqual([]);
    expect(world.running.size).toBe(3);
    world.commands.length = 0;
    return { home, world, runners, plan, before: databases(home) };
  }

  /** Runs until the plug is pulled, and leaves the mark of a process that is gone. */
  async function cutOff({ world, runners, plan, home }: Scene, after: number, undo: boolean): Promise<boolean> {
    world.left = after;
    const pulled = new Promise<true>((resolve) => {
      world.pulled = () => resolve(true);
    });
    const ended = executeRestore(plan, { runners, execute: true, undo }).then(() => false as const);
    const wasCut = await Promise.race([pulled, ended]);
    world.left = Number.POSITIVE_INFINITY;
    // A real process would take its lock with it; this one only hangs.
    rmSync(join(home, "work", "executor.lock"), { force: true });
    return wasCut;
  }

  async function expectRestored({ home, plan, before, world }: Scene): Promise<void> {
    const cid = plan.steps.flatMap(({ actions }) => actions).find((action) => action.kind === "create-cluster")?.cid;
    for (const name of NAMES) {
      const found = await inspect(join(home, name, "db"));
      expect(found).toMatchObject({ clusterId: cid });
      // Nothing is lost: each old file is there twice.
      for (const kept of ["copy", "old"])
        expect(text(join(home, name, `ovnha-restore-00000000/${kept}/db`))).toBe(before.get(name));
    }
    expect(world.running.size).toBe(3);
  }

  test("forward, and then forward", { timeout: 300_000 }, async () => {
    const whole = await scene(0);
    expect(await executeRestore(whole.plan, { runners: whole.runners, execute: true })).toMatchObject({
      outcome: "restored",
    });
    await expectRestored(whole);
    const commands = whole.world.commands.length;
    expect(commands).toBeGreaterThan(100);
    for (let after = 0; after < commands; after += 2) {
      const now = await scene(after + 1);
      expect(await cutOff(now, after, false), `command ${after}`).toBe(true);
      expect(
        await executeRestore(now.plan, { runners: now.runners, execute: true }),
        `command ${after}: ${whole.world.commands[after]}`,
      ).toMatchObject({ outcome: "restored" });
      await expectRestored(now);
      rmSync(now.home, { recursive: true });
    }
  });

  test("forward, and then back, itself cut off at the same number of commands", { timeout: 300_000 }, async () => {
    const whole = await scene(1_000);
    await executeRestore(whole.plan, { runners: whole.runners, execute: true });
    const commands = whole.world.commands.length;
    for (let after = 1; after <= commands; after += 4) {
      const now = await scene(1_001 + after);
      await cutOff(now, after, false);
      await cutOff(now, after % 37, true);
      expect(
        await executeRestore(now.plan, { runners: now.runners, execute: true, undo: true }),
        `command ${after}`,
      ).toMatchObject({ outcome: "undone" });
      expect(databases(now.home)).toEqual(now.before);
      expect([...now.world.running.keys()].sort()).toEqual(NAMES.map((name) => join(now.home, name, "db")).sort());
      rmSync(now.home, { recursive: true });
    }
  });
});

function text(path: string): string {
  return readFileSync(path, "latin1");
}

/** Member to the bytes of its database file. */
function databases(home: string): Map<string, string> {
  const members = readdirSync(home).filter((name) => name !== "work" && statSync(join(home, name)).isDirectory());
  return new Map(members.map((name) => [name, text(join(home, name, "db"))]));
}
