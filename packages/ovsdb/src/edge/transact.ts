import {
  ClosedError,
  ConflictError,
  DuplicateUuidError,
  type OutcomeResolution,
  OutcomeUnknownError,
  type OvsdbError,
  ProtocolError,
  ValueError,
} from "../error.ts";
import type { Json, JsonObject } from "../json.ts";
import { TransactionBuilder } from "../transaction/builder.ts";
import type { OperationEncoder as Encoder } from "../operation.ts";
import { answerOf, judgeReply, refusedExpectation, unmetExpectation } from "../transaction/judge.ts";
import { inWireOrder, type LaidOperation } from "../transaction/layout.ts";
import {
  askGuard,
  type Guard,
  guardedRows,
  guardInserts,
  guardWaits,
  isFirstRun,
  isRelative,
  judgeGuard,
  stateProbe,
  touchedRows,
  touchProbe,
} from "../transaction/once.ts";
import { answered, type Answered } from "../transaction/symbols.ts";
import type { CallOptions, InnerOptions } from "./calls.ts";
import type { Clock } from "./clock.ts";
import { publishTransaction, publishWarning } from "./diagnostics.ts";
import type { Lock } from "./locks.ts";

export type TransactOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole of it, waiting for a server included; default `limits.transactMs`. Never unlimited by accident: give Infinity if you mean it. */
  readonly timeoutMs?: number | undefined;
  /** While no server is fit to serve: "wait" (default) within the limit, or "reject" at once. */
  readonly whileDown?: "wait" | "reject" | undefined;
  /** Adds an `assert`: rejects with `NotOwnerError` unless the lock is held when the server executes it. */
  readonly lock?: Lock | undefined;
  /**
   * Makes it impossible that the transaction is applied twice, even by the server itself (see transaction/once.ts), and
   * gives an `OutcomeUnknownError` a `resolve` that finds out what happened. Costs nothing for transactions with inserts,
   * two reads before the write for others, which then run again from these reads when another writer was faster. What
   * became of a change that counts (`m.n.add(1)`, `edit`) can be told from what another writer did only under a `lock`.
   */
  readonly once?: boolean | undefined;
  /** Asks the server for everything but the commit. */
  readonly dryRun?: boolean | undefined;
  /** Text for the database's log, beside the client's own `comment`. */
  readonly comment?: string | undefined;
};

/** What a transaction needs of the client that sends it. */
export interface TransactHost {
  readonly database: string;
  readonly clock: Clock;
  readonly transactMs: number;
  /** Put into each transaction's `comment`, such as the program's name. */
  readonly comment: string | undefined;
  encoder(): Encoder;
  /** A transact by itself: rejects with `OutcomeUnknownError` when the reply is lost. */
  call(method: string, params: readonly Json[], timeoutMs: number, options: InnerOptions): Promise<Json>;
  /** Whether the server has surely read all that was sent to it on links that are gone. */
  isAwake(remote: string): Promise<boolean>;
}

/** Runs the builder function, sends what it built, and answers its symbols. */
export async function transact<T>(
  host: TransactHost,
  build: (tx: TransactionBuilder) => T,
  options: TransactOptions,
): Promise<Answered<T>> {
  options.signal?.throwIfAborted();
  const encoder = host.encoder();
  const builder = new TransactionBuilder(encoder);
  if (options.lock !== undefined) builder.assertLock(options.lock.name);
  const value = build(builder);
  if (typeof (value as { then?: unknown } | undefined)?.then === "function") {
    throw new ValueError(
      undefined,
      undefined,
      "the function given to transact must not be async: read what it needs before, so that the operations are one whole",
    );
  }
  return commit(host, builder, value, options);
}

