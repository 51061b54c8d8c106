/** Random schemas and random writes by two clients: the replica is what the server holds, whatever they do. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dumpRows, realOvs, startStandalone } from "@ovnha/testkit";
import { openDatabase } from "../../src/index.ts";

const KINDS = {
  scalar: { type: "integer" },
  real: { type: "real" },
  flag: { type: "boolean" },
  optional: { type: { key: "string", min: 0, max: 1 } },
  set: { type: { key: "integer", min: 0, max: "unlimited" } },
  few: { type: { key: "string", min: 0, max: 3 } },
  map: { type: { key: "string", value: "integer", min: 0, max: "unlimited" } },
  choice: { type: { key: { type: "string", enum: ["set", ["a", "b", "c"]] }, min: 0, max: 1 } },
  weak: { type: { key: { type: "uuid", refTable: "Node", refType: "weak" }, min: 0, max: "unlimited" } },
} as const;
type Kind = keyof typeof KINDS;

const small = fc.integer({ min: -3, max: 3 });
const word = fc.constantFrom("a", "b", "c", "ü", "");
const VALUES: Record<Kind, fc.Arbitrary<unknown>> = {
  scalar: small,
  real: fc.constantFrom(0, 1.5, -2.25, 1e20),
  flag: fc.boolean(),
  optional: fc.option(word, { nil: undefined }),
  set: fc.uniqueArray(small, { maxLength: 5 }),
  few: fc.uniqueArray(word, { maxLength: 3 }),
  map: fc.dictionary(word, small, { maxKeys: 4 }).map((entries) => new Map(Object.entries(entries))),
  choice: fc.constantFrom("a", "b", "c", undefined),
  weak: fc.constant([]),
};

const kinds = fc.uniqueArray(fc.constantFrom(...(Object.keys(KINDS) as Kind[])), { minLength: 1 });
const act = fc.record({
  verb: fc.constantFrom("insert", "insert", "update", "mutate", "delete", "link"),
  pick: fc.nat(20),
  seed: fc.nat(),
});
const story = kinds.chain((columns) =>
  fc.record({
    columns: fc.constant(columns),
    acts: fc.array(act, { minLength: 5, maxLength: 25 }),
    rows: fc.array(fc.record(Object.fromEntries(columns.map((kind) => [kind, VALUES[kind]])), { requiredKeys: [] }), {
      minLength: 30,
      maxLength: 30,
    }),
  }),
);

describe.skipIf(realOvs() === "skip")("a replica beside a real server", () => {
  it("holds, row by row, what the server holds after any writes of any clients", async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ columns, acts, rows }) => {
        const schema = {
          name: "Rnd",
          version: "1.0.0",
          tables: {
            Node: {
              columns: { id: { type: "integer" }, ...Object.fromEntries(columns.map((kind) => [kind, KINDS[kind]])) },
              isRoot: true,
            },
          },
        };
        await using server = await startStandalone({ schemas: [schema], listen: "unix" });
        await using one = await openDatabase("Rnd", { remote: server.unix });
        await using two = await openDatabase("Rnd", { remote: server.unix });
        await using replica = await one.replicate({ Node: true });
        await using filtered = await two.replicate({ Node: { where: [["id", ">", 5]] } });
        const uuids: string[] = [];
        for (const [index, { verb, pick, seed }] of acts.entries()) {
          const client = seed % 2 === 0 ? one : two;
          const row = rows[index % rows.length] as Record<string, unknown>;
          const target = uuids[pick % Math.max(1, uuids.length)];
          if (verb === "insert" || target === undefined) {
            const { made } = await client.transact((tx) => ({ made: tx.insert("Node", { id: index, ...row }) }));
            uuids.push(made);
          } else if (verb === "delete") await client.transact((tx) => tx.row("Node", target).delete());
          else if (verb === "update")
            await client.transact((tx) => tx.row("Node", target).update({ id: index, ...row }));
          else if (verb === "link" && columns.includes("weak"))
            await client.transact((tx) =>
              tx.row("Node", target).update({ weak: uuids.slice(0, pick % 4).filter((_uuid, at) => at % 2 === 0) }),
            );
          else
            await client.transact((tx) =>
              tx.row("Node", target).mutate((m) => {
                let chain = m["id"]?.add(1);
                if (columns.includes("set")) chain = m["set"]?.insert(seed % 7).set?.delete(pick % 3);
                if (columns.includes("map")) chain = m["map"]?.set("k", seed % 5).map?.delete("a");
                return chain;
              }),
            );
        }
        await Promise.all([replica.synced(), filtered.synced()]);
        const held = [...((await dumpRows(server.unix, "Rnd")).get("Node")?.values() ?? [])];
        expect(replica.diffAgainst({ Node: held as never })).toEqual([]);
        expect(filtered.diffAgainst({ Node: held.filter((row) => Number(row["id"]) > 5) as never })).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
