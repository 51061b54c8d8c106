import { readSchema } from "../content.ts";
import { DbFileError } from "../error.ts";
import type { Damage } from "../record.ts";
import { refuseJoining, replay as replayCore, type ReplayOptions, steps } from "../replay.ts";
import type { DatabaseContent } from "../rows/database-content.ts";
import { type Span, Window } from "../scan/window.ts";
import type { ClusterSurvey } from "../survey.ts";
import { planTranslation, quickPlan, type TranslationPlan } from "../to-standalone.ts";
import { type DbFile, type DbFileOrPath, type OpenOptions, withDbFile } from "./db-file.ts";
import { Pace, runPaced } from "./pace.ts";
import { refuseStandalone, translateAsOvsdbTool } from "./as-ovsdb-tool.ts";
import { writeContent } from "./content-writer.ts";
import { placeNew } from "./place.ts";
import { RecordCopier } from "./record-copier.ts";
import type { EntryPlaces } from "../entry-places.ts";
import { WINDOW_BYTES } from "../record-reader.ts";

export type ToStandaloneOptions = ReplayOptions &
  OpenOptions & {
    /**
     * True for what ovsdb-tool writes: every entry in the order of the file, overwritten and uncommitted ones too. A new
     * schema begins the file anew. Before 2.17.7, 3.0.5, 3.1.2 and 3.2 no schema counted but the first: the version of such
     * a release, as "3.1.0", asks for that. What ovsdb-tool only half does, or does with an empty file, is an error here:
     * damage, and the file of a server that has not joined. Excludes all other options but `signal`.
     */
    readonly asOvsdbTool?: boolean | string | undefined;
  };

export type ToStandaloneResult = {
  /** Of the new file, its folder's symbolic links resolved. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Schema and transactions. */
  readonly records: number;
  readonly clusterId: string;
  readonly serverId: string;
  /** Of the last entry that is in it. */
  readonly index: number;
  readonly term: number;
  /** Of the last entry with data. */
  readonly eid: string;
  /** Of the last transaction that has a date, milliseconds since 1970. */
  readonly dateMs: number | undefined;
  /** Entries left out because the file does not say that they are committed. */
  readonly uncommitted: number;
  /** Entries that a later leader has overwritten; `asOvsdbTool` copies them nevertheless. */
  readonly overwritten: number;
  /** Passed over, as ovsdb-server does. */
  readonly damage: Damage | undefined;
  /** See `untilBad`. */
  readonly stoppedBy: DbFileError | undefined;
};

/**
 * Writes `target`, a new standalone file with mode 0640, from the clustered file `source`. It is written under another name
 * in the same folder, synced, and put in its place; after an error there is no target.
 *
 * Rows are copied as they stand, whatever their number: the whole text of the source is checked, but rows are not held
 * against the schema. `source` may belong to a running server, but a copy of the moment is only what is on its disk.
 *
 * @throws DbFileError `WRONG_FORMAT` for a standalone source, `JOINING`, `EXISTS` or `LOCKED` for the target, `BAD_RECORD`
 * for a source that ovsdb-server refuses (see `untilBad`), `DAMAGED` if the snapshot itself is, `NOT_FOUND` for a moment that
 * the file does not hold.
 */
export async function clusterToStandalone(
  source: DbFileOrPath,
  target: string,
  options: ToStandaloneOptions = {},
): Promise<ToStandaloneResult> {
  return await withDbFile(source, async (file) => {
    refuseMixed(options);
    if (options.asOvsdbTool !== undefined && options.asOvsdbTool !== false)
      return await translateAsOvsdbTool(file, target, options.asOvsdbTool, options.signal);
    const survey = await file.survey({ signal: options.signal, places: true });
    refuseStandalone(survey.format, file.path);
    refuseJoining(survey);
    const clustered = survey as ClusterSurvey;
    const work = planTranslation(clustered, (of) => file.reread(of), options);
    const plan =
      quickPlan(clustered, (offset) => file.recordAt(offset), options) ?? (await runPaced(work, options.signal));
    return await translate(file, target, clustered, plan, options);
  });
}

function refuseMixed({ asOvsdbTool, signal, ...others }: ToStandaloneOptions): void {
  const given = Object.entries(others).filter(([, value]) => value !== undefined && value !== false);
  if (asOvsdbTool === undefined || asOvsdbTool === false || given.length === 0) return;
  const names = given.map(([name]) => name).join(", ");
  throw new DbFileError("ARGUMENT", `asOvsdbTool takes all entries, so that it cannot be given together with ${names}`);
}

