/** One walk over a whole file that keeps only what does not grow with it: who, which log, how far, and where it ends. */
import { ZERO_UUID } from "@ovnha/ovsdb/core";
import {
  DEFAULT_ELECTION_TIMER_MS,
  type EntryRecord,
  type JoiningHeader,
  type MemberHeader,
  type Servers,
} from "./clustered.ts";
import { DbFileError } from "./error.ts";
import { EntryPlaces } from "./entry-places.ts";
import { type DataPlace, decodeOutlined, type LogFileRecord } from "./file-record.ts";
import type { Damage, RecordPlace } from "./record.ts";
import type { RecordReader } from "./record-reader.ts";
import type { Span } from "./scan/window.ts";
import { Truncations } from "./truncations.ts";

type Common = {
  readonly records: number;
  /** One past the last byte that counts: of the last good record before damage or refusal. */
  readonly endOffset: number;
  readonly damage: Damage | undefined;
  /** What ovsdb-server refuses first, at a record that is whole; the walk ends there. */
  readonly refusal: DbFileError | undefined;
  /** Of the first record. */
  readonly place: RecordPlace;
};

export type StandaloneSurvey = Common & {
  readonly format: "standalone";
  readonly transactions: number;
  /** Of the first and last transaction that has a date, milliseconds since 1970. */
  readonly firstDateMs: number | undefined;
  readonly lastDateMs: number | undefined;
};

export type JoiningSurvey = Common & { readonly format: "joining"; readonly header: JoiningHeader };

export type ClusterSurvey = Common & {
  readonly format: "clustered";
  readonly header: MemberHeader;
  readonly snapshot: DataPlace | undefined;
  /** Index of the first entry behind the snapshot, whether it is there or not. */
  readonly logStart: number;
  /** One past the index of the last entry. */
  readonly logEnd: number;
  /** Of the last entry, or of the snapshot. */
  readonly lastTerm: number;
  /** Of the last entry with data, or of the snapshot; clients know it as the transaction id. */
  readonly lastEid: string;
  /** The current term; 0 if no record names one. */
  readonly term: number;
  /** The vote in that term. */
  readonly vote: string | undefined;
  /** Who was last known to lead, and in which term. */
  readonly leader: { readonly sid: string; readonly term: number } | undefined;
  /** Every entry up to here is committed; those behind may be, which this file alone cannot tell. */
  readonly commitIndex: number;
  /** The newest configuration in snapshot and log, committed or not, as Raft has it. */
  readonly servers: Servers;
  readonly serversIndex: number;
  readonly electionTimerMs: number;
  /** Where the schema at the commit index is. */
  readonly schema: Span | undefined;
  /** Index of the last entry, committed or not, that brings a schema, or of the snapshot. */
  readonly schemaIndex: number;
  /** Of the entries behind the snapshot; undefined if nobody asked for them, or they are too many. */
  readonly places: EntryPlaces | undefined;
  /** This server has left its cluster; ovsdb-server does not open the file. */
  readonly left: boolean;
  readonly truncations: Truncations;
  /** Entries that have been overwritten by a later leader's. */
  readonly overwritten: number;
  readonly firstDateMs: number | undefined;
  readonly lastDateMs: number | undefined;
};

export type Survey = StandaloneSurvey | JoiningSurvey | ClusterSurvey;

/** A reader from the second record on to `endOffset`, for what a second walk has to find. */
export type ReadAgain = (first: RecordPlace, endOffset: number) => RecordReader;

/**
 * `withPlaces`: remembers where entries are, as long as they are not too many.
 *
 * @throws DbFileError `FORMAT`, `DAMAGED` or `BAD_RECORD` if not even the first record can be used.
 */
