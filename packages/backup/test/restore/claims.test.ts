/** Claims at hosts: who comes first has them, and only who has them lets them go. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Runner } from "@ovnha/runner";
import { localRunner } from "@ovnha/runner";
import { removeFolder, temporaryFolder } from "@ovnha/testkit";
import { afterAll, describe, expect, test } from "vitest";
import { Claims } from "../../src/edge/restore/claims.ts";
import { Host } from "../../src/edge/restore/hosts.ts";
import { claimPlaces, foreignClaim, parseClaim } from "../../src/restore/claim.ts";
import type { RestorePlan } from "../../src/restore/types.ts";

const NAMES = ["a", "b '$(x)", "c\n"] as const;

describe("a claim", () => {
  const folder = temporaryFolder();
  let made = 0;
  afterAll(() => removeFolder(folder));

  interface Scene {
    readonly home: string;
    readonly claim: (name: string) => string;
    readonly by: (id: string, runner?: Runner) => Claims;
  }

  function scene(): Scene {
    const home = join(folder, `${made++}`);
    for (const name of NAMES) mkdirSync(join(home, name), { recursive: true });
    return {
      home,
      claim: (name) => join(home, name, "nb.db.ovnha-restore"),
      by: (id, runner = localRunner()) =>
        new Claims(planOf(home, id), (name) => new Host(name, name === "c\n" ? runner : localRunner())),
    };
  }

  function planOf(home: string, id: string): RestorePlan {
    const steps = NAMES.map((at) => ({
      before: [{ kind: "unlocked", at, path: join(home, at, "nb.db") }],
      after: [],
      undo: { kind: "nothing" },
    }));
    return { id, workFolder: join(home, `work ${id}`), steps: [...steps, ...steps] } as unknown as RestorePlan;
  }

  test("is beside every database file of the plan, and tells who, when and where the journal is", async () => {
    const { home, claim, by } = scene();
    expect(claimPlaces(planOf(home, "1"))).toHaveLength(3);
    await by("1").take(false);
    for (const name of NAMES) {
      expect(readdirSync(join(home, name))).toEqual(["nb.db.ovnha-restore"]);
      expect(parseClaim(readFileSync(claim(name), "utf8"))).toMatchObject({
        plan: "1",
        by: expect.stringContaining(`@${hostname()}, process ${process.pid}`),
        host: hostname(),
        workFolder: join(home, "work 1"),
      });
    }
    expect(await by("1").release()).toEqual([]);
    expect(NAMES.map((name) => existsSync(claim(name)))).toEqual([false, false, false]);
  });

  test("is kept by its own restore, refused to another, and never broken", async () => {
    const { home, claim, by } = scene();
    await by("1").take(false);
    const text = readFileSync(claim("a"), "utf8");
    await by("1").take(true);
    expect(await by("2").others()).toHaveLength(3);
    expect(await by("1").others()).toEqual([]);
    await expect(by("2").take(false)).rejects.toMatchObject({
      code: "BUSY",
      message: expect.stringMatching(/is claimed by another restore, 1, begun on .* \(which is gone\); the claim is/),
      remedy: expect.stringContaining(`--resume '${join(home, "work 1")}' --execute`),
    });
    await expect(by("2").take(true)).rejects.toMatchObject({ code: "BUSY" });
    expect(await by("2").release()).toEqual([]);
    expect(readFileSync(claim("a"), "utf8")).toBe(text);
  });

  test("whoever finds the last one taken lets the first ones go", async () => {
    const { claim, by } = scene();
    writeFileSync(claim("c\n"), "half a te");
    await expect(by("2").take(false)).rejects.toMatchObject({
      code: "BUSY",
      message: expect.stringContaining("does not tell by which"),
      remedy: expect.stringContaining("remove $'"),
    });
    expect(NAMES.map((name) => existsSync(claim(name)))).toEqual([false, false, true]);
  });

  test("of ten at once, one has it", async () => {
    const { by } = scene();
    const all = await Promise.allSettled(Array.from({ length: 10 }, (_, id) => by(`${id}`).take(false)));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const each of all) if (each.status === "rejected") expect(each.reason).toMatchObject({ code: "BUSY" });
  });

  test("is found through a link to the folder, too", async () => {
    const { home, by } = scene();
    await by("1").take(false);
    const other = join(folder, `${made++}`);
    symlinkSync(home, other);
    const claims = new Claims(planOf(other, "2"), (name) => new Host(name, localRunner()));
    await expect(claims.take(false)).rejects.toMatchObject({ code: "BUSY" });
  });

  test("a host that is down stops who begins, and not who goes on", async () => {
    const { claim, by } = scene();
    const dead: Runner = { name: "dead", run: () => Promise.reject(new Error("no route to host")) };
    await expect(by("1", dead).take(false)).rejects.toThrow("no route to host");
    expect(NAMES.map((name) => existsSync(claim(name)))).toEqual([false, false, false]);
    await by("1", dead).take(true);
    expect(NAMES.map((name) => existsSync(claim(name)))).toEqual([true, true, false]);
    expect(await by("1", dead).release()).toEqual([expect.stringContaining("no route to host")]);
    expect(NAMES.map((name) => existsSync(claim(name)))).toEqual([false, false, false]);
  });

  test("tells what is known of its restore", () => {
    const claim = { plan: "1", by: "root@x, process 7", host: "x", workFolder: "/w", atMs: 0 };
    expect(foreignClaim("/d/nb.db", "/d/nb.db.ovnha-restore", claim, "process 7 works on it now").message).toBe(
      "/d/nb.db is claimed by another restore, 1, begun on 1970-01-01T00:00:00.000Z by root@x, process 7, work folder /w there (process 7 works on it now); the claim is /d/nb.db.ovnha-restore",
    );
    for (const text of ["", "{}", "[", '{"plan":1}', JSON.stringify({ ...claim, atMs: 1e300 })])
      expect(parseClaim(text), text).toBeUndefined();
  });
});