/** Sends what a builder holds; shared by `transact` and `edit`. */
export async function commit<T>(
  host: TransactHost,
  builder: TransactionBuilder,
  value: T,
  options: TransactOptions,
): Promise<Answered<T>> {
  builder.close();
  const own = builder.operations.filter(({ op, role }) => role === "caller" && op !== "comment");
  if (own.length === 0) return answered(value, () => undefined);
  for (const row of builder.unreferenced()) {
    publishWarning(
      `${row.table} is not a root table, and nothing in the transaction refers to the row inserted into it: the server will collect it at once`,
    );
  }
  const deadlineMs = host.clock.nowMs() + (options.timeoutMs ?? host.transactMs);
  const laid = inWireOrder(builder.operations);
  // What was read in an edit is stale by then: only the edit can run again.
  const attempts = laid.some(({ role }) => role === "verify") ? 1 : GUARD_ATTEMPTS;
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptCommit(host, [...laid], value, options, deadlineMs);
    if ("value" in outcome) return outcome.value;
    if (attempt >= attempts || host.clock.nowMs() >= deadlineMs)
      throw new ConflictError(attempt, "another writer changed the same rows each time; nothing was committed", {
        cause: outcome.beaten,
      });
    const pauseMs = Math.min(BEATEN_MS_MAX, 2 ** attempt) * (host.clock.seed() / 2 ** 32);
    await new Promise<void>((resolve) => host.clock.after(pauseMs, resolve));
    options.signal?.throwIfAborted();
  }
}

/** How often a guarded transaction may find its rows changed between its reads and its write. */
const GUARD_ATTEMPTS = 20;
const BEATEN_MS_MAX = 500;

type Attempt<T> = { readonly value: Answered<T> } | { readonly beaten: OvsdbError };

async function attemptCommit<T>(
  host: TransactHost,
  operations: LaidOperation[],
  value: T,
  options: TransactOptions,
  deadlineMs: number,
): Promise<Attempt<T>> {
  const encoder = host.encoder();
  const leftMs = (): number => Math.max(1, deadlineMs - host.clock.nowMs());
  const guard =
    options.once === true && options.dryRun !== true ? await addGuard(host, operations, options, leftMs) : undefined;
  const messages = [host.comment, options.comment].filter((text) => text !== undefined && text !== "");
  const extra: JsonObject[] = messages.length > 0 ? [{ op: "comment", comment: messages.join(": ") }] : [];
  if (options.dryRun === true) extra.push({ op: "abort" });

  const startedMs = host.clock.nowMs();
  const holding = options.lock?.signal;
  const ask: Ask | undefined =
    guard === undefined
      ? undefined
      : (withinMs) => readGuard(host, guard, holding !== undefined && !holding.aborted, withinMs);
  let server: string | undefined;
  const onSent = (endpoint: string | undefined): void => {
    server = endpoint;
  };
  const resolve = ask === undefined ? undefined : (): Promise<OutcomeResolution> => resolveOutcome(host, ask, server);
  let reply: Json;
  try {
    const params = [host.database, ...operations.map(({ json }) => json), ...extra];
    reply = await host.call("transact", params, leftMs(), {
      ...callOptions(options),
      changes: options.dryRun !== true && changesData(operations),
      onSent,
    });
  } catch (error) {
    if (error instanceof OutcomeUnknownError) error.resolve = resolve;
    publishTransaction({
      database: host.database,
      operations: operations.length,
      durationMs: host.clock.nowMs() - startedMs,
      outcome: error instanceof OutcomeUnknownError ? "unknown" : "failed",
    });
    throw error;
  }
  const judged = judge(operations, reply, options.dryRun === true);
  publishTransaction({
    database: host.database,
    operations: operations.length,
    durationMs: host.clock.nowMs() - startedMs,
    outcome: judged.error === undefined ? "committed" : "failed",
  });
  if (judged.error === undefined) {
    const unmet = unmetExpectation(operations, judged.results);
    if (unmet !== undefined) throw unmet;
    return { value: answered(value, (pending) => answerOf(pending, judged.results, encoder, operations)) };
  }
  if (guard === undefined || ask === undefined) throw judged.error;
  const outcome = await settle(guard, judged.error, judged.failed, () => ask(leftMs()));
  if (outcome === "beaten") return { beaten: judged.error };
  if (outcome === "unknown")
    throw new OutcomeUnknownError(
      "transact: it was refused by its own guard, which can mean that an earlier run of it was committed",
      { cause: judged.error, resolve },
    );
  if (outcome !== "committed before") throw outcome;
  const known = new Map<number, JsonObject>();
  for (const { id, op, json } of operations)
    if (op === "insert") known.set(id, { uuid: ["uuid", json["uuid"] ?? null] });
  return { value: answered(value, (pending) => answerOf(pending, known, encoder, operations) ?? Number.NaN) };
}

