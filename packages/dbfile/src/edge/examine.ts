/** Reads a member's file once, from front to back, without taking rows apart: hashes, grammar and the few members that matter. */
import * as crypto from "node:crypto";
import type { Json } from "@ovnha/ovsdb/core";
import { MemberLog } from "../check/member-log.ts";
import { RecordSieve } from "../check/record-sieve.ts";
import { decodeClusterHeader, decodeClusterRecord } from "../clustered.ts";
import { DbFileError } from "../error.ts";
import {
  type Damage,
  type DamageKind,
  HEADER_LINE_BYTES_MAX,
  parseRecordHeader,
  type RecordHeader,
} from "../record.ts";
import { openReadableFile, type ReadableFile } from "./file.ts";

/** Bytes of one read. */
const WINDOW_BYTES = 4 << 20;
const NEXT_RECORD = "\nOVSDB CLUSTER ";
/** Records after which others have their turn. */
const TURN_RECORDS = 20_000;

/** The end of a record, or why nothing behind it is read. */
type Outcome = number | Damage | "stop";
type Sifted = ReturnType<RecordSieve["finish"]> | "hash";

/** As ovsdb-server writes it; whatever else parses is parsed. */
const COMMIT_INDEX = /^\{"commit_index":([1-9][0-9]{0,14})\}\n$/;
const HEADER = /^OVSDB CLUSTER ([1-9][0-9]{0,14}) ([0-9a-f]{40})\n/;

function readHeader(line: Buffer): (RecordHeader & { readonly headerBytes: number }) | undefined {
  const parts = HEADER.exec(line.toString("latin1", 0, 80));
  if (parts === null) return parseRecordHeader(line);
  const [whole, bodyBytes, digest = ""] = parts;
  return { magic: "CLUSTER", bodyBytes: Number(bodyBytes), sha1: digest, headerBytes: whole.length };
}

/** @throws DbFileError `NOT_FOUND`, `IO`, `ABORTED`. Whatever is wrong inside of the file is a finding. */
export async function examineFile(path: string, signal?: AbortSignal): Promise<MemberLog> {
  using file = openReadableFile(path);
  const log = new MemberLog(path, file.sizeBytes);
  await new Examination(file, log, signal).run();
  return log;
}

class Examination {
  readonly #file: ReadableFile;
  readonly #log: MemberLog;
  readonly #signal: AbortSignal | undefined;
  readonly #sieve = new RecordSieve();
  readonly #window: Buffer;
  /** The window holds the bytes `[#start, #end)` of the file. */
  #start = 0;
  #end = 0;

  constructor(file: ReadableFile, log: MemberLog, signal: AbortSignal | undefined) {
    this.#file = file;
    this.#log = log;
    this.#signal = signal;
    this.#window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, Math.max(file.sizeBytes, HEADER_LINE_BYTES_MAX)));
  }

  async run(): Promise<void> {
    let offset = 0;
    for (let ordinal = 0; ; ordinal++) {
      if (ordinal % TURN_RECORDS === 0) await this.#giveTurn();
      if (offset === this.#file.sizeBytes) {
        if (ordinal === 0) this.#log.add("NOT_A_DATABASE", "the file is empty", { offset: 0 });
        this.#log.finish(undefined);
        return;
      }
      const outcome = this.#record(ordinal, offset);
      const next = outcome instanceof Promise ? await outcome : outcome;
      if (typeof next === "number") {
        offset = next;
        continue;
      }
      if (next !== "stop") this.#damaged(ordinal, next);
      this.#log.finish(next === "stop" ? undefined : next);
      return;
    }
  }

