/** From a file to the rows that it stands for, at its end or at an earlier moment. */
import { ZERO_UUID } from "@ovnha/ovsdb/core";
import { DbFileError } from "./error.ts";
import { decodeOutlined, type FileRecord, type TransactionPlace } from "./file-record.ts";
import type { RecordPlace } from "./record.ts";
import type { RecordReader } from "./record-reader.ts";
import { DatabaseContent } from "./rows/database-content.ts";
import { parseBytes } from "./scan/text.ts";
import type { Span } from "./scan/window.ts";
import type { ClusterSurvey, StandaloneSurvey, Survey } from "./survey.ts";

export type ReplayOptions = {
  /**
   * Of the last entry to apply; in a standalone file, the number of its last transaction, counted from 1. Without it and
   * `dateMs`, all that is committed.
   */
  readonly index?: number | undefined;
  /** Stops before the first transaction that is dated later; milliseconds since 1970. */
  readonly dateMs?: number | undefined;
  /** Applies entries that the file does not know to be committed, too. They may never have been. */
  readonly includeUncommitted?: boolean | undefined;
  /**
   * True to take what stands before the first record that ovsdb-server refuses, or the first transaction that cannot be
   * applied; that error is then in the result. Otherwise it is thrown.
   */
  readonly untilBad?: boolean | undefined;
};

export type Replayed = {
  readonly content: DatabaseContent;
  /** Of the last entry or transaction that is in `content`. */
  readonly index: number;
  /** Of the last entry with data; undefined in a standalone file. */
  readonly eid: string | undefined;
  /** Of the last transaction that has a date, milliseconds since 1970. */
  readonly dateMs: number | undefined;
  /** Transactions applied, the snapshot counted as one. */
  readonly transactions: number;
  /** Entries that were left out because the file does not say that they are committed. */
  readonly uncommitted: number;
  /** See {@link ReplayOptions.untilBad}. */
  readonly stoppedBy: DbFileError | undefined;
};

/** One step of the content's life: where it stands in the file, and in the log. */
export type Step = {
  readonly place: RecordPlace;
  /** 0 for the schema of a standalone file. */
  readonly index: number;
  readonly term: number | undefined;
  readonly eid: string | undefined;
  /** Where a schema is that takes effect here. */
  readonly schema: Span | undefined;
  readonly transaction: TransactionPlace | undefined;
  readonly isCommitted: boolean;
};

/** A reader that goes over records which the survey has found whole, from the second record on. */
export type Reread = (survey: Survey) => RecordReader;

/** @throws DbFileError `JOINING` */
export function refuseJoining(survey: Survey): asserts survey is ClusterSurvey | StandaloneSurvey {
  if (survey.format !== "joining") return;
  throw new DbFileError(
    "JOINING",
    "the file of a server that has not joined its cluster yet holds neither schema nor rows; use the file of a member",
  );
}

/** All steps that count: no overwritten entry unless it is asked for, nothing behind damage or what ovsdb-server refuses. */
export function* steps(
  survey: ClusterSurvey | StandaloneSurvey,
  reread: Reread,
  { withOverwritten = false }: { readonly withOverwritten?: boolean } = {},
): Generator<undefined | { readonly step: Step; readonly reader: RecordReader }, void> {
  const reader = reread(survey);
  yield { step: firstStep(survey), reader };
  if (survey.format === "clustered") survey.truncations.rewind();
  for (;;) {
    const walked = reader.near() ?? (yield* reader.next());
    if (walked.type !== "record") return;
    const record = decodeOutlined(survey.format === "standalone" ? "JSON" : "CLUSTER", walked, reader.window);
    const step = stepOf(survey, record, withOverwritten);
    if (step !== undefined) yield { step, reader };
  }
}

/** What the file begins with. */
export function firstStep(survey: ClusterSurvey | StandaloneSurvey): Step {
  const { place } = survey;
  if (survey.format === "standalone") {
    const schema = { start: place.bodyOffset, end: place.endOffset };
    const nothing = { term: undefined, eid: undefined, transaction: undefined };
    return { place, index: 0, ...nothing, schema, isCommitted: true };
  }
  const { header, snapshot } = survey;
  if (snapshot?.schema === undefined || snapshot.transaction === undefined)
    throw new DbFileError("BAD_RECORD", "the header's snapshot must be [schema, transaction]", { offset: 0 });
  const { prev_index: index, prev_term: term, prev_eid: eid } = header;
  const { schema, transaction } = snapshot;
  return { place, index, term, eid, schema, transaction, isCommitted: true };
}

