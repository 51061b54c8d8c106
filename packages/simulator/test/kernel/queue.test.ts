/** The heap against a sorted list, and ids against the strings that they are. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { EventQueue } from "../../src/kernel/queue.ts";
import { interned, uuidOf } from "../../src/world/host.ts";
import { eidOf } from "../../src/world/eids.ts";

test("events come in order of time, and of insertion where times are equal, however pushes and pops are mixed", () => {
  // A time to push, or nothing: pop.
  const moves = fc.array(fc.option(fc.nat(20), { nil: undefined }), { maxLength: 1500 });
  fc.assert(
    fc.property(moves, (list) => {
      const queue = new EventQueue();
      const twin: { readonly time: number; readonly order: number }[] = [];
      list.forEach((time, order) => {
        if (time !== undefined) {
          queue.push(time, 1, order, 0 - order, `ref ${order}`, undefined);
          twin.push({ time, order });
          twin.sort((a, b) => a.time - b.time || a.order - b.order);
        } else {
          const next = twin.shift();
          expect(queue.nextUs()).toBe(next?.time ?? Number.POSITIVE_INFINITY);
          expect(queue.pop()).toBe(next !== undefined);
          if (next === undefined) return;
          const { order: at } = next;
          expect([queue.timeUs, queue.a, queue.b, queue.ref]).toEqual([next.time, at, 0 - at, `ref ${at}`]);
        }
        expect(queue.size).toBe(twin.length);
      });
    }),
  );
});

test("more events than there was room for at first keep their order", () => {
  const queue = new EventQueue();
  for (let i = 0; i < 5000; i++) queue.push((i * 7919) % 5000, 0, i, 0, undefined, undefined);
  for (let time = 0; time < 5000; time++) {
    expect(queue.pop()).toBe(true);
    expect([queue.timeUs, (queue.a * 7919) % 5000]).toEqual([time, time]);
  }
  expect(queue.pop()).toBe(false);
});

test("an entry id is the same whether it is kept for the next run or made anew", () => {
  for (const n of [0, 1, 255, 49_999, 50_000, 50_001, 0xffff_ffff]) expect(eidOf(n)).toBe(uuidOf(0xe, n));
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(interned(text)).toBe(text);
    }),
  );
});
