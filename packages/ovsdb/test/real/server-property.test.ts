/** Random schemas and random transactions: what each kind of replica holds is what `select` on the server says. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { realOvs } from "@ovnha/testkit";
import {
  ArithmeticError,
  ConstraintError,
  type Database,
  openDatabase,
  ReferentialError,
  ValueError,
} from "../../src/index.ts";
import { type Json, type JsonObject, stringifyJson } from "../../src/json.ts";
import { type ColumnType, columnKind, type DatabaseSchema, formatSchema, parseSchema } from "../../src/schema.ts";
import type { Value } from "../../src/value.ts";
import { columnType, fittingValue, nearValue, wire } from "../support/arbitrary.ts";
import { RawServer } from "../support/raw-server.ts";
import { refusing } from "../support/refusing-dialer.ts";

const anyOf = (...values: string[]): fc.Arbitrary<string> => fc.constantFrom(...values);
const anyOperation = (...values: JsonObject[]): fc.Arbitrary<JsonObject> => fc.constantFrom(...values);

const RUNS = 30;
const STEPS = 30;
const BUDGET_MS = 15_000;

type Gen = fc.GeneratorValue;
type Tables = Map<string, Map<string, ColumnType>>;

/** Two root tables and one that is not, with random columns, and references of every kind among them. */
function randomTables(gen: Gen): Tables {
  const tables: Tables = new Map();
  for (const name of ["A", "B", "C"]) {
    const types = gen(() => fc.array(columnType, { minLength: 2, maxLength: 5 }));
    tables.set(name, new Map(types.map((type, index) => [`c${index}`, type])));
  }
  const refer = (table: string, refType: "strong" | "weak"): ColumnType => ({
    key: { type: "uuid", refTable: table, refType },
    min: 0,
    max: Number.POSITIVE_INFINITY,
  });
  tables.get("A")?.set("owns", refer("C", "strong")).set("sees", refer("B", "weak"));
  tables.get("B")?.set("maybe", { key: { type: "uuid", refTable: "C", refType: "weak" }, min: 0, max: 1 });
  tables.get("B")?.set("named", {
    key: { type: "string" },
    value: { type: "uuid", refTable: "C", refType: "strong" },
    min: 0,
    max: Number.POSITIVE_INFINITY,
  });
  return tables;
}

const isReference = (type: ColumnType): boolean =>
  type.key.refTable !== undefined || type.value?.refTable !== undefined;

function schemaOf(tables: Tables): Json {
  const columns = (
    table: Map<string, ColumnType>,
  ): DatabaseSchema["tables"] extends ReadonlyMap<string, infer T>
    ? T extends { columns: infer C }
      ? C
      : never
    : never => new Map([...table].map(([name, type]) => [name, { name, type, ephemeral: false, mutable: true }]));
  return formatSchema({
    name: "Lab",
    tables: new Map(
      [...tables].map(([name, table]) => [
        name,
        { name, columns: columns(table), maxRows: Number.POSITIVE_INFINITY, isRoot: name !== "C", indexes: [] },
      ]),
    ),
  });
}

/** One random world: a server with a random database, and a client through each version of the monitor. */
class World implements AsyncDisposable {
  readonly #gen: Gen;
  readonly #tables: Tables;
  readonly #server: RawServer;
  readonly #clients: Database[] = [];
  readonly #replicas: { readonly name: string; readonly replica: Awaited<ReturnType<World["follow"]>> }[] = [];
  #filter: Json = true;
  committed = 0;
  refused = 0;

  private constructor(gen: Gen, tables: Tables, server: RawServer) {
    this.#gen = gen;
    this.#tables = tables;
    this.#server = server;
  }

  static async make(gen: Gen): Promise<World> {
    const tables = randomTables(gen);
    const schema = schemaOf(tables);
    parseSchema(schema);
    const world = new World(gen, tables, await RawServer.start(schema));
    for (const [name, methods] of [
      ["since", []],
      ["cond", ["monitor_cond_since"]],
      ["plain", ["monitor_cond_since", "monitor_cond"]],
    ] as const) {
      world.#replicas.push({ name, replica: await world.follow(methods) });
    }
    world.#replicas.push({
      name: "filtered",
      replica: (await (world.#clients[0] as Database).replicate({ A: true })) as never,
    });
    return world;
  }

