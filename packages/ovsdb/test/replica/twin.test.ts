import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { Json } from "../../src/json.ts";
import { diffAgainst } from "../../src/replica/audit.ts";
import { TableStore } from "../../src/replica/table-store.ts";
import { CASES, type Content, content, contentOf, EMPTY, emptyReplica, type Step, step, take } from "./world.ts";

const selected = (content: Content): Record<string, Json[]> =>
  Object.fromEntries(
    Object.entries(content).map(([table, rows]) => [
      table,
      Object.entries(rows).map(([uuid, row]) => ({ _uuid: ["uuid", uuid], ...row })),
    ]),
  );

describe("the replica and its twin", () => {
  test("hold the same after every step of every kind", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const replica = emptyReplica();
        let now = EMPTY;
        for (const one of steps) {
          now = take(replica, now, one, () => expect(contentOf(replica)).toEqual(now));
          expect(contentOf(replica)).toEqual(now);
          expect(diffAgainst(replica, selected(now))).toEqual([]);
        }
      }),
      { numRuns: CASES },
    );
  });

  test("planted bug: a delete that is told but not done is caught", () => {
    const apply = TableStore.prototype.apply;
    const bug = vi.spyOn(TableStore.prototype, "apply").mockImplementation(function (this: TableStore, uuid, change) {
      if (change.after !== undefined) apply.call(this, uuid, change);
    });
    const steps = fc.array(step, { minLength: 4, maxLength: 8 });
    const follows = (taken: Step[]): void => {
      const replica = emptyReplica();
      let now = EMPTY;
      for (const one of taken) now = take(replica, now, one);
      expect(contentOf(replica)).toEqual(now);
    };
    expect(() => fc.assert(fc.property(steps, follows), { numRuns: CASES })).toThrow();
    bug.mockRestore();
  });

  test("a row that a step leaves as it was keeps its object", () => {
    fc.assert(
      fc.property(
        content,
        content,
        fc.constantFrom<Step["kind"]>("update1", "update2", "resync"),
        (first, second, kind) => {
          const replica = emptyReplica();
          take(replica, EMPTY, { kind: "resync", to: first });
          const before = new Map([...replica.table("Port")].map((row) => [row._uuid, row]));
          take(replica, first, { kind, to: second });
          for (const row of replica.table("Port")) {
            const kept = JSON.stringify(first.Port?.[row._uuid]) === JSON.stringify(second.Port?.[row._uuid]);
            expect(before.get(row._uuid) === row).toBe(kept);
          }
        },
      ),
      { numRuns: CASES },
    );
  });

  test("the audit finds every planted difference", () => {
    fc.assert(
      fc.property(content, content, (held, server) => {
        const replica = emptyReplica();
        take(replica, EMPTY, { kind: "resync", to: held });
        const expected = new Set<string>();
        for (const table of ["Port", "Group"]) {
          for (const uuid of new Set([...Object.keys(held[table] ?? {}), ...Object.keys(server[table] ?? {})])) {
            const [ours, theirs] = [held[table]?.[uuid], server[table]?.[uuid]];
            if (JSON.stringify(ours) === JSON.stringify(theirs)) continue;
            expected.add(
              `${ours === undefined ? "missing" : theirs === undefined ? "extra" : "different"} ${table} ${uuid}`,
            );
          }
        }
        const found = diffAgainst(replica, selected(server)).map(({ kind, table, uuid }) => `${kind} ${table} ${uuid}`);
        expect(new Set(found)).toEqual(expected);
      }),
      { numRuns: CASES },
    );
  });
});