export function* survey(reader: RecordReader, again: ReadAgain, withPlaces = false): Generator<undefined, Survey> {
  const first = yield* reader.next();
  if (first.type === "end") throw new DbFileError("FORMAT", "the file is empty, so it cannot be told what it is");
  if (first.type === "damage") throw unusable(first.damage, reader.magic === undefined);
  if (reader.magic === "JSON") return yield* surveyStandalone(reader, first.place);
  const record = decodeOutlined("CLUSTER", first, reader.window);
  if (record.type === "invalid") throw record.error;
  if (record.type !== "header") throw new DbFileError("FORMAT", "the file does not begin with the header of a cluster");
  if (record.header.kind === "joining") return yield* surveyJoining(reader, first.place, record.header);
  const log = new LogState(record.header, record.data?.schema, withPlaces ? new EntryPlaces() : undefined);
  return yield* surveyLog(reader, again, first.place, log, record.header, record.data);
}

function unusable(damage: Damage, isForeign: boolean): DbFileError {
  const isAnything = isForeign && (damage.kind === "header" || damage.kind === "magic");
  if (isAnything)
    return new DbFileError("FORMAT", `this is no OVSDB file: ${damage.message}`, { offset: damage.offset });
  return new DbFileError("DAMAGED", `nothing can be read: ${damage.message}`, { offset: damage.offset });
}

class Progress {
  records = 1;
  endOffset: number;
  damage: Damage | undefined;
  refusal: DbFileError | undefined;
  firstDateMs: number | undefined;
  lastDateMs: number | undefined;
  readonly place: RecordPlace;

  constructor(place: RecordPlace) {
    this.place = place;
    this.endOffset = place.endOffset;
  }

  took(place: RecordPlace): void {
    this.records++;
    this.endOffset = place.endOffset;
  }

  date(dateMs: number | undefined): void {
    if (dateMs === undefined) return;
    this.firstDateMs ??= dateMs;
    this.lastDateMs = dateMs;
  }
}

function* surveyStandalone(reader: RecordReader, place: RecordPlace): Generator<undefined, StandaloneSurvey> {
  const progress = new Progress(place);
  for (;;) {
    const walked = reader.near() ?? (yield* reader.next());
    if (walked.type === "damage") progress.damage = walked.damage;
    if (walked.type !== "record") break;
    const record = decodeOutlined("JSON", walked, reader.window, true);
    if (record.type === "invalid") progress.refusal = record.error;
    if (record.type !== "transaction") break;
    progress.date(record.transaction.dateMs);
    progress.took(walked.place);
  }
  return { format: "standalone", ...progress, transactions: progress.records - 1 };
}

function* surveyJoining(
  reader: RecordReader,
  place: RecordPlace,
  header: JoiningHeader,
): Generator<undefined, JoiningSurvey> {
  const progress = new Progress(place);
  for (;;) {
    const walked = reader.near() ?? (yield* reader.next());
    if (walked.type === "damage") progress.damage = walked.damage;
    if (walked.type !== "record") break;
    progress.took(walked.place);
  }
  return { format: "joining", ...progress, header };
}

function* surveyLog(
  reader: RecordReader,
  again: ReadAgain,
  place: RecordPlace,
  log: LogState,
  header: MemberHeader,
  snapshot: DataPlace | undefined,
): Generator<undefined, ClusterSurvey> {
  const progress = new Progress(place);
  progress.date(snapshot?.transaction?.dateMs);
  for (;;) {
    const walked = reader.near() ?? (yield* reader.next());
    if (walked.type === "damage") progress.damage = walked.damage;
    if (walked.type !== "record") break;
    const record = decodeOutlined("CLUSTER", walked, reader.window, true);
    if (record.type === "invalid") progress.refusal = record.error;
    if (record.type !== "log") break;
    progress.refusal = log.take(record);
    if (progress.refusal !== undefined) break;
    progress.date(record.data?.transaction?.dateMs);
    progress.took(walked.place);
  }
  const result = log.result();
  const lastEid = result.lastEid ?? (yield* findLastEid(again(place, progress.endOffset), result.truncations));
  return { format: "clustered", ...progress, header, snapshot, ...result, lastEid: lastEid ?? header.prev_eid };
}

