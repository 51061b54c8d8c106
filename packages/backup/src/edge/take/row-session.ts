/** One connection to one server, from which whole tables are read row by row without ever being held. */
import {
  type Endpoint,
  isUuid,
  type Json,
  type JsonObject,
  openSession,
  OvsdbError,
  type RawSession,
  type RowSink,
  socketDialer,
  type TlsSource,
} from "@ovnha/ovsdb";
import { formatEndpoint } from "@ovnha/ovsdb/core";
import { BackupError } from "../../error.ts";
import { initialRow, initialText, isObject, textOf } from "../../take/wire.ts";

export type RowSessionOptions = {
  readonly tls?: TlsSource | undefined;
  /** Milliseconds for the connection, and for each small question. Default 5,000. */
  readonly connectMs?: number | undefined;
  /** Milliseconds without a byte from the server, after which it counts as dead. Default 120,000. */
  readonly silenceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** What is told of each row; an error that it throws ends the reading. */
export type OnRow = (table: string, uuid: string, row: JsonObject) => void;
/** The same with the row's JSON text as the server sent it: passing it on costs half of what parsing it would. */
export type OnRowText = (table: string, uuid: string, json: string) => void;

export type SnapshotResult = {
  /** The id of the last transaction in it; only `monitor_cond_since` tells, and only of a cluster. */
  readonly lastTransaction: string | undefined;
};

/** Rows are taken out of the reply as it comes, so its size is no matter of memory: what is bounded is the output. */
const READER_LIMITS = { frameBytesMax: 2 ** 40, valuesMax: 2 ** 40 };
const ZERO = "00000000-0000-0000-0000-000000000000";
const CONNECT_MS = 5_000;
const SILENCE_MS = 120_000;

export class RowSession implements AsyncDisposable {
  readonly remote: string;
  readonly session: RawSession;
  readonly #silenceMs: number;
  #sink: RowSink | undefined;
  /** One for the life of the connection; what it offers to changes. */
  readonly #offer: RowSink & { takesText: boolean } = Object.assign(
    (...offered: Parameters<RowSink>) => this.#sink?.(...offered) ?? false,
    { takesText: false },
  );
  #heardMs = 0;
  #bytes = 0;
  #onBytes: ((bytes: number) => void) | undefined;

  constructor(endpoint: Endpoint, options: RowSessionOptions = {}) {
    this.remote = formatEndpoint(endpoint);
    this.#silenceMs = options.silenceMs ?? SILENCE_MS;
    const { connectMs = CONNECT_MS, tls, signal } = options;
    const dial = socketDialer({ tls, limits: READER_LIMITS });
    this.session = openSession(this.remote, {
      connectMs,
      timeoutMs: connectMs,
      signal,
      transport: (to, events) =>
        dial(
          to,
          {
            ...events,
            opened: (info) => events.opened(info),
            message: (message, bytes) => events.message(message, bytes),
            closed: (error) => events.closed(error),
            bytes: (count) => {
              this.#heardMs = performance.now();
              this.#bytes += count;
              this.#onBytes?.(this.#bytes);
              events.bytes(count);
            },
          },
          this.#offer,
        ),
    });
  }

  /**
   * All rows of these columns as they are at one moment, table after table.
   *
   * A monitor is used rather than a transaction of selects: its reply can be taken apart while it arrives, leaves out what
   * has its default value, and comes from servers on which transactions hang.
   */
  snapshot(
    database: string,
    columns: ReadonlyMap<string, readonly string[]>,
    onRow: OnRow,
    onBytes?: (bytes: number) => void,
  ): Promise<SnapshotResult> {
    const take = (table: string, uuid: string, update: Json): void => {
      const row = initialRow(update);
      if (row === undefined) throw this.#noRow(table, uuid);
      onRow(table, uuid, row);
    };
    return this.#snapshot(database, columns, take, onBytes);
  }

  /** The same with the rows' texts. */
  async snapshotTexts(
    database: string,
    columns: ReadonlyMap<string, readonly string[]>,
    onRow: OnRowText,
  ): Promise<SnapshotResult> {
    const take = (table: string, uuid: string, update: Json): void => {
      const json = typeof update === "string" ? initialText(update) : textOf(initialRow(update));
      if (json === undefined) throw this.#noRow(table, uuid);
      onRow(table, uuid, json);
    };
    this.#offer.takesText = true;
    try {
      return await this.#snapshot(database, columns, take);
    } finally {
      this.#offer.takesText = false;
    }
  }

  #noRow(table: string, uuid: string): BackupError {
    return new BackupError("INCONSISTENT", `${this.remote}: ${table} ${uuid} is no row of a first reply`);
  }

  async #snapshot(
    database: string,
    columns: ReadonlyMap<string, readonly string[]>,
    onUpdate: (table: string, uuid: string, update: Json) => void,
    onBytes?: (bytes: number) => void,
  ): Promise<SnapshotResult> {
    const requests = Object.fromEntries([...columns].map(([table, names]) => [table, [{ columns: names }]]));
    const monitor = `backup ${database}`;
    let failure: { readonly error: unknown } | undefined;
    let replyId: Json | undefined;
    const take = (table: string, uuid: string, update: Json): void => {
      if (failure !== undefined) return;
      try {
        if (!isUuid(uuid) || !columns.has(table)) throw this.#noRow(table, uuid);
        onUpdate(table, uuid, update);
      } catch (error) {
        failure = { error };
        void this.session.close();
      }
    };
    this.#sink = (context, table, uuid, update) => {
      if (context.method !== undefined || context.id === undefined) return false;
      replyId ??= context.id;
      if (context.id !== replyId) return false;
      take(table, uuid, update);
      return true;
    };
    this.#onBytes = onBytes;
    this.#bytes = 0;
    try {
      const [tables, lastTransaction] = await this.#monitor(database, monitor, requests);
      this.#sink = undefined;
      // A small reply comes in one piece, and was not offered.
      for (const [table, rows] of Object.entries(tables))
        for (const [uuid, update] of Object.entries(isObject(rows) ? rows : {})) take(table, uuid, update);
      if (failure !== undefined) throw failure.error;
      void this.session.call("monitor_cancel", [monitor]).catch(() => {});
      return { lastTransaction: lastTransaction === ZERO ? undefined : lastTransaction };
    } catch (error) {
      throw failure === undefined ? error : failure.error;
    } finally {
      this.#sink = undefined;
      this.#onBytes = undefined;
    }
  }

  async #monitor(
    database: string,
    monitor: string,
    requests: JsonObject,
  ): Promise<[tables: JsonObject, lastTransaction: string | undefined]> {
    try {
      const result = await this.#long("monitor_cond_since", [database, monitor, requests, ZERO]);
      const [, last, tables] = Array.isArray(result) ? result : [];
      if (!isObject(tables))
        throw new BackupError("INCONSISTENT", `${this.remote}: the reply of a monitor has no tables`);
      return [tables, typeof last === "string" ? last : undefined];
    } catch (error) {
      if (!(error instanceof OvsdbError) || error.code !== "UNKNOWN_METHOD") throw error;
    }
    // Servers before 2.12 and before 2.6.
    for (const method of ["monitor_cond", "monitor"]) {
      const plain = method === "monitor";
      const asked = plain
        ? Object.fromEntries(Object.entries(requests).map(([table, list]) => [table, (list as Json[])[0] ?? {}]))
        : requests;
      try {
        const tables = await this.#long(method, [database, monitor, asked]);
        if (isObject(tables)) return [tables, undefined];
      } catch (error) {
        if (plain || !(error instanceof OvsdbError) || error.code !== "UNKNOWN_METHOD") throw error;
      }
    }
    throw new BackupError("UNSUPPORTED", `${this.remote}: the server knows no monitors`);
  }

  /** A call that may take as long as bytes keep coming. */
  async #long(method: string, params: readonly Json[]): Promise<Json> {
    const silence = new AbortController();
    this.#heardMs = performance.now();
    const check = (): void => {
      if (performance.now() - this.#heardMs < this.#silenceMs) return;
      const what = `${this.remote}: no byte came for ${this.#silenceMs} ms in the middle of ${method}`;
      silence.abort(new BackupError("NO_SOURCE", what, { remedy: "the server hangs, or raise silenceMs" }));
    };
    const timer = setInterval(check, Math.min(1_000, this.#silenceMs));
    try {
      return await this.session.call(method, params, { timeoutMs: Number.POSITIVE_INFINITY, signal: silence.signal });
    } finally {
      clearInterval(timer);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.session.close();
  }
}
