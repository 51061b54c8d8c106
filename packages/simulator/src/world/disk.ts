/**
 * A disk that holds one database file: what is written, and how much of it is synced. SIGKILL loses nothing that was
 * written; a power cut keeps what is synced, and a random part of the rest.
 */
import {
  type DiskImage,
  type EntryRecord,
  entryRecord,
  type FileRecord,
  type Header,
  type LogEntry,
  type Servers,
  ZERO_UUID,
} from "@ovnha/raft";
import type { Stream } from "../kernel/random.ts";

/** A list that V8 takes for one of objects from the start, so that every push is made in place. */
function noRecords(): (StateRecord | LogEntry)[] {
  const list: (StateRecord | LogEntry)[] = [{ type: "note", note: "", comment: undefined }];
  list.pop();
  return list;
}

/** Every record but an entry. */
export type StateRecord = Exclude<FileRecord, EntryRecord>;

export class Disk {
  header: Header | undefined;
  /** Whose file it is. */
  sid: string | undefined;
  /**
   * The records; an entry is the very one that all logs of the cluster hold, with its index beside it at the same place of
   * `#indexes`. Entries are most of what is written, and a record of its own for each server's copy would be most of a
   * run's memory.
   */
  #records: (StateRecord | LogEntry)[] = noRecords();
  /** 0 where the record is no entry. */
  #indexes: number[] = [];
  /** How many of the records a power cut would leave. */
  syncedCount = 0;
  /** Entries up to this one may be written a second time, over truncated ones. */
  rewrittenTo = 0;
  isLying = false;
  isFull = false;
  /** The fsync under way: the ticket it answers and the records it covers; 0 for none. */
  busyTicket = 0;
  busyCount = 0;
  /** The newest ticket that was asked for while one was under way. */
  nextTicket = 0;
  /** What was known of the server outside of the file: a header that start scripts keep. */
  identity: { readonly sid: string; readonly cid: string | undefined } | undefined;
  /** The last entry, term and vote that are written, and those that a power cut would leave. */
  index = 0;
  term = 0;
  vote: string = ZERO_UUID;
  syncedIndex = 0;
  syncedTerm = 0;
  syncedVote: string = ZERO_UUID;
  #busyIndex = 0;
  #busyTerm = 0;
  #busyVote: string = ZERO_UUID;

  image(): DiskImage | undefined {
    return this.header === undefined ? undefined : { header: this.header, records: this.#all() };
  }

  #all(): FileRecord[] {
    return this.#records.map((record, i) => {
      const index = this.#indexes[i]!;
      return index === 0 ? (record as StateRecord) : entryRecord(index, record as LogEntry);
    });
  }

  /** Every entry with servers that was written, also where a later one stands in its place. */
  configurations(): { readonly term: number; readonly index: number; readonly servers: Servers }[] {
    const found = [];
    for (let i = 0; i < this.#records.length; i++) {
      const index = this.#indexes[i]!;
      if (index === 0) continue;
      const { term, servers } = this.#records[i] as LogEntry;
      if (servers !== undefined) found.push({ term, index, servers });
    }
    return found;
  }

  append(index: number, entry: LogEntry): void {
    this.#records.push(entry);
    this.#indexes.push(index);
    this.#noteEntry(index);
  }

  write(record: StateRecord): void {
    this.#records.push(record);
    this.#indexes.push(0);
    this.#note(record);
  }

  replace(header: Header, records: readonly FileRecord[]): void {
    this.header = header;
    this.#take(records);
    // An fsync of the old file that is under way says nothing of the new one, which is on disk as a whole.
    this.#cover();
    this.identity = { sid: header.server_id, cid: header.cluster_id };
  }

  wipe(what: "all" | "db-only"): void {
    this.header = undefined;
    this.#take([]);
    if (what === "all") this.identity = undefined;
  }

  /** The first of the fsyncs that are asked for has begun. */
  beginSync(ticket: number): void {
    this.busyTicket = ticket;
    this.nextTicket = 0;
    this.#cover();
  }

  /** The fsync under way covers all that is written now. */
  #cover(): void {
    this.busyCount = this.#records.length;
    this.#busyIndex = this.index;
    this.#busyTerm = this.term;
    this.#busyVote = this.vote;
  }

  /** It has ended; gives its ticket. */
  endSync(): number {
    const ticket = this.busyTicket;
    this.busyTicket = 0;
    this.syncedTerm = this.#busyTerm;
    this.syncedVote = this.#busyVote;
    this.syncedIndex = Math.min(this.#busyIndex, this.index);
    if (!this.isLying) this.syncedCount = Math.min(this.busyCount, this.#records.length);
    return ticket;
  }

  /** A server that opens a file takes all that it reads for synced, as ovsdb-server does; a power cut may still differ. */
  assumeSynced(): void {
    this.syncedIndex = this.index;
    this.syncedTerm = this.term;
    this.syncedVote = this.vote;
  }

  /** Forgets what a server that is gone had asked for. */
  forgetRequests(): void {
    this.busyTicket = 0;
    this.nextTicket = 0;
  }

  /** Gives how many records are gone. */
  losePower(chance: Stream): number {
    const lost = this.#records.length - this.syncedCount;
    const lucky = this.isLying ? 0 : chance.below(lost + 1);
    this.#take(this.#all().slice(0, this.syncedCount + lucky));
    return lost - lucky;
  }

  /** How the file is, for a later `restore`. */
  mark(): { readonly header: Header | undefined; readonly records: readonly FileRecord[] } {
    return { header: this.header, records: this.#all() };
  }

  restore(mark: { readonly header: Header | undefined; readonly records: readonly FileRecord[] }): void {
    this.header = mark.header;
    this.#take(mark.records);
  }

  #noteEntry(index: number): void {
    if (index <= this.index) this.rewrittenTo = Math.max(this.rewrittenTo, this.index);
    this.index = index;
    if (this.syncedIndex >= index) this.syncedIndex = index - 1;
  }

  #note(record: StateRecord): void {
    if (record.type === "term") {
      this.term = record.term;
      this.vote = ZERO_UUID;
    } else if (record.type === "vote") {
      this.term = record.term;
      this.vote = record.vote;
    }
  }

  /** A file that was replaced, or is read again, with these records: it is on disk as a whole. */
  #take(records: readonly FileRecord[]): void {
    this.#records = noRecords();
    this.#indexes = [];
    this.rewrittenTo = 0;
    const { header } = this;
    this.sid = header?.server_id;
    const isMember = header !== undefined && header.remote_addresses === undefined;
    this.index = isMember ? header.prev_index : 0;
    this.term = isMember ? header.prev_term : 0;
    this.vote = ZERO_UUID;
    for (const record of records) {
      if (record.type === "entry") this.append(record.index, record);
      else this.write(record);
    }
    this.syncedCount = records.length;
    this.syncedIndex = this.index;
    this.syncedTerm = this.term;
    this.syncedVote = this.vote;
  }
}
