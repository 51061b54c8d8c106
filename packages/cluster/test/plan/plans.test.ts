import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  assess,
  gate,
  type GateReason,
  majorityOf,
  type Observation,
  planElectionTimer,
  planKick,
  planLeave,
  planRecovery,
  planRollingRestart,
  rankFiles,
  renderPlan,
  renderRunbook,
  runbook,
  timerLadder,
  toleranceOf,
} from "../../src/index.ts";
import { addressOf, Built, idOf, keyOf, nameOf, rowsOnly, shortOf, silence } from "../judge/build.ts";
import { AT_MS } from "../judge/samples.ts";

const SB = "OVN_Southbound";
const database = SB;

/** Which members are down, out of a size. */
const outage = fc
  .integer({ min: 1, max: 9 })
  .chain((size) => fc.tuple(fc.constant(size), fc.subarray(Array.from({ length: size }, (_, index) => index + 1))));

function built(size: number, down: readonly number[]): Built {
  const leader = Array.from({ length: size }, (_, index) => index + 1).find((index) => !down.includes(index)) ?? 1;
  const one = new Built(size, leader);
  for (const index of down) one.kill(index);
  return one;
}

describe("the arithmetic", () => {
  it("is that of the dumb twin", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 50 }), (configured, live) => {
        let needed = 1;
        while (needed * 2 <= configured) needed++;
        expect(majorityOf(configured)).toBe(needed);
        let left = 0;
        while (live - (left + 1) >= needed) left++;
        expect(toleranceOf(live, configured)).toBe(left);
      }),
    );
  });

  it("says no quorum exactly if fewer than a majority live", () => {
    fc.assert(
      fc.property(outage, ([size, down]) => {
        const quorum = assess(built(size, down).observation()).databases[0]?.quorum;
        const live = size - down.length;
        if (live === 0) return;
        expect(quorum).toMatchObject({ configured: size, live, state: live * 2 > size ? "yes" : "no" });
      }),
      { numRuns: 200 },
    );
  });

  it("a gate never lets go what a majority needs", () => {
    fc.assert(
      fc.property(outage, fc.integer({ min: 1, max: 9 }), ([size, down], index) => {
        const one = built(size, down);
        const member = nameOf(((index - 1) % size) + 1);
        const verdict = gate(one.observation(AT_MS + 10_000), { member, previous: one.observation(), settleMs: 1_000 });
        const livesItself = !down.includes(((index - 1) % size) + 1);
        const left = size - down.length - Number(livesItself);
        if (left * 2 <= size) expect(verdict.isOpen).toBe(false);
        if (down.length === 0 && size >= 3 && size % 2 === 1)
          expect(verdict).toMatchObject({ isOpen: true, reasons: [] });
      }),
      { numRuns: 200 },
    );
  });

  it("the ladder at most doubles, and ends where it should", () => {
    const ms = fc.integer({ min: 100, max: 600_000 });
    fc.assert(
      fc.property(ms, ms, (from, to) => {
        const rungs = [from, ...timerLadder(from, to)];
        expect(rungs.at(-1)).toBe(to);
        for (const [index, rung] of rungs.entries()) expect(rung).toBeLessThanOrEqual(2 * (rungs[index - 1] ?? rung));
        expect(rungs.length).toBeLessThan(16);
      }),
    );
  });
});

