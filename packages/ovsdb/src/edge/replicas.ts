import type { AnySchema } from "../define-schema.ts";
import { ClosedError, type UnavailableError, ValueError } from "../error.ts";
import type { OperationEncoder } from "../operation.ts";
import type { Json } from "../json.ts";
import type { IndexDefinition } from "../replica/index-definition.ts";
import { Replica } from "../replica/replica.ts";
import type { TableSpec } from "../replica/table-store.ts";
import { faceOf, type ReplicaOf, type SelectionOf } from "../replica/typed-replica.ts";
import type { TableName, WhereOf } from "../row-types.ts";
import type { DatabaseSchema, TableSchema } from "../schema.ts";
import type { Conditions, MonitoredTables } from "../session/index.ts";
import { RowCodec } from "../value.ts";
import { publishWarning } from "./diagnostics.ts";
import { MonitorHost } from "./monitor-host.ts";

/** What a replica can do that needs its connection. */
export interface ReplicaOwnMembers<S extends AnySchema = AnySchema, Sel = unknown> extends AsyncDisposable {
  /** Resolves when everything is in that the server had committed before this call. */
  synced(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Asks for other rows, those that meet any clause; resolves when exactly these conditions are in force and their rows are in. */
  setConditions(
    conditions: { readonly [T in keyof Sel & TableName<S>]?: WhereOf<S, T> },
    options?: { readonly signal?: AbortSignal },
  ): Promise<void>;
  /** Tables and columns that were asked for and that the server does not have: `Table` or `Table.column`. */
  readonly missing: readonly string[];
  /** Why the replica could not be kept, if so; its streams have ended then. */
  readonly failure: Error | undefined;
  /** Ends the monitor; the rows stay readable. */
  close(): Promise<void>;
}

/** A replica as `db.replicate` gives it. */
export type LiveReplica<S extends AnySchema, Sel> = ReplicaOf<S, Sel, ReplicaOwnMembers<S, Sel>>;

export type ReplicateOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Tables, or columns as `Table.column`, without which the replica is of no use; else what the server lacks is left out. */
  readonly require?: readonly string[] | undefined;
};

export interface ReplicasHost {
  readonly snapshotMs: number;
  readonly schema: AnySchema;
  serverSchema(): DatabaseSchema;
  encoder(): OperationEncoder;
  feed(input: import("../session/index.ts").Input): void;
  wallMs(): number;
  barrier(signal: AbortSignal | undefined): Promise<void>;
  unavailable(): UnavailableError;
}