/** The id of the newest data that was not overwritten: ids are not kept, for entries may be as many as fit into a file. */
function* findLastEid(reader: RecordReader, truncations: Truncations): Generator<undefined, string | undefined> {
  let found: string | undefined;
  truncations.rewind();
  for (;;) {
    const walked = reader.near() ?? (yield* reader.next());
    if (walked.type !== "record") return found;
    const read = decodeOutlined("CLUSTER", walked, reader.window, true);
    if (read.type !== "log" || read.record.type !== "entry" || read.data === undefined) continue;
    if (!truncations.isDead(read.place.ordinal, read.record.index)) found = read.record.eid;
  }
}

/** Far more than any log has elections or changes of its members; a file beyond it was made to exhaust memory. */
const SETTINGS_MAX = 1 << 18;

type Setting<Value> = { readonly index: number; readonly value: Value };

type Described = "format" | "header" | "snapshot" | "firstDateMs" | "lastDateMs" | "lastEid";

/** The log as the server has it after reading the records so far (raft_apply_record). */
class LogState {
  readonly #header: MemberHeader;
  readonly #truncations = new Truncations();
  readonly #servers: Setting<Servers>[];
  readonly #timers: Setting<number>[];
  readonly #schemas: Setting<Span | undefined>[];
  /** Where the entries of each term begin. */
  readonly #terms: Setting<number>[];
  readonly #allLists: readonly Setting<unknown>[][];
  /** Of the last data; undefined once it was overwritten, and nothing has come since. */
  #lastEid: string | undefined;
  readonly #places: EntryPlaces | undefined;
  #logEnd: number;
  #term = 0;
  #vote: string | undefined;
  #leader: { readonly sid: string; readonly term: number } | undefined;
  #commitIndex: number;
  #left = false;
  #overwritten = 0;

  constructor(header: MemberHeader, schema: Span | undefined, places: EntryPlaces | undefined) {
    this.#header = header;
    this.#places = places;
    const index = header.prev_index;
    this.#logEnd = index + 1;
    this.#commitIndex = index;
    this.#servers = [{ index, value: header.prev_servers }];
    this.#timers = [{ index, value: header.prev_election_timer ?? DEFAULT_ELECTION_TIMER_MS }];
    this.#schemas = [{ index, value: schema }];
    this.#terms = [{ index, value: header.prev_term }];
    this.#allLists = [this.#servers, this.#timers, this.#schemas, this.#terms];
    this.#lastEid = header.prev_eid;
  }