/** A read-only transaction may be asked again when its reply is lost. */
function changesData(operations: readonly LaidOperation[]): boolean {
  return operations.some(({ op }) => op === "insert" || op === "update" || op === "mutate" || op === "delete");
}

function callOptions(options: TransactOptions): CallOptions {
  return { signal: options.signal, whileDown: options.whileDown };
}

function judge(
  operations: readonly LaidOperation[],
  reply: Json,
  dryRun: boolean,
): { error?: OvsdbError; failed?: LaidOperation | undefined; results: ReadonlyMap<number, JsonObject> } {
  if (!Array.isArray(reply)) throw new ProtocolError("the reply to transact is not an array");
  // A dry run ends in the `abort` that was added to it; that one error, in that one place, is its success.
  const aborted = dryRun && reply.slice(0, -1).every((result) => (result as JsonObject | null)?.["error"] == null);
  const verdict = judgeReply(operations, aborted ? (reply as readonly Json[]).slice(0, operations.length) : reply);
  if (verdict.type === "committed") return { results: verdict.results };
  const index = verdict.failed === undefined ? operations.length : operations.indexOf(verdict.failed);
  const waitRefused = verdict.error.code === "TIMED_OUT" && verdict.failed?.op === "wait";
  if (waitRefused && verdict.failed?.role === "expect")
    return { error: refusedExpectation(verdict.failed, index), failed: verdict.failed, results: new Map() };
  if (waitRefused && verdict.failed?.role === "verify") {
    const message = `another writer changed a ${verdict.failed.table} row that was read; nothing was committed`;
    const operation = { index, op: verdict.failed.op, table: verdict.failed.table };
    return {
      error: new ConflictError(1, message, { operation, cause: verdict.error }),
      failed: verdict.failed,
      results: new Map(),
    };
  }
  return { error: verdict.error, failed: verdict.failed, results: new Map() };
}

/** Puts the guard of `once` into the operations; undefined if the transaction would change nothing. */
async function addGuard(
  host: TransactHost,
  operations: LaidOperation[],
  options: TransactOptions,
  leftMs: () => number,
): Promise<Guard | undefined> {
  const inserts = guardInserts(operations, () => host.clock.randomUuid());
  if (inserts !== undefined) {
    if (inserts.chosen) addWaits(operations, guardWaits(inserts.rows.map((row) => ({ ...row, before: undefined }))));
    return inserts;
  }
  const touch = touchProbe(operations);
  const touched = touchedRows(touch, await read(host, touch, leftMs(), options));
  const probe = stateProbe(operations, touched);
  const rows = guardedRows(touched, probe, await read(host, probe, leftMs(), options));
  if (rows.length === 0) return undefined;
  const relative = isRelative(operations);
  addWaits(operations, guardWaits(rows));
  return { kind: "wait", rows, relative };
}

function addWaits(operations: LaidOperation[], waits: readonly JsonObject[]): void {
  const laid = waits.map(
    (json, position): LaidOperation => ({
      id: -1 - position,
      role: "once",
      op: "wait",
      table: String(json["table"]),
      json,
      expectation: undefined,
    }),
  );
  operations.splice(
    operations.findIndex(({ role }) => role !== "lock"),
    0,
    ...laid,
  );
}

