/** Plans for sites from which servers are neither stopped nor started: taken up where the person left them. */
import { describe, expect, it } from "vitest";
import { execute, type Plan, planRecovery, type StepOutcome } from "../../../src/index.ts";
import { idOf, keyOf, nameOf, shortOf } from "../../judge/build.ts";
import { World } from "./world.ts";

const database = "OVN_Southbound";
const site = { start: "by hand", stop: "by hand", restart: "by hand" } as const;

describe("a plan whose stop and start are a person's", () => {
  it("stops at the first of them with nothing done, and goes on once that holds", async () => {
    const world = new World();
    // The third's file can't be used; its server runs no more, or still.
    world.edit = (built) => {
      const file = { path: "/var/lib/ovn/ovnsb_db.db", serverId: idOf(3), damage: "record 7: SHA-1" };
      Object.assign(built.at(3), { file });
    };
    world.down.add(3);
    const plan: Plan = planRecovery(await world.observe(), { database, site, serverIds: { [keyOf(3)]: idOf(3) } });
    expect(plan).toMatchObject({ blockers: [], decision: "rejoin" });
    const told: StepOutcome[] = [];
    const act = (): Promise<unknown> =>
      execute(plan, {
        runners: world.runners,
        observe: world.observe,
        confirm: "all",
        pollMs: 1,
        patienceMs: 20,
        onStep: (outcome) => told.push(outcome),
      });
    const isAct = (line: string): boolean => /mv |cluster\/kick|join-cluster/.test(line);
    // Somebody has started it again: it answers, so it is not stopped.
    world.down.delete(3);
    await expect(act()).rejects.toMatchObject({ code: "PRECONDITION", message: expect.stringContaining("by hand") });
    expect(world.commands.filter(isAct)).toEqual([]);
    // Now it is stopped; the removal is through as soon as it is asked for.
    world.down.add(3);
    world.onRun = (_at, _program, args) => {
      if (!args.includes("cluster/kick")) return;
      world.edit = (built) => {
        for (const index of [1, 2])
          built.at(index).change((status) => ({
            servers: (status.servers ?? []).filter(({ short }) => short !== shortOf(3)),
            connections: (status.connections ?? []).filter(({ nickname }) => nickname !== shortOf(3)),
          }));
      };
    };
    told.length = 0;
    await expect(act()).rejects.toMatchObject({
      code: "PRECONDITION",
      message: expect.stringMatching(/Start node3's server.*by hand.*then plan again/),
    });
    expect(told.find(({ step }) => step.title.startsWith("Stop "))).toMatchObject({ outcome: "skipped" });
    expect(world.commands.filter(isAct).map((line) => line.split(":")[0])).toEqual([nameOf(3), nameOf(1), nameOf(3)]);
  });
});
