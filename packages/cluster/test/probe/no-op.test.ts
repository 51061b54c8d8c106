import { describe, expect, it } from "vitest";
import { canonical } from "../../src/probe/canonical.ts";
import { noOpColumns, noOpOperations } from "../../src/probe/no-op.ts";

const weak = { type: "uuid", refType: "weak", refTable: "T" };
const schema = {
  tables: {
    Zoo: { columns: { animals: { type: { key: weak, min: 0, max: "unlimited" } } } },
    Logical_Switch: { columns: { balancers: { type: { key: weak, min: 0, max: "unlimited" } } } },
    Port: { columns: { options: { type: { key: weak, min: 0, max: 1 } } } },
    Chassis: {
      columns: {
        one: { type: { key: weak } },
        name: { type: "string" },
        strong: { type: { key: { ...weak, refType: "strong" }, min: 0, max: "unlimited" } },
        map: { type: { key: "string", value: weak, min: 0, max: "unlimited" } },
        fixed: { type: { key: weak, min: 0, max: "unlimited" }, mutable: false },
        passing: { type: { key: weak, min: 0, max: "unlimited" }, ephemeral: true },
      },
    },
  },
};

describe("the write that changes nothing", () => {
  it("goes through a set of weak references, or an empty optional one; small tables first", () => {
    expect(noOpColumns(schema)).toEqual([
      { table: "Logical_Switch", column: "balancers", isOptional: false },
      { table: "Zoo", column: "animals", isOptional: false },
      { table: "Port", column: "options", isOptional: true },
    ]);
    for (const nothing of [null, 1, [], {}, { tables: [] }, { tables: { T: { columns: { c: {} } } } }])
      expect(noOpColumns(nothing)).toEqual([]);
  });

  it("asks for what has a short answer first: small tables, then few rows of an index, then whole tables", () => {
    const set = { type: { key: weak, min: 0, max: "unlimited" } };
    const key = { type: { key: { type: "integer", minInteger: 1, maxInteger: 9 } } };
    const tables = {
      Groups: { columns: { members: set } },
      Binding: {
        columns: { chassis: set, datapath: {}, tunnel_key: key },
        indexes: [["datapath", "tunnel_key"], ["name"]],
      },
      Unbounded: { columns: { chassis: set, number: { type: "integer" } }, indexes: [["number"]] },
      Chassis_Private: { columns: { chassis: { type: { key: weak, min: 0, max: 1 } } } },
    };
    expect(noOpColumns({ tables }).map(({ table, few }) => [table, few])).toEqual([
      ["Chassis_Private", undefined],
      ["Binding", ["tunnel_key", "==", 1]],
      ["Groups", undefined],
      ["Unbounded", undefined],
    ]);
  });

  it("touches an optional column only while it is empty", () => {
    const row = "11111111-aaaa-4bbb-8ccc-000000000000";
    const [full] = noOpOperations({ table: "Zoo", column: "animals", isOptional: false, row }, row);
    const [optional] = noOpOperations({ table: "Port", column: "options", isOptional: true, row }, row);
    expect(full?.["where"]).toEqual([["_uuid", "==", ["uuid", row]]]);
    expect(optional?.["where"]).toEqual([
      ["_uuid", "==", ["uuid", row]],
      ["options", "==", ["set", []]],
    ]);
  });
});

describe("content as one text", () => {
  it("is the same in whatever order sets, maps and members come, and differs with the content", () => {
    expect(
      canonical({
        a: ["set", [2, 1]],
        b: [
          "map",
          [
            ["y", 1],
            ["x", 2],
          ],
        ],
      }),
    ).toBe(
      canonical({
        b: [
          "map",
          [
            ["x", 2],
            ["y", 1],
          ],
        ],
        a: ["set", [1, 2]],
      }),
    );
    expect(canonical(["set", ["x"]])).toBe(canonical("x"));
    expect(canonical(["set", []])).not.toBe(canonical(["set", [""]]));
    expect(canonical({ a: 1 })).not.toBe(canonical({ a: "1" }));
  });
});
