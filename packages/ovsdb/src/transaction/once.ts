/**
 * Making a transaction that cannot be applied twice. ovsdb-server runs a `transact` again by itself when the cluster did
 * not answer in time, while the first run may still be committed by the next leader: one request, one reply, two effects.
 * A guard inside the transaction makes the second run fail, and tells afterwards whether the first one counted:
 *
 * - inserts get row uuids chosen here: the second run meets "duplicate uuid";
 * - transactions without inserts get a `wait` with timeout 0 on the values they are about to change. The server itself
 *   says what these are, before and after, in a dry run.
 *
 * Values are no signature: when two programs count 5 to 6, the one that was beaten finds 6 as well. Whether a refused
 * `wait` belongs to a first run is told by its own words, which hold the time since the request came; where that does
 * not settle it, equal values prove nothing about a change that depends on what was there before, unless a lock keeps
 * all others out.
 *
 * Pure: the edge sends what these functions ask for.
 */
import { LimitError, type OutcomeResolution } from "../error.ts";
import { type Json, type JsonObject, stringifyJson } from "../json.ts";
import type { LaidOperation } from "./layout.ts";

/** Rows that a guard may hold; more than this is no longer a cheap prerequisite. */
export const GUARD_ROWS_MAX = 10_000;

/** A row, and what the transaction does to it; `undefined` stands for "not there". */
export type GuardedRow = {
  readonly table: string;
  readonly uuid: string;
  readonly before: JsonObject | undefined;
  readonly after: JsonObject | undefined;
};

export type InsertGuard = {
  readonly kind: "uuid";
  readonly rows: readonly { readonly table: string; readonly uuid: string }[];
  /** The caller chose all the uuids, so that "duplicate uuid" may speak of rows that were there before. */
  readonly chosen: boolean;
};
export type WaitGuard = {
  readonly kind: "wait";
  readonly rows: readonly GuardedRow[];
  /** What the transaction makes of the rows depends on what they were: others may arrive at the same values. */
  readonly relative: boolean;
};
export type Guard = InsertGuard | WaitGuard;

const CHANGING = new Set(["update", "mutate", "delete"]);
const ARITHMETIC = new Set<Json | undefined>(["+=", "-=", "*=", "/=", "%="]);

/** Gives every insert a uuid of its own; undefined if there is no insert. */
export function guardInserts(operations: LaidOperation[], randomUuid: () => string): InsertGuard | undefined {
  const own: { table: string; uuid: string }[] = [];
  const chosen: { table: string; uuid: string }[] = [];
  for (const [position, operation] of operations.entries()) {
    if (operation.op !== "insert" || operation.table === undefined) continue;
    const given = operation.json["uuid"];
    const uuid = typeof given === "string" ? given : randomUuid();
    operations[position] = { ...operation, json: { ...operation.json, uuid } };
    (typeof given === "string" ? chosen : own).push({ table: operation.table, uuid });
  }
  const rows = own.length > 0 ? own : chosen;
  return rows.length === 0 ? undefined : { kind: "uuid", rows, chosen: own.length === 0 };
}

/** Whether the effect depends on values that were read: arithmetic, or changes behind a `wait`. */
export function isRelative(operations: readonly LaidOperation[]): boolean {
  return operations.some(({ op, json }) => {
    if (op === "wait" && json["until"] === "==") return true;
    const mutations = json["mutations"];
    return (
      Array.isArray(mutations) && mutations.some((mutation) => Array.isArray(mutation) && ARITHMETIC.has(mutation[1]))
    );
  });
}

/** Twice the shortest election timer that a cluster can have: nothing is run again before that (ovsdb-server's raft.c). */
const RERUN_MS_MIN = 200;

/**
 * Whether a `wait` with timeout 0 was refused so soon that no earlier run of the request can be under way: the refusal
 * names the milliseconds since the request came, and no milliseconds in other words (ovsdb's execution.c).
 */
export function isFirstRun(details: string | undefined): boolean {
  if (details === '"where" clause test failed') return true;
  const elapsedMs = /timed out after (\d+) ms/.exec(details ?? "")?.[1];
  return elapsedMs !== undefined && Number(elapsedMs) < RERUN_MS_MIN;
}

/** A dry run that lists the rows which the operations touch: a `select` before each changing operation, then `abort`. */
export function touchProbe(operations: readonly LaidOperation[]): JsonObject[] {
  const probe: JsonObject[] = [];
  for (const { op, table, json } of operations) {
    if (CHANGING.has(op) && table !== undefined)
      probe.push({ op: "select", table, where: json["where"] ?? [], columns: ["_uuid"] });
    if (op !== "wait" && op !== "assert" && op !== "commit" && op !== "comment") probe.push(json);
  }
  return [...probe, { op: "abort" }];
}

