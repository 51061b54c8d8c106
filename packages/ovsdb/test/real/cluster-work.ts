/** Writers that keep account of what they were told, and a follower; after a fault, the books are held against the leader. */
import { dumpRows, type OvsdbCluster, type RawJson, rawCall, waitFor } from "@ovnha/testkit";
import { expect } from "vitest";
import {
  ConflictError,
  type Database,
  defineSchema,
  openDatabase,
  type OpenOptions,
  type OutcomeResolution,
  OutcomeUnknownError,
  TimeoutError,
  UnavailableError,
} from "../../src/index.ts";

export const Work = defineSchema({
  name: "Work",
  version: "1.0.0",
  tables: {
    /** Nothing unique but the uuid: a second copy would show. */
    Item: { isRoot: true, columns: { name: { type: "string" } } },
    Named: { isRoot: true, columns: { name: { type: "string" } }, indexes: [["name"]] },
    Counter: { isRoot: true, columns: { name: { type: "string" }, n: { type: "integer" } }, indexes: [["name"]] },
  },
} as const);

/** Quick to notice, so that a whole story fits into seconds. */
export const QUICK: Omit<OpenOptions, "remote"> = {
  probeMs: 1_000,
  backoff: { minMs: 100, maxMs: 1_000 },
  limits: { connectMs: 2_000 },
};

const SHARED = "shared";
const TABLES = ["Item", "Named", "Counter"] as const;

type Kind = "once" | "named" | "own" | "shared";
const KINDS: readonly Kind[] = ["once", "named", "own", "shared"];
/** `told` is what the program knows in the end: "either" where nobody can say. */
type Entry = { readonly kind: Kind; readonly name: string; told: "pending" | "committed" | "not committed" | "either" };

/** Errors after which nothing was committed, for certain. */
const isRefusal = (error: unknown): boolean =>
  error instanceof UnavailableError || error instanceof ConflictError || error instanceof TimeoutError;

class Writer implements AsyncDisposable {
  readonly entries: Entry[] = [];
  readonly surprises: unknown[] = [];
  unknown = 0;
  committed = 0;
  readonly #name: string;
  readonly #db: Database<typeof Work>;
  readonly #counters: Awaited<ReturnType<typeof counters>>;
  #running: Promise<void> | undefined;
  #stop = false;
  readonly #later: (() => Promise<boolean>)[] = [];

  constructor(name: string, db: Database<typeof Work>, replica: Awaited<ReturnType<typeof counters>>) {
    this.#name = name;
    this.#db = db;
    this.#counters = replica;
  }

  run(): void {
    this.#running = (async () => {
      for (let step = 0; !this.#stop; step++)
        await this.#write(KINDS[step % KINDS.length] as Kind, `${this.#name}-${step}`);
    })();
  }

  async stop(): Promise<void> {
    this.#stop = true;
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#db.close();
  }

  async #write(kind: Kind, name: string): Promise<void> {
    const entry: Entry = { kind, name, told: "pending" };
    this.entries.push(entry);
    try {
      await this.#send(kind, name);
      entry.told = "committed";
      this.committed++;
    } catch (error) {
      if (error instanceof OutcomeUnknownError) await this.#ask(entry, error);
      else if (isRefusal(error)) entry.told = "not committed";
      else {
        entry.told = "either";
        this.surprises.push(error);
      }
    }
  }

  #send(kind: Kind, name: string): Promise<unknown> {
    const own = this.#name;
    switch (kind) {
      case "once":
        return this.#db.transact((tx) => tx.insert("Item", { name }), { once: true });
      case "named":
        return this.#db.transact((tx) => tx.insert("Named", { name }));
      case "own":
        return this.#db.transact((tx) => tx.where("Counter", { name: own }).mutate((m) => m.n.add(1)), { once: true });
      case "shared":
        return this.#db.edit(
          this.#counters,
          (tx) => {
            const table = this.#counters.Counter;
            const uuid = table.byIndex.name(SHARED)?._uuid ?? "";
            const row = tx.read(table, uuid);
            if (row === undefined) throw new Error("the shared counter is gone");
            tx.update(row, { n: row.n + 1 });
          },
          { once: true, attempts: 100 },
        );
      default:
        return kind satisfies never;
    }
  }

  /** Asks at once; of a guarded insert, again in the end if the server that had it was silent. Without a guard nobody can tell. */
  async #ask(entry: Entry, error: OutcomeUnknownError): Promise<void> {
    this.unknown++;
    const { resolve } = error;
    const tell = ({ committed }: OutcomeResolution): boolean => {
      entry.told = committed === "unknown" ? "either" : committed ? "committed" : "not committed";
      return committed !== "unknown";
    };
    if (resolve === undefined) {
      entry.told = "either";
      return;
    }
    const isTold = tell(
      await waitFor(() => resolve(), { what: "an answer about an unknown outcome", deadlineMs: 60_000 }),
    );
    if (!isTold && entry.kind === "once") this.#later.push(async () => tell(await resolve()));
  }

  /** What could not be told at the time. */
  async settle(): Promise<void> {
    for (const ask of this.#later.splice(0)) await waitFor(ask, { what: "the outcome of a guarded insert" });
  }
}

async function counters(db: Database<typeof Work>) {
  return db.replicate({ Counter: { indexes: [{ name: "name", columns: ["name"], unique: true }] } });
}

