/** The plug is pulled before one command after the other of a restore: whoever comes next finishes it, or takes it all back. */
import { randomUUID } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCluster, inspect, joinCluster, replay } from "@ovnha/dbfile";
import { removeFolder, temporaryFolder } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ClusterDescription,
  executeRestore,
  findProfile,
  HERE,
  type LayoutProfile,
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
const ROW = { table: "T", uuid: "a0000000-0000-4000-8000-000000000000", columns: { n: 7 } };
const NAMES = ["a", "b'$(x)", "c\n"] as const;
const ID = "00000000";

/** Odd, so that every kind of command is met at one member or another: steps repeat from member to member. */
const STRIDES = { each: { forth: 3, back: 7 }, together: { forth: 5, back: 9 } } as const;

/** `each`: servers one by one, from a backup that lies here. `together`: as Kube-OVN, from the first member's own file. */
type Kind = "each" | "together";

interface Scene {
  readonly kind: Kind;
  readonly home: string;
  readonly world: World;
  readonly runners: Runners;
  readonly plan: RestorePlan;
  readonly before: ReadonlyMap<string, string>;
}

describe.each<Kind>(["each", "together"])(
  "whatever command a restore is cut off before, servers started %s",
  (kind) => {
    // In memory where there is such a place: thousands of files are synced here.
    const folder = existsSync("/dev/shm") ? mkdtempSync("/dev/shm/ovnha-") : temporaryFolder();
    const template = join(folder, "template");
    const home = join(folder, "home");
    const file = (name: string): string => join(home, name, "db");
    const identity = join(home, "identity.json");
    const worlds: World[] = [];
    let runners: Runners;
    let plan: RestorePlan;
    afterAll(() => removeFolder(folder));

    beforeAll(async () => {
      const address = (index: number): string => `tcp:10.0.0.${index}:6643`;
      for (const [index, name] of NAMES.entries()) {
        mkdirSync(join(template, name), { recursive: true });
        writeFileSync(join(template, name, "db.hdr"), `header of ${name}`);
        const path = join(template, name, "db");
        if (index === 0) await createCluster({ path, schema: SCHEMA, localAddress: address(0), rows: [ROW] });
        else await joinCluster({ path, name: SCHEMA.name, localAddress: address(index), remotes: [address(0)] });
      }
      writeFileSync(join(template, "identity.json"), "who it was");
      const { world } = await scene();
      const cluster = describeCluster();
      const path = file(NAMES[0]);
      const source = { ...(await lookAtSource(path, { nowMs: Date.now() })), at: kind === "each" ? HERE : NAMES[0] };
      // What lies here must not be one of the files that are moved away.
      if (kind === "each") cpSync(path, join(folder, "source.db"));
      const sources = [kind === "each" ? { ...source, path: join(folder, "source.db") } : source];
      const workFolder = join(home, "work");
      const facts = await surveyRestore(cluster, { runners, databases: ["nb"], sources, workFolder });
      plan = planRestore(cluster, facts, {
        id: ID,
        nowMs: Date.now(),
        drawUuid: randomUUID,
        workFolder,
        accept: ["STILL_ALIVE"],
        connectMs: 1_000,
      });
      expect(plan.findings.filter(({ severity }) => severity === "refuse")).toEqual([]);
      expect(world.running.size).toBe(3);
    });

    function describeCluster(): ClusterDescription {
      const base = findProfile(kind === "each" ? "debian" : "kube-ovn");
      const files = NAMES.map(file);
      const all: Pick<LayoutProfile, "stopAll" | "startAll" | "freeze" | "thaw"> = {
        stopAll: [["scale", "0", ...files]],
        startAll: [["scale", "3", ...files]],
        freeze: [["controllers", "0"]],
        thaw: [["controllers", "3"]],
      };
      const members = NAMES.map((name, index): MemberDescription => {
        const path = file(name);
        const nb = {
          ...base.databases.nb,
          file: path,
          companions: [`${path}.hdr`],
          clientSocket: `${path}.sock`,
          stop: [["service", "stop", path] as const],
          start: [["service", "start", path] as const],
        };
        const addresses = { nb: `tcp:10.0.0.${index}:6643` };
        return { name, addresses, databases: { nb, sb: nb }, remotes: {}, askedAt: "member" };
      });
      const profile = { ...base, ...(kind === "together" ? all : {}), clients: [] };
      return { profile, members, clientArgs: [], identityPath: identity };
    }

    /** The hosts as they were, at the same place: the plan is good for them. */
    async function scene(): Promise<Scene> {
      rmSync(home, { recursive: true, force: true });
      cpSync(template, home, { recursive: true });
      const world = makeWorld();
      worlds.push(world);
      runners = Object.fromEntries([HERE, ...NAMES].map((name) => [name, fakeRunner(world, name)]));
      for (const name of NAMES) await runners[name]?.run("service", ["start", file(name)]);
      world.commands.length = 0;
      return { kind, home, world, runners, plan, before: contents() };
    }

    /** Runs until the plug is pulled, and leaves the mark of a process that is gone. */
    async function cutOff({ world }: Scene, after: number, undo: boolean): Promise<boolean> {
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

    async function expectRestored({ before, world }: Scene, what: string): Promise<void> {
      const cids = new Set<string | undefined>();
      for (const name of NAMES) {
        const found = await inspect(file(name));
        cids.add(found.format === "standalone" ? "standalone" : found.clusterId);
        // Nothing is lost: each old file is there twice.
        for (const kept of ["copy", "old"])
          for (const part of ["db", "db.hdr"])
            expect(text(join(home, name, `ovnha-restore-${ID}/${kept}/${part}`)), what).toBe(
              before.get(`${name}/${part}`),
            );
      }
      expect(cids.size, what).toBe(1);
      expect([...cids][0], what).not.toBe(idsBefore);
      const { content } = await replay(file(NAMES[0]));
      expect(content.tables.get("T")?.json(ROW.uuid), what).toEqual(ROW.columns);
      expect([world.running.size, world.isFrozen], what).toEqual([3, false]);
      // The host has forgotten its old servers, and says who they were.
      expect([existsSync(identity), text(`${identity}.before-${ID}`)], what).toEqual([false, "who it was"]);
    }

    let idsBefore: string | undefined;

    async function wholeRun(): Promise<string[]> {
      const whole = await scene();
      const first = await inspect(file(NAMES[0]));
      idsBefore = first.format === "standalone" ? undefined : first.clusterId;
      expect(await executeRestore(plan, { runners, execute: true })).toMatchObject({ outcome: "restored" });
      await expectRestored(whole, "not cut off");
      return whole.world.commands.map((command) => command.join(" "));
    }

    test("forward, and then forward", { timeout: 300_000 }, async () => {
      const commands = await wholeRun();
      expect(commands.length).toBeGreaterThan(80);
      if (kind === "together")
        expect(commands.filter((command) => /^(controllers|scale|cat -- .*db$)/.test(command)).map(firstWords)).toEqual(
          ["controllers 0", "scale 0", "cat --", "scale 3", "controllers 3"],
        );
      for (let after = 0; after < commands.length; after += STRIDES[kind].forth) {
        const now = await scene();
        const what = `command ${after}: ${commands[after]}`;
        expect(await cutOff(now, after, false), what).toBe(true);
        expect(await executeRestore(plan, { runners, execute: true }), what).toMatchObject({ outcome: "restored" });
        await expectRestored(now, what);
      }
    });

    test("forward, and then back, itself cut off at the same number of commands", { timeout: 300_000 }, async () => {
      const commands = await wholeRun();
      for (let after = 1; after <= commands.length; after += STRIDES[kind].back) {
        const now = await scene();
        await cutOff(now, after, false);
        await cutOff(now, after % 37, true);
        // A server that was started on the new file may have been remembered by then.
        if (after % 2 === 0 && !existsSync(identity)) writeFileSync(identity, "who it would be");
        const undone = await executeRestore(plan, { runners, execute: true, undo: true });
        expect(undone, `command ${after}: ${"reason" in undone ? undone.reason : ""}`).toMatchObject({
          outcome: "undone",
        });
        expect(contents(), `command ${after}`).toEqual(now.before);
        expect([...now.world.running.keys()].sort(), `command ${after}`).toEqual(NAMES.map(file).sort());
        expect(now.world.isFrozen).toBe(false);
      }
    });

    /** What each member's files, and what is remembered of it, hold. */
    function contents(): Map<string, string> {
      const files = NAMES.flatMap((name) => [`${name}/db`, `${name}/db.hdr`]);
      return new Map([...files, "identity.json"].map((path) => [path, text(join(home, path))]));
    }
  },
);

function firstWords(command: string): string {
  return command.split(" ").slice(0, 2).join(" ");
}

function text(path: string): string {
  return readFileSync(path, "latin1");
}
