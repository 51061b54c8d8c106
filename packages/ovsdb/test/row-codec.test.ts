import { describe, expect, test } from "vitest";
import { parseSchema } from "../src/schema.ts";
import { RowCodec } from "../src/value.ts";

const U1 = "00000000-0000-4000-8000-000000000001";
const STRINGS = { key: "string", min: 0, max: "unlimited" };

describe("RowCodec", () => {
  const schema = parseSchema({
    name: "Lab",
    tables: {
      T: {
        columns: {
          name: { type: "string" },
          tags: { type: STRINGS },
          n: { type: "integer" },
          up: { type: { key: "boolean", min: 0 } },
        },
      },
    },
  });
  const table = schema.tables.get("T");
  if (table === undefined) throw new Error("no table");
  const codec = new RowCodec(table, ["tags", "name", "n", "up", "_version"], () => "checked");

  test("fills defaults, keeps one order of properties", () => {
    const row = codec.decodeFull(U1, { name: "x" });
    expect(row).toEqual({
      _uuid: U1,
      tags: new Set(),
      name: "x",
      n: 0,
      up: undefined,
      _version: "00000000-0000-0000-0000-000000000000",
    });
    expect(Object.keys(row)).toEqual(["_uuid", "tags", "name", "n", "up", "_version"]);
    expect(Object.keys(codec.applyModify(row, { n: 5 }))).toEqual(Object.keys(row));
  });

  test("a modify changes only its columns, in a new object", () => {
    const row = codec.decodeFull(U1, { name: "x", tags: ["set", ["a", "b"]], up: true });
    const next = codec.applyModify(row, { tags: "a", up: ["set", []], elsewhere: 1 });
    expect(next).toMatchObject({ name: "x", tags: new Set(["b"]) });
    expect(next["up"]).toBeUndefined();
    expect(row["tags"]).toEqual(new Set(["a", "b"]));
    expect(codec.changedColumns(row, next)).toEqual(["tags", "up"]);
    expect(
      codec.changedColumns(row, codec.replace(U1, { name: "x", tags: ["set", ["b", "a"]], n: 0, up: true })),
    ).toEqual([]);
  });

  test("encodes inserts, and names a column that is not there", () => {
    expect(codec.encodeInsert({ _uuid: U1, name: "x", up: undefined })).toEqual({ name: "x", up: ["set", []] });
    expect(() => codec.encodeInsert({ nome: "x" })).toThrow(/^T\.nome: is not a column/);
    expect(() => new RowCodec(table, ["nome"], () => "checked")).toThrow(/^T\.nome: .*it has name, tags/);
  });
});
