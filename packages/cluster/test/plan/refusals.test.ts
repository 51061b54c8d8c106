/** What is refused, and what must hold at the moment at which a step is done: each shown to be true and untrue. */
import { describe, expect, it } from "vitest";
import {
  type BlockerCode,
  checkCondition,
  type Condition,
  type Observation,
  planElectionTimer,
  planKick,
  planLeave,
  planRecovery,
  planRollingRestart,
  timerLadder,
} from "../../src/index.ts";
import { addressOf, Built, idOf, keyOf, nameOf, shortOf, silence } from "../judge/build.ts";

const database = "OVN_Southbound";
const serverIds = Object.fromEntries([1, 2, 3, 4, 5].map((index) => [keyOf(index), idOf(index)]));

/** Nobody who could tell is asked but the leader: the third is silent to it, and is not asked itself. */
function onlyLeaderSays(): Observation {
  const one = new Built(3).kill(3);
  one.members.splice(1, 2);
  return one.observation();
}

/** The third is silent to the asker, and the leader hears it. */
function onlyAskerSays(): Observation {
  const one = new Built(3);
  Object.assign(one.at(3), { status: silence, server: silence });
  return one.observation();
}

/** Both the leader and the asker hear nothing of it; the second member is linked with it and follows. */
const outOf = (size: number, ...down: readonly number[]): Built => {
  const one = new Built(size);
  for (const index of down) one.kill(index);
  return one;
};

describe("a kick", () => {
  const refusals = (seen: Observation, target: string = keyOf(3)): BlockerCode[] =>
    planKick(seen, target, { database, serverIds }).blockers.map(({ code }) => code);

  it("is planned for an id that two miss, and that the rest can do without", () => {
    expect(refusals(outOf(3, 3).observation())).toEqual([]);
    expect(refusals(outOf(5, 3, 4).observation())).toEqual([]);
  });

  it.each<[string, Observation, string, BlockerCode]>([
    ["alive", new Built(3).observation(), keyOf(3), "NOT_SILENT"],
    ["silent to the asker alone", onlyAskerSays(), keyOf(3), "NOT_SILENT"],
    ["silent on the leader's word alone", onlyLeaderSays(), keyOf(3), "ONE_WITNESS"],
    ["the leader itself", new Built(3).observation(), nameOf(1), "NOT_SILENT"],
    ["one of too many that are dead", outOf(5, 3, 4, 5).observation(), keyOf(3), "QUORUM_AFTER"],
    ["one of two dead in four, which leaves two of three", outOf(4, 3, 4).observation(), keyOf(3), "NO_QUORUM"],
    ["without a leader", outOf(3, 1, 3).observation(), keyOf(3), "NO_LEADER"],
    ["the only one", new Built(1).observation(), keyOf(1), "LAST_MEMBER"],
  ])("is refused for an id that is %s", (_what, seen, target, code) => {
    expect(refusals(seen, target)).toContain(code);
  });

  it("is refused while something else is being changed, and without the whole id", () => {
    const busy = outOf(3, 3);
    busy.at(1).change(() => ({ electionTimer: { ms: 1_000, changingToMs: 2_000 } }));
    expect(refusals(busy.observation())).toContain("CHANGE_UNDER_WAY");
    const removing = outOf(3, 3);
    removing.at(1).change((status) => {
      status.removing = {
        nickname: shortOf(3),
        short: shortOf(3),
        address: addressOf(3),
        phase: "committing",
      };
      status.servers = (status.servers ?? []).filter(({ short }) => short !== shortOf(3));
    });
    expect(refusals(removing.observation(), idOf(3))).toEqual(["CHANGE_UNDER_WAY"]);
    const unknown = planKick(outOf(3, 3).observation(), keyOf(3), { database });
    expect(unknown.blockers.map(({ code }) => code)).toEqual(["FULL_ID_UNKNOWN"]);
    // It says where the id is to be found.
    const look = unknown.steps.find(({ command }) => command?.program === "grep");
    expect(look?.command).toMatchObject({ at: nameOf(1) });
    expect(look?.command?.args.join(" ")).toContain("tcp:10\\.0\\.0\\.3:6643");
    expect(refusals(new Built(3).observation(), "tcp:10.0.0.9:6643")).toEqual([]);
    expect(planKick(new Built(3).observation(), nameOf(3), { database: "OVN_Northbound" }).blockers).toEqual([
      { code: "NOT_FOUND", text: "OVN_Northbound was not asked for" },
    ]);
  });

  it("needs a whole name where the beginning of an id fits two", () => {
    const one = outOf(5, 3);
    const other = { nickname: "33", short: shortOf(3), address: addressOf(6), isSelf: false, lastMessageMs: 90_000 };
    for (const index of [1, 2, 4, 5])
      one.at(index).change((status) => ({ servers: [...(status.servers ?? []), other] }));
    expect(refusals(one.observation(), shortOf(3))).toEqual(["AMBIGUOUS"]);
  });

  it("can't be taken back, which is said of nothing else in it", () => {
    const { steps } = planKick(outOf(3, 3).observation(), keyOf(3), { database, serverIds });
    const acts = steps.filter(({ kind }) => kind === "act");
    expect(acts).toMatchObject([{ isDestructive: true, isIrreversible: true }]);
    expect(steps.filter(({ kind, isDestructive }) => kind !== "act" && isDestructive)).toEqual([]);
  });
});