type Ask = (withinMs: number) => Promise<OutcomeResolution>;

/** A guarded transaction was refused: did an earlier run of the same request count, or did nothing happen? */
async function settle(
  guard: Guard,
  error: OvsdbError,
  failed: LaidOperation | undefined,
  ask: () => Promise<OutcomeResolution>,
): Promise<"committed before" | "beaten" | "unknown" | OvsdbError> {
  const isRefusal = failed?.role === "once";
  const isDuplicate = guard.kind === "uuid" && !guard.chosen && error.code === "DUPLICATE_UUID";
  // The guard held, so that no earlier run counted: the error is the transaction's own.
  if (!isRefusal && !isDuplicate) return error;
  const refused = guard.kind === "uuid" ? taken(guard, error) : ("beaten" as const);
  if (isRefusal && isFirstRun((error as { details?: string | undefined }).details)) return refused;
  try {
    const { committed } = await ask();
    if (committed === "unknown") return "unknown";
    return committed ? "committed before" : refused;
  } catch {
    return "unknown";
  }
}

function taken(guard: Extract<Guard, { kind: "uuid" }>, cause: OvsdbError): OvsdbError {
  if (cause instanceof DuplicateUuidError) return cause;
  const uuids = guard.rows.map(({ uuid }) => uuid).join(", ");
  return new DuplicateUuidError(`there are rows with the chosen uuids already (${uuids}); nothing was committed`, {
    cause,
    table: guard.rows[0]?.table,
  });
}

const SETTLE_MS = 1_000;
const SETTLE_ASKS = 2;

/**
 * Asks what became of a guarded transaction. "Not committed" is only believed when the server that it was sent to is awake
 * or gone: one that was stopped carries out what it finds in its sockets when it wakes. Then it is seen twice, a second
 * apart, since what that server has passed on to the leader may be on its way.
 */
async function resolveOutcome(host: TransactHost, ask: Ask, server: string | undefined): Promise<OutcomeResolution> {
  const first = await ask(host.transactMs);
  if (first.committed !== false) return first;
  if (server !== undefined && !(await host.isAwake(server))) {
    return {
      committed: "unknown",
      why: `it is not there now, but ${server}, which it was sent to, is silent and may still carry it out when it wakes; ask again later`,
    };
  }
  for (let asked = 1; ; asked++) {
    const state = await ask(host.transactMs);
    if (state.committed !== false || asked >= SETTLE_ASKS) return state;
    await new Promise<void>((resolve) => host.clock.after(SETTLE_MS, resolve));
  }
}

async function readGuard(
  host: TransactHost,
  guard: Guard,
  alone: boolean,
  withinMs: number,
): Promise<OutcomeResolution> {
  const reply = await host.call("transact", [host.database, ...askGuard(guard)], withinMs, {});
  return judgeGuard(guard, reply as readonly Json[], alone);
}

/** Runs operations that end in `abort`; an error before that is the transaction's own. */
async function read(
  host: TransactHost,
  operations: readonly JsonObject[],
  timeoutMs: number,
  options: TransactOptions,
): Promise<readonly Json[]> {
  const reply = (await host.call(
    "transact",
    [host.database, ...operations],
    timeoutMs,
    callOptions(options),
  )) as readonly Json[];
  const laid: LaidOperation[] = operations.slice(0, -1).map((json, id) => ({
    id,
    role: "caller",
    op: String(json["op"]),
    table: undefined,
    json,
    expectation: undefined,
  }));
  const failed = reply.slice(0, -1).some((result) => (result as JsonObject | null)?.["error"] != null);
  if (failed) {
    const verdict = judgeReply(laid, reply);
    throw verdict.type === "failed" ? verdict.error : new ClosedError("the dry run failed");
  }
  return reply;
}
