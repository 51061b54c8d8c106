import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { LimitError } from "../../src/error.ts";
import type { Batch } from "../../src/replica/batch.ts";
import type { Change } from "../../src/replica/change.ts";
import { PendingTable } from "../../src/replica/pending.ts";
import type { Replica } from "../../src/replica/replica.ts";
import { SnapshotFeed } from "../../src/replica/row-feed.ts";
import { changedFrom, sameColumns } from "../../src/replica/same-value.ts";
import type { ChangesOptions } from "../../src/replica/stream-options.ts";
import type { Row } from "../../src/value.ts";
import { CASES, EMPTY, emptyReplica, filledReplica, rowsAsWire, type Step, step, take, uuidOf } from "./world.ts";

const COLUMNS = ["name", "tag", "up", "peers", "options", "network"];

/** What a reader knows from the changes alone. Refuses a change that does not fit it. */
class Known {
  readonly rows = new Map<string, Row>();
  readonly #columns: readonly string[];
  constructor(columns: readonly string[] = COLUMNS) {
    this.#columns = columns;
  }

  apply({ kind, row, uuid, old }: Change): void {
    const known = this.rows.get(uuid);
    expect(uuid).toBe(row._uuid);
    expect(known === undefined).toBe(kind === "initial" || kind === "insert");
    if (kind === "delete") {
      expect(sameColumns(known as Row, row, this.#columns)).toBe(true);
      this.rows.delete(uuid);
      return;
    }
    if (kind === "update") {
      expect(old).toEqual(changedFrom(known as Row, row, this.#columns));
      expect(Object.keys(old)).not.toHaveLength(0);
    }
    this.rows.set(uuid, row);
  }

  applyBatch(batch: Batch): void {
    for (const change of batch.changes) if (change.table === "Port") this.apply(change);
  }

  /** The same rows as the table has, as far as the columns go. */
  expectEqual(rows: readonly Row[]): void {
    expect([...this.rows.keys()].sort()).toEqual(rows.map((row) => row._uuid).sort());
    for (const row of rows) expect(sameColumns(this.rows.get(row._uuid) as Row, row, this.#columns)).toBe(true);
  }
}

/** Until promises that are due have run; no time passes. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
}

/** A reader of any speed: takes what is there when told to, and never waits. */
class Reader<T> {
  readonly #stream: AsyncIterator<T, undefined>;
  readonly #take: (item: T) => void;
  #asked = false;
  ended: "done" | { error: unknown } | undefined;
  constructor(stream: AsyncIterator<T, undefined>, take: (item: T) => void) {
    this.#stream = stream;
    this.#take = take;
  }

  async read(items: number): Promise<void> {
    await settled();
    for (let count = 0; count < items && !this.#asked && this.ended === undefined; count++) {
      this.#asked = true;
      void this.#one();
      await settled();
    }
  }

  async #one(): Promise<void> {
    try {
      const result = await this.#stream.next();
      this.#asked = false;
      if (result.done === true) this.ended = "done";
      else this.#take(result.value);
    } catch (error) {
      this.ended = { error };
    }
  }
}

/** Steps of the server, with how much the reader reads before each. */
const story = fc.record({
  before: fc.array(step, { maxLength: 2 }),
  after: fc.array(fc.tuple(step, fc.oneof(fc.constant(0), fc.nat({ max: 9 }))), { maxLength: 7 }),
});
type Story = { readonly before: readonly Step[]; readonly after: readonly (readonly [Step, number])[] };

async function play<T>(
  { before, after }: Story,
  open: (replica: Replica) => AsyncIterator<T, undefined>,
  apply: (item: T) => void,
): Promise<Replica> {
  const replica = emptyReplica();
  let now = EMPTY;
  for (const one of before) now = take(replica, now, one);
  const reader = new Reader(open(replica), apply);
  for (const [one, items] of after) {
    await reader.read(items);
    now = take(replica, now, one);
  }
  replica.close();
  await reader.read(Number.POSITIVE_INFINITY);
  if (typeof reader.ended === "object") throw reader.ended.error;
  expect(reader.ended).toBe("done");
  return replica;
}

async function foldsChanges(story: Story, options: ChangesOptions = {}): Promise<void> {
  const known = new Known(options.columns);
  const replica = await play(
    story,
    (opened) => opened.table("Port").changes(options) as AsyncIterator<Change, undefined>,
    (change) => known.apply(change),
  );
  known.expectEqual(
    replica
      .table("Port")
      .rows()
      .filter(options.where ?? (() => true)),
  );
}

async function foldsBatches(story: Story, overflow: "coalesce" | "error"): Promise<void> {
  const known = new Known();
  const replica = await play(
    story,
    (opened) => opened.batches({ overflow }) as AsyncIterator<Batch, undefined>,
    (batch) => known.applyBatch(batch),
  );
  known.expectEqual(replica.table("Port").rows());
}

const holds = (check: (story: Story) => Promise<void>): Promise<void> =>
  fc.assert(fc.asyncProperty(story, check), { numRuns: CASES });

describe("folding a stream onto nothing gives exactly the replica, at any speed of reading", () => {
  test("changes, coalesced", () => holds((story) => foldsChanges(story)));
  test("changes, every single one", () => holds((story) => foldsChanges(story, { overflow: "error" })));
  test("changes of the rows that match", () =>
    holds((story) => foldsChanges(story, { where: (row) => row.up === true || row.tag === undefined })));
  test("changes of some columns", () => holds((story) => foldsChanges(story, { columns: ["tag", "peers"] })));
  test("batches, coalesced", () => holds((story) => foldsBatches(story, "coalesce")));
  test("batches, every single one", () => holds((story) => foldsBatches(story, "error")));
  test("what a listener hears", () =>
    holds(async ({ before, after }) => {
      const known = new Known();
      const replica = emptyReplica();
      replica.table("Port").on("change", (_row, change) => known.apply(change));
      let now = EMPTY;
      for (const one of [...before, ...after.map(([next]) => next)]) {
        now = take(replica, now, one);
        known.expectEqual(replica.table("Port").rows());
      }
    }));
});

describe("planted bugs are caught", () => {
  test("coalescing forgets the oldest value", async () => {
    const note = PendingTable.prototype.note;
    const bug = vi.spyOn(PendingTable.prototype, "note").mockImplementation(function (
      this: PendingTable,
      before,
      after,
      initial,
    ) {
      const earlier = this.take();
      if (earlier !== undefined && earlier.row._uuid !== (after ?? before)?._uuid)
        note.call(this, earlier.before, earlier.kind === "delete" ? undefined : earlier.row, false);
      note.call(this, before, after, initial);
    });
    await expect(holds((story) => foldsChanges(story))).rejects.toThrow();
    bug.mockRestore();
  });

  test("an insert and its delete do not cancel out", async () => {
    const note = PendingTable.prototype.note;
    const bug = vi.spyOn(PendingTable.prototype, "note").mockImplementation(function (
      this: PendingTable,
      before,
      after,
      initial,
    ) {
      if (after !== undefined || this.size === 0) note.call(this, before, after, initial);
    });
    await expect(holds((story) => foldsChanges(story))).rejects.toThrow();
    bug.mockRestore();
  });

  test("rows that a reload no longer has are not told", async () => {
    const bug = vi.spyOn(SnapshotFeed.prototype, "settle").mockReturnValue(true);
    await expect(holds((story) => foldsBatches(story, "coalesce"))).rejects.toThrow();
    bug.mockRestore();
  });
});

const one = uuidOf(1);
const two = uuidOf(2);
const update = (replica: Replica, rows: Record<string, object>): Batch =>
  replica.applyUpdate(2, { Port: rows } as never);

async function readAll<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe("a stream of changes", () => {
  test("coalesces as it says", async () => {
    const replica = filledReplica({ Port: { [one]: { name: "a", tag: 1 } } });
    const changes = replica.table("Port").changes({ initial: false });
    update(replica, { [one]: { modify: { tag: 2 } }, [two]: { insert: { name: "b" } } });
    update(replica, { [one]: { modify: { tag: 3 } }, [two]: { delete: null } });
    update(replica, { [one]: { delete: null }, [two]: { insert: { name: "c" } } });
    update(replica, { [one]: { insert: { name: "d", tag: 1 } }, [two]: { modify: { up: true } } });
    replica.close();
    const seen = await readAll(changes);
    expect(seen.map(({ kind, row, old }) => [kind, row.name, row.up, old])).toEqual([
      ["update", "d", false, { name: "a" }],
      ["insert", "c", true, undefined],
    ]);
  });

  test("a change that was undone before anybody read it is none", async () => {
    const replica = filledReplica({ Port: { [one]: { name: "a", peers: ["set", ["x", "y"]] } } });
    const changes = replica.table("Port").changes({ initial: false });
    update(replica, { [one]: { modify: { peers: "x" } } });
    update(replica, { [one]: { modify: { peers: "x" } } });
    replica.close();
    expect(await readAll(changes)).toEqual([]);
  });

  test("begins with the rows that are there, or with the first snapshot, as initial", async () => {
    const early = emptyReplica();
    const fromBefore = early.table("Port").changes();
    const feed = early.beginSnapshot(2);
    feed.addAll({ Port: { [one]: { initial: { name: "a" } } } });
    feed.commit();
    const fromAfter = early.table("Port").changes();
    const later = early.table("Port").changes({ initial: false });
    update(early, { [two]: { insert: {} } });
    early.close();
    expect((await readAll(fromBefore)).map(({ kind }) => kind)).toEqual(["initial", "insert"]);
    expect((await readAll(fromAfter)).map(({ kind }) => kind)).toEqual(["initial", "insert"]);
    expect((await readAll(later)).map(({ kind }) => kind)).toEqual(["insert"]);
  });

  test("ends with a LimitError that names the limit when too much waits", async () => {
    const replica = filledReplica();
    const changes = replica.table("Port").changes({ overflow: "error", limit: 2 });
    const slower = replica.batches({ overflow: "error", limit: 2, initial: false });
    for (let number = 0; number < 3; number++) update(replica, { [uuidOf(number)]: { insert: {} } });
    await expect(changes.next()).rejects.toThrow(LimitError);
    expect(await changes.next()).toEqual({ done: true, value: undefined });
    await expect(slower.next()).rejects.toThrow(/more than 2 changes/);
    expect(replica.table("Port").size).toBe(3);
  });

  test("holds as many as the limit says", async () => {
    const replica = filledReplica();
    const changes = replica.table("Port").changes({ overflow: "error", limit: 3 });
    for (let round = 0; round < 3; round++) {
      update(replica, {
        [uuidOf(round)]: { insert: {} },
        [uuidOf(round + 10)]: { insert: {} },
        [uuidOf(round + 20)]: { insert: {} },
      });
      for (let count = 0; count < 3; count++) expect((await changes.next()).done).toBe(false);
    }
  });

  test("ends at once and quietly by its signal, its return or its scope", async () => {
    const replica = filledReplica({ Port: { [one]: {} } });
    const stop = new AbortController();
    const aborted = replica.table("Port").changes({ signal: stop.signal });
    await aborted.next();
    const waiting = aborted.next();
    stop.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await replica.table("Port").changes({ signal: stop.signal }).next()).toEqual({
      done: true,
      value: undefined,
    });
    const returned = replica.table("Port").changes();
    await returned.return?.();
    expect(await readAll(returned)).toEqual([]);
    const disposed = replica.batches();
    await disposed[Symbol.asyncDispose]();
    expect(await readAll(disposed)).toEqual([]);
  });

  test("a filter that throws ends its own stream only", async () => {
    const replica = filledReplica();
    const broken = replica.table("Port").changes({
      where: () => {
        throw new Error("my own");
      },
    });
    const sound = replica.table("Port").changes();
    update(replica, { [one]: { insert: { name: "a" } } });
    await expect(broken.next()).rejects.toThrow("my own");
    expect((await sound.next()).value?.row.name).toBe("a");
  });

  test("lets the event loop run between portions of a long backlog, and keeps the order", async () => {
    let turns = 0;
    const breathe = async (): Promise<void> => {
      turns++;
    };
    const rows = Object.fromEntries(Array.from({ length: 2000 }, (_, number) => [uuidOf(number), { tag: number }]));
    const replica = filledReplica({ Port: rows }, { breathe });
    const changes = replica.table("Port").changes();
    const asked = Array.from({ length: 2000 }, () => changes.next());
    const tags = (await Promise.all(asked)).map(({ value }) => value?.row.tag);
    expect(tags).toEqual(Array.from({ length: 2000 }, (_, number) => number));
    expect(turns).toBeGreaterThan(4);
  });
});

describe("a stream of batches", () => {
  test("gives one per server update to a reader that keeps up, and merges for one that does not", async () => {
    const replica = filledReplica({ Port: { [one]: { name: "a" } } });
    const quick = replica.batches();
    const slow = replica.batches();
    expect((await quick.next()).value.cause).toBe("snapshot");
    for (const name of ["b", "c", "d"]) {
      update(replica, { [one]: { modify: { name } } });
      const { value } = await quick.next();
      expect([value.cause, value.steps, value.tables.Port.updated[0].row.name]).toEqual(["update", 1, name]);
    }
    expect((await slow.next()).value.cause).toBe("snapshot");
    const { value: merged } = await slow.next();
    expect([merged.steps, merged.version, merged.tables.Port.updated[0].old]).toEqual([3, 4, { name: "a" }]);
  });

  test("a reload is one difference", () => {
    const replica = filledReplica({ Port: { [one]: { name: "a" }, [two]: { name: "b" } } });
    const batches: Batch[] = [];
    replica.onBatch((batch) => batches.push(batch));
    const feed = replica.beginSnapshot(2);
    feed.addAll({ Port: { [one]: { initial: { name: "a" } }, [uuidOf(3)]: { initial: { name: "c" } } } });
    feed.commit();
    expect(batches).toHaveLength(1);
    expect(batches[0]?.cause).toBe("resync");
    const { inserted, updated, deleted } = batches[0]?.tables.Port ?? { inserted: [], updated: [], deleted: [] };
    expect([inserted.map((row) => row.name), updated, deleted.map((row) => row.name)]).toEqual([["c"], [], ["b"]]);
    expect(rowsAsWire(replica.table("Group"))).toEqual({});
  });
});
