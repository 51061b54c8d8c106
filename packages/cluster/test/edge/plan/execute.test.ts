import { RunnerError } from "@ovnha/runner";
import { describe, expect, it } from "vitest";
import {
  ClusterError,
  execute,
  type ExecuteOptions,
  type ExecuteReport,
  type Plan,
  planElectionTimer,
  type PlanStep,
  type StepOutcome,
} from "../../../src/index.ts";
import { nameOf } from "../../judge/build.ts";
import { World } from "./world.ts";

const database = "OVN_Southbound";
const [A, B] = [nameOf(1), nameOf(2)];

const step = (number: number, more: Partial<PlanStep> = {}): PlanStep => ({
  number,
  title: `do ${number}`,
  kind: "act",
  database,
  member: A,
  command: { at: A, program: "do", args: [String(number)] },
  before: [],
  after: [],
  isDestructive: false,
  undo: "Undo it.",
  ...more,
});

const planWith = (...steps: readonly PlanStep[]): Plan => ({
  kind: "recovery",
  title: "a plan",
  databases: [database],
  isDone: false,
  blockers: [],
  warnings: [],
  steps,
  witnesses: [],
});

const run = (world: World, plan: Plan, options: Partial<ExecuteOptions> = {}): Promise<ExecuteReport> =>
  execute(plan, {
    runners: world.runners,
    observe: world.observe,
    confirm: "all",
    pollMs: 1,
    patienceMs: 20,
    ...options,
  });