function stepOf(
  survey: ClusterSurvey | StandaloneSurvey,
  record: FileRecord,
  withOverwritten: boolean,
): Step | undefined {
  if (record.type === "transaction") {
    const { place, transaction } = record;
    return {
      place,
      index: place.ordinal,
      term: undefined,
      eid: undefined,
      schema: undefined,
      transaction,
      isCommitted: true,
    };
  }
  if (record.type !== "log" || record.record.type !== "entry" || survey.format !== "clustered") return undefined;
  const { place, data } = record;
  const { index, term, eid } = record.record;
  if (!withOverwritten && survey.truncations.isDead(place.ordinal, index)) return undefined;
  const { schema, transaction } = data ?? { schema: undefined, transaction: undefined };
  const dataEid = eid === ZERO_UUID ? undefined : eid;
  return { place, index, term, eid: dataEid, schema, transaction, isCommitted: index <= survey.commitIndex };
}

export function* replay(survey: Survey, reread: Reread, options: ReplayOptions = {}): Generator<undefined, Replayed> {
  refuseJoining(survey);
  const limit = limitOf(survey, options);
  if (survey.refusal !== undefined && options.untilBad !== true) throw survey.refusal;
  try {
    return yield* run(survey, reread, options, limit, Number.POSITIVE_INFINITY);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    if (options.untilBad !== true) throw error.reason;
    // The transaction may have been applied in part: go again, up to before it.
    const replayed = yield* run(survey, reread, options, limit, error.ordinal);
    return { ...replayed, stoppedBy: error.reason };
  }
}

/** A transaction that cannot be applied. */
class Stopped {
  readonly ordinal: number;
  readonly reason: DbFileError;
  constructor(ordinal: number, reason: DbFileError) {
    this.ordinal = ordinal;
    this.reason = reason;
  }
}

export function limitOf(survey: ClusterSurvey | StandaloneSurvey, options: ReplayOptions): number {
  const { index } = options;
  const isClustered = survey.format === "clustered";
  const [first, last] = isClustered ? [survey.logStart - 1, survey.logEnd - 1] : [0, survey.transactions];
  const committed = isClustered && options.includeUncommitted !== true ? survey.commitIndex : last;
  if (index === undefined) return committed;
  if (!Number.isSafeInteger(index) || index < first || index > last)
    throw new DbFileError("NOT_FOUND", `the file holds the states at ${first} to ${last}, not at ${index}`);
  if (index > committed)
    throw new DbFileError(
      "ARGUMENT",
      `the file does not say that index ${index} is committed (${committed} is); ask for it with includeUncommitted`,
    );
  return index;
}

function* run(
  survey: ClusterSurvey | StandaloneSurvey,
  reread: Reread,
  options: ReplayOptions,
  limit: number,
  ordinalEnd: number,
): Generator<undefined, Replayed> {
  const { dateMs: dateEnd = Number.POSITIVE_INFINITY } = options;
  let content: DatabaseContent | undefined;
  let [index, transactions, uncommitted] = [0, 0, 0];
  let eid: string | undefined;
  let dateMs: number | undefined;
  let isPast = false;
  for (const item of steps(survey, reread)) {
    if (item === undefined) {
      yield undefined;
      continue;
    }
    const { step, reader } = item;
    const date = step.transaction?.dateMs;
    if (content === undefined && date !== undefined && date > dateEnd) throw tooEarly(date);
    isPast ||= step.place.ordinal >= ordinalEnd || (date !== undefined && date > dateEnd);
    if (!step.isCommitted && step.index > limit) uncommitted++;
    if (isPast || step.index > limit) continue;
    content = yield* applyStep(content, step, reader);
    index = step.index;
    eid = step.eid ?? eid;
    dateMs = date ?? dateMs;
    if (step.transaction !== undefined) transactions++;
  }
  if (content === undefined) throw new DbFileError("BAD_RECORD", "the file holds no schema");
  return { content, index, eid, dateMs, transactions, uncommitted, stoppedBy: survey.refusal };
}

/** The moment that was asked for is before the first state that the file holds. */
export function tooEarly(date: number): DbFileError {
  const since = new Date(date).toISOString();
  return new DbFileError("NOT_FOUND", `the file begins with the state of ${since}; earlier ones are no longer in it`);
}

/** The content after a step. Stops with the reason if it cannot be applied; see {@link replay}. */
export function* applyStep(
  before: DatabaseContent | undefined,
  step: Step,
  reader: RecordReader,
): Generator<undefined, DatabaseContent> {
  try {
    let content = before;
    if (step.schema !== undefined) {
      const schema = parseBytes(reader.window.view(step.schema));
      const isBare = before !== undefined && step.transaction === undefined;
      content = isBare ? yield* before.convert(schema) : new DatabaseContent(schema);
    }
    if (content === undefined) throw new DbFileError("BAD_RECORD", "rows come before any schema");
    if (step.transaction !== undefined) yield* content.apply(step.transaction, reader.window);
    return content;
  } catch (error) {
    if (!(error instanceof DbFileError) || error.code === "IO") throw error;
    const { ordinal, offset } = step.place;
    const message = `record ${ordinal} at offset ${offset} cannot be applied: ${error.message}`;
    throw new Stopped(ordinal, new DbFileError(error.code, message, { offset, cause: error }));
  }
}
