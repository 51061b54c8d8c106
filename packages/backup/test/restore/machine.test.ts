import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyEvent,
  BackupError,
  foldJournal,
  initialState,
  type JournalEvent,
  nextMove,
  planMember,
  planRestore,
  type RestorePlan,
} from "../../src/index.ts";
import { DOWN, makeCluster, makeFacts, makeOptions, sidOf, up } from "./scene.ts";

const SHA = "sha";
const plan = planRestore(makeCluster(), makeFacts(), makeOptions());
const member = planMember(
  makeCluster(),
  makeFacts((name) => (name === "n3" ? { ...DOWN, fileSid: sidOf("n3") } : up(name))),
  "n3",
  ["nb"],
  makeOptions(),
);

/** What happens to each move: it is done, it fails, or the process dies with the event written before or not. */
type Luck = "done" | "failed" | "killed" | "killed late";
const luck: fc.Arbitrary<Luck> = fc.constantFrom("done", "done", "done", "failed", "killed", "killed late");

/** Plays a restore: `turnAt` moves forward, then back. @returns every event, and how it ended. */
function play(
  of: RestorePlan,
  lucks: readonly Luck[],
  turnAt: number,
): { readonly events: JournalEvent[]; readonly end: string } {
  const events: JournalEvent[] = [];
  const opened: JournalEvent = { type: "opened", planId: of.id, planSha256: SHA, by: "test" };
  let state = initialState(of);
  const add = (event: JournalEvent): void => {
    events.push(event);
    state = applyEvent(of, SHA, state, event);
  };
  add(opened);
  for (let round = 0; round < 1_000; round++) {
    const direction = round < turnAt ? "forward" : "undo";
    const move = nextMove(of, state, direction);
    if (move.kind === "refused") return { events, end: "refused" };
    // One that is over can be undone as well.
    if (move.kind === "closed" && direction === "forward" && turnAt < 1_000) continue;
    if (move.kind === "closed") return { events, end: move.outcome };
    if (move.kind === "close") {
      add({ type: "closed", outcome: move.outcome });
      continue;
    }
    const { step, attempt } = move;
    const what = lucks[round % lucks.length] ?? "done";
    add({ type: move.kind === "step" ? "begun" : "undo-begun", step: step.id, attempt });
    if (what === "failed") add({ type: "failed", step: step.id, reason: "r" });
    if (what === "done" || what === "killed late")
      add(
        move.kind === "step"
          ? { type: "done", step: step.id, how: "acted", facts: { [step.id]: "x" } }
          : { type: "undone", step: step.id },
      );
    if (what.startsWith("killed")) add(opened);
  }
  return { events, end: "never" };
}

describe("a restore", () => {
  const hopeful = fc.array(luck, { minLength: 1, maxLength: 12 }).filter((lucks) => lucks.includes("done"));

  test("ends, whatever dies or fails on the way: restored, or undone from anywhere", () => {
    fc.assert(
      fc.property(hopeful, fc.nat(60), (lucks, turnAt) => {
        expect(play(plan, lucks, Number.POSITIVE_INFINITY).end).toBe("restored");
        const { end, events } = play(plan, lucks, turnAt);
        expect(end).toBe("undone");
        // Every step that was begun is undone exactly once, last one first.
        const begun = new Set(events.flatMap((event) => (event.type === "begun" ? [event.step] : [])));
        const undone = events.flatMap((event) => (event.type === "undone" ? [event.step] : []));
        expect(undone).toEqual(
          plan.steps
            .map(({ id }) => id)
            .filter((id) => begun.has(id))
            .reverse(),
        );
      }),
    );
  });

  test("is what its journal says, read from any event on", () => {
    fc.assert(
      fc.property(hopeful, fc.nat(60), fc.nat(1_000), (lucks, turnAt, cut) => {
        const { events } = play(plan, lucks, turnAt);
        const head = events.slice(0, cut % (events.length + 1));
        const rest = events
          .slice(head.length)
          .reduce((state, event) => applyEvent(plan, SHA, state, event), foldJournal(plan, SHA, head));
        expect(rest).toEqual(foldJournal(plan, SHA, events));
      }),
    );
  });

  test("a journal that lacks an event that counts is refused, or says less", () => {
    const { events } = play(plan, ["done"], Number.POSITIVE_INFINITY);
    const whole = foldJournal(plan, SHA, events);
    for (const [index, event] of events.entries()) {
      if (event.type === "opened") continue;
      let state: unknown;
      try {
        state = foldJournal(plan, SHA, events.toSpliced(index, 1));
      } catch (error) {
        expect((error as BackupError).code).toBe("JOURNAL");
        continue;
      }
      expect(state).not.toEqual(whole);
    }
  });

  test.each<[string, JournalEvent[]]>([
    ["another plan", [{ type: "opened", planId: "x", planSha256: SHA, by: "" }]],
    ["a changed plan", [{ type: "opened", planId: plan.id, planSha256: "x", by: "" }]],
    ["a step that there is not", [{ type: "begun", step: "x", attempt: 1 }]],
    ["a step out of order", [{ type: "begun", step: plan.steps[3]?.id ?? "", attempt: 1 }]],
    ["an end without a beginning", [{ type: "done", step: plan.steps[0]?.id ?? "", how: "acted", facts: {} }]],
  ])("a journal of %s is refused", (_what, events) => {
    expect(() => foldJournal(plan, SHA, events)).toThrow(BackupError);
  });

  test("beyond the point of no return there is only forward", () => {
    const at = member.steps.findIndex(({ phase }) => phase === "remove");
    for (let turnAt = 0; turnAt < member.steps.length + 2; turnAt++)
      expect(play(member, ["done"], turnAt).end, `${turnAt}`).toBe(turnAt <= at ? "undone" : "refused");
    expect(play(member, ["killed", "done"], Number.POSITIVE_INFINITY).end).toBe("restored");
  });

  test("an undo that was begun has to be finished; a plan that is refused is not begun", () => {
    const undoing = foldJournal(plan, SHA, [
      { type: "begun", step: plan.steps[0]?.id ?? "", attempt: 1 },
      { type: "undo-begun", step: plan.steps[0]?.id ?? "", attempt: 2 },
    ]);
    expect(nextMove(plan, undoing, "forward")).toMatchObject({
      kind: "refused",
      reason: "this restore is being undone",
    });
    const refused = planRestore(makeCluster(), makeFacts(undefined, []), makeOptions());
    expect(nextMove(refused, initialState(refused), "forward")).toMatchObject({ kind: "refused" });
  });
});
