/** One database, read over the protocol into a file that has a temporary name. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type Json, OvsdbError, parseSchema, stringifyJson } from "@ovnha/ovsdb";
import { BackupError } from "../../error.ts";
import type { BackupCluster, BackupSource } from "../../manifest.ts";
import { type Candidate, chooseMembers, type ChooseOptions } from "../../take/choose-member.ts";
import { persistentColumns } from "../../take/wire.ts";
import { askMembers, readTerm, serverRow } from "./ask.ts";
import type { RowSession, RowSessionOptions } from "./row-session.ts";
import { StandaloneWriter, type Written } from "./standalone-writer.ts";

export type OnlineOptions = RowSessionOptions &
  ChooseOptions & {
    readonly gzipLevel?: number | undefined;
    readonly bytesMax: number;
    /** Milliseconds that a member gets to apply what another one had applied when it was asked. */
    readonly catchUpMs: number;
    /** The control socket of the server; by default `X.ctl` beside a remote `unix:X.sock`. */
    readonly control?: string | undefined;
    readonly onRows?: ((rows: number, bytes: number) => void) | undefined;
  };

/** What was written, and what the manifest says of it. */
export type Taken = Written & {
  readonly createdAt: Date;
  readonly database: string;
  readonly schema: { readonly version?: string | undefined; readonly cksum?: string | undefined };
  readonly cluster?: BackupCluster | undefined;
  readonly rows: { readonly [table: string]: number };
  readonly source: BackupSource;
  readonly engine: "native" | "ovsdb-tool";
  readonly nbCfg?: number | undefined;
};

/** A conversion while a backup is taken means that it is taken again; more than this many in a row are no accident. */
const ATTEMPTS = 3;
const POLL_MS = 20;

/** @throws BackupError `NO_SOURCE` with a reason for each member, if none is fit or none held until the end. */
export async function takeOnline(
  remotes: string,
  database: string,
  partial: string,
  options: OnlineOptions,
): Promise<Taken> {
  const { views, sessions, cid } = await askMembers(remotes, database, options);
  try {
    const choice = chooseMembers(views, { ...options, cid: options.cid ?? cid });
    const reasons = choice.refused.map(({ remote, reason }) => `${remote}: ${reason}`);
    for (const candidate of choice.candidates) {
      const session = sessions.get(candidate.view.remote);
      if (session === undefined) continue;
      try {
        const taken = await takeFrom(session, candidate, database, partial, options);
        const source: BackupSource = {
          kind: "server",
          place: session.remote,
          model: candidate.view.row?.model ?? "standalone",
          ...(candidate.view.row?.model === "clustered"
            ? { role: candidate.view.row.leader ? "leader" : "follower" }
            : {}),
          asked: views.length,
          answered: choice.answered,
          warnings: choice.warnings,
        };
        return { ...taken, source, engine: "native" };
      } catch (error) {
        await rm(partial, { force: true });
        if (options.signal?.aborted || !isOfMember(error)) throw error;
        reasons.push(`${session.remote}: ${(error as Error).message}`);
      }
    }
    throw new BackupError(
      "NO_SOURCE",
      `no server can be trusted with a backup of ${database}:\n  ${reasons.join("\n  ")}`,
    );
  } finally {
    await Promise.all([...sessions.values()].map(({ session }) => session.close()));
  }
}

/** Whether another member may do better. */
function isOfMember(error: unknown): boolean {
  return error instanceof OvsdbError || (error instanceof BackupError && error.code === "NO_SOURCE");
}

type Read = Omit<Taken, "source" | "engine">;

async function takeFrom(
  session: RowSession,
  candidate: Candidate,
  database: string,
  partial: string,
  options: OnlineOptions,
): Promise<Read> {
  await awaitIndex(session, database, candidate.leastIndex, options);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const read = await readOnce(session, database, partial, options);
    if (read !== undefined) return read;
    await rm(partial, { force: true });
  }
  throw new BackupError(
    "INCONSISTENT",
    `${session.remote}: the schema of ${database} changed ${ATTEMPTS} times in a row`,
    {
      remedy: "take the backup when the conversion is done",
    },
  );
}

/** Undefined if the schema was another one afterwards. */
async function readOnce(
  session: RowSession,
  database: string,
  partial: string,
  options: OnlineOptions,
): Promise<Read | undefined> {
  const schemaJson = stringifyJson(await session.session.call("get_schema", [database]));
  const schema = parseSchema(JSON.parse(schemaJson) as Json);
  const before = await serverRow(session, database);
  const rows = new Map([...schema.tables.keys()].map((table) => [table, 0]));
  const total = { rows: 0, bytes: 0 };
  let nbCfg: number | undefined;
  const writer = new StandaloneWriter(partial, schemaJson, options);
  try {
    const createdAt = new Date();
    const { lastTransaction } = await session.snapshotTexts(
      database,
      persistentColumns(schema),
      (table, uuid, json) => {
        rows.set(table, (rows.get(table) ?? 0) + 1);
        total.rows++;
        if (table === "NB_Global" || table === "SB_Global")
          nbCfg = Number((JSON.parse(json) as { nb_cfg?: number }).nb_cfg ?? 0);
        writer.row(table, uuid, json);
        if (total.rows % 1_000 === 0) options.onRows?.(total.rows, writer.contentBytes);
      },
    );
    const after = await serverRow(session, database);
    if (after.cid !== before.cid || after.sid !== before.sid)
      throw new BackupError("NO_SOURCE", "it became another server while it was read: its database was replaced");
    const isSame = stringifyJson(await session.session.call("get_schema", [database])) === schemaJson;
    if (!isSame) return undefined;
    const written = await writer.finish(createdAt.getTime(), `backup of ${database} by ovn-backup`);
    options.onRows?.(total.rows, written.contentBytes);
    const control = options.control ?? controlBeside(session.remote);
    const term = control === undefined ? undefined : await readTerm(control, database, options.signal);
    const { cid, sid } = after;
    return {
      ...written,
      createdAt,
      database,
      schema: { version: schema.version, cksum: schema.cksum },
      ...(cid === undefined
        ? {}
        : { cluster: { cid, sid, index: before.index, indexMax: after.index, term, lastTransaction } }),
      rows: Object.fromEntries(rows),
      nbCfg,
    };
  } finally {
    writer.close();
  }
}

/** Waits until the member has applied what any other had when they were asked. */
async function awaitIndex(
  session: RowSession,
  database: string,
  least: number | undefined,
  { catchUpMs, signal }: OnlineOptions,
): Promise<void> {
  if (least === undefined) return;
  const endMs = performance.now() + catchUpMs;
  for (;;) {
    const row = await serverRow(session, database);
    if (!row.connected) throw new BackupError("NO_SOURCE", "it was disconnected from its cluster");
    const index = row.index ?? 0;
    if (index >= least) return;
    if (performance.now() > endMs)
      throw new BackupError(
        "NO_SOURCE",
        `it is stale: at index ${index}, and another member was at ${least} ${catchUpMs} ms ago`,
      );
    await delay(POLL_MS, undefined, { signal });
  }
}

/** OVN's servers have `ovnnb_db.ctl` beside `ovnnb_db.sock`. */
function controlBeside(remote: string): string | undefined {
  const path = /^unix:(.+)\.sock$/.exec(remote)?.[1];
  return path !== undefined && existsSync(`${path}.ctl`) ? `${path}.ctl` : undefined;
}
