import { type AnySchema, anySchema } from "../define-schema.ts";
import { ClosedError, OvsdbError, UnavailableError } from "../error.ts";
import { EventQueue } from "../event-queue.ts";
import type { Json, JsonObject } from "../json.ts";
import { OperationEncoder } from "../operation.ts";
import type { SelectionOf } from "../replica/typed-replica.ts";
import type { ColumnName, RowOf, TableName, WhereOf } from "../row-types.ts";
import { type DatabaseSchema, parseSchema } from "../schema.ts";
import type { Effect, LifecycleEvent, SessionStatus } from "../session/index.ts";
import type { Answered } from "../transaction/symbols.ts";
import type { Edit, Transaction } from "../transaction/typed.ts";
import { type CallOptions, Calls } from "./calls.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Dialer } from "./connection.ts";
import { socketDialer } from "./socket.ts";
import { publishState } from "./diagnostics.ts";
import { SessionDriver } from "./driver.ts";
import { edit, type EditOptions } from "./edit.ts";
import { type Lock, Locks } from "./locks.ts";
import { isAwake } from "./silence.ts";
import { endpointsOf, type Limits, limitsOf, type OpenOptions, sessionOptions } from "./options.ts";
import { type LiveReplica, Replicas, type ReplicateOptions, withSignal } from "./replicas.ts";
import { schemaDifference, ServerSchema } from "./server-schema.ts";
import { transact, type TransactHost, type TransactOptions } from "./transact.ts";

export type SelectOptions<S extends AnySchema, T extends TableName<S>, C extends ColumnName<S, T>> = {
  /** Default: every row. */
  readonly where?: WhereOf<S, T>;
  /** Default: all. */
  readonly columns?: readonly C[];
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
};

/**
 * A database of an OVSDB server or cluster: follows the server that is fit to serve, through loss of leaders, rebuilt
 * clusters and schema conversions. Made by {@link openDatabase}.
 */
export class Database<S extends AnySchema = AnySchema> implements AsyncDisposable {
  readonly name: string;
  readonly #driver: SessionDriver;
  readonly #dial: Dialer;
  readonly #calls: Calls;
  readonly #locks: Locks;
  readonly #replicas: Replicas;
  readonly #clock: Clock;
  readonly #limits: Required<Limits>;
  readonly #typed: S | undefined;
  readonly #comment: string | undefined;
  readonly #lifecycle = new Set<EventQueue<LifecycleEvent>>();
  readonly #statuses = new Set<EventQueue<SessionStatus>>();
  #server: DatabaseSchema | undefined;
  #encoder: OperationEncoder | undefined;

  #opened: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  #closed = false;
  readonly #closing = new AbortController();

