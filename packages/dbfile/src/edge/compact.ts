/** The same database in a smaller file: what is past is dropped, what is now is kept. */
import { formatSchema, stringifyJson, ZERO_UUID } from "@ovnha/ovsdb/core";
import type { Finding } from "../check/finding.ts";
import { lastEid } from "../check/log-matching.ts";
import type { MemberLog } from "../check/member-log.ts";
import { type ClusterRecord, encodeClusterHeader, encodeClusterRecord, type MemberHeader } from "../clustered.ts";
import { RowCounts, transactionText } from "../content.ts";
import { DbFileError } from "../error.ts";
import { judge } from "./check-cluster.ts";
import { rowsOf } from "./content-of.ts";
import { type Created, createStandalone, paced, snapshotText } from "./create.ts";
import { openDbFile } from "./db-file.ts";
import { EntryReader } from "./entry-reader.ts";
import { examineFile } from "./examine.ts";
import { placeNew, refuseLocked, refuseTaken } from "./place.ts";
import { RecordWriter } from "./record-writer.ts";
import { replay } from "./replay.ts";

export type CompactOptions = {
  readonly source: string;
  /** Where the compacted file goes. The source stays as it is. */
  readonly target: string;
  /** Of the one transaction; default: that it was compacted. */
  readonly comment?: string | undefined;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Writes a compacted copy of a file on which no server runs.
 *
 * A standalone file becomes its schema and one transaction, as `ovsdb-tool compact` has it. A member's file, which
 * ovsdb-tool cannot compact, becomes what the server itself would make of it: a snapshot of what is committed, then term,
 * vote and every entry that is not yet known to be committed. It is the same server with the same promises, so that it must
 * take the place of the source, and never run beside it.
 *
 * @throws DbFileError `LOCKED` if a server runs on the source (let the server do it: `ovs-appctl ovsdb-server/compact`),
 * `DAMAGED` if a file cannot be read to its end, `BAD_RECORD` if a member's file has any fault, `JOINING`, `EXISTS`, `IO`; then no file is there.
 */
export async function compact(options: CompactOptions): Promise<Created> {
  const { source, target, signal } = options;
  await refuseLocked(source);
  await refuseTaken(target);
  const comment = options.comment ?? "compacted by @ovnha/dbfile";
  if ((await magicOf(source)) === "CLUSTER") return compactMember(source, target, comment, signal);
  using file = await openDbFile(source);
  const { damage } = await file.survey({ signal });
  if (damage !== undefined) {
    const remedy = "convert what is before it with createCluster or replay if the rest may be lost";
    throw new DbFileError("DAMAGED", `${source} is not compacted, because ${damage.message}; ${remedy}`, {
      path: source,
      offset: damage.offset,
    });
  }
  const { content } = await replay(file, { signal });
  return createStandalone({ path: target, schema: content.schema, rows: rowsOf(content), comment, signal });
}

async function magicOf(path: string): Promise<string> {
  using file = await openDbFile(path);
  const head = new Uint8Array(16);
  return new TextDecoder("latin1").decode(head.subarray(0, file.file.readAt(0, head))).split(" ")[1] ?? "";
}

async function compactMember(
  source: string,
  target: string,
  comment: string,
  signal: AbortSignal | undefined,
): Promise<Created> {
  const log = await examineFile(source, signal);
  if (log.header?.kind === "joining")
    throw new DbFileError("JOINING", `${source} is of a server that has not joined; there is nothing to compact`, {
      path: source,
    });
  refuseFaults(source, judge([log]).findings);
  const { content } = await replay(source, { index: log.commitIndex, signal });
  const rows = new RowCounts();
  using reader = new EntryReader();
  const header = encodeClusterHeader(snapshotHeader(log, reader));
  let sizeBytes = 0;
  const path = await placeNew(target, async (file) => {
    const writer = new RecordWriter(file, "CLUSTER");
    // These rows are what the server has: it keeps them whatever they are.
    const text = transactionText(content.schema, rowsOf(content), { comment, dateMs: Date.now() }, rows, "none");
    await writer.write(paced(snapshotText(header, stringifyJson(formatSchema(content.schema)), text), signal));
    for (const record of promises(log)) await writer.write(stringifyJson(encodeClusterRecord(record)));
    // Byte by byte, for a comment may hold bytes that are no UTF-8.
    for (let index = log.commitIndex + 1; index < log.logEnd; index++)
      await writer.copy(reader.bytes(log, index - log.logStart));
    sizeBytes = writer.sizeBytes;
  });
  return { path, sizeBytes, rows };
}

/** A server's promises are kept whole, or not touched. */
function refuseFaults(source: string, findings: readonly Finding[]): void {
  const fault = findings.find(({ severity, code }) => severity === "error" || code === "LEFT" || code === "TORN_TAIL");
  if (fault === undefined) return;
  const damaged = fault.code === "TORN_TAIL" || fault.code === "DAMAGED_RECORD" || fault.code === "DAMAGED_HEADER";
  const message = `${source} is not compacted, because of a fault (${fault.code}): ${fault.message}; ${fault.remedy}`;
  throw new DbFileError(damaged ? "DAMAGED" : "BAD_RECORD", message, { path: source, offset: fault.offset });
}

function snapshotHeader(log: MemberLog, reader: EntryReader): MemberHeader {
  const old = log.member;
  if (old === undefined)
    throw new DbFileError("WRONG_FORMAT", `${log.path} is not the file of a member`, { path: log.path });
  return {
    ...old,
    prev_servers: log.serversAt(log.commitIndex),
    prev_index: log.commitIndex,
    prev_term: log.termAt(log.commitIndex) ?? old.prev_term,
    prev_eid: lastEid(log, log.commitIndex, reader.sameEntry) ?? old.prev_eid,
    prev_data: null,
    prev_election_timer: log.electionTimerMs,
  };
}

/** What a server must not forget, besides entries that may become committed: the newest term, and its vote in it. */
function* promises(log: MemberLog): Generator<ClusterRecord> {
  const comment = undefined;
  if (log.term > 0) yield { type: "term", term: log.term, comment };
  if (log.vote !== ZERO_UUID) yield { type: "vote", term: log.term, vote: log.vote, comment };
}