describe("a member's leave", () => {
  const refusals = (seen: Observation, member: string): BlockerCode[] =>
    planLeave(seen, member, { database }).blockers.map(({ code }) => code);

  it("is refused to the last one, to the dead, without a leader, or if a majority is not left", () => {
    expect(refusals(new Built(3).observation(), nameOf(2))).toEqual([]);
    expect(refusals(new Built(1).observation(), nameOf(1))).toContain("LAST_MEMBER");
    expect(refusals(outOf(3, 3).observation(), nameOf(3))).toContain("NOT_FOUND");
    expect(refusals(outOf(3, 3).observation(), nameOf(2))).toContain("QUORUM_AFTER");
    expect(refusals(outOf(3, 1, 3).observation(), nameOf(2))).toContain("NO_LEADER");
    expect(refusals(new Built(3).observation(), "nobody")).toEqual(["NOT_FOUND"]);
    const busy = new Built(3);
    busy.at(2).change(() => ({ state: "leaving cluster" }));
    expect(refusals(busy.observation(), nameOf(3))).toContain("CHANGE_UNDER_WAY");
    expect(planLeave(new Built(3).observation(), nameOf(2), { database: "x" }).blockers).toHaveLength(1);
  });

  it("is done once it has left", () => {
    const gone = new Built(2);
    const spare = new Built(3).at(3);
    const left = { ok: true, value: { type: "unknown-cluster" }, via: "x", atMs: 0, tookMs: 1 } as const;
    gone.members.push(Object.assign(spare, { status: left, server: { ...left, value: undefined } }));
    expect(planLeave(gone.observation(), nameOf(3), { database })).toMatchObject({ isDone: true, blockers: [] });
  });
});