describe("the gate", () => {
  const codes = (one: Built, options: Parameters<typeof gate>[1] = {}): string[] =>
    gate(one.observation(AT_MS + 10_000), {
      previous: new Built().observation(),
      settleMs: 1_000,
      ...options,
    }).reasons.map(({ code }) => code);

  it("needs two looks, far enough apart", () => {
    expect(gate(new Built().observation()).reasons.map(({ code }) => code)).toEqual(["NOT_SETTLED"]);
    expect(codes(new Built(), { settleMs: 60_000 })).toEqual(["NOT_SETTLED"]);
    expect(codes(new Built())).toEqual([]);
  });

  it("tells the time by clocks that nobody sets, or stays shut and says why", () => {
    const HOUR = 3_600_000;
    const textless = (one: Built, atMs: number): Observation => {
      const { monotonic: _none, ...observation } = one.observation(atMs);
      return observation;
    };
    const reasons = (first: Observation, second: Observation): GateReason[] => [
      ...gate(second, { previous: first, settleMs: 1_000 }).reasons,
    ];
    const unknown = [{ code: "NOT_SETTLED", text: expect.stringContaining("is not known") }];
    expect(reasons(textless(new Built(), AT_MS), textless(new Built(), AT_MS + HOUR))).toMatchObject(unknown);
    // Two machines, and two starts of one, have no clock in common.
    const there = { ...new Built().observation(), monotonic: { startedMs: 1, endedMs: 2, boot: "another" } };
    expect(reasons(there, new Built().observation(AT_MS + HOUR))).toMatchObject(unknown);
    // The age of the leader's election is of the leader's own clock.
    const won = (agoMs: number, term = 7): Built => {
      const one = new Built();
      one.at(1).change(() => ({ term, electionWon: { agoMs } }));
      return one;
    };
    const at = (before: Built, after: Built): GateReason[] =>
      reasons(textless(before, AT_MS), textless(after, AT_MS + HOUR));
    expect(at(won(60_000), won(61_000))).toEqual([]);
    expect(at(won(60_000), won(60_999))).toMatchObject([{ code: "NOT_SETTLED", text: expect.stringContaining("999") }]);
    expect(at(won(60_000), won(20))).toMatchObject(unknown);
    expect(at(won(60_000), won(61_000, 8)).map(({ text }) => text)).toEqual(
      expect.arrayContaining([expect.stringContaining("is not known"), expect.stringContaining("leads since")]),
    );
    // Whoever asks for no settle time gets none.
    expect(gate(textless(new Built(), AT_MS), { previous: textless(new Built(), AT_MS), settleMs: 0 }).isOpen).toBe(
      true,
    );
  });

  it("sees who has not acknowledged what was there before", () => {
    expect(codes(new Built().line(3, () => ({ matchIndex: 99 })))).toContain("NOT_CAUGHT_UP");
    const slow = new Built();
    slow.at(1).change(() => ({ uncommitted: 5 }));
    expect(codes(slow)).toContain("NOT_COMMITTED");
    expect(codes(new Built(), { expected: { members: 5 } })).toContain("UNEXPECTED_SIZE");
  });
});