export class Workforce implements AsyncDisposable {
  readonly cluster: OvsdbCluster;
  readonly follower: Database<typeof Work>;
  readonly replica: Awaited<ReturnType<typeof everything>>;
  readonly #writers: readonly Writer[];

  constructor(
    cluster: OvsdbCluster,
    follower: Database<typeof Work>,
    replica: Awaited<ReturnType<typeof everything>>,
    writers: readonly Writer[],
  ) {
    this.cluster = cluster;
    this.follower = follower;
    this.replica = replica;
    this.#writers = writers;
  }

  /** Until each writer has had so many more writes confirmed. */
  async progress(each = 8): Promise<void> {
    const start = this.#writers.map(({ committed }) => committed);
    await waitFor(() => this.#writers.every(({ committed }, index) => committed >= (start[index] ?? 0) + each), {
      what: `${each} more writes of each writer`,
      deadlineMs: 60_000,
    });
  }

  /** Stops the writers, and holds the follower and the books against the leader. */
  async audit(): Promise<{ readonly committed: number; readonly unknown: number }> {
    await Promise.all(this.#writers.map((writer) => writer.stop()));
    await this.cluster.waitConnected();
    await Promise.all(this.#writers.map((writer) => writer.settle()));
    const leader = this.cluster.member(await this.cluster.waitForLeader());
    await this.replica.synced();
    const dump = await dumpRows(leader.unix, "Work");
    const rows = Object.fromEntries(TABLES.map((table) => [table, [...(dump.get(table)?.values() ?? [])]]));
    expect(this.replica.diffAgainst(rows)).toEqual([]);
    expect(this.#writers.flatMap(({ surprises }) => surprises)).toEqual([]);
    this.#checkBooks(rows);
    const sum = (pick: (writer: Writer) => number): number =>
      this.#writers.reduce((total, writer) => total + pick(writer), 0);
    return { committed: sum(({ committed }) => committed), unknown: sum(({ unknown }) => unknown) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.stop()));
    await Promise.all([this.follower, ...this.#writers].map((one) => one[Symbol.asyncDispose]()));
  }

  #checkBooks(rows: Record<string, Record<string, RawJson>[]>): void {
    const copies = new Map<string, number>();
    for (const table of ["Item", "Named"])
      for (const { name } of rows[table] ?? []) copies.set(String(name), (copies.get(String(name)) ?? 0) + 1);
    const wrong: string[] = [];
    const bounds = new Map<string, { min: number; max: number }>();
    for (const { kind, name, told } of this.#writers.flatMap(({ entries }) => entries)) {
      const min = told === "committed" ? 1 : 0;
      const max = told === "not committed" ? 0 : 1;
      if (kind === "once" || kind === "named") {
        const found = copies.get(name) ?? 0;
        if (found < min || found > max) wrong.push(`${kind} ${name}: told "${told}", and there are ${found}`);
      } else {
        const counter = kind === "shared" ? SHARED : name.slice(0, name.lastIndexOf("-"));
        const known = bounds.get(counter) ?? { min: 0, max: 0 };
        bounds.set(counter, { min: known.min + min, max: known.max + max });
      }
    }
    for (const { name, n } of rows["Counter"] ?? []) {
      const { min, max } = bounds.get(String(name)) ?? { min: 0, max: 0 };
      if (Number(n) < min || Number(n) > max)
        wrong.push(`counter ${String(name)} is ${String(n)}, told between ${min} and ${max}`);
    }
    expect(wrong).toEqual([]);
  }
}

async function everything(db: Database<typeof Work>) {
  return db.replicate({ Item: true, Named: true, Counter: true });
}

export type WorkforceOptions = {
  readonly writers?: number;
  readonly remote?: string;
  readonly options?: Omit<OpenOptions, "remote">;
};

/** Empties the tables, and starts writers and a follower. */
export async function startWork(
  cluster: OvsdbCluster,
  { writers = 3, remote = cluster.remote, options = QUICK }: WorkforceOptions = {},
): Promise<Workforce> {
  const names = Array.from({ length: writers }, (_none, index) => `w${index}`);
  const leader = cluster.member(await cluster.waitForLeader());
  const counterRows = [SHARED, ...names].map((name) => ({ op: "insert", table: "Counter", row: { name, n: 0 } }));
  await rawCall(leader.unix, "transact", [
    "Work",
    ...TABLES.map((table) => ({ op: "delete", table, where: [] })),
    ...counterRows,
  ]);
  const open = () => openDatabase(Work, { remote, ...options });
  const follower = await open();
  const replica = await everything(follower);
  const staff = await Promise.all(
    names.map(async (name) => {
      const db = await open();
      return new Writer(name, db, await counters(db));
    }),
  );
  for (const writer of staff) writer.run();
  return new Workforce(cluster, follower, replica, staff);
}

const rejections: unknown[] = [];
process.on("unhandledRejection", (reason) => rejections.push(reason));

/** Nothing was rejected without anyone looking. */
export function expectNoStrayRejections(): void {
  expect(rejections).toEqual([]);
}

/** Kinds of handles that a client over TCP can leave behind; pipes are those of the servers' output. */
const OURS = new Set(["TCPSocketWrap", "TCPConnectWrap", "Timeout"]);

/** Until nothing of that kind keeps the process alive. */
export async function expectNoHandles(): Promise<void> {
  const left = (): string[] => process.getActiveResourcesInfo().filter((kind) => OURS.has(kind));
  await waitFor(() => left().length === 0, { what: "sockets and timers to be gone" });
}