describe("an election timer", () => {
  it("goes up and down by two at most, through values that ovsdb-server takes", () => {
    expect(timerLadder(1_000, 5_000)).toEqual([2_000, 4_000, 5_000]);
    expect(timerLadder(5_000, 1_000)).toEqual([2_500, 1_250, 1_000]);
    expect(timerLadder(1_001, 250)).toEqual([501, 251, 250]);
    expect(timerLadder(1_000, 1_000)).toEqual([]);
  });

  const refusals = (seen: Observation, ms: number): BlockerCode[] =>
    planElectionTimer(seen, ms, { database }).blockers.map(({ code }) => code);

  it.each([99, 600_001, 1_000.5, Number.NaN, -1])("is never set to %d ms", (ms) => {
    expect(refusals(new Built(3).observation(), ms)).toEqual(["OUT_OF_RANGE"]);
  });

  it("is not changed without a leader or a quorum, during a change, or where it can't be", () => {
    expect(refusals(outOf(3, 1).observation(), 2_000)).toEqual(["NO_LEADER"]);
    expect(refusals(outOf(3, 2, 3).observation(), 2_000)).toEqual(["NO_QUORUM"]);
    const busy = new Built(3);
    busy
      .at(1)
      .change(() => ({ adding: [{ nickname: "a", short: "4444", address: addressOf(4), phase: "adding: catchup" }] }));
    expect(refusals(busy.observation(), 2_000)).toEqual(["CHANGE_UNDER_WAY"]);
    const old = new Built(3);
    old.at(1).change((status) => void delete status.electionTimer);
    expect(refusals(old.observation(), 2_000)).toEqual(["OUT_OF_RANGE"]);
    expect(planElectionTimer(new Built(3).observation(), 2_000, { database: "x" }).blockers).toHaveLength(1);
    expect(planElectionTimer(new Built(3).observation(), 500, { database }).warnings).toHaveLength(1);
  });

  it("is only changed on whoever leads at that moment, and is not done until all have it", () => {
    const [step] = planElectionTimer(new Built(3).observation(), 2_000, { database }).steps;
    const holds = (which: "before" | "after", one: Built): boolean =>
      step?.[which].every((condition) => checkCondition(condition, one.observation()).isHeld) === true;
    expect(holds("before", new Built(3))).toBe(true);
    expect(holds("before", new Built(3, 2))).toBe(false);
    const half = new Built(3);
    for (const index of [1, 2]) half.at(index).change(() => ({ electionTimer: { ms: 2_000 } }));
    expect(holds("after", half)).toBe(false);
    half.at(3).change(() => ({ electionTimer: { ms: 2_000, changingToMs: 4_000 } }));
    expect(holds("after", half)).toBe(false);
    half.at(3).change(() => ({ electionTimer: { ms: 2_000 } }));
    expect(holds("after", half)).toBe(true);
  });
});

