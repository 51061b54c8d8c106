import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ClosedError, OvsdbError, ValueError } from "../../src/error.ts";
import type { Json } from "../../src/json.ts";
import { InconsistencyError } from "../../src/replica/inconsistency.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { TableSpec } from "../../src/replica/table-store.ts";
import { parseSchema, type TableSchema } from "../../src/schema.ts";
import { RowCodec } from "../../src/value.ts";
import { asUpdate, CASES, content, contentOf, emptyReplica, filledReplica, sparse, specOf, uuidOf } from "./world.ts";

const one = uuidOf(1);
const two = uuidOf(2);
const three = uuidOf(3);

const error = (run: () => unknown): unknown => {
  try {
    run();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
};

describe("an update that contradicts the replica", () => {
  const cases: readonly (readonly [kind: string, update: Json, version: 1 | 2])[] = [
    ["insert-of-known-row", { insert: {} }, 2],
    ["insert-of-known-row", { initial: {} }, 2],
    ["insert-of-known-row", { new: {} }, 1],
  ];
  test.each(cases)("%s is refused by kind", (kind, update, version) => {
    const replica = filledReplica({ Port: { [one]: { name: "a" } } });
    expect(error(() => replica.applyUpdate(version, { Port: { [one]: update } }))).toMatchObject({
      kind,
      table: "Port",
      uuid: one,
      code: "PROTOCOL",
    });
  });

  const unknown: typeof cases = [
    ["modify-of-unknown-row", { modify: { name: "b" } }, 2],
    ["delete-of-unknown-row", { delete: null }, 2],
    ["modify-of-unknown-row", { old: { name: "b" }, new: { name: "c" } }, 1],
    ["delete-of-unknown-row", { old: { name: "b" } }, 1],
  ];
  test.each(unknown)("%s is refused by kind (%j)", (kind, update, version) => {
    const replica = filledReplica({ Port: { [one]: { name: "a" } } });
    const thrown = error(() => replica.applyUpdate(version, { Port: { [two]: update } }));
    expect(thrown).toBeInstanceOf(InconsistencyError);
    expect(thrown).toMatchObject({ kind, uuid: two });
  });

  test("leaves everything as it was: rows, objects, indexes, version, watchers", () => {
    fc.assert(
      fc.property(
        content,
        content,
        fc.constantFrom("insert", "modify", "delete", "unreadable"),
        (before, after, mistake) => {
          const replica = filledReplica(before);
          const known = filledReplica(before);
          const rows = replica.table("Port").rows();
          let heard = 0;
          replica.onBatch(() => heard++);
          replica.table("Port").on("change", () => heard++);
          const update = structuredClone(asUpdate(2, before, after)) as Record<string, Record<string, Json>>;
          // The mistake comes last, after everything else has been looked at.
          const wrong: Record<string, Json> = {
            insert: { initial: {} },
            modify: { modify: {} },
            delete: { delete: null },
            unreadable: { modify: { name: 5 } },
          };
          const uuid = rows[0]?._uuid ?? three;
          const isKnown = rows[0] !== undefined;
          const target =
            mistake === "insert" || mistake === "unreadable" ? uuid : "ffffffff-0000-4000-8000-000000000000";
          if ((mistake === "insert" || mistake === "unreadable") && !isKnown) return;
          delete update.Port?.[target];
          update.Port = { ...update.Port, [target]: wrong[mistake] as Json };
          expect(() => replica.applyUpdate(2, update)).toThrow(OvsdbError);
          expect(contentOf(replica)).toEqual(contentOf(known));
          for (const [index, row] of replica.table("Port").rows().entries()) expect(row).toBe(rows[index]);
          expect([replica.version, heard]).toEqual([1, 0]);
          expect(replica.table("Port").index({ column: "name" }).size).toBe(
            known.table("Port").index({ column: "name" }).size,
          );
        },
      ),
      { numRuns: CASES },
    );
  });

  test("names a table that was never asked for, and a row that comes twice", () => {
    const replica = filledReplica();
    expect(error(() => replica.applyUpdate(2, { Other: { [one]: { delete: null } } }))).toMatchObject({
      kind: "unknown-table",
      table: "Other",
    });
    const feed = replica.beginUpdate(2);
    feed.add("Port", one, { insert: {} });
    expect(error(() => feed.add("Port", one, { insert: {} }))).toMatchObject({ kind: "row-twice" });
    const snapshot = replica.beginSnapshot(2);
    snapshot.add("Port", one, { initial: {} });
    expect(error(() => snapshot.add("Port", one, { initial: {} }))).toMatchObject({ kind: "row-twice" });
    for (const broken of [feed, snapshot]) expect(error(() => broken.commit())).toMatchObject({ code: "CLOSED" });
    expect(error(() => snapshot.add("Port", two, { initial: {} }))).toMatchObject({ code: "CLOSED" });
    expect(replica.table("Port").size).toBe(0);
  });

  const garbage: readonly Json[] = [
    null,
    5,
    [],
    { Port: null },
    { Port: { [one]: null } },
    { Port: { [one]: {} } },
    { Port: { [one]: { insert: 5 } } },
  ];
  test.each(garbage.map((updates) => [updates]))("%j is not an update", (updates) => {
    for (const version of [1, 2] as const) {
      const replica = filledReplica();
      expect(error(() => replica.applyUpdate(version, updates))).toMatchObject({ code: "PROTOCOL", origin: "remote" });
    }
  });
});

describe("a feed", () => {
  test("can be used once, and not after another was begun", () => {
    const replica = filledReplica({ Port: { [one]: { name: "a" } } });
    const snapshot = replica.beginSnapshot(2);
    replica.applyUpdate(2, { Port: { [two]: { insert: {} } } });
    expect(error(() => snapshot.commit())).toMatchObject({ code: "CLOSED" });
    expect(replica.table("Port").size).toBe(2);
    const update = replica.beginUpdate(2);
    update.commit();
    expect(error(() => update.commit())).toMatchObject({ code: "CLOSED" });
    snapshot.discard();
    expect(replica.table("Port").size).toBe(2);
  });

  test("finds the rows that are gone in slices of any size", () => {
    fc.assert(
      fc.property(
        content,
        content,
        fc.integer({ min: 1, max: 4 }),
        fc.nat({ max: 3 }),
        (before, after, slice, slices) => {
          const replica = filledReplica(before);
          const feed = replica.beginSnapshot(2);
          for (const [table, rows] of Object.entries(after))
            for (const [uuid, row] of Object.entries(rows)) feed.add(table, uuid, { initial: sparse(table, row) });
          for (let count = 0; count < slices; count++) feed.settle(slice);
          const batch = feed.commit();
          const gone = Object.keys(before.Port ?? {}).filter((uuid) => after.Port?.[uuid] === undefined);
          expect(new Set(batch.tables.Port?.deleted.map((row) => row._uuid))).toEqual(new Set(gone));
        },
      ),
      { numRuns: CASES },
    );
  });

  test("keeps the transaction id that came with it", () => {
    const replica = emptyReplica();
    replica.beginSnapshot(2).commit("id1");
    expect(replica.lastId).toBe("id1");
    replica.applyUpdate(3, {}, { lastId: "id2" });
    expect(replica.lastId).toBe("id2");
    replica.applyUpdate(2, {});
    expect(replica.lastId).toBe("id2");
    replica.forgetLastId();
    expect(replica.lastId).toBeUndefined();
  });
});

describe("the stories of other clients", () => {
  test("an insert that names no column makes a row of defaults", () => {
    const replica = filledReplica();
    replica.applyUpdate(2, { Port: { [one]: { insert: {} } } });
    expect(replica.table("Port").get(one)).toMatchObject({ name: "", tag: undefined, up: false });
  });

  test("an optional column can be cleared again", () => {
    const replica = filledReplica({ Port: { [one]: { tag: 5 } } });
    replica.applyUpdate(2, { Port: { [one]: { modify: { tag: ["set", []] } } } });
    expect(replica.table("Port").get(one)).toHaveProperty("tag", undefined);
  });

  test("a modify that changes nothing is no change", () => {
    const replica = filledReplica({ Port: { [one]: { tag: 5 } } });
    const row = replica.table("Port").get(one);
    expect(replica.applyUpdate(2, { Port: { [one]: { modify: { tag: 5, options: ["map", []] } } } }).size).toBe(0);
    expect(replica.table("Port").get(one)).toBe(row);
  });

  test("several operations on one row in one transaction are one change; a deleted row is absent at once", () => {
    const replica = filledReplica({ Port: { [one]: { name: "a" }, [two]: { name: "b" } } });
    const heard: string[] = [];
    replica
      .table("Port")
      .on("change", (row, change) =>
        heard.push(`${change.kind} ${row.name}: ${replica.table("Port").has(two) ? "there" : "gone"}`),
      );
    replica.applyUpdate(2, { Port: { [one]: { modify: { name: "c", tag: 1, up: true } }, [two]: { delete: null } } });
    expect(heard).toEqual(["update c: gone", "delete b: gone"]);
  });

  test("rows deleted while away are gone after the resync, and only they", () => {
    const replica = filledReplica({ Port: { [one]: { name: "a" }, [two]: { name: "b" } } });
    const kept = replica.table("Port").get(one);
    const feed = replica.beginSnapshot(2);
    feed.add("Port", one, { initial: { name: "a" } });
    expect(replica.table("Port").size).toBe(2);
    const batch = feed.commit();
    expect([batch.cause, batch.size, replica.table("Port").get(one) === kept]).toEqual(["resync", 1, true]);
  });
});

describe("listeners", () => {
  test("that throw harm neither the replica nor each other, and are reported", () => {
    const errors: unknown[] = [];
    const replica = filledReplica({}, { onListenerError: (thrown) => errors.push(thrown) });
    const heard: string[] = [];
    replica.table("Port").on("insert", () => {
      throw new Error("mine");
    });
    replica.table("Port").on("insert", (row) => heard.push(String(row.name)));
    replica.onBatch(() => {
      throw new Error("also mine");
    });
    replica.onBatch((batch) => heard.push(batch.cause));
    replica.applyUpdate(2, { Port: { [one]: { insert: { name: "a" } }, [two]: { insert: { name: "b" } } } });
    expect(heard).toEqual(["a", "b", "update"]);
    expect(errors.map((thrown) => (thrown as Error).message)).toEqual(["mine", "mine", "also mine"]);
  });

  test("hear their kind, see the whole update, and stop when they are told to", () => {
    const replica = emptyReplica();
    const heard: string[] = [];
    const table = replica.table("Port");
    const off = table.on("initial", (row) => heard.push(`initial ${row.name}`));
    table.on("update", (row, { old }) => heard.push(`update ${old.name} to ${row.name} of ${table.size}`));
    {
      using _insert = table.on("insert", (row) => heard.push(`insert ${row.name}`));
      const feed = replica.beginSnapshot(2);
      feed.add("Port", one, { initial: { name: "a" } });
      feed.commit();
      replica.applyUpdate(2, { Port: { [one]: { modify: { name: "b" } }, [two]: { insert: { name: "c" } } } });
    }
    off();
    replica.applyUpdate(2, { Port: { [three]: { insert: { name: "d" } } } });
    expect(heard).toEqual(["initial a", "update a to b of 2", "insert c"]);
  });

  test("that subscribe or unsubscribe others during a delivery do so from then on", () => {
    const replica = filledReplica();
    const heard: string[] = [];
    const offs: (() => void)[] = [];
    offs.push(
      replica.onBatch(() => {
        heard.push("first");
        offs[1]?.();
        replica.onBatch(() => heard.push("third"));
      }),
    );
    offs.push(replica.onBatch(() => heard.push("second")));
    replica.applyUpdate(2, { Port: { [one]: { insert: {} } } });
    expect(heard).toEqual(["first"]);
  });
});

describe("until", () => {
  test("finds a row that is there, or waits for one that appears or changes so", async () => {
    const replica = filledReplica({ Port: { [one]: { name: "a", tag: 1 } } });
    const table = replica.table("Port");
    expect((await table.until((row) => row.tag === 1)).name).toBe("a");
    const changed = table.until((row) => row.tag === 2);
    const appeared = table.until((row) => row.name === "b");
    const both = replica.until(() => table.size === 2);
    replica.applyUpdate(2, { Port: { [one]: { modify: { tag: 2 } }, [two]: { insert: { name: "b" } } } });
    expect((await changed)._uuid).toBe(one);
    expect((await appeared)._uuid).toBe(two);
    await both;
  });

  test("gives up with its signal's reason, when the replica closes, or when it throws", async () => {
    const replica = filledReplica({ Port: { [one]: { name: "a" } } });
    const table = replica.table("Port");
    const stop = new AbortController();
    const aborted = table.until(() => false, { signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    await expect(table.until(() => false, { signal: stop.signal })).rejects.toThrow("enough");
    const thrown = table.until((row) => {
      if (row.name === "b") throw new Error("mine");
      return false;
    });
    replica.applyUpdate(2, { Port: { [one]: { modify: { name: "b" } } } });
    await expect(thrown).rejects.toThrow("mine");
    const closed = replica.until(() => false);
    replica.close();
    await expect(closed).rejects.toThrow(ClosedError);
    await expect(table.until(() => false)).rejects.toThrow(ClosedError);
    expect(table.size).toBe(1);
  });
});

test("a table that is not replicated is refused by name", () => {
  expect(() => filledReplica().table("Other")).toThrow(ValueError);
});

describe("a schema conversion", () => {
  const changed = parseSchema({
    name: "Twin",
    version: "2.0.0",
    tables: {
      Port: {
        columns: {
          name: { type: "string" },
          tag: { type: "string" },
          speed: { type: { key: "integer", min: 0, max: "unlimited" } },
        },
        indexes: [["speed"]],
      },
      Extra: { columns: { label: { type: "string" } } },
    },
  });
  const spec = (name: string): TableSpec => {
    const schema = changed.tables.get(name) as TableSchema;
    const columns = [...schema.columns.keys()];
    return { name, schema, columns, codec: new RowCodec(schema, columns, () => "checked") };
  };

  test("brings rows of the new shape, keeps tables and indexes, and is one difference", () => {
    const replica = filledReplica({
      Port: { [one]: { name: "a", tag: 5 }, [two]: { name: "b" } },
      Group: { [three]: { label: "g" } },
    });
    const table = replica.table("Port");
    const byName = table.index({ column: "name", ordered: true });
    const feed = replica.beginSnapshot(2, [spec("Port"), spec("Extra")]);
    feed.addAll({
      Port: { [one]: { initial: { name: "a", tag: "5", speed: 10 } } },
      Extra: { [three]: { initial: {} } },
    });
    const batch = feed.commit();
    expect(batch.tables.Port?.updated[0]?.old).toEqual({ tag: 5, speed: undefined });
    expect(batch.tables.Port?.deleted.map((row) => row.name)).toEqual(["b"]);
    expect(batch.tables.Group?.deleted).toHaveLength(1);
    expect(replica.table("Port")).toBe(table);
    expect(byName.range().map((row) => row.tag)).toEqual(["5"]);
    expect(table.byIndex.speed?.(new Set([10]))?.name).toBe("a");
    expect(replica.table("Extra").size).toBe(1);
  });

  test("new tables start empty and can be watched at once", () => {
    const replica = new Replica([specOf("Port")]);
    replica.beginSnapshot(2).commit();
    replica.beginSnapshot(2, [spec("Extra")]).discard();
    expect(replica.table("Extra").size).toBe(0);
  });
});