  /** @returns what ovsdb-server would say if it refused the record. */
  take({ place, record, data }: LogFileRecord): DbFileError | undefined {
    const refuse = (what: string): DbFileError =>
      new DbFileError("BAD_RECORD", `record ${place.ordinal} at offset ${place.offset} ${what}`, {
        offset: place.offset,
      });
    if ("term" in record && record.term > this.#term) {
      this.#term = record.term;
      this.#vote = undefined;
    }
    switch (record.type) {
      case "entry":
        return this.#takeEntry(record, place, data, refuse);
      case "vote":
        if (record.term < this.#term) return refuse(`votes in term ${record.term}, but the term is ${this.#term}`);
        if (this.#vote !== undefined && this.#vote !== record.vote)
          return refuse(`votes for ${record.vote} in term ${record.term}, but the vote went to ${this.#vote}`);
        this.#vote = record.vote;
        return undefined;
      case "leader":
        this.#leader = { sid: record.leader, term: record.term };
        return undefined;
      case "commit_index":
        if (record.commit_index < this.#commitIndex)
          return refuse(`takes the commit index back from ${this.#commitIndex} to ${record.commit_index}`);
        if (record.commit_index >= this.#logEnd)
          return refuse(`commits index ${record.commit_index}, but the log ends at ${this.#logEnd - 1}`);
        this.#commitIndex = record.commit_index;
        this.#forget();
        return undefined;
      case "note":
        if (record.note === "left") this.#left = true;
        return undefined;
      default:
        return undefined;
    }
  }

  #takeEntry(
    record: EntryRecord,
    place: RecordPlace,
    data: DataPlace | undefined,
    refuse: (what: string) => DbFileError,
  ): DbFileError | undefined {
    const { index, term } = record;
    if (index <= this.#header.prev_index)
      return refuse(`has index ${index}, but the snapshot holds all up to ${this.#header.prev_index}`);
    if (index < this.#commitIndex)
      return refuse(`overwrites index ${index}, but the entries up to ${this.#commitIndex} are committed`);
    if (index > this.#logEnd) return refuse(`has index ${index} where ${this.#logEnd} is next`);
    if (index < this.#logEnd) {
      this.#overwritten += this.#logEnd - index;
      this.#truncations.add(place.ordinal, index);
      this.#lastEid = undefined;
      for (const list of this.#allLists) while (list.length > 1 && (list.at(-1)?.index ?? 0) >= index) list.pop();
    }
    const before = this.#terms.at(-1)?.value ?? 0;
    if (term < before) return refuse(`has term ${term}, less than the entry before it (${before})`);
    this.#logEnd = index + 1;
    if (record.eid !== ZERO_UUID) this.#lastEid = record.eid;
    if (term !== before) this.#set(this.#terms, index, term, place);
    if (record.servers !== undefined) this.#set(this.#servers, index, record.servers, place);
    if (record.election_timer !== undefined) this.#set(this.#timers, index, record.election_timer, place);
    if (data?.schema !== undefined) this.#set(this.#schemas, index, data.schema, place);
    if (data !== undefined && data.transaction === undefined) this.#places?.abandon();
    this.#places?.set(index - this.#header.prev_index - 1, place, data?.transaction?.span);
    return undefined;
  }

  #set<Value>(list: Setting<Value>[], index: number, value: Value, { offset }: RecordPlace): void {
    if (list.length === SETTINGS_MAX)
      throw new DbFileError("LIMIT", `more than ${SETTINGS_MAX} terms or changes of members are not committed`, {
        offset,
      });
    list.push({ index, value });
  }

  /** Drops what can no longer be uncovered by an overwritten log; the entry at the commit index still can. */
  #forget(): void {
    for (const list of this.#allLists) {
      let keep = 0;
      while (keep + 1 < list.length && (list[keep + 1]?.index ?? 0) < this.#commitIndex) keep++;
      if (keep > 0) list.splice(0, keep);
    }
  }

  /** `lastEid` is undefined if a second walk has to find it. */
  result(): Omit<ClusterSurvey, keyof Common | Described> & { readonly lastEid: string | undefined } {
    const servers = this.#servers.at(-1) as Setting<Servers>;
    const committed = <Value>(list: readonly Setting<Value>[]): Value | undefined =>
      list.findLast(({ index }) => index <= this.#commitIndex)?.value;
    return {
      logStart: this.#header.prev_index + 1,
      logEnd: this.#logEnd,
      lastTerm: this.#terms.at(-1)?.value ?? 0,
      lastEid: this.#lastEid,
      term: this.#term,
      vote: this.#vote,
      leader: this.#leader,
      commitIndex: this.#commitIndex,
      servers: servers.value,
      serversIndex: servers.index,
      electionTimerMs: committed(this.#timers) ?? DEFAULT_ELECTION_TIMER_MS,
      schema: committed(this.#schemas),
      schemaIndex: this.#schemas.at(-1)?.index ?? 0,
      places: this.#places?.isWhole === true ? this.#places : undefined,
      left: this.#left,
      truncations: this.#truncations,
      overwritten: this.#overwritten,
    };
  }
}
