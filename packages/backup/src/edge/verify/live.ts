/** Rows of a live database against those of a backup. */
import type { DatabaseContent } from "@ovnha/dbfile";
import { type Json, OvsdbError, parseSchema, type TlsSource } from "@ovnha/ovsdb";
import { BackupError } from "../../error.ts";
import { chooseMembers } from "../../take/choose-member.ts";
import { persistentColumns } from "../../take/wire.ts";
import { Comparison, type Difference } from "../../verify/comparison.ts";
import { askMembers } from "../take/ask.ts";

export type LiveOptions = {
  /** All members of the cluster, or the one server. */
  readonly remote: string;
  readonly tls?: TlsSource | undefined;
  readonly connectMs?: number | undefined;
  readonly silenceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type LiveComparison = Difference & {
  readonly remote: string;
  readonly cid: string | undefined;
  readonly index: number | undefined;
  /** The schema's version, where it is another one now. */
  readonly schemaVersion: string | undefined;
  readonly schemaChanged: boolean;
  readonly warnings: readonly string[];
};

/**
 * Reads every row of the live database once; what it holds is the backup and a note for each row seen.
 * @throws BackupError `NOT_FOUND` if those that answer do not serve the database, `NO_SOURCE` if none can be compared with, `ABORTED`
 */
export async function compareWithServer(content: DatabaseContent, options: LiveOptions): Promise<LiveComparison> {
  const database = content.schema.name;
  const { views, sessions, cid } = await askMembers(options.remote, database, options);
  try {
    const { candidates, refused, warnings } = chooseMembers(views, { cid, accept: "any" });
    const [best] = candidates;
    const session = best === undefined ? undefined : sessions.get(best.view.remote);
    if (best === undefined || session === undefined) {
      const absent = views.filter(({ isAbsent }) => isAbsent === true);
      if (absent.length > 0 && views.every(({ row }) => row === undefined))
        throw new BackupError("NOT_FOUND", absent.map(({ problem = "" }) => problem).join("; "));
      const reasons = refused.map(({ remote, reason }) => `${remote}: ${reason}`);
      throw new BackupError("NO_SOURCE", `no server can be compared with:\n  ${reasons.join("\n  ")}`);
    }
    const schema = parseSchema((await session.session.call("get_schema", [database])) as Json);
    const comparison = new Comparison(content);
    await session.snapshot(database, persistentColumns(schema), (table, uuid, row) =>
      comparison.take(table, uuid, row),
    );
    return {
      ...comparison.finish(),
      remote: session.remote,
      cid: best.view.row?.cid,
      index: best.view.row?.index,
      schemaVersion: schema.version,
      schemaChanged: schema.version !== content.schema.version || schema.cksum !== content.schema.cksum,
      warnings,
    };
  } catch (error) {
    if (options.signal?.aborted) throw new BackupError("ABORTED", "the comparison was given up", { cause: error });
    if (error instanceof OvsdbError)
      throw new BackupError("NO_SOURCE", `the comparison broke off: ${error.message}`, { cause: error });
    throw error;
  } finally {
    await Promise.all([...sessions.values()].map(({ session }) => session.close()));
  }
}
