/** Reads single entries of files that were examined before. */
import { type Json, parseJsonExact, stringifyJson } from "@ovnha/ovsdb/core";
import type { SameEntry } from "../check/log-matching.ts";
import type { MemberLog } from "../check/member-log.ts";
import { decodeClusterRecord, type EntryRecord } from "../clustered.ts";
import { DbFileError } from "../error.ts";
import { VALUE_BYTES_MAX } from "../scan/window.ts";
import { HEADER_LINE_BYTES_MAX, parseRecordHeader } from "../record.ts";
import { openReadableFile, type ReadableFile, sha1Hex } from "./file.ts";

/** Holds files open until it is disposed of. */
export class EntryReader implements Disposable {
  readonly #files = new Map<string, ReadableFile>();
  readonly sameEntry: SameEntry;

  constructor() {
    const same = (log: MemberLog, at: number, other: MemberLog, otherAt: number): boolean =>
      canonicalEntry(this.read(log, at)) === canonicalEntry(this.read(other, otherAt));
    this.sameEntry = Object.assign(same, { eid: (log: MemberLog, at: number): string => this.read(log, at).eid });
  }

  /** @param at position among the entries behind the snapshot. */
  read(log: MemberLog, at: number): EntryRecord {
    const record = decodeClusterRecord(parseJsonExact(new TextDecoder().decode(this.bytes(log, at))));
    if (record.type !== "entry") throw changed(log.path, log.entries.offset(at));
    return record;
  }

  /** The body of an entry's record, with its line feed. */
  bytes(log: MemberLog, at: number): Uint8Array {
    const offset = log.entries.offset(at);
    const file = this.#open(log.path);
    const line = new Uint8Array(HEADER_LINE_BYTES_MAX);
    const header = parseRecordHeader(line.subarray(0, file.readAt(offset, line)));
    if (header !== undefined && header.bodyBytes > VALUE_BYTES_MAX)
      throw new DbFileError(
        "LIMIT",
        `${log.path}: an entry of ${header.bodyBytes} bytes at offset ${offset} has to be held whole; at most ${VALUE_BYTES_MAX} can be`,
        { path: log.path, offset },
      );
    const body = new Uint8Array(header?.bodyBytes ?? 0);
    if (header !== undefined) file.readAt(offset + header.headerBytes, body);
    if (header === undefined || sha1Hex(body) !== header.sha1) throw changed(log.path, offset);
    return body;
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }

  #open(path: string): ReadableFile {
    const open = this.#files.get(path) ?? openReadableFile(path);
    this.#files.set(path, open);
    return open;
  }
}

function changed(path: string, offset: number): DbFileError {
  const remedy = "check files that no server writes to, or copies";
  return new DbFileError("IO", `${path} was rewritten while it was being read, at byte ${offset}; ${remedy}`, {
    path,
    offset,
  });
}

/** Comments are no part of an entry; the order of members means nothing. */
function canonicalEntry({ term, index, data, eid, servers, election_timer }: EntryRecord): string {
  return stringifyJson(sorted([term, index, data ?? null, eid, servers ?? null, election_timer ?? 0]));
}

function sorted(json: Json): Json {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(sorted);
  const names = Object.keys(json).sort();
  return Object.fromEntries(names.map((name) => [name, sorted((json as Record<string, Json>)[name] as Json)]));
}