describe("plans", () => {
  it("kick: refused for the living, on one word, by half an id, or without a majority after", () => {
    const code = (one: Built, target: string): string[] =>
      planKick(one.observation(), target, { database }).blockers.map(({ code: each }) => each);
    expect(code(new Built(), nameOf(3))).toContain("NOT_SILENT");
    expect(code(new Built(), "ffff")).toEqual([]);
    expect(code(new Built(), "nobody")).toEqual(["NOT_FOUND"]);
    expect(code(new Built().kill(3), keyOf(3))).toEqual(["FULL_ID_UNKNOWN"]);
    expect(code(built(5, [3, 4, 5]), keyOf(3))).toEqual(expect.arrayContaining(["NO_QUORUM", "QUORUM_AFTER"]));
    const plan = planKick(new Built().kill(3).observation(), addressOf(3), {
      database,
      serverIds: { [keyOf(3)]: idOf(3) },
    });
    expect(plan).toMatchObject({ blockers: [], quorumAfter: { configured: 2, needed: 2, live: 2 } });
    expect(plan.witnesses.length).toBeGreaterThanOrEqual(2);
    expect(plan.steps.filter(({ isDestructive }) => isDestructive)).toHaveLength(1);
    expect(plan.warnings).toHaveLength(2);
  });

  it("are the same again, and done once they are done", () => {
    const observation = new Built().kill(3).observation();
    const options = { database, serverIds: { [keyOf(3)]: idOf(3) } };
    expect(planKick(observation, keyOf(3), options)).toEqual(planKick(observation, keyOf(3), options));
    const after = new Built(2).observation();
    expect(planKick(after, idOf(3), { database })).toMatchObject({ isDone: true, steps: [], blockers: [] });
    expect(planElectionTimer(after, 1_000, { database })).toMatchObject({ isDone: true, steps: [] });
    expect(planRecovery(new Built().observation(), { database })).toMatchObject({ decision: "none", isDone: true });
    fc.assert(
      fc.property(outage, ([size, down]) => {
        const seen = built(size, down).observation();
        expect(planRecovery(seen, { database })).toEqual(planRecovery(seen, { database }));
        expect(planRollingRestart(seen)).toEqual(planRollingRestart(seen));
      }),
      { numRuns: 50 },
    );
  });

  it("leave: not the last, not without a leader", () => {
    expect(planLeave(new Built(1).observation(), nameOf(1), { database }).blockers.map(({ code }) => code)).toContain(
      "LAST_MEMBER",
    );
    expect(planLeave(new Built().observation(), nameOf(2), { database }).blockers).toEqual([]);
  });

  it("restart: the leader last, and nobody while something is wrong", () => {
    expect(planRollingRestart(new Built(3, 2).observation()).order.map(({ member }) => member)).toEqual([
      nameOf(1),
      nameOf(3),
      nameOf(2),
    ]);
    expect(planRollingRestart(new Built().kill(3).observation()).blockers.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["NOT_HEALTHY", "QUORUM_AFTER"]),
    );
  });

  it("timer: through the leader, each step committed first", () => {
    const { steps } = planElectionTimer(new Built().observation(), 5_000, { database });
    expect(steps.map(({ command }) => command?.args.at(-1))).toEqual(["2000", "4000", "5000"]);
    expect(new Set(steps.map(({ member }) => member))).toEqual(new Set([nameOf(1)]));
  });

  it("recovery: the best whole file is built on when no majority can be started", () => {
    const one = built(3, [2, 3]);
    const file = (index: number, rest: object): object => ({
      path: `/db${index}`,
      serverId: idOf(index),
      address: addressOf(index),
      ...rest,
    });
    const files = {
      [nameOf(1)]: file(1, { term: 7, commitIndex: 100, lastIndex: 100 }),
      [nameOf(2)]: file(2, { term: 7, commitIndex: 120, lastIndex: 90 }),
      [nameOf(3)]: file(3, { term: 9, damage: "SHA-1" }),
    } as never;
    const history = {
      version: 1,
      databases: {
        [SB]: {
          ...emptyOf(),
          serverIds: { [keyOf(2)]: idOf(2), [keyOf(3)]: idOf(3) },
          idOfMember: { [nameOf(2)]: idOf(2), [nameOf(3)]: idOf(3) },
        },
      },
    } as never;
    const plan = planRecovery(one.observation(), { database, files, history });
    expect(plan).toMatchObject({ decision: "rebuild", blockers: [] });
    expect(plan.files.map(({ member, unfit }) => [member, unfit !== undefined])).toEqual([
      [nameOf(1), false],
      [nameOf(2), true],
      [nameOf(3), true],
    ]);
    // All stop, all is copied, before anything is set aside.
    const kinds = plan.steps.map(({ command }) => command?.program);
    expect(kinds.lastIndexOf("cp")).toBeLessThan(kinds.indexOf("mv"));
    expect(rankFiles([])).toEqual([]);
  });

  it("never take anything away on the word of one", () => {
    fc.assert(
      fc.property(outage, ([size, down]) => {
        const plan = planRecovery(built(size, down).observation(), { database });
        if (plan.steps.some(({ isDestructive }) => isDestructive) && plan.blockers.length === 0)
          expect(plan.witnesses.length).toBeGreaterThanOrEqual(2);
      }),
      { numRuns: 100 },
    );
  });

  it("recovery: one starts with its file, the wiped one is forgotten and joins anew; files tell the ids", () => {
    const one = built(3, [2, 3]);
    const servers = Object.fromEntries([1, 2, 3].map((index) => [idOf(index), addressOf(index)]));
    const files = Object.fromEntries(
      [1, 2].map((index) => [
        nameOf(index),
        { path: `/db${index}`, serverId: idOf(index), address: addressOf(index), term: 7, commitIndex: 100, servers },
      ]),
    );
    const observation = one.observation();
    const lost = [nameOf(3)];
    const plan = planRecovery(observation, { database, files, lost });
    expect(plan).toMatchObject({ decision: "start", blockers: [], warnings: [] });
    expect(plan.witnesses).toContain("operator");
    const acts = plan.steps.filter(({ kind }) => kind === "act");
    expect(acts.map(({ member, command }) => [member, command?.program, command?.args.at(-1)])).toEqual([
      [nameOf(2), "systemctl", "ovn-ovsdb-server-sb"],
      [nameOf(1), "ovs-appctl", idOf(3)],
      [nameOf(3), "ovsdb-tool", addressOf(2)],
      [nameOf(3), "systemctl", "ovn-ovsdb-server-sb"],
    ]);
    expect(acts[1]?.before.map(({ type }) => type)).toEqual([
      "one-leader",
      "no-change-under-way",
      "silent",
      "quorum-without",
      "stopped",
    ]);
    // The same in the book, given the same.
    const book = runbook(assess(observation), { observation, lost, files: { [SB]: files } });
    expect(book.plans[0]).toMatchObject({ decision: "start", title: plan.title });
    expect(renderRunbook(book)).toContain(`cluster/kick OVN_Southbound ${idOf(3)}`);
    // Whole ids may be given instead, and without any it is said what is missing.
    Object.assign(one.at(3), { asked: { remote: "tcp:10.0.0.3:6642" } });
    const told = planRecovery(one.observation(), { database, lost, serverIds: { [keyOf(3)]: idOf(3) } });
    expect(told.steps.map(({ command }) => command?.args.at(-1))).toContain(idOf(3));
    const untold = planRecovery(observation, { database, lost });
    expect(untold.warnings).toEqual([expect.stringContaining("which id node3 had is not known")]);
    expect(planRecovery(one.observation(), { database, lost }).warnings).toEqual([
      expect.stringContaining("only 3333 is known of the id that node3 had"),
    ]);
    expect(untold.steps.some(({ isDestructive }) => isDestructive)).toBe(false);
  });

  it("recovery: with a leader, the wiped one joins anew", () => {
    const observation = built(3, [3]).observation();
    const options = { database, lost: [nameOf(3)], serverIds: { [keyOf(3)]: idOf(3) } };
    const plan = planRecovery(observation, options);
    expect(plan).toMatchObject({ decision: "rejoin", blockers: [] });
    expect(plan.steps.filter(({ kind }) => kind === "act").map(({ command }) => command?.program)).toEqual([
      "ovs-appctl",
      "ovsdb-tool",
      "systemctl",
    ]);
  });

  it("recovery: nothing is planned on rows alone", () => {
    const rows = rowsOnly(new Built(3));
    Object.assign(rows.at(3), { server: silence });
    expect(planRecovery(rows.observation(), { database })).toMatchObject({ decision: "look" });
  });

  it("as a runbook: looks first, numbered through, in three formats", () => {
    const observation = built(3, [2, 3]).observation();
    const book = runbook(assess(observation), { observation });
    const steps = book.sections.flatMap((section) => section.steps);
    expect(steps.map(({ number }) => number)).toEqual(steps.map((_, index) => index + 1));
    expect(book.sections[0]?.steps.every(({ kind, isDestructive }) => kind === "look" && !isDestructive)).toBe(true);
    for (const step of steps) expect(step.undo).not.toBe("");
    const text = renderRunbook(book);
    expect(text).toContain("ovs-appctl -t /run/node1.ctl cluster/status OVN_Southbound");
    expect(renderRunbook(book, "markdown")).toMatch(/^# Runbook for OVN_Southbound: critical/);
    expect(JSON.parse(renderRunbook(book, "json"))).toMatchObject({ health: "critical" });
    expect(renderPlan(planKick(observation, shortOf(2), { database }))).toContain("NOT NOW");
  });
});

function emptyOf(): object {
  return { findings: {}, reached: {}, elections: [], transfers: [], samples: [] };
}
