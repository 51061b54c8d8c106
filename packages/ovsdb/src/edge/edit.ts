import { ConflictError, ValueError } from "../error.ts";
import type { Row } from "../value.ts";
import { isUuid } from "../uuid.ts";
import type { RowsTouched } from "../transaction/builder.ts";
import { TransactionBuilder } from "../transaction/builder.ts";
import type { Answered } from "../transaction/symbols.ts";
import { commit, type TransactHost, type TransactOptions } from "./transact.ts";

export type EditOptions = TransactOptions & {
  /** How often the function may run; default 8. */
  readonly attempts?: number | undefined;
};

/** A replica's table, as far as `edit` needs it. */
export interface ReadableTable {
  readonly name: string;
  get(uuid: string): Row | undefined;
}

/** What `edit` needs of the replica it reads. */
export interface EditedReplica {
  /** Resolves when it holds, asked now and after every change of the replica; rejects when the signal aborts. */
  until(predicate: () => boolean, options: { readonly signal: AbortSignal }): Promise<void>;
}

type Read = {
  readonly table: ReadableTable;
  readonly uuid: string;
  readonly row: Row | undefined;
  readonly columns: Set<string>;
};

/** A transaction that remembers what it read, and holds the server to it (`verify` in the C client). */
export class EditBuilder extends TransactionBuilder {
  readonly reads: Read[] = [];
  readonly #host: TransactHost;

  constructor(host: TransactHost) {
    super(host.encoder());
    this.#host = host;
  }

  /**
   * A row of the replica. Each column that is looked at becomes a prerequisite: if it has another value on the server by
   * the time of the commit, nothing is committed and the function runs again. `undefined` if there is no such row, which
   * is a prerequisite too.
   */
  read<R extends object>(
    table: { readonly name: string; get(uuid: never): R | undefined },
    uuid: string,
  ): R | undefined {
    if (!isUuid(uuid)) throw new ValueError(table.name, "_uuid", `${JSON.stringify(uuid)} is not a uuid`);
    const readable = table as unknown as ReadableTable;
    const row = readable.get(uuid);
    const columns = new Set<string>(["_uuid"]);
    this.reads.push({ table: readable, uuid, row, columns });
    if (row === undefined) return undefined;
    return new Proxy(row, {
      get(target, column) {
        if (typeof column === "string" && column in target) columns.add(column);
        return Reflect.get(target, column) as unknown;
      },
      ownKeys(target) {
        for (const column of Object.keys(target)) columns.add(column);
        return Reflect.ownKeys(target);
      },
    }) as unknown as R;
  }

  /** Sets columns of a row that was read; values that are as they were are left out, and so is an update of nothing. */
  update(row: object, patch: Readonly<Record<string, unknown>>): RowsTouched | undefined {
    const { table, current } = this.#known(row);
    const encoder = this.#host.encoder();
    const changed: Record<string, unknown> = {};
    for (const [column, value] of Object.entries(patch)) {
      const before = JSON.stringify(encoder.compareRow(table, { [column]: current[column] }), bigintText);
      if (JSON.stringify(encoder.compareRow(table, { [column]: value }), bigintText) !== before)
        changed[column] = value;
    }
    if (Object.keys(changed).length === 0) return undefined;
    return this.row(table, current._uuid).update(changed);
  }

  delete(row: object): RowsTouched {
    const { table, current } = this.#known(row);
    return this.row(table, current._uuid).delete();
  }

  #known(row: object): { table: string; current: Row } {
    const uuid = (row as { _uuid?: unknown })._uuid;
    const read = this.reads.find((candidate) => candidate.uuid === uuid && candidate.row !== undefined);
    if (read?.row === undefined)
      throw new ValueError(
        undefined,
        undefined,
        "this row was not read in this edit; get it with tx.read(table, uuid) first",
      );
    return { table: read.table.name, current: read.row };
  }

  /** Adds a `wait` with timeout 0 for every row that was read. */
  verify(): void {
    const encoder = this.#host.encoder();
    for (const { table, uuid, row, columns } of this.reads) {
      const names = [...columns];
      const seen =
        row === undefined
          ? []
          : [encoder.compareRow(table.name, Object.fromEntries(names.map((name) => [name, row[name]])))];
      this.add("verify", "wait", table.name, {
        timeout: 0,
        where: encoder.where(table.name, [["_uuid", "==", uuid]]),
        columns: names,
        until: "==",
        rows: seen,
      });
    }
  }
}

function bigintText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}

const ATTEMPTS = 8;
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 2_000;

/**
 * Optimistic editing: runs `change` on the replica's present rows, commits under the condition that what it read still
 * holds, and after a conflict waits for the replica to show the change that won before it runs again. A pause that grows
 * stands in if nothing is seen to change, as when the row was read through a narrower set of columns.
 */
export async function edit<T>(
  host: TransactHost,
  replica: EditedReplica,
  change: (tx: EditBuilder) => T,
  options: EditOptions,
): Promise<Answered<T>> {
  const attempts = options.attempts ?? ATTEMPTS;
  const deadlineMs = host.clock.nowMs() + (options.timeoutMs ?? host.transactMs);
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted();
    const builder = new EditBuilder(host);
    if (options.lock !== undefined) builder.assertLock(options.lock.name);
    const value = change(builder);
    if (typeof (value as { then?: unknown } | undefined)?.then === "function") {
      throw new ValueError(
        undefined,
        undefined,
        "the function given to edit must not be async: it may run several times, each on one state of the replica",
      );
    }
    builder.verify();
    try {
      return await commit(host, builder, value, {
        ...options,
        timeoutMs: Math.max(1, deadlineMs - host.clock.nowMs()),
      });
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      const details = `${attempts} attempts, each beaten by another writer; make the edit smaller, or raise attempts`;
      if (attempt >= attempts || host.clock.nowMs() >= deadlineMs)
        throw new ConflictError(attempt, details, { cause: error });
      await moved(host, replica, builder, Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** attempt), options.signal);
    }
  }
}

async function moved(
  host: TransactHost,
  replica: EditedReplica,
  builder: EditBuilder,
  pauseMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = new AbortController();
  const disarm = host.clock.after(pauseMs, () => stop.abort());
  const onAbort = (): void => stop.abort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const hasMoved = (): boolean => builder.reads.some(({ table, uuid, row }) => table.get(uuid) !== row);
  try {
    await replica.until(hasMoved, { signal: stop.signal });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    disarm();
    signal?.removeEventListener("abort", onAbort);
  }
}
