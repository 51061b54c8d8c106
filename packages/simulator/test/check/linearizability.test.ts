/**
 * The log is the witness of linearizability: each acknowledged write is an entry, and a write that begins after another has
 * ended has the greater index. A search over all orders (Wing and Gong) must agree, on histories of runs and of chance.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findScenario, finish, prepareWorld, type Run, type Scenario, simulate } from "../../src/index.ts";

type Op = { readonly fromUs: number; readonly toUs: number; readonly index: number };

/** What clients.ts does as it goes: nobody is acknowledged at or below what was acknowledged before he began. */
function byTheLog(ops: readonly Op[]): boolean {
  return ops.every((op) => ops.every((other) => other.toUs >= op.fromUs || other.index < op.index));
}

/** Any order that respects time and in which each append gives a position behind the last one: tried one after another. */
function bySearch(ops: readonly Op[]): boolean {
  const seen = new Set<string>();
  const go = (left: readonly number[], last: number): boolean => {
    if (left.length === 0) return true;
    const key = `${left.join()}|${last}`;
    if (seen.has(key)) return false;
    seen.add(key);
    const endsFirst = Math.min(...left.map((i) => ops[i]!.toUs));
    return left.some((i) => {
      const op = ops[i]!;
      return (
        op.fromUs <= endsFirst &&
        op.index > last &&
        go(
          left.filter((k) => k !== i),
          op.index,
        )
      );
    });
  };
  return go(
    ops.map((_, i) => i),
    -1,
  );
}

function historyOf({ trace }: Run): Op[] {
  const begun = new Map<number, number>();
  return trace.flatMap((event): Op[] => {
    if (event.type === "invoke") begun.set(event.op, event.atUs);
    if (event.type !== "ack") return [];
    return [{ fromUs: begun.get(event.op) ?? 0, toUs: event.atUs, index: event.index }];
  });
}

test("on small histories of chance", () => {
  const op = fc
    .record({ fromUs: fc.nat(20), lasts: fc.integer({ min: 1, max: 10 }) })
    .map(({ fromUs, lasts }) => ({ fromUs: fromUs * 2, toUs: fromUs * 2 + lasts * 2 - 1 }));
  const verdicts = new Set<boolean>();
  fc.assert(
    fc.property(
      fc.array(op, { minLength: 1, maxLength: 7 }).chain((ops) =>
        fc
          .shuffledSubarray(
            ops.map((_, i) => i),
            { minLength: ops.length },
          )
          .map((order) => ops.map((each, i) => ({ ...each, index: order[i]! }))),
      ),
      (ops) => {
        expect(bySearch(ops)).toBe(byTheLog(ops));
        verdicts.add(byTheLog(ops));
      },
    ),
    { numRuns: 2000 },
  );
  expect(verdicts).toEqual(new Set([true, false]));
});

describe("on the histories of runs", () => {
  test.each(["s1", "s3", "s11", "s18", "s25"])("%s", (name) => {
    const run = simulate(findScenario(name), { seed: 3, trace: "full" });
    const ops = historyOf(run).slice(0, 200);
    expect(ops.length).toBeGreaterThan(50);
    expect(byTheLog(ops)).toBe(true);
    expect(bySearch(ops)).toBe(true);
    expect(run.violations).toEqual([]);
  });

  test("a server that acknowledges with an old index is caught by both, and by the checker", () => {
    const scenario: Scenario = findScenario("s2");
    const world = prepareWorld(scenario, { seed: 1, trace: "full" });
    const { clients } = world;
    const acknowledge = clients.acknowledge.bind(clients);
    clients.acknowledge = (operation, server, index, eid) =>
      acknowledge(operation, server, clients.acked === 30 ? 3 : index, eid);
    world.run(world.trace.zeroUs + 20_000_000);
    const run = finish(world);
    const ops = historyOf(run).slice(0, 60);
    expect(byTheLog(ops)).toBe(false);
    expect(bySearch(ops)).toBe(false);
    expect(run.violations.map(({ checker }) => checker)).toContain("linearizability");
  });
});