describe("executing a plan", () => {
  it("stops before the next step when the lock is lost in the middle of one, which is let finish", async () => {
    const world = new World();
    const lock = new AbortController();
    const done: StepOutcome[] = [];
    world.onRun = (_member, _program, _args, { signal }) => {
      expect(signal).toBeUndefined();
      lock.abort(new ClusterError("LOCKED", "the operation lock was lost"));
    };
    const ended = run(world, planWith(step(1), step(2)), { signal: lock.signal, onStep: (one) => done.push(one) });
    await expect(ended).rejects.toMatchObject({
      code: "LOCKED",
      message: "the operation lock was lost; step 2, do 2, was not done, and nothing after it",
    });
    expect(world.commands).toEqual([`${A}: do 1`]);
    expect(done.map(({ outcome }) => outcome)).toEqual(["done"]);
  });

  it("does nothing when the lock is lost while somebody ponders, or while the conditions are looked at", async () => {
    for (const where of ["confirm", "look"] as const) {
      const world = new World();
      const lock = new AbortController();
      const lose = (): void => lock.abort(new ClusterError("LOCKED", "the operation lock was lost"));
      if (where === "look") world.onLook = lose;
      const ended = run(world, planWith(step(1, { before: [{ type: "one-leader", database }] })), {
        signal: lock.signal,
        confirm: () => {
          if (where === "confirm") lose();
          return true;
        },
      });
      await expect(ended).rejects.toMatchObject({ code: "LOCKED" });
      expect(world.commands).toEqual([]);
    }
  });

  it("tells how to go back from what was done, and not from what was not", async () => {
    const world = new World();
    const never = [{ type: "stopped", database, member: B }] as const;
    const first = { ...step(1), undo: "Undo the first." };
    await expect(run(world, planWith(first, step(2, { before: never })))).rejects.toMatchObject({
      message: expect.stringMatching(/it was not done\. Done last: step 1, do 1\. To go back: Undo the first\.$/),
    });
    await expect(run(new World(), planWith(step(1, { before: never })))).rejects.toMatchObject({
      message: expect.stringMatching(/it was not done\. Nothing was changed\.$/),
    });
  });

  it("needs no lock any more once the last command has run: whoever leaves gives its grant back", async () => {
    const world = new World();
    const lock = new AbortController();
    world.onRun = () => lock.abort(new ClusterError("LOCKED", "the operation lock was lost"));
    const holds = [{ type: "one-leader", database }] as const;
    const plan = planWith(step(1, { after: holds }), step(2, { kind: "wait", after: holds }));
    await expect(run(world, plan, { signal: lock.signal })).resolves.toMatchObject({ isComplete: true });
    const more = planWith(step(1, { after: holds }), step(2));
    const again = new AbortController();
    const other = new World();
    other.onRun = () => again.abort(new ClusterError("LOCKED", "the operation lock was lost"));
    await expect(run(other, more, { signal: again.signal })).rejects.toMatchObject({ code: "LOCKED" });
    expect(other.commands).toHaveLength(1);
  });

  it("tells that a step was done whose effect nobody saw when it is interrupted while it waits", async () => {
    const world = new World();
    const abort = new AbortController();
    world.onLook = () => abort.abort();
    const waiting = step(1, { after: [{ type: "stopped", database, member: B }] });
    await expect(run(world, planWith(waiting, step(2)), { signal: abort.signal })).rejects.toMatchObject({
      code: "ABORTED",
      message: "interrupted; step 1, do 1, was done, and is not seen to have taken effect",
    });
    expect(world.commands).toEqual([`${A}: do 1`]);
  });

  it("sends nothing to a member that has lost the leadership between the plan and the step", async () => {
    const world = new World();
    const plan = planElectionTimer(await world.observe(), 2_000, { database });
    expect(plan.steps[0]?.member).toBe(A);
    world.leader = 2;
    await expect(run(world, plan)).rejects.toMatchObject({
      code: "PRECONDITION",
      member: A,
      message: expect.stringMatching(/node2 leads, not node1; plan again .*it was not done/),
    });
    expect(world.commands).toEqual([]);
  });

  it("reports a member that never comes back, and takes nothing further down", async () => {
    const world = new World();
    world.onRun = () => world.down.add(1);
    const back = step(1, { after: [{ type: "caught-up", database, member: A }], withinMs: 20 });
    await expect(run(world, planWith(back, step(2)))).rejects.toMatchObject({
      code: "PRECONDITION",
      message: expect.stringMatching(/^step 1, do 1: .*it was done, and this did not follow\. Undo it\./),
    });
    expect(world.commands).toEqual([`${A}: do 1`]);
  });

  it("does not wait for ever for a runner that hangs", async () => {
    const world = new World();
    world.onRun = () => new Promise(() => {});
    await expect(run(world, planWith(step(1), step(2)), { commandMs: 25 })).rejects.toMatchObject({
      code: "OUTCOME_UNKNOWN",
      message: expect.stringMatching(/step 1, do 1: do 1 at node1: the runner gave no result within 50 ms/),
    });
    expect(world.commands).toHaveLength(1);
  });

  it.each<[string, () => unknown, string]>([
    ["that fails", () => ({ exitCode: 1, stderr: "no" }), "RUNNER"],
    ["that a signal ended", () => ({ exitCode: undefined, signal: "SIGTERM" }), "OUTCOME_UNKNOWN"],
    [
      "that was killed for its time",
      () => {
        throw new RunnerError("TIMED_OUT", "do had not ended after 1 ms and was killed");
      },
      "OUTCOME_UNKNOWN",
    ],
    [
      "that can't be started",
      () => {
        throw new RunnerError("NOT_FOUND", "there is no program do");
      },
      "RUNNER",
    ],
    [
      "of a runner with a fault",
      () => {
        throw new TypeError("planted");
      },
      "OUTCOME_UNKNOWN",
    ],
  ])("stops at a command %s; a look that fails so is an answer", async (_what, onRun, code) => {
    const world = new World();
    world.onRun = onRun;
    await expect(run(world, planWith(step(1), step(2)))).rejects.toMatchObject({
      code,
      member: A,
      message: expect.stringMatching(/^step 1, do 1: .* Undo it\.$/),
    });
    expect(world.commands).toHaveLength(1);
    const { isComplete, steps } = await run(world, planWith(step(1, { kind: "look" }), step(2, { kind: "look" })));
    expect(isComplete).toBe(true);
    expect(steps.map(({ output }) => output).join("")).toContain("do 2 at node1");
    expect(steps.map(({ outcome }) => outcome)).toContain("failed");
    // A server is not started on a file that could not be seen.
    const { length } = world.commands;
    const check = step(1, { kind: "look", mustSucceed: true });
    await expect(run(world, planWith(check, step(2)))).rejects.toMatchObject({ code: "PRECONDITION", member: A });
    expect(world.commands).toHaveLength(length + 1);
  });

  it("does not take for done what has no command, and knows whom it can't reach", async () => {
    const world = new World();
    const { command: _none, ...byHand } = step(1, { text: "copy the file" });
    await expect(run(world, planWith(byHand, step(2)))).rejects.toMatchObject({
      code: "PRECONDITION",
      message: expect.stringContaining("there is no command for it (copy the file); do it by hand"),
    });
    const elsewhere = step(1, { command: { at: "toString", program: "do", args: [] } });
    for (const runners of [world.runners, {}])
      await expect(run(world, planWith(elsewhere), { runners })).rejects.toMatchObject({ code: "INVALID_CONFIG" });
    expect(world.commands).toEqual([]);
  });

  it("tells of each step before and after it, and leaves the rest alone after a no", async () => {
    const told: string[] = [];
    const world = new World();
    const report = await run(world, planWith(step(1), step(2), step(3)), {
      confirm: ({ number }) => number === 1,
      onBegin: ({ number }) => told.push(`begin ${number}`),
      onStep: ({ step: { number }, outcome }) => told.push(`${outcome} ${number}`),
    });
    expect(report.isComplete).toBe(false);
    expect(told).toEqual(["begin 1", "done 1", "skipped 2"]);
    expect(world.commands).toEqual([`${A}: do 1`]);
  });

  it("does not do again what holds already", async () => {
    const world = new World();
    const heal = step(1, { isDestructive: true, after: [{ type: "others-live", database, except: [] }] });
    const { steps } = await run(world, planWith(heal, step(2)));
    expect(steps.map(({ outcome, output }) => [outcome, output])).toEqual([
      ["skipped", "it holds already"],
      ["done", ""],
    ]);
    expect(world.commands).toEqual([`${A}: do 2`]);
  });

  it("does a stop again, however silent the member is, and goes no further while it only hangs", async () => {
    const stop = step(1, { isDestructive: true, after: [{ type: "stopped", database, member: B }], withinMs: 20 });
    const gone = new World();
    gone.down.add(2);
    expect((await run(gone, planWith(stop))).steps.map(({ outcome }) => outcome)).toEqual(["done"]);
    for (const [code, message] of [
      ["TIMEOUT", "/run/node2.ctl: cluster/status: no answer within 5000 ms; the server is busy, frozen or stopped"],
      ["UNREACHABLE", "/run/node2.ctl: cluster/status: connect EACCES /run/node2.ctl"],
    ] as const) {
      const world = new World();
      world.down.add(2);
      world.edit = (built) => {
        const answer = { ok: false, error: { code, message }, via: "test", atMs: 0, tookMs: 1 } as const;
        Object.assign(built.at(2), { status: answer, server: answer });
      };
      await expect(run(world, planWith(stop, step(2)))).rejects.toMatchObject({
        code: "PRECONDITION",
        message: expect.stringContaining("does not show that it is stopped"),
      });
      expect(world.commands).toEqual([`${A}: do 1`]);
    }
  });

  it("does not call healthy what was wrong in one look only", async () => {
    const world = new World();
    world.down.add(3);
    const healthy = step(1, { before: [{ type: "healthy", database }] });
    await expect(run(world, planWith(healthy))).rejects.toMatchObject({ code: "PRECONDITION" });
    expect(world.commands).toEqual([]);
  });
});
