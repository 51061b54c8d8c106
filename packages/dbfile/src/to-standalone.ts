/** Which records a standalone file takes over from a clustered one. */
import type { DbFileError } from "./error.ts";
import { firstStep, limitOf, type ReplayOptions, type Reread, type Step, steps, tooEarly } from "./replay.ts";
import type { EntryPlaces } from "./entry-places.ts";
import type { FileRecord } from "./file-record.ts";
import type { ClusterSurvey } from "./survey.ts";

/** What the new file begins with, and which steps follow. */
export type TranslationPlan = {
  /** Of the last step that counts. */
  readonly index: number;
  /** Steps at or behind this one are copied; it carries a schema. */
  readonly base: Step;
  /** The base is a schema without rows: the rows before it have to be converted. */
  readonly isBare: boolean;
  readonly uncommitted: number;
  readonly term: number | undefined;
  readonly eid: string | undefined;
  readonly dateMs: number | undefined;
  readonly stoppedBy: DbFileError | undefined;
  /** Where the entries behind the base are, if that is known; otherwise steps have to be taken again. */
  readonly places: EntryPlaces | undefined;
};

/** Newest entries that are looked at for a date. */
const DATELESS_MAX = 1000;

/**
 * The plan without a second walk, if the survey knows all that is needed: every entry's place, no schema behind the snapshot,
 * and no bound but an index. `recordAt` gives a single record.
 */
export function quickPlan(
  survey: ClusterSurvey,
  recordAt: (offset: number) => FileRecord | undefined,
  options: ReplayOptions,
): TranslationPlan | undefined {
  const { places, header, logStart } = survey;
  if (places === undefined || options.dateMs !== undefined || options.untilBad === true) return undefined;
  if (survey.refusal !== undefined || survey.schemaIndex !== header.prev_index) return undefined;
  const base = firstStep(survey);
  const index = limitOf(survey, options);
  const uncommitted = Math.max(0, survey.logEnd - 1 - Math.max(index, survey.commitIndex));
  const found = { term: undefined as number | undefined, eid: base.eid, dateMs: base.transaction?.dateMs };
  const common = { index, base, isBare: false, uncommitted, stoppedBy: undefined, places };
  let isNewest = true;
  for (let position = index - logStart, seen = 0; position >= 0; position--) {
    const hasData = places.end(position) > 0;
    if (!hasData && found.term !== undefined) continue;
    if (++seen > DATELESS_MAX) return undefined;
    const record = recordAt(places.offset(position));
    if (record?.type !== "log" || record.record.type !== "entry") return undefined;
    found.term ??= record.record.term;
    if (!hasData) continue;
    if (isNewest) found.eid = record.record.eid;
    isNewest = false;
    const dateMs = record.data?.transaction?.dateMs;
    if (dateMs === undefined) continue;
    return { ...common, ...found, dateMs };
  }
  return { ...common, ...found };
}

/**
 * Looks for the last schema, for it resets the database (ovsdb(5), `<cluster-txn>`), and for the last step within bounds.
 *
 * @throws DbFileError as `replay` does.
 */
export function* planTranslation(
  survey: ClusterSurvey,
  reread: Reread,
  options: ReplayOptions,
): Generator<undefined, TranslationPlan> {
  const limit = limitOf(survey, options);
  if (survey.refusal !== undefined && options.untilBad !== true) throw survey.refusal;
  const dateEnd = options.dateMs ?? Number.POSITIVE_INFINITY;
  const found: { base?: Step; last?: Step; eid?: string | undefined; dateMs?: number | undefined } = {};
  let uncommitted = 0;
  let isPast = false;
  for (const item of steps(survey, reread)) {
    if (item === undefined) {
      yield undefined;
      continue;
    }
    const { step } = item;
    const date = step.transaction?.dateMs;
    if (step.index > limit && !step.isCommitted) uncommitted++;
    const isLater = date !== undefined && date > dateEnd;
    if (isLater && found.base === undefined) throw tooEarly(date);
    isPast ||= isLater;
    if (isPast || step.index > limit) continue;
    if (step.schema !== undefined) found.base = step;
    found.last = step;
    found.eid = step.eid ?? found.eid;
    found.dateMs = date ?? found.dateMs;
  }
  const base = found.base as Step;
  const last = found.last as Step;
  return {
    index: last.index,
    base,
    isBare: base.transaction === undefined,
    uncommitted,
    term: last.term,
    eid: found.eid,
    dateMs: found.dateMs,
    stoppedBy: survey.refusal,
    places: undefined,
  };
}