  /** @internal */
  constructor(schema: S | string, options: OpenOptions) {
    this.name = typeof schema === "string" ? schema : schema.name;
    this.#typed = typeof schema === "string" ? undefined : schema;
    this.#clock = options.clock ?? systemClock;
    this.#limits = limitsOf(options.limits);
    this.#comment = options.comment;
    const { frameBytesMax, depthMax, sendQueueBytesMax } = this.#limits;
    const dial =
      options.transport ?? socketDialer({ tls: options.tls, limits: { frameBytesMax, depthMax, sendQueueBytesMax } });
    this.#dial = dial;
    this.#driver = new SessionDriver(
      sessionOptions(this.name, options, this.#limits, this.#clock),
      {
        onEffect: (effect) => this.#onEffect(effect),
        onRow: (monitor, requestId, head, table, uuid, rowUpdate) =>
          this.#replicas.get(monitor)?.onRow(requestId, head, table, uuid, rowUpdate) ?? false,
      },
      dial,
      this.#clock,
    );
    const driver = (): SessionDriver => this.#driver;
    this.#calls = new Calls({
      driver,
      clock: this.#clock,
      unavailable: () => this.#unavailable(),
      isReady: () => this.status.state === "ready",
      max: this.#limits.pendingCallsMax,
    });
    this.#locks = new Locks(driver);
    this.#replicas = new Replicas({
      snapshotMs: this.#limits.snapshotMs,
      schema: this.#typed ?? anySchema({ name: this.name, tables: new Map() }, { integers: "auto" }),
      serverSchema: () => this.#serverSchema(),
      encoder: () => this.#encoderNow(),
      feed: (input) => this.#driver.feed(input),
      wallMs: () => this.#clock.wallMs(),
      barrier: (signal) => this.#barrier(signal),
      unavailable: () => this.#unavailable(),
    });
  }

  /** @internal Connects; resolves when a server is found that is fit to serve. */
  async open(signal: AbortSignal | undefined): Promise<void> {
    const opened = new Promise<void>((resolve, reject) => {
      this.#opened = { resolve, reject };
    });
    const { openMs } = this.#limits;
    const disarm =
      openMs === Number.POSITIVE_INFINITY
        ? () => {}
        : this.#clock.after(openMs, () => this.#opened?.reject(this.#unavailable(`within ${openMs} ms`)));
    this.#driver.feed({ type: "start" });
    try {
      await withSignal(opened, signal);
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      disarm();
      this.#opened = undefined;
    }
    signal?.addEventListener("abort", () => void this.close(), { once: true });
  }

  /** How the connection stands now, with a reason for every endpoint that does not serve. */
  get status(): SessionStatus {
    return this.#driver.state.status;
  }

  /** What the server's schema is, and how it differs from the one the program was written for. */
  get server(): ServerSchema {
    return new ServerSchema(
      this.#serverSchema(),
      this.#typed === undefined ? [] : schemaDifference(this.#typed.parsed, this.#serverSchema()),
    );
  }

  /** Every change of {@link status} but the log index. Ends with a `LimitError` when `limits.eventsMax` wait unread. */
  statusChanges(): EventQueue<SessionStatus> {
    return this.#queue(this.#statuses, "statusChanges()");
  }

  /** Connections, losses, resumed and reloaded replicas, changed clusters and schemas. Ends as {@link statusChanges} does. */
  lifecycle(): EventQueue<LifecycleEvent> {
    return this.#queue(this.#lifecycle, "lifecycle()");
  }

  /** Rows straight from the server, without a replica (RFC 7047 §5.2.2). */
  async select<T extends TableName<S>, C extends ColumnName<S, T> = ColumnName<S, T>>(
    table: T,
    options: SelectOptions<S, T, C> = {},
  ): Promise<readonly RowOf<S, T, C>[]> {
    const { where = true, columns, signal, timeoutMs } = options;
    const build = (tx: { select: (...given: never[]) => unknown }): unknown =>
      tx.select(...([table, { where, columns }] as never[]));
    return (await transact(this.#host(), build as never, { signal, timeoutMs })) as readonly RowOf<S, T, C>[];
  }

  /**
   * Commits what `build` asks for, all or nothing, and resolves with its return value in which the symbols of the builder
   * have become answers: inserted rows their uuids, touched rows their counts.
   *
   * After it resolves, a replica of this database shows the change: the server sends the update before the reply.
   *
   * @throws an `OvsdbError` of the class that fits the server's answer; `UnavailableError` if nothing was sent within the
   * limit; `OutcomeUnknownError` if it was sent and the reply never came.
   */
  async transact<T>(build: (tx: Transaction<S>) => T, options: TransactOptions = {}): Promise<Answered<T>> {
    return transact(this.#host(), build as never, options) as Promise<Answered<T>>;
  }

  /**
   * Reads rows of a replica, and commits changes under the condition that what was read still holds. If another writer was
   * faster, `change` runs again on the rows as they are then, up to `attempts` times (default 8).
   *
   * @throws ConflictError when every attempt was beaten.
   */
  async edit<T>(
    replica: { until(predicate: () => boolean, options: { readonly signal: AbortSignal }): Promise<void> },
    change: (tx: Edit<S>) => T,
    options: EditOptions = {},
  ): Promise<Answered<T>> {
    return edit(this.#host(), replica, change as never, options) as Promise<Answered<T>>;
  }

  /** Operations as they go on the wire, and the results as they come, errors among them. Nothing is checked or added. */
  async transactRaw(operations: readonly JsonObject[], options: CallOptions = {}): Promise<readonly Json[]> {
    const result = await this.call("transact", [this.name, ...operations], { changes: true, ...options });
    return result as readonly Json[];
  }

  /** Any method of the server; it waits for a server that is fit to serve, as everything here does. */
  call(method: string, params: readonly Json[] = [], options: CallOptions = {}): Promise<Json> {
    // Unless the caller knows better, these are not sent a second time when the reply is lost.
    const changes = options.changes ?? (method === "transact" || method === "convert");
    return this.#calls.start(method, params, options.timeoutMs ?? this.#limits.transactMs, { ...options, changes });
  }

  /** A notification to the present server; dropped if there is none. */
  notify(method: string, params: readonly Json[] = []): void {
    this.#driver.feed({ type: "notify", method, params });
  }

  /** Keeps a copy of the chosen tables; resolves when its first content is complete. */
  replicate<const Sel extends SelectionOf<S>>(
    selection: Sel,
    options: ReplicateOptions = {},
  ): Promise<LiveReplica<S, Sel>> {
    return this.#replicas.replicate<S, Sel>(selection, options);
  }

  /** Resolves when the lock is held (RFC 7047 §4.1.8). */
  lock(name: string, options: { readonly signal?: AbortSignal } = {}): Promise<Lock> {
    return this.#locks.lock(name, options);
  }

  /** The lock, or `undefined` if another client holds it. */
  tryLock(name: string, options: { readonly signal?: AbortSignal } = {}): Promise<Lock | undefined> {
    return this.#locks.tryLock(name, options);
  }

  /** Takes the lock from whoever holds it (RFC 7047 §4.1.9). */
  steal(name: string, options: { readonly signal?: AbortSignal } = {}): Promise<Lock> {
    return this.#locks.steal(name, options);
  }

  /** Names of the databases on the present server (RFC 7047 §4.1.1). */
  async listDatabases(options: CallOptions = {}): Promise<readonly string[]> {
    return (await this.call("list_dbs", [], options)) as readonly string[];
  }

  /** The present server's process id in the form of a uuid, new with each start (ovsdb-server(7) §4.1.16). */
  async serverId(options: CallOptions = {}): Promise<string> {
    return (await this.call("get_server_id", [], options)) as string;
  }

  /** Converts the database to another schema, online (ovsdb-server(7) §4.1.18); when it resolves, the new one is known. Replicas follow. */
  async convert(schema: Json, options: CallOptions = {}): Promise<void> {
    await this.call("convert", [this.name, schema], { changes: true, ...options });
    // The new schema is asked for behind the conversion; this is behind both.
    await this.#barrier(options.signal).catch(() => {});
  }

  /** Other remotes; the connection is kept if its endpoint is among them. */
  setRemotes(remote: string | readonly string[]): void {
    const { endpoints, cid } = endpointsOf(remote);
    this.#driver.feed({ type: "setEndpoints", endpoints, cid });
  }

  setServer(server: "leader" | "any" | "relay-ok"): void {
    this.#driver.feed({ type: "setServer", server });
  }

  /** Leaves the present server and looks for one anew, without a pause if all was well. */
  reconnect(reason = "asked for by the program"): void {
    this.#driver.feed({ type: "reconnect", reason });
  }

  /** Ends everything: calls reject, streams end, sockets and timers are gone. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort();
    const error = new ClosedError(`the database ${this.name} was closed`);
    this.#locks.close();
    this.#driver.feed({ type: "close" });
    this.#calls.close(error);
    this.#replicas.close(error);
    for (const queue of [...this.#lifecycle, ...this.#statuses]) queue.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #host(): TransactHost {
    return {
      database: this.name,
      clock: this.#clock,
      transactMs: this.#limits.transactMs,
      comment: this.#comment,
      encoder: () => this.#encoderNow(),
      call: (method, params, timeoutMs, options) => this.#calls.start(method, params, timeoutMs, options),
      isAwake: (remote) =>
        isAwake({ dial: this.#dial, clock: this.#clock, signal: this.#closing.signal }, remote, this.#limits.connectMs),
    };
  }

  /** The reply to a transaction comes after every update of what was committed before it. */
  async #barrier(signal: AbortSignal | undefined): Promise<void> {
    await this.#calls.start("transact", [this.name], this.#limits.transactMs, { signal });
  }

  #serverSchema(): DatabaseSchema {
    if (this.#server === undefined) throw this.#unavailable();
    return this.#server;
  }

  #encoderNow(): OperationEncoder {
    this.#encoder ??= new OperationEncoder(
      this.#serverSchema(),
      (table, column) => this.#typed?.policy(table, column) ?? "auto",
    );
    return this.#encoder;
  }

  #unavailable(when = "now"): UnavailableError {
    if (this.#closed) return new UnavailableError(`${this.name} was closed`, []);
    return new UnavailableError(`no server can serve ${this.name} ${when}`, this.status.reasons);
  }

  #queue<Event>(queues: Set<EventQueue<Event>>, name: string): EventQueue<Event> {
    const queue: EventQueue<Event> = new EventQueue(name, this.#limits.eventsMax, () => queues.delete(queue));
    if (this.#closed) queue.end();
    else queues.add(queue);
    return queue;
  }

  #onEffect(effect: Exclude<Effect, { type: "dial" | "hangUp" | "send" }>): void {
    switch (effect.type) {
      case "status":
        return this.#onStatus(effect.status);
      case "lifecycle":
        if (effect.event.type === "disconnected") this.#replicas.linkLost();
        publishState(effect.event);
        for (const queue of this.#lifecycle) queue.push(effect.event);
        return;
      case "schema":
        return this.#onSchema(effect.schema, effect.changed);
      case "snapshot":
        return this.#replicas.get(effect.monitor)?.onSnapshot(effect);
      case "update":
        return this.#replicas
          .get(effect.monitor)
          ?.onUpdate(effect.version, effect.updates, effect.lastId, effect.cause);
      case "monitorFailed":
        return this.#replicas.get(effect.monitor)?.fail(effect.error);
      case "conditionsAcked":
        return this.#replicas.acked(effect.monitor, effect.seqno);
      case "reply":
        return this.#calls.replied(effect.token, { result: effect.result });
      case "replyError":
        return this.#calls.replied(effect.token, { error: effect.error });
      case "callLost":
        return this.#calls.lost(effect.token, effect.error);
      case "notReady":
        return this.#calls.notReady(effect.token);
      case "lock":
        return this.#locks.onState(effect.name, effect.state);
      case "notification":
        return publishState({ type: "notification", method: effect.method, params: effect.params });
      default:
        effect satisfies never;
    }
  }

  #onStatus(status: SessionStatus): void {
    publishState({ ...status, type: "status" });
    for (const queue of this.#statuses) queue.push(status);
    if (status.state !== "ready") return;
    this.#opened?.resolve();
    this.#calls.ready();
  }

  #onSchema(json: Json, changed: boolean): void {
    try {
      this.#server = parseSchema(json);
    } catch (error) {
      this.#opened?.reject(error);
      if (!(error instanceof OvsdbError)) throw error;
      return this.#driver.feed({ type: "reconnect", reason: error.message });
    }
    this.#encoder = undefined;
    this.#driver.feed({ type: "schemaTaken", monitors: this.#replicas.requests(changed) });
  }
}

/**
 * Opens a database on the server that is fit to serve it.
 *
 * @param schema a schema from `defineSchema`, which gives types to everything, or just the database's name.
 * @throws UnavailableError when none is found within `limits.openMs`, with a reason per endpoint; the signal's reason.
 */
export async function openDatabase<const S extends AnySchema>(
  schema: S | string,
  options: OpenOptions,
): Promise<Database<S>> {
  options.signal?.throwIfAborted();
  const database = new Database<S>(schema, options);
  await database.open(options.signal);
  return database;
}
