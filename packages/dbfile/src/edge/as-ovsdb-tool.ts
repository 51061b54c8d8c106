/** What `ovsdb-tool cluster-to-standalone` makes of a clustered file, mistakes and all. */
import type { FileHandle } from "node:fs/promises";
import { readSchema } from "../content.ts";
import { DbFileError } from "../error.ts";
import type { DataPlace, FileRecord } from "../file-record.ts";
import { applyStep, refuseJoining, steps } from "../replay.ts";
import type { DatabaseContent } from "../rows/database-content.ts";
import { parseBytes } from "../scan/text.ts";
import type { ClusterSurvey } from "../survey.ts";
import { writeContent } from "./content-writer.ts";
import { type DbFile, readRecords } from "./db-file.ts";
import { runPaced } from "./pace.ts";
import { placeNew } from "./place.ts";
import { RecordCopier } from "./record-copier.ts";
import type { ToStandaloneResult } from "./to-standalone.ts";

/** The first release of each branch that begins the file anew at a conversion; those between are without. */
const RESETS_SINCE: readonly (readonly [major: number, minor: number, patch: number])[] = [
  [2, 17, 7],
  [3, 0, 5],
  [3, 1, 2],
  [3, 2, 0],
];

/** @throws DbFileError `ARGUMENT` for what is no version. */
function resetsAtSchema(version: true | string): boolean {
  if (version === true) return true;
  const parts = /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})$/.exec(version)?.slice(1).map(Number);
  if (parts === undefined)
    throw new DbFileError("ARGUMENT", `asOvsdbTool: "${version}" is no version of Open vSwitch such as 3.1.0`);
  const [major = 0, minor = 0, patch = 0] = parts;
  const own = RESETS_SINCE.find((since) => since[0] === major && since[1] === minor);
  return own === undefined ? major > 3 || (major === 3 && minor > 2) : patch >= own[2];
}

/** Where the last schema is, behind the snapshot's. */
type LastSchema = { readonly ordinal: number; readonly data: DataPlace };

/** Whatever ovsdb-tool would stumble over is found before the target gets its name. */
export async function translateAsOvsdbTool(
  file: DbFile,
  target: string,
  version: true | string,
  signal: AbortSignal | undefined,
): Promise<ToStandaloneResult> {
  const base = resetsAtSchema(version) ? await lastSchema(file, signal) : undefined;
  const converted = base?.data.transaction === undefined ? await convertedAt(file, base, signal) : undefined;
  const seen = { index: 0, term: 0, eid: "", dateMs: undefined as number | undefined };
  let ids = { clusterId: "", serverId: "" };
  let written = { sizeBytes: 0, records: 0 };
  const path = await placeNew(target, async (handle) => {
    const begun = converted === undefined ? 0 : await begin(handle, converted);
    const copier = new RecordCopier(handle, file.file, "JSON", begun);
    const copy = async (
      { place }: FileRecord & { type: "header" | "log" },
      data: DataPlace | undefined,
    ): Promise<void> => {
      if (data?.transaction !== undefined) seen.dateMs = data.transaction.dateMs ?? seen.dateMs;
      if (data === undefined || (base !== undefined && place.ordinal < base.ordinal)) return;
      const isBase = place.ordinal === (base?.ordinal ?? 0);
      if (isBase && converted === undefined && data.schema !== undefined) await copier.copy(data.schema);
      if (data.transaction !== undefined) await copier.copy(data.transaction.span);
    };
    for await (const record of goodRecords(file, signal)) {
      if (record.type === "header") {
        if (record.header.kind === "joining") throw joining();
        const { header, data } = record;
        ids = { clusterId: header.cluster_id, serverId: header.server_id };
        [seen.index, seen.term, seen.eid] = [header.prev_index, header.prev_term, header.prev_eid];
        if (data?.schema === undefined || data.transaction === undefined)
          throw new DbFileError("BAD_RECORD", "the header's snapshot must be [schema, transaction]", { offset: 0 });
        readSchema(parseBytes(file.bytes(data.schema)));
        await copy(record, data);
      } else if (record.type === "log" && record.record.type === "entry") {
        [seen.index, seen.term] = [record.record.index, record.record.term];
        if (record.data !== undefined) seen.eid = record.record.eid;
        await copy(record, record.data);
      }
    }
    await copier.finish();
    written = { sizeBytes: copier.sizeBytes, records: copier.records + (converted === undefined ? 0 : 2) };
  });
  return { path, ...written, ...ids, ...seen, uncommitted: 0, overwritten: 0, damage: undefined, stoppedBy: undefined };
}

async function* goodRecords(file: DbFile, signal: AbortSignal | undefined): AsyncGenerator<FileRecord, void> {
  for await (const record of readRecords(file, { signal })) {
    if (record.type === "damage")
      throw new DbFileError("DAMAGED", record.damage.message, { offset: record.damage.offset });
    if (record.type === "invalid") throw record.error;
    if (record.type === "schema") refuseStandalone("standalone", file.path);
    yield record;
  }
}

async function lastSchema(file: DbFile, signal: AbortSignal | undefined): Promise<LastSchema | undefined> {
  let last: LastSchema | undefined;
  for await (const record of goodRecords(file, signal)) {
    if (record.type !== "log" || record.data?.schema === undefined) continue;
    readSchema(parseBytes(file.bytes(record.data.schema)));
    last = { ordinal: record.place.ordinal, data: record.data };
  }
  return last;
}

/** The rows that a conversion without rows finds (since 3.2): those of all entries before it, overwritten ones too. */
async function convertedAt(
  file: DbFile,
  base: LastSchema | undefined,
  signal: AbortSignal | undefined,
): Promise<DatabaseContent | undefined> {
  if (base === undefined) return undefined;
  const survey = await file.survey({ signal });
  refuseJoining(survey);
  if (survey.format === "standalone") return undefined;
  return await runPaced(contentAt(file, survey, base.ordinal), signal);
}

function* contentAt(file: DbFile, survey: ClusterSurvey, ordinal: number): Generator<undefined, DatabaseContent> {
  let content: DatabaseContent | undefined;
  for (const item of steps(survey, (of) => file.reread(of), { withOverwritten: true })) {
    if (item === undefined) {
      yield undefined;
      continue;
    }
    if (item.step.place.ordinal > ordinal) break;
    content = yield* applyStep(content, item.step, item.reader);
    if (item.step.place.ordinal === ordinal) return content;
  }
  throw survey.refusal ?? new DbFileError("BAD_RECORD", "the rows before the last schema cannot be read");
}

function begin(handle: FileHandle, content: DatabaseContent): Promise<number> {
  return writeContent(handle, content, { comment: "converted by ovsdb-tool", dateMs: Date.now(), isDiff: true });
}

export function refuseStandalone(format: string, path: string): void {
  if (format !== "standalone") return;
  throw new DbFileError("WRONG_FORMAT", `${path} is a standalone file already`, { path });
}

function joining(): DbFileError {
  return new DbFileError(
    "JOINING",
    "the file of a server that has not joined its cluster holds neither schema nor rows",
  );
}