async function translate(
  file: DbFile,
  target: string,
  survey: ClusterSurvey,
  plan: TranslationPlan,
  options: ToStandaloneOptions,
): Promise<ToStandaloneResult> {
  const schema = plan.base.schema as Span;
  readSchema(file.json(schema));
  const converted = plan.isBare ? await convertedContent(file, survey, plan, options) : undefined;
  let written = { sizeBytes: 0, records: 0 };
  const path = await placeNew(target, async (handle) => {
    const begun =
      converted === undefined
        ? 0
        : await writeContent(handle, converted, { comment: "converted to the schema before", dateMs: plan.dateMs });
    const copier = new RecordCopier(handle, file.file, "JSON", begun);
    if (converted === undefined) {
      await copier.copy(schema);
      await copier.copy((plan.base.transaction as { span: Span }).span);
    }
    await (plan.places === undefined ? copySteps : copyPlaces)(file, survey, plan, copier, options.signal);
    await copier.finish();
    written = { sizeBytes: copier.sizeBytes, records: copier.records + (converted === undefined ? 0 : 2) };
  });
  return { path, ...written, ...summary(survey, plan) };
}

function summary(
  { overwritten, damage, header }: ClusterSurvey,
  { index, term, eid, dateMs, uncommitted, stoppedBy }: TranslationPlan,
): Omit<ToStandaloneResult, "path" | "sizeBytes" | "records"> {
  return {
    clusterId: header.cluster_id,
    serverId: header.server_id,
    index,
    term: term ?? header.prev_term,
    eid: eid ?? header.prev_eid,
    dateMs,
    uncommitted,
    overwritten,
    damage,
    stoppedBy,
  };
}

/** From where the survey has seen them. */
async function copyPlaces(
  file: DbFile,
  survey: ClusterSurvey,
  { places, index }: TranslationPlan,
  copier: RecordCopier,
  signal: AbortSignal | undefined,
): Promise<void> {
  const pace = new Pace(signal);
  const window = new Window(file.file, WINDOW_BYTES);
  const end = index + 1 - survey.logStart;
  for (let position = 0; position < end; position++) {
    if (position % TURN_ENTRIES === 0 && pace.isDue) await pace.rest();
    const span = { start: (places as EntryPlaces).start(position), end: (places as EntryPlaces).end(position) };
    if (span.end === 0) continue;
    const waits = copyTransaction(span, window, copier);
    if (waits !== undefined) await waits;
  }
}

/** Entries between two looks at the clock. */
const TURN_ENTRIES = 256;

/** Most are short; no promise is made for them. */
function copyTransaction(span: Span, window: Window, copier: RecordCopier): Promise<void> | undefined {
  if (span.end - span.start <= SHORT_BYTES_MAX) {
    const bytes = window.view(span);
    if (copier.add(bytes)) return undefined;
  }
  return copier.copy(span);
}

/** Longer ones are read into their place at once. */
const SHORT_BYTES_MAX = 1 << 16;

async function copySteps(
  file: DbFile,
  survey: ClusterSurvey,
  plan: TranslationPlan,
  copier: RecordCopier,
  signal: AbortSignal | undefined,
): Promise<void> {
  const pace = new Pace(signal);
  for (const item of steps(survey, (of) => file.reread(of))) {
    if (pace.isDue) await pace.rest();
    if (item === undefined) continue;
    const { step } = item;
    if (step.index > plan.index) return;
    if (step.index <= plan.base.index || step.transaction === undefined) continue;
    const waits = copyTransaction(step.transaction.span, item.reader.window, copier);
    if (waits !== undefined) await waits;
  }
}

/** A conversion that left it to every server to convert its own rows (since 3.2). */
async function convertedContent(
  file: DbFile,
  survey: ClusterSurvey,
  plan: TranslationPlan,
  { signal }: ToStandaloneOptions,
): Promise<DatabaseContent> {
  const upTo = { index: plan.base.index, includeUncommitted: true, untilBad: true };
  const replayed = await runPaced(
    replayCore(survey, (of) => file.reread(of), upTo),
    signal,
  );
  if (replayed.index !== plan.base.index && replayed.stoppedBy !== undefined) throw replayed.stoppedBy;
  return replayed.content;
}
