/** Which records a standalone file takes over from a clustered one. */
import type { DbFileError } from "./error.ts";
import { limitOf, type ReplayOptions, type Reread, type Step, steps, tooEarly } from "./replay.ts";
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
};

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
  };
}