/** Reads the reply to {@link touchProbe}: table and uuid of each row, once. */
export function touchedRows(probe: readonly JsonObject[], reply: readonly Json[]): { table: string; uuid: string }[] {
  const touched = new Map<string, { table: string; uuid: string }>();
  for (const [position, asked] of probe.entries()) {
    const table = asked["table"];
    if (asked["op"] !== "select" || typeof table !== "string") continue;
    for (const row of rowsAt(reply, position)) {
      const uuid = uuidOf(row);
      if (uuid !== undefined) touched.set(`${table} ${uuid}`, { table, uuid });
    }
  }
  if (touched.size > GUARD_ROWS_MAX) {
    throw new LimitError(
      "GUARD_ROWS_MAX",
      `the guard of { once: true } would hold ${touched.size} rows, more than ${GUARD_ROWS_MAX}; narrow the where, or split the transaction`,
    );
  }
  return [...touched.values()];
}

/** A second dry run: the touched rows as they are, the operations, and the rows as they would be. */
export function stateProbe(
  operations: readonly LaidOperation[],
  touched: readonly { table: string; uuid: string }[],
): JsonObject[] {
  const selects = touched.map(({ table, uuid }) => selectRow(table, uuid));
  const changes = operations.filter(({ op }) => CHANGING.has(op)).map(({ json }) => json);
  return [...selects, ...changes, ...selects, { op: "abort" }];
}

/** Reads the reply to {@link stateProbe}; rows that stay as they are need no guard. */
export function guardedRows(
  touched: readonly { table: string; uuid: string }[],
  probe: readonly JsonObject[],
  reply: readonly Json[],
): GuardedRow[] {
  const afterStart = probe.length - 1 - touched.length;
  const rows: GuardedRow[] = [];
  for (const [position, { table, uuid }] of touched.entries()) {
    const before = withoutVersion(rowsAt(reply, position)[0]);
    const after = withoutVersion(rowsAt(reply, afterStart + position)[0]);
    if (!same(before, after))
      rows.push({ table, uuid, before: onlyChanged(before, after), after: onlyChanged(after, before) });
  }
  return rows;
}

/** The `wait` operations that hold the values of {@link guardedRows}; for rows to be inserted, that they are not there. */
export function guardWaits(rows: readonly Pick<GuardedRow, "table" | "uuid" | "before">[]): JsonObject[] {
  return rows.map(({ table, uuid, before }) => ({
    op: "wait",
    table,
    timeout: 0,
    where: [["_uuid", "==", ["uuid", uuid]]],
    columns: Object.keys(before ?? { _uuid: null }),
    until: "==",
    rows: before === undefined ? [] : [before],
  }));
}

/** Asks for the present state of what a guard holds. */
export function askGuard(guard: Guard): JsonObject[] {
  return guard.rows.map(({ table, uuid }) => selectRow(table, uuid));
}

/**
 * What the present state says about the guarded transaction. `alone` says that nobody else can have written meanwhile.
 * Rows that were inserted and have been deleted by another since look as if they had never been there.
 */
export function judgeGuard(guard: Guard, reply: readonly Json[], alone: boolean): OutcomeResolution {
  const present = guard.rows.map((_row, position) => withoutVersion(rowsAt(reply, position)[0]));
  if (guard.kind === "uuid") return { committed: present.some((row) => row !== undefined) };
  const like = (side: "before" | "after"): boolean =>
    guard.rows.every((row, position) => matches(row[side], present[position]));
  if (like("before")) return { committed: false };
  if (!like("after"))
    return {
      committed: "unknown",
      why: "another writer has changed the same rows since; their present values fit neither outcome",
    };
  if (!guard.relative || alone) return { committed: true };
  return {
    committed: "unknown",
    why: "the rows are as it makes them, and another writer may have made them so; hold a lock to be sure, or insert a row along with it",
  };
}

function selectRow(table: string, uuid: string): JsonObject {
  return { op: "select", table, where: [["_uuid", "==", ["uuid", uuid]]] };
}

function rowsAt(reply: readonly Json[], position: number): readonly JsonObject[] {
  const result = reply[position] as JsonObject | null | undefined;
  const rows = result?.["rows"];
  return Array.isArray(rows) ? (rows as readonly JsonObject[]) : [];
}

function uuidOf(row: JsonObject): string | undefined {
  const atom = row["_uuid"];
  return Array.isArray(atom) && typeof atom[1] === "string" ? atom[1] : undefined;
}

function withoutVersion(row: JsonObject | undefined): JsonObject | undefined {
  if (row === undefined) return undefined;
  const { _version, ...rest } = row;
  return rest;
}

function onlyChanged(row: JsonObject | undefined, other: JsonObject | undefined): JsonObject | undefined {
  if (row === undefined) return undefined;
  if (other === undefined) return { _uuid: row["_uuid"] ?? null };
  return Object.fromEntries(Object.entries(row).filter(([column, value]) => !same(value, other[column])));
}

/** ovsdb-server writes sets and maps in one order, so equal values have equal texts. */
function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return stringifyJson(sorted(a)) === stringifyJson(sorted(b));
}

function sorted(json: Json): Json {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function matches(expected: JsonObject | undefined, present: JsonObject | undefined): boolean {
  if (expected === undefined || present === undefined) return expected === present;
  return Object.entries(expected).every(([column, value]) => same(value, present[column]));
}
