import { describe, expect, expectTypeOf, test } from "vitest";
import { defineSchema } from "../../src/define-schema.ts";
import { ValueError } from "../../src/error.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { TableSpec } from "../../src/replica/table-store.ts";
import { faceOf, type ReplicaOf } from "../../src/replica/typed-replica.ts";
import type { TableSchema } from "../../src/schema.ts";
import type { Uuid } from "../../src/uuid.ts";
import { RowCodec } from "../../src/value.ts";

const Lab = defineSchema({
  name: "Lab",
  tables: {
    Switch: {
      columns: {
        name: { type: "string" },
        zone: { type: { key: "integer", min: 0, max: 1 } },
        ports: { type: { key: { type: "uuid", refTable: "Port" }, min: 0, max: "unlimited" } },
        external_ids: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
      },
      indexes: [["name"], ["name", "zone"]],
    },
    Port: { columns: { name: { type: "string" }, up: { type: "boolean" } }, indexes: [["name"]] },
    batches: { columns: { name: { type: "string" } } },
    then: { columns: { name: { type: "string" } } },
  },
} as const);

type Selection = { Switch: ["name", "ports", "external_ids"]; Port: { columns: ["up"] }; batches: true; then: true };

function open(): ReplicaOf<typeof Lab, Selection, { readonly synced: () => string; readonly twice: number }> {
  const columns: Record<string, readonly string[]> = {
    Switch: ["name", "ports", "external_ids"],
    Port: ["up"],
    batches: ["name"],
    then: ["name"],
  };
  const specs = Object.entries(columns).map(([name, chosen]): TableSpec => {
    const table = Lab.parsed.tables.get(name) as TableSchema;
    return { name, schema: table, columns: chosen, codec: new RowCodec(table, chosen, () => "checked") };
  });
  const replica = new Replica(specs);
  const feed = replica.beginSnapshot(2);
  const uuid = (digit: string): string => `${digit.repeat(8)}-0000-4000-8000-000000000000`;
  feed.addAll({
    Switch: {
      [uuid("1")]: { initial: { name: "sw0", ports: ["uuid", uuid("2")], external_ids: ["map", [["owner", "me"]]] } },
    },
    Port: { [uuid("2")]: { initial: { up: true } } },
    then: { [uuid("3")]: { initial: { name: "t" } } },
    batches: { [uuid("4")]: { initial: { name: "b" } } },
  });
  feed.commit();
  const own = {
    synced: () => "yes",
    get twice() {
      return replica.version * 2;
    },
  };
  return faceOf<typeof Lab, Selection, typeof own>(replica, own);
}

describe("the typed face", () => {
  test("has a property per table, with the chosen columns and the indexes within them", () => {
    const nb = open();
    const found = nb.Switch.byIndex.name("sw0");
    expect(found?.external_ids.get("owner")).toBe("me");
    expectTypeOf(found).toEqualTypeOf<
      | {
          readonly _uuid: Uuid<"Switch">;
          readonly name: string;
          readonly ports: ReadonlySet<Uuid<"Port">>;
          readonly external_ids: ReadonlyMap<string, string>;
        }
      | undefined
    >();
    expectTypeOf(nb.Port.rows()).toEqualTypeOf<{ readonly _uuid: Uuid<"Port">; readonly up: boolean }[]>();
    expectTypeOf<keyof typeof nb.Switch.byIndex>().toEqualTypeOf<"name">();
    expectTypeOf<keyof typeof nb.Port.byIndex>().toEqualTypeOf<never>();
    // @ts-expect-error the uuid of another table
    expect(nb.Port.get(found?._uuid as Uuid<"Switch">)).toBeUndefined();
    const [port] = found?.ports ?? [];
    expect(nb.Port.get(port as Uuid<"Port">)?.up).toBe(true);
  });

  test("types the keys of indexes", () => {
    const nb = open();
    const byOwner = nb.Switch.index({ column: "external_ids", key: "owner" });
    expect(byOwner.get("me").map(({ name }) => name)).toEqual(["sw0"]);
    expectTypeOf(byOwner.get).parameter(0).toEqualTypeOf<string | undefined>();
    const byPort = nb.Switch.index({ each: "ports", unique: true });
    expectTypeOf(byPort.get).parameter(0).toEqualTypeOf<Uuid<"Port">>();
    const port = [...nb.Port][0]?._uuid as Uuid<"Port">;
    expect(byPort.get(port)?.name).toBe("sw0");
    // @ts-expect-error not a column of the selection
    expect(() => nb.Switch.index({ column: "zone" })).toThrow(ValueError);
  });

  test("types changes and batches", () => {
    const nb = open();
    const changes = nb.Port.changes({ where: (row) => row.up, columns: ["up"] });
    type Item = typeof changes extends AsyncIterable<infer Change> ? Change : never;
    expectTypeOf<Item["kind"]>().toEqualTypeOf<"initial" | "insert" | "update" | "delete">();
    nb.onBatch((batch) =>
      expectTypeOf(batch.tables.Port?.inserted).toEqualTypeOf<
        readonly { readonly _uuid: Uuid<"Port">; readonly up: boolean }[] | undefined
      >(),
    );
    nb.Port.on("update", (row, change) => {
      expectTypeOf(row.up).toEqualTypeOf<boolean>();
      expectTypeOf(change.old.up).toEqualTypeOf<boolean | undefined>();
    });
  });

  test("keeps its own members where a table has their name, and is no promise", async () => {
    const nb = open();
    expect(nb.synced()).toBe("yes");
    expect(nb.twice).toBe(2);
    expect(typeof nb.batches).toBe("function");
    expect(nb.table("batches").size).toBe(1);
    expect(nb.table("then").size).toBe(1);
    expect(await Promise.resolve(nb)).toBe(nb);
  });
});
