/** Follows the row of one database in one server's `_Server`, for as long as the signal lets it, across restarts. */
import { type Json, OvsdbError, openSession, type RawSession, type TlsSource } from "@ovnha/ovsdb";
import { ClusterError } from "../../error.ts";
import type { Target } from "../../observe/members.ts";
import { readServerRow } from "../../observe/server-row.ts";
import type { Answer, ServerRow } from "../../observe/types.ts";
import { selectServer, sessionOptions, timed } from "./ask.ts";
import { pause } from "./pause.ts";

export type FollowOptions = {
  readonly timeoutMs: number;
  readonly pollMs: number;
  readonly tls?: TlsSource | undefined;
  readonly signal: AbortSignal;
  /** Takes each answer; `isNews`: the monitor told of it, before anybody asked. */
  readonly take: (server: Answer<ServerRow | undefined>, isNews: boolean) => void;
};

/** Not "index": it changes with every commit, and is asked for each beat anyway. */
const MONITORED = ["name", "model", "connected", "leader", "cid", "sid"];

export async function followServer(target: Target, options: FollowOptions): Promise<void> {
  const { signal, pollMs } = options;
  while (!signal.aborted) {
    const session = openSession([...target.remotes], sessionOptions(options));
    try {
      await followSession(session, target, options);
    } finally {
      await session.close();
    }
    await pause(pollMs, signal);
  }
}

/** Until the session ends or does not answer. */
async function followSession(session: RawSession, target: Target, options: FollowOptions): Promise<void> {
  const { signal, timeoutMs, pollMs } = options;
  const via = target.remotes.join(",");
  let last: Answer<ServerRow | undefined> | undefined;
  const reading = readUpdates(session, target.database, (told) => {
    if (last?.ok !== true || signal.aborted) return;
    last = { ...last, value: told(last.value), atMs: Date.now() };
    options.take(last, true);
  });
  reading.catch(() => {});
  let isMonitored = false;
  let wake: (() => void) | undefined;
  let isOver = false;
  void session.closed.then(() => {
    isOver = true;
    wake?.();
  });
  try {
    while (!signal.aborted) {
      last = await timed(via, async () => {
        if (!isMonitored) await session.call("monitor", monitorParams(), { timeoutMs });
        isMonitored = true;
        return selectServer(session, target.database, timeoutMs);
      });
      if (signal.aborted) return;
      options.take(last, false);
      if (!last.ok) return;
      if (isOver) continue;
      await pause(pollMs, signal, (poke) => {
        wake = poke;
      });
    }
  } finally {
    void session.close();
    await reading;
  }
}

function monitorParams(): Json[] {
  return ["_Server", "ovn-ha", { Database: [{ columns: [...MONITORED] }] }];
}

async function readUpdates(
  session: RawSession,
  database: string,
  tell: (change: (before: ServerRow | undefined) => ServerRow | undefined) => void,
): Promise<void> {
  try {
    for await (const { method, params } of session.notifications()) {
      if (method !== "update") continue;
      for (const { old, new: row } of updatesOf(params[1])) {
        if (row?.["name"] === database) tell((before) => merged(before, row));
        else if (row === undefined && old?.["name"] === database) tell(() => undefined);
      }
    }
  } catch (error) {
    // The session's end, or a row that makes no sense, is told by the next question.
    if (!(error instanceof OvsdbError || error instanceof ClusterError)) throw error;
  }
}

type Row = Readonly<Record<string, Json>>;

function updatesOf(tables: Json | undefined): { readonly old?: Row; readonly new?: Row }[] {
  const rows = (tables as { Database?: Record<string, { old?: Row; new?: Row }> } | null | undefined)?.Database;
  return Object.values(rows ?? {});
}

function merged(before: ServerRow | undefined, row: Row): ServerRow {
  const next = readServerRow(row, before?.hasSchema ?? true);
  return before?.index === undefined ? next : { ...next, index: before.index };
}
