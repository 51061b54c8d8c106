/** A write that must commit: the end-to-end health of a database, in one number. */
import { randomUUID } from "node:crypto";
import { type Json, openSession, type TlsSource } from "@ovnha/ovsdb";
import { ClusterError } from "../../error.ts";
import { type NoOpTarget, noOpColumns, noOpOperations, noOpRows } from "../../probe/no-op.ts";

export type ProbeOptions = {
  readonly database: string;
  /** The row of an earlier probe: nothing is looked for as long as it is there. */
  readonly target?: NoOpTarget | undefined;
  readonly tls?: TlsSource | undefined;
  /** For the whole probe, in ms; 10,000 unless told. A write without a quorum hangs for as long. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type ProbeResult =
  /** It was committed; `latencyMs` is from sending to the reply, which comes after the commit. */
  | {
      readonly type: "committed";
      readonly remote: string;
      readonly latencyMs: number;
      /** `_Server.index` of that server. */
      readonly indexBefore: number;
      readonly indexAfter: number;
      /** For the next probe. */
      readonly target: NoOpTarget;
    }
  /** No table has a row and a column by which nothing can be written. */
  | { readonly type: "impossible"; readonly remote: string; readonly why: string }
  | {
      readonly type: "failed";
      readonly remote: string;
      readonly afterMs: number;
      readonly why: string;
      /** Whether the write went out: it was refused, or may yet be committed. */
      readonly isSent: boolean;
    };

/**
 * Writes once through the server at the remote, which forwards to the leader if it is none. Nothing of the user's is
 * changed, and no client is told of anything; see `noOpOperations`.
 */
export async function probeWrite(remote: string, options: ProbeOptions): Promise<ProbeResult> {
  const { database, tls, signal, timeoutMs = 10_000 } = options;
  const startedMs = performance.now();
  const rest = (): number => Math.max(1, timeoutMs - (performance.now() - startedMs));
  await using session = openSession(remote, { tls, connectMs: timeoutMs, timeoutMs, signal });
  const call: Call = (method, params) => session.call(method, params, { timeoutMs: rest() });
  let known = options.target;
  let isSent = false;
  try {
    for (let tries = TRIES_MAX; ; tries--) {
      const target = known ?? (await findTarget(call, database));
      if (typeof target === "string") return { type: "impossible", remote, why: target };
      const indexBefore = await readIndex(call, database);
      const sentMs = performance.now();
      isSent = true;
      const reply = await call("transact", [database, ...(noOpOperations(target, randomUUID()) as Json[])]);
      const latencyMs = performance.now() - sentMs;
      const refusal = refusalIn(reply);
      // Somebody deleted or filled that row meanwhile: nothing was written, and another one will do.
      if (refusal === GONE && tries > 1) {
        known = undefined;
        isSent = false;
        continue;
      }
      if (refusal !== undefined) return { type: "failed", remote, afterMs: latencyMs, why: refusal, isSent };
      return { type: "committed", remote, latencyMs, indexBefore, indexAfter: await readIndex(call, database), target };
    }
  } catch (error) {
    if (signal?.aborted) throw new ClusterError("ABORTED", "the probe was aborted", { cause: error });
    return { type: "failed", remote, afterMs: performance.now() - startedMs, why: (error as Error).message, isSent };
  }
}

const TRIES_MAX = 3;
const COLUMNS_MAX = 20;
const GONE = "the row is gone";

type Call = (method: string, params: readonly Json[]) => Promise<Json>;

async function findTarget(call: Call, database: string): Promise<NoOpTarget | string> {
  const columns = noOpColumns(await call("get_schema", [database])).slice(0, COLUMNS_MAX);
  if (columns.length === 0) return `${database} has no column of weak references`;
  // All that can be asked briefly first; whole tables only if none of that has a row.
  const questions = [
    ...columns.map((column) => ({
      column,
      where: [...noOpRows(column), ...(column.few === undefined ? [] : [column.few])],
    })),
    ...columns.filter(({ few }) => few !== undefined).map((column) => ({ column, where: noOpRows(column) })),
  ];
  const asked = new Set<string>();
  for (const { column, where } of questions) {
    const { table, isOptional } = column;
    const question = JSON.stringify([table, where]);
    if (asked.has(question)) continue;
    asked.add(question);
    const reply = await call("transact", [database, { op: "select", table, where: where as Json, columns: ["_uuid"] }]);
    const row = firstRow(reply);
    if (row !== undefined) return { table, column: column.column, isOptional, row };
  }
  return `no table of ${database} with a column of weak references has a row`;
}

function firstRow(reply: Json): string | undefined {
  const [result] = reply as unknown as [{ rows?: readonly { _uuid: readonly [string, string] }[] }];
  return result?.rows?.[0]?._uuid[1];
}

async function readIndex(call: Call, database: string): Promise<number> {
  const where = [["name", "==", database]];
  const reply = await call("transact", [
    "_Server",
    { op: "select", table: "Database", where, columns: ["index"] } as Json,
  ]);
  const [result] = reply as unknown as [{ rows?: readonly { index: unknown }[] }];
  const index = result?.rows?.[0]?.index;
  return typeof index === "number" ? index : 0;
}

/** An operation's own error, or the commit's, which comes as one result more (RFC 7047 §4.1.3). */
function refusalIn(reply: Json): string | undefined {
  for (const result of reply as unknown as readonly ({ error?: string; details?: string; count?: number } | null)[]) {
    if (typeof result?.error === "string")
      return `${result.error}${result.details === undefined ? "" : `: ${result.details}`}`;
    if (result?.count === 0) return GONE;
  }
  return undefined;
}
