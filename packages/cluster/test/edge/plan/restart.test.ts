import { RunnerError } from "@ovnha/runner";
import { describe, expect, it } from "vitest";
import {
  ClusterError,
  planRollingRestart,
  type RestartPlan,
  type RollingEvent,
  type RollingOptions,
  runRollingRestart,
} from "../../../src/index.ts";
import { settleTimeOf } from "../../../src/edge/plan/restart-watch.ts";
import { Built, nameOf } from "../../judge/build.ts";
import { World } from "./world.ts";

const [A, B, C] = [nameOf(1), nameOf(2), nameOf(3)];

async function planOf(world: World): Promise<RestartPlan> {
  const site = { restart: { program: "restart", args: ["{member}"] } };
  return planRollingRestart(await world.observe(), { site });
}

async function roll(
  world: World,
  options: Partial<RollingOptions> = {},
): Promise<Awaited<ReturnType<typeof runRollingRestart>>> {
  return runRollingRestart(await planOf(world), {
    runners: world.runners,
    observe: world.observe,
    confirm: true,
    settleMs: 1_000,
    recoverMs: 500,
    pollMs: 1,
    ...options,
  });
}

const restarts = (world: World): string[] => world.commands.map((line) => line.split(": ")[0] ?? "");

describe("a rolling restart", () => {
  it("takes whoever does not lead, and asks anew who that is", async () => {
    const world = new World();
    // The leadership moves to the second before its turn comes.
    world.onRun = (member) => {
      if (member === B) throw new Error("the leader was not to be next");
      world.leader = 2;
      world.onRun = () => undefined;
    };
    const plan = await planOf(world);
    expect(plan.order.map(({ member }) => member)).toEqual([B, C, A]);
    world.leader = 2;
    const report = await runRollingRestart(plan, {
      runners: world.runners,
      observe: world.observe,
      confirm: true,
      settleMs: 1_000,
      recoverMs: 500,
      pollMs: 1,
    });
    expect(report).toMatchObject({ isComplete: true, remaining: [], abortedBecause: undefined });
    expect(restarts(world)).toEqual([C, A, B]);
  });

  it("takes nobody else down when one does not come back", async () => {
    const world = new World();
    const events: RollingEvent[] = [];
    world.onRun = () => world.down.add(2);
    const report = await roll(world, { onEvent: (event) => events.push(event) });
    expect(report).toMatchObject({ isComplete: false, restarted: [], remaining: [C, A] });
    expect(report.abortedBecause).toMatch(/^node2 did not come back: /);
    expect(restarts(world)).toEqual([B]);
    expect(events.map(({ type }) => type).filter((type) => type !== "waiting")).toEqual(["restarting"]);
  });

  it("takes nobody else down when another one fails meanwhile", async () => {
    const world = new World();
    world.onRun = () => world.down.add(3);
    const report = await roll(world);
    expect(report).toMatchObject({ restarted: [], remaining: [C, A] });
    expect(report.abortedBecause).toMatch(/silent: node3/);
    expect(restarts(world)).toEqual([B]);
  });

  it("takes nobody down while the gate is shut, and says why", async () => {
    const world = new World();
    const plan = await planOf(world);
    world.edit = (built) => built.line(3, () => ({ matchIndex: 1 }));
    const options = { runners: world.runners, observe: world.observe, confirm: true, pollMs: 1 } as const;
    const report = await runRollingRestart(plan, { ...options, settleMs: 1, recoverMs: 500 });
    expect(report).toMatchObject({ isComplete: false, restarted: [], remaining: [B, C, A] });
    expect(report.abortedBecause).toMatch(/^the gate did not open: OVN_Southbound: .*has acknowledged 1 of/);
    expect(world.commands).toEqual([]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["fails", () => ({ exitCode: 5, stderr: "Job failed" }), /^node2: restart node2 at node2 ended with 5: Job failed/],
    [
      "is ended by a signal, as by Ctrl-C",
      () => ({ exitCode: undefined, signal: "SIGINT" }),
      /^node2: .* was ended by SIGINT: .* may have taken effect/,
    ],
    [
      "loses its way there",
      () => {
        throw new RunnerError("UNREACHABLE", "the pod is gone");
      },
      /^node2: .*the pod is gone; it may have taken effect, or half of it/,
    ],
    [
      "is not there",
      () => {
        throw new RunnerError("NOT_FOUND", "there is no program restart");
      },
      /^node2: .*there is no program restart; nothing was done/,
    ],
  ])("stops, with its report, when the command %s", async (_what, run, why) => {
    const world = new World();
    world.onRun = run;
    const report = await roll(world);
    expect(report).toMatchObject({ isComplete: false, restarted: [], remaining: [C, A] });
    expect(report.abortedBecause).toMatch(why);
    expect(restarts(world)).toEqual([B]);
  });

  it("does not wait for ever for a runner that hangs", async () => {
    const world = new World();
    // It does not keep to the limit that it is given; there is one for the whole, which is longer.
    world.onRun = () => new Promise(() => {});
    const report = await roll(world, { commandMs: 25 });
    expect(report.abortedBecause).toMatch(/node2: .*the runner gave no result within 50 ms; it may have taken effect/);
    expect(report.remaining).toEqual([C, A]);
  });

  it("stops before the next member when the lock is lost, and says how far it came", async () => {
    const world = new World();
    const lock = new AbortController();
    world.onRun = (_member, _program, _args, { signal }) => {
      // The command that runs is let finish: it is not given the signal.
      expect(signal).toBeUndefined();
      lock.abort(new ClusterError("LOCKED", "the operation lock was lost"));
    };
    const ended = roll(world, { signal: lock.signal });
    await expect(ended).rejects.toMatchObject({
      code: "LOCKED",
      message: expect.stringMatching(
        /the operation lock was lost; nobody else is taken down; node2 was told to restart and is not seen back; restarted: nobody; not touched: node3, node1/,
      ),
    });
    expect(restarts(world)).toEqual([B]);
  });

  it("stops when it is interrupted while it waits, and at a look that the interruption ended", async () => {
    for (const throws of [true, false]) {
      const world = new World();
      const abort = new AbortController();
      world.onLook = (look) => {
        if (look < 4) return;
        abort.abort();
        if (throws) throw new ClusterError("ABORTED", "the look was aborted");
      };
      await expect(roll(world, { signal: abort.signal })).rejects.toMatchObject({ code: "ABORTED" });
      expect(restarts(world).length).toBeLessThanOrEqual(1);
    }
  });

  it("asks for each member, looks again after the answer, and leaves the rest alone after a no", async () => {
    const world = new World();
    const asked: string[] = [];
    const report = await roll(world, {
      confirm: async (member) => {
        asked.push(member);
        return member === B;
      },
    });
    expect(asked).toEqual([B, C]);
    expect(report).toMatchObject({ isComplete: false, remaining: [C, A], restarted: [{ member: B }] });
    expect(report.abortedBecause).toBe("the restart of node3 was not wanted");

    const shut = new World();
    const late = await roll(shut, {
      recoverMs: 500,
      settleMs: 1,
      confirm: () => {
        shut.down.add(3);
        return true;
      },
    });
    expect(late.abortedBecause).toMatch(/^the gate has shut: /);
    expect(shut.commands).toEqual([]);

    const moved = new World();
    const other = await roll(moved, {
      confirm: () => {
        moved.leader = 2;
        return true;
      },
    });
    expect(other.abortedBecause).toBe("node2 leads something now, so node3 would be next; plan again");
    expect(moved.commands).toEqual([]);
  });

  it("waits two of the longest election timers unless told", async () => {
    const built = new Built();
    built.at(2).change(() => ({ electionTimer: { ms: 16_000 } }));
    expect(settleTimeOf(built.observation())).toBe(32_000);
    expect(settleTimeOf(new Built().observation())).toBe(2_000);
    // The looks of the fake are a second apart: a settle time of 200 s takes 200 of them, more than are kept.
    const world = new World();
    world.edit = (one) => {
      for (const member of one.members) member.change(() => ({ electionTimer: { ms: 100_000 } }));
    };
    const plan = await planOf(world);
    const events: RollingEvent[] = [];
    await runRollingRestart(
      { ...plan, order: plan.order.slice(0, 1) },
      {
        runners: world.runners,
        observe: world.observe,
        confirm: true,
        pollMs: 0,
        onEvent: (event) => events.push(event),
      },
    );
    expect(events.filter(({ type }) => type === "waiting").length).toBeGreaterThanOrEqual(200);
    expect(restarts(world)).toEqual([B]);
  });
});