type Wish = {
  readonly columns: readonly string[] | undefined;
  readonly where: unknown;
  readonly indexes: readonly IndexDefinition[];
};
type Held = {
  readonly host: MonitorHost;
  readonly wishes: ReadonlyMap<string, Wish>;
  readonly conditions: Map<string, unknown>;
  readonly ackWaiters: {
    readonly seqno: number;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[];
  seqno: number;
  missing: readonly string[];
};

/** The replicas of one client: one monitor each, each with its own resume point. */
export class Replicas {
  readonly #host: ReplicasHost;
  readonly #held = new Map<number, Held>();
  #nextId = 1;

  constructor(host: ReplicasHost) {
    this.#host = host;
  }

  get(id: number): MonitorHost | undefined {
    return this.#held.get(id)?.host;
  }

  /** Ids of the monitors with what to ask for in terms of the server's present schema. */
  requests(changed: boolean): Map<number, MonitoredTables> {
    const requests = new Map<number, MonitoredTables>();
    for (const [id, held] of [...this.#held]) {
      try {
        const { specs, tables, missing } = this.#plan(held.wishes, held.conditions);
        held.missing = missing;
        if (changed) held.host.useSpecs(specs);
        requests.set(id, tables);
      } catch (error) {
        // Its condition has no meaning in the new schema, and without it other rows would come than were asked for.
        this.#drop(id, error);
      }
    }
    return requests;
  }

  async replicate<S extends AnySchema, Sel extends SelectionOf<S>>(
    selection: Sel,
    options: ReplicateOptions,
  ): Promise<LiveReplica<S, Sel>> {
    options.signal?.throwIfAborted();
    const wishes = new Map(Object.entries(selection).map(([table, wish]) => [table, wishOf(wish)]));
    if (wishes.size === 0)
      throw new ValueError(
        undefined,
        undefined,
        "name at least one table to replicate, as in { Logical_Switch: true }",
      );
    const conditions = new Map([...wishes].map(([table, { where }]) => [table, where]));
    const { specs, tables, missing } = this.#plan(wishes, conditions);
    for (const needed of options.require ?? []) {
      if (missing.includes(needed))
        throw new ValueError(
          needed,
          undefined,
          `is required, and the server's ${this.#host.serverSchema().name} ${this.#host.serverSchema().version ?? ""} does not have it`,
        );
    }
    if (missing.length > 0)
      publishWarning(`not replicated, since the server does not have them: ${missing.join(", ")}`);
    const id = this.#nextId++;
    const replica = new Replica(specs, { breathe: () => new Promise((resolve) => setImmediate(resolve)) });
    const host = new MonitorHost(id, replica, (reason) =>
      this.#host.feed({ type: "inconsistent", monitor: id, reason }),
    );
    const held: Held = { host, wishes, conditions, ackWaiters: [], seqno: 0, missing };
    this.#held.set(id, held);
    this.#host.feed({ type: "monitor", monitor: id, tables });
    try {
      await withSignal(host.arrived, options.signal);
    } catch (error) {
      this.#drop(id);
      throw error;
    }
    return faceOf<S, Sel, ReplicaOwnMembers<S, Sel>>(replica, this.#members<S, Sel>(id, held));
  }

  acked(id: number, seqno: number): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    for (const waiter of held.ackWaiters.splice(0)) {
      if (waiter.seqno <= seqno) waiter.resolve();
      else held.ackWaiters.push(waiter);
    }
  }

  linkLost(): void {
    for (const { host } of this.#held.values()) host.onLost(this.#host.wallMs());
  }

  close(error: Error): void {
    for (const [id, held] of this.#held) {
      held.host.fail(error);
      for (const { reject } of held.ackWaiters.splice(0)) reject(error);
      this.#held.delete(id);
    }
  }

  #members<S extends AnySchema, Sel>(id: number, held: Held): ReplicaOwnMembers<S, Sel> {
    const close = async (): Promise<void> => this.#drop(id);
    return {
      synced: async (options = {}) => {
        const { freshness } = held.host.replica;
        await this.#host.barrier(options.signal);
        // While away nothing arrives: the barrier of the next server passes only when this replica has caught up with it.
        if (freshness !== "live" && held.host.replica.freshness !== "live") throw this.#host.unavailable();
      },
      setConditions: async (conditions, options = {}) => {
        options.signal?.throwIfAborted();
        const wire: Record<string, Conditions[string]> = {};
        for (const [table, where] of Object.entries(conditions)) {
          if (!held.wishes.has(table))
            throw new ValueError(table, undefined, "is not part of this replica; name it in replicate(…) first");
          wire[table] = monitorCondition(this.#host.encoder(), table, where);
        }
        for (const [table, where] of Object.entries(conditions)) held.conditions.set(table, where);
        const seqno = ++held.seqno;
        const acked = new Promise<void>((resolve, reject) => held.ackWaiters.push({ seqno, resolve, reject }));
        this.#host.feed({ type: "conditions", monitor: id, conditions: wire });
        await withSignal(acked, options.signal);
      },
      get missing() {
        return held.missing;
      },
      get failure() {
        return held.host.failure;
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  #drop(id: number, error: unknown = new ClosedError("the replica was closed")): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    this.#host.feed({ type: "unmonitor", monitor: id });
    held.host.fail(error);
    for (const { reject } of held.ackWaiters.splice(0)) reject(error);
  }

  /** Splits what is wanted into what the server has and what it lacks. */
  #plan(
    wishes: ReadonlyMap<string, Wish>,
    conditions: ReadonlyMap<string, unknown>,
  ): { specs: TableSpec[]; tables: MonitoredTables; missing: string[] } {
    const server = this.#host.serverSchema();
    const specs: TableSpec[] = [];
    const tables: Record<string, MonitoredTables[string]> = {};
    const missing: string[] = [];
    for (const [name, { columns: wanted, indexes }] of wishes) {
      const schema = server.tables.get(name);
      if (schema === undefined) {
        missing.push(name);
        specs.push({
          name,
          schema: emptyTable(name),
          columns: [],
          codec: new RowCodec(emptyTable(name), [], () => "checked"),
        });
        continue;
      }
      const columns = (wanted ?? this.#ownColumns(name) ?? [...schema.columns.keys()]).filter(
        (column) => column !== "_uuid",
      );
      const known = columns.filter((column) => schema.columns.has(column) || column === "_version");
      for (const column of columns) if (!known.includes(column)) missing.push(`${name}.${column}`);
      const codec = new RowCodec(schema, known, (column) => this.#host.schema.policy(name, column));
      specs.push({ name, schema, columns: known, codec, indexes });
      const where = conditions.get(name);
      tables[name] =
        where === undefined
          ? { columns: known }
          : { columns: known, where: monitorCondition(this.#host.encoder(), name, where) };
    }
    return { specs, tables, missing };
  }

  /** With a typed schema, `true` means the columns that the types know. */
  #ownColumns(table: string): string[] | undefined {
    const own = this.#host.schema.literal.tables[table]?.columns;
    return own === undefined ? undefined : Object.keys(own);
  }
}

/** A monitor's clauses are alternatives, where those of an operation must all hold (ovsdb-server(7) §4.1.12). */
function monitorCondition(encoder: OperationEncoder, table: string, where: unknown): Json[] {
  if (typeof where === "object" && where !== null && !Array.isArray(where) && Object.keys(where).length > 1) {
    const columns = Object.keys(where).join(" and ");
    throw new ValueError(
      table,
      undefined,
      `a server replicates the rows that meet any clause, not all of them, so ${columns} can't both be asked for; give one column, or a list of clauses of which one suffices`,
    );
  }
  return encoder.where(table, where);
}

function wishOf(wish: unknown): Wish {
  if (wish === true) return { columns: undefined, where: undefined, indexes: [] };
  if (Array.isArray(wish)) return { columns: wish as string[], where: undefined, indexes: [] };
  const { columns, where, indexes } = wish as {
    columns?: readonly string[];
    where?: unknown;
    indexes?: readonly IndexDefinition[];
  };
  return { columns, where, indexes: indexes ?? [] };
}

function emptyTable(name: string): TableSchema {
  return { name, columns: new Map(), maxRows: Number.POSITIVE_INFINITY, isRoot: true, indexes: [] };
}

/** The promise, or the signal's reason if that comes first. */
export function withSignal<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
