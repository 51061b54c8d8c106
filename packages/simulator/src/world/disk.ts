/**
 * A disk that holds one database file: what is written, and how much of it is synced. SIGKILL loses nothing that was
 * written; a power cut keeps what is synced, and a random part of the rest.
 */
import { type DiskImage, type FileRecord, type Header, ZERO_UUID } from "@ovnha/raft";
import type { Stream } from "../kernel/random.ts";

export class Disk {
  header: Header | undefined;
  records: FileRecord[] = [];
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
    return this.header === undefined ? undefined : { header: this.header, records: [...this.records] };
  }

  append(record: FileRecord): void {
    this.records.push(record);
    this.#note(record);
  }

  replace(header: Header, records: readonly FileRecord[]): void {
    this.header = header;
    this.records = [...records];
    this.#reread();
    this.identity = { sid: header.server_id, cid: header.cluster_id };
  }

  wipe(what: "all" | "db-only"): void {
    this.header = undefined;
    this.records = [];
    this.#reread();
    if (what === "all") this.identity = undefined;
  }

  /** The first of the fsyncs that are asked for has begun. */
  beginSync(ticket: number): void {
    this.busyTicket = ticket;
    this.nextTicket = 0;
    this.busyCount = this.records.length;
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
    if (!this.isLying) this.syncedCount = Math.min(this.busyCount, this.records.length);
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
    const lost = this.records.length - this.syncedCount;
    const lucky = this.isLying ? 0 : chance.below(lost + 1);
    this.records.length = this.syncedCount + lucky;
    this.#reread();
    return lost - lucky;
  }

  /** How the file is, for a later `restore`. */
  mark(): { readonly header: Header | undefined; readonly records: readonly FileRecord[] } {
    return { header: this.header, records: [...this.records] };
  }

  restore(mark: { readonly header: Header | undefined; readonly records: readonly FileRecord[] }): void {
    this.header = mark.header;
    this.records = [...mark.records];
    this.#reread();
  }

  #note(record: FileRecord): void {
    if (record.type === "entry") {
      if (record.index <= this.index) this.rewrittenTo = Math.max(this.rewrittenTo, this.index);
      this.index = record.index;
      if (this.syncedIndex >= record.index) this.syncedIndex = record.index - 1;
    } else if (record.type === "term") {
      this.term = record.term;
      this.vote = ZERO_UUID;
    } else if (record.type === "vote") {
      this.term = record.term;
      this.vote = record.vote;
    }
  }

  /** A file that was replaced or read again is on disk as a whole. */
  #reread(): void {
    this.syncedCount = this.records.length;
    const { header } = this;
    const isMember = header !== undefined && header.remote_addresses === undefined;
    this.index = isMember ? header.prev_index : 0;
    this.term = isMember ? header.prev_term : 0;
    this.vote = ZERO_UUID;
    for (const record of this.records) this.#note(record);
    this.syncedIndex = this.index;
    this.syncedTerm = this.term;
    this.syncedVote = this.vote;
  }
}