describe("a condition", () => {
  const seen = (make: (one: Built) => unknown, size = 3): Observation => {
    const one = new Built(size);
    make(one);
    return one.observation();
  };
  const leaving = (one: Built): unknown => one.at(3).change(() => ({ state: "leaving cluster" }));
  const behind = (one: Built): unknown => one.line(3, () => ({ matchIndex: 40 }));
  const disagrees = (one: Built): unknown => one.at(3).change(() => ({ leader: "unknown" }));
  const member = nameOf(3);
  const server = keyOf(3);

  it.each<[Condition, readonly ((one: Built) => unknown)[], readonly ((one: Built) => unknown)[]]>([
    [
      { type: "one-leader", database },
      [() => {}, (one) => one.kill(3)],
      [(one) => one.kill(1), disagrees, (one) => one.kill(2).kill(3)],
    ],
    [{ type: "leads", database, member: nameOf(1) }, [() => {}], [(one) => one.kill(1)]],
    [{ type: "tolerance", database, least: 1 }, [() => {}], [(one) => one.kill(3), (one) => one.kill(1)]],
    [
      { type: "caught-up", database, member },
      [() => {}],
      [behind, leaving, disagrees, (one) => one.kill(3), (one) => one.kill(1)],
    ],
    [{ type: "caught-up", database, member: nameOf(1) }, [() => {}], [(one) => one.kill(1)]],
    [{ type: "others-live", database, except: [nameOf(2)] }, [() => {}, (one) => one.kill(2)], [(one) => one.kill(3)]],
    [
      { type: "absent", database, server: "4444@tcp:10.0.0.4:6643" },
      [() => {}],
      [
        (one) =>
          one.at(1).change(() => ({
            removing: { nickname: "4444", short: "4444", address: addressOf(4), phase: "committing" },
          })),
        (one) =>
          one.at(2).change(() => ({
            adding: [{ nickname: "4444", short: "4444", address: addressOf(4), phase: "adding: catchup" }],
          })),
        (one) => one.kill(1).kill(2).kill(3),
      ],
    ],
    [{ type: "silent", database, server }, [(one) => one.kill(3)], [() => {}, leaving, behind, (one) => one.kill(2)]],
    [
      { type: "no-change-under-way", database },
      [() => {}, (one) => one.kill(3)],
      [leaving, (one) => one.at(1).change(() => ({ electionTimer: { ms: 1_000, changingToMs: 2_000 } }))],
    ],
    [{ type: "staying", database, member }, [() => {}], [leaving, (one) => one.kill(3)]],
    [{ type: "stopped", database, member }, [(one) => one.kill(3)], [() => {}, leaving, (one) => one.kill(2)]],
    [{ type: "healthy", database }, [() => {}], [(one) => one.kill(3), behindFar]],
    [
      { type: "quorum-without", database, server },
      [() => {}, (one) => one.kill(3)],
      [(one) => one.kill(2), (one) => one.kill(2).kill(3)],
    ],
  ])("%j", (condition, held, broken) => {
    for (const make of held) expect(checkCondition(condition, seen(make))).toMatchObject({ isHeld: true });
    for (const make of broken) {
      const { isHeld, why } = checkCondition(condition, seen(make));
      expect(isHeld, why).toBe(false);
      expect(why).not.toBe("");
    }
    // Nobody was asked about it, or it is not there: what is not shown does not hold.
    expect(
      checkCondition(
        { ...condition, database: "x" },
        seen(() => {}),
      ).isHeld,
    ).toBe(false);
  });

  function behindFar(one: Built): void {
    one.at(1).change(() => ({ log: { start: 2, end: 5_000 } }));
  }

  it("that nobody lists it does not ask the one whom it is about", () => {
    const condition: Condition = { type: "absent", database, server };
    // Removed while it was down, it runs with its old list.
    const removed = (...by: readonly number[]): Observation =>
      seen((one) => {
        for (const index of by)
          one
            .at(index)
            .change((status) => ({ servers: status.servers?.filter(({ short }) => short !== shortOf(3)) ?? [] }));
      });
    expect(checkCondition(condition, removed(1, 2)).isHeld).toBe(true);
    expect(checkCondition(condition, removed(1)).isHeld).toBe(false);
    expect(checkCondition(condition, removed()).isHeld).toBe(false);
    expect(
      checkCondition(
        condition,
        seen((one) => one.kill(1).kill(2)),
      ).isHeld,
    ).toBe(false);
  });

  it("about somebody who was not asked does not hold", () => {
    for (const type of ["caught-up", "stopped", "staying"] as const)
      expect(checkCondition({ type, database, member: "nobody" }, new Built(3).observation()).isHeld).toBe(false);
    expect(checkCondition({ type: "silent", database, server: "9999@x" }, new Built(3).observation()).isHeld).toBe(
      false,
    );
  });
});

describe("a rolling restart", () => {
  it("is refused for whoever is no member, and while something is wrong", () => {
    const codes = (seen: Observation, members?: readonly string[]): BlockerCode[] =>
      planRollingRestart(seen, members === undefined ? {} : { members }).blockers.map(({ code }) => code);
    expect(codes(new Built(3).observation(), ["nobody"])).toEqual(["NOT_FOUND"]);
    expect(codes(new Built(3).observation())).toEqual([]);
    expect(codes(new Built(2).observation())).toEqual(["NOT_HEALTHY", "QUORUM_AFTER"]);
    expect(planRollingRestart(new Built(3).observation(), { members: [] })).toMatchObject({ isDone: true });
  });
});

describe("a rebuild", () => {
  it("is not planned while those who live and whose files can still be started are a majority", () => {
    const file = { path: "/db", term: 7, lastTerm: 7, commitIndex: 100, lastIndex: 100 };
    const files = { [nameOf(1)]: file, [nameOf(2)]: file };
    for (const lost of [[], [nameOf(3)]]) {
      const plan = planRecovery(outOf(3, 2, 3).observation(), { database, files, lost });
      expect(plan.decision).toBe("start");
      expect(plan.steps.filter(({ isDestructive, command }) => isDestructive && command?.program === "mv")).toEqual([]);
    }
    const gone = planRecovery(outOf(3, 2, 3).observation(), { database, files, lost: [nameOf(2), nameOf(3)] });
    expect(gone.decision).toBe("rebuild");
  });
});