  /** @returns the end of the record, or why there is none; a promise for a long record alone. */
  #record(ordinal: number, offset: number): Outcome | Promise<Outcome> {
    const header = readHeader(this.#bytes(offset, HEADER_LINE_BYTES_MAX));
    if (header === undefined) return this.#damage("header", offset, "there is no header line of a record");
    if (header.magic !== "CLUSTER") {
      if (ordinal > 0) return this.#damage("magic", offset, `the record is of kind ${header.magic}, not CLUSTER`);
      this.#log.add(
        header.magic === "JSON" ? "NOT_CLUSTERED" : "NOT_A_DATABASE",
        `its records are of kind ${header.magic}`,
        { offset },
      );
      return "stop";
    }
    const bodyOffset = offset + header.headerBytes;
    const end = bodyOffset + header.bodyBytes;
    if (end > this.#file.sizeBytes)
      return this.#damage(
        "length",
        offset,
        `the record ends ${end - this.#file.sizeBytes} bytes behind the end of the file`,
      );
    const isShort = header.bodyBytes <= WINDOW_BYTES - HEADER_LINE_BYTES_MAX;
    if (isShort) return this.#judge(this.#shortBody(header, bodyOffset), ordinal, offset, header.sha1, end);
    return this.#longBody(header, bodyOffset).then((json) => this.#judge(json, ordinal, offset, header.sha1, end));
  }

  #judge(json: Sifted, ordinal: number, offset: number, digest: string, end: number): Outcome {
    if (typeof json === "string") return this.#damage(json, offset, DAMAGES[json]);
    return this.#take(json.value, ordinal, offset, digest) ? end : "stop";
  }

  #shortBody(header: RecordHeader, bodyOffset: number): Sifted {
    const body = this.#bytes(bodyOffset, header.bodyBytes);
    if (sha1(body) !== header.sha1) return "hash";
    // Half of a leader's records are these.
    const commit = body.length < 40 ? COMMIT_INDEX.exec(body.toString("latin1"))?.[1] : undefined;
    this.#sieve.reset();
    if (commit !== undefined) return { value: { commit_index: Number(commit) } };
    this.#sieve.push(body);
    return this.#sieve.finish();
  }

  async #longBody({ bodyBytes, sha1: expected }: RecordHeader, bodyOffset: number): Promise<Sifted> {
    this.#sieve.reset();
    const hash = crypto.createHash("sha1");
    for (let done = 0; done < bodyBytes; ) {
      const piece = this.#bytes(bodyOffset + done, Math.min(bodyBytes - done, WINDOW_BYTES));
      if (piece.length === 0) break;
      hash.update(piece);
      this.#sieve.push(piece);
      done += piece.length;
      await this.#giveTurn();
    }
    return hash.digest("hex") === expected ? this.#sieve.finish() : "hash";
  }

  /** False if the file cannot be understood any further. */
  #take(json: Json, ordinal: number, offset: number, digest: string): boolean {
    try {
      if (ordinal === 0) this.#log.takeHeader(decodeClusterHeader(json));
      else this.#log.takeRecord(decodeClusterRecord(json), { ordinal, offset, digest });
      if (this.#sieve.dataFault !== undefined)
        this.#log.add("BAD_DATA", `record ${ordinal}: ${this.#sieve.dataFault}`, { record: ordinal, offset });
      return true;
    } catch (error) {
      if (!(error instanceof DbFileError)) throw error;
      if (error.code === "LIMIT")
        throw new DbFileError("LIMIT", `${this.#file.path}: ${error.message}`, { path: this.#file.path, offset });
      this.#log.add(ordinal === 0 ? "BAD_HEADER" : "BAD_RECORD", `record ${ordinal}: ${error.message}`, {
        record: ordinal,
        offset,
      });
      this.#log.refused = true;
      return false;
    }
  }

  #damaged(ordinal: number, damage: Damage): void {
    const isShort = damage.kind === "header" && damage.lostBytes < HEADER_LINE_BYTES_MAX;
    const torn = (damage.kind === "length" || isShort) && !this.#hasRecordAfter(damage.offset);
    const place = { record: ordinal, offset: damage.offset };
    if (ordinal === 0 && damage.kind === "header") this.#log.add("NOT_A_DATABASE", damage.message, place);
    else
      this.#log.add(
        ordinal === 0 ? "DAMAGED_HEADER" : torn ? "TORN_TAIL" : "DAMAGED_RECORD",
        `record ${ordinal}: ${damage.message}`,
        place,
      );
  }

  /**
   * Whether another record begins behind a damaged one: then it was not torn by a crash, and more is lost than itself. A
   * body holds no line feed but its last byte.
   */
  #hasRecordAfter(offset: number): boolean {
    for (let at = offset; at < this.#file.sizeBytes; at += WINDOW_BYTES - NEXT_RECORD.length) {
      if (this.#bytes(at, WINDOW_BYTES).includes(NEXT_RECORD)) return true;
    }
    return false;
  }

  #damage(kind: DamageKind, offset: number, message: string): Damage {
    return { kind, offset, lostBytes: this.#file.sizeBytes - offset, message };
  }

  /** Up to `length` bytes from `offset`, fewer only at the end of the file; valid until the next call. */
  #bytes(offset: number, length: number): Buffer {
    const end = Math.min(offset + length, this.#file.sizeBytes);
    if (offset < this.#start || end > this.#end) {
      this.#start = offset;
      this.#end = offset + this.#file.readAt(offset, this.#window);
    }
    return this.#window.subarray(offset - this.#start, Math.max(offset, Math.min(end, this.#end)) - this.#start);
  }

  async #giveTurn(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (this.#signal?.aborted === true)
      throw new DbFileError("ABORTED", `the check of ${this.#file.path} was aborted`, { path: this.#file.path });
  }
}

const DAMAGES = {
  hash: "the bytes do not have the hash that the record says",
  json: "the hash is right, but the text is not JSON",
  object: "the hash is right, but the text is not a JSON object",
} as const;

type OneShot = (algorithm: "sha1", bytes: Uint8Array, encoding: "hex") => string;
/** Since Node 20.12; far cheaper for short texts than an object for each. */
const oneShot = (crypto as unknown as { readonly hash?: OneShot }).hash;

function sha1(bytes: Uint8Array): string {
  return oneShot?.("sha1", bytes, "hex") ?? crypto.createHash("sha1").update(bytes).digest("hex");
}