  async follow(refused: readonly string[]) {
    const client = await openDatabase("Lab", {
      remote: this.#server.remote,
      ...(refused.length === 0 ? {} : { transport: refusing("Lab", refused) }),
    });
    this.#clients.push(client);
    return client.replicate(Object.fromEntries([...this.#tables.keys()].map((name) => [name, true])));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.#server[Symbol.asyncDispose]();
  }

  async #select(table: string, where: Json[] = []): Promise<JsonObject[]> {
    const [result] = (await this.#server.call("transact", ["Lab", { op: "select", table, where }])) as JsonObject[];
    return result?.["rows"] as JsonObject[];
  }

  #uuids(table: string): string[] {
    return [
      ...(this.#replicas[0] as { replica: { table(name: string): Iterable<{ _uuid: string }> } }).replica.table(table),
    ].map((row) => row._uuid);
  }

  #pick(table: string): string | undefined {
    const uuids = this.#uuids(table);
    return uuids.length === 0 ? undefined : uuids[this.#gen(fc.nat, { max: 1_000 }) % uuids.length];
  }

  /** Values for some columns, references to rows that exist. */
  #row(table: string, isInsert: boolean): Record<string, Value> {
    const row: Record<string, Value> = {};
    for (const [name, type] of this.#tables.get(table) as Map<string, ColumnType>) {
      if (isReference(type)) {
        const target = this.#pick(type.key.refTable ?? type.value?.refTable ?? "");
        if (target === undefined || this.#gen(fc.boolean)) continue;
        row[name] =
          type.value === undefined
            ? columnKind(type) === "optional"
              ? target
              : new Set([target])
            : new Map([[`k${this.#gen(fc.nat, { max: 2 })}`, target]]);
      } else if (isInsert || this.#gen(fc.boolean)) row[name] = this.#gen(() => fittingValue(type));
    }
    return row;
  }

  /** Through the builder, by one of the clients; several operations, some of them refused as a whole. */
  async build(): Promise<void> {
    const client = this.#clients[this.#gen(fc.nat, { max: 2 })] as Database;
    const count = this.#gen(fc.integer, { min: 1, max: 4 });
    await client.transact((tx) => {
      for (let done = 0; done < count; done++) {
        const table = this.#gen(anyOf, "A", "B");
        const uuid = this.#pick(table);
        const verb = this.#gen(anyOf, "insert", "insert", "update", "mutate", "delete", "all");
        if (verb === "insert" || uuid === undefined) {
          const child = tx.insert("C", this.#row("C", true));
          tx.insert(table, {
            ...this.#row(table, true),
            ...(table === "A" ? { owns: [child] } : { named: new Map([["new", child]]) }),
          });
        } else if (verb === "update") {
          const row = this.#row(table, false);
          if (Object.keys(row).length > 0) tx.row(table, uuid).update(row);
        } else if (verb === "mutate") this.#mutate(tx as never, table, uuid);
        else if (verb === "delete") tx.row(table, uuid).delete();
        else {
          const [name, type] = this.#plainColumn(table);
          tx.where(table, { [name]: this.#gen(() => fittingValue(type)) }).delete();
        }
      }
    });
  }

  #plainColumn(table: string): [string, ColumnType] {
    const columns = [...(this.#tables.get(table) as Map<string, ColumnType>)].filter(([, type]) => !isReference(type));
    return columns[this.#gen(fc.nat, { max: 100 }) % columns.length] as [string, ColumnType];
  }

  #mutate(
    tx: {
      row(
        table: string,
        uuid: string,
      ): { mutate(write: (row: Record<string, never>) => unknown): unknown; update(row: object): unknown };
    },
    table: string,
    uuid: string,
  ): void {
    const [name, type] = this.#plainColumn(table);
    const value = this.#gen(() => fittingValue(type));
    const isNumber = type.key.type === "integer" || type.key.type === "real";
    if (type.max > 1)
      tx.row(table, uuid).mutate((m) =>
        (m[name] as unknown as Record<string, (value: Value) => unknown>)[this.#gen(anyOf, "insert", "delete")]?.(
          value,
        ),
      );
    else if (isNumber && type.value === undefined) {
      const verb = this.#gen(anyOf, "add", "subtract", "multiply", "divide");
      tx.row(table, uuid).mutate((m) =>
        (m[name] as unknown as Record<string, (value: number) => unknown>)[verb]?.(
          this.#gen(fc.integer, { min: 1, max: 3 }),
        ),
      );
    } else tx.row(table, uuid).update({ [name]: value });
  }

  /** Past the client, with operations that it would not write like that. */
  async raw(): Promise<void> {
    const table = this.#gen(anyOf, "A", "B", "C");
    const [name, type] = this.#plainColumn(table);
    const value = wire(
      type,
      this.#gen(() => nearValue(type)),
    );
    const where: Json[] = this.#gen(fc.boolean)
      ? []
      : [[name, this.#gen(anyOf, "==", "!=", "includes", "excludes"), value]];
    const drawn = this.#gen(anyOf, "insert", "delete", "+=", "-=", "*=");
    // mul_int of ovsdb/mutation.c divides by zero for a negative integer times 0: the server dies of SIGFPE.
    const mutator = drawn === "*=" && stringifyJson(value).includes("0") ? "+=" : drawn;
    const operation = this.#gen(
      anyOperation,
      { op: "update", table, where, row: { [name]: value } },
      { op: "mutate", table, where, mutations: [[name, mutator, value]] },
      { op: "delete", table, where },
    );
    const results = (await this.#server.call("transact", ["Lab", operation])) as (JsonObject | null)[];
    if (results.some((result) => result?.["error"] != null)) this.refused++;
    else this.committed++;
  }

  async refilter(): Promise<void> {
    const [name, type] = this.#plainColumn("A");
    const clause: [string, string, Value] = [
      name,
      this.#gen(anyOf, "==", "!=", "includes", "excludes"),
      this.#gen(() => fittingValue(type)),
    ];
    await (
      this.#replicas[3] as { replica: { setConditions(conditions: unknown): Promise<void> } }
    ).replica.setConditions({ A: [clause] });
    this.#filter = [name, clause[1], wire(type, clause[2])];
  }

  /** Every replica against the server, row by row. */
  async check(): Promise<void> {
    for (const { replica } of this.#replicas) await replica.synced();
    for (const { name, replica } of this.#replicas) {
      const names = name === "filtered" ? ["A"] : [...this.#tables.keys()];
      const rows: Record<string, JsonObject[]> = {};
      for (const table of names) rows[table] = await this.#select(table, name === "filtered" ? [this.#filter] : []);
      expect(
        replica.diffAgainst(rows as never),
        `${name}, ${JSON.stringify(schemaOf(this.#tables), (_key, value: unknown) => (typeof value === "bigint" ? `${value}n` : value))}`,
      ).toEqual([]);
    }
  }
}

describe.skipIf(realOvs() === "skip")("random databases", () => {
  const counted = { committed: 0, refused: 0, built: 0 };

  test("every replica is what the server holds, after every transaction, whichever monitor it follows", async () => {
    const property = fc.asyncProperty(fc.gen(), async (gen) => {
      await using world = await World.make(gen);
      for (let step = 0; step < STEPS; step++) {
        const kind = gen(anyOf, "build", "build", "build", "raw", "refilter");
        if (kind === "raw") await world.raw();
        else if (kind === "refilter") await world.refilter();
        else {
          try {
            await world.build();
            counted.built++;
          } catch (error) {
            // What the server refuses is refused for every replica alike.
            const isRefusal =
              error instanceof ConstraintError ||
              error instanceof ReferentialError ||
              error instanceof ArithmeticError ||
              error instanceof ValueError;
            if (!isRefusal) throw error;
            counted.refused++;
          }
        }
        await world.check();
      }
      counted.committed += world.committed;
    });
    await fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: BUDGET_MS, endOnFailure: true });
    expect(counted.built).toBeGreaterThan(10);
    expect(counted.committed).toBeGreaterThan(5);
  });
});
