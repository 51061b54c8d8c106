/** Reads a member's file once, from front to back, without taking rows apart: hashes, grammar and the few members that matter. */
import { createHash } from "node:crypto";
import { MemberLog } from "../check/member-log.ts";
import { RecordSieve } from "../check/record-sieve.ts";
import { type ClusterRecord, decodeClusterHeader, decodeClusterRecord } from "../clustered.ts";
import { DbFileError } from "../error.ts";
import {
  type Damage,
  type DamageKind,
  HEADER_LINE_BYTES_MAX,
  parseRecordHeader,
  type RecordHeader,
} from "../record.ts";
import { commitOutline, QuickHeader, quickRecord } from "../quick.ts";
import { JsonScanner } from "../scan/json-scanner.ts";
import { OutlineVisitor } from "../scan/outline.ts";
import { asciiText } from "../scan/text.ts";
import { openReadableFile, type ReadableFile, sha1Hex } from "./file.ts";

/** Bytes of one read. */
const WINDOW_BYTES = 4 << 20;
const NEXT_RECORD = "\nOVSDB CLUSTER ";
/** Of an entry, only whether it has data matters here. */
const DATA_STAND_IN: readonly never[] = [];
/** Records after which others have their turn. */
const TURN_RECORDS = 20_000;

/** The end of a record, or why nothing behind it is read. */
type Outcome = number | Damage | "stop";
/** What a record says, if it was told at a glance; its JSON otherwise, or what is wrong with that. */
type Sifted = ReturnType<RecordSieve["finish"]> | { readonly record: ClusterRecord } | "hash";

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
  readonly #header = new QuickHeader();
  readonly #visitor: OutlineVisitor;
  readonly #scanner: JsonScanner;
  readonly #window: Buffer;
  /** The same bytes; a part of it is made faster than a part of a Buffer. */
  readonly #plain: Uint8Array;
  /** The window holds the bytes `[#start, #end)` of the file. */
  #start = 0;
  #end = 0;

  constructor(file: ReadableFile, log: MemberLog, signal: AbortSignal | undefined) {
    this.#file = file;
    this.#log = log;
    this.#signal = signal;
    this.#visitor = new OutlineVisitor(true, ({ start, end }) => asciiText(this.#plain, start, end) ?? "");
    this.#scanner = new JsonScanner(this.#visitor);
    this.#window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, Math.max(file.sizeBytes, HEADER_LINE_BYTES_MAX)));
    this.#plain = new Uint8Array(this.#window.buffer, this.#window.byteOffset, this.#window.length);
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
      const outcome = this.#near(ordinal, offset) ?? this.#record(ordinal, offset);
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

  /**
   * Nearly all records of a busy file: whole in the window, sound, and of a kind that is told at a glance. Undefined if the
   * strict way has to look.
   */
  #near(ordinal: number, offset: number): Outcome | undefined {
    const header = this.#header;
    const bytes = this.#plain;
    const end = this.#end - this.#start;
    if (ordinal === 0 || offset < this.#start) return undefined;
    if (!header.read("CLUSTER", bytes, offset - this.#start, end)) return undefined;
    const { bodyAt, bodyBytes } = header;
    const to = bodyAt + bodyBytes;
    if (to > end) return undefined;
    const digest = sha1Hex(bytes.subarray(bodyAt, to));
    const record = header.promises(digest, bytes) ? this.#glance(bodyAt, to) : undefined;
    if (record === undefined) return undefined;
    return this.#take({ record }, ordinal, offset, digest) ? this.#start + to : "stop";
  }

  #glance(from: number, to: number): ClusterRecord | undefined {
    const bytes = this.#plain;
    const commit = commitOutline(bytes, from, to, 0);
    if (commit !== undefined) return quickRecord(commit, bytes, 0);
    this.#visitor.reset();
    this.#scanner.reset();
    this.#scanner.push(bytes, from, to, from);
    if (!this.#scanner.finish(to) || !this.#scanner.rootIsObject) return undefined;
    return quickRecord(this.#visitor.outline(), bytes, 0, DATA_STAND_IN);
  }

  /** @returns the end of the record, or why there is none; a promise for a long record alone. */
  #record(ordinal: number, offset: number): Outcome | Promise<Outcome> {
    const line = this.#bytes(offset, HEADER_LINE_BYTES_MAX);
    const header = parseRecordHeader(line);
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
    return this.#take(json, ordinal, offset, digest) ? end : "stop";
  }

  #shortBody(header: RecordHeader, bodyOffset: number): Sifted {
    const body = this.#bytes(bodyOffset, header.bodyBytes);
    if (sha1Hex(body) !== header.sha1) return "hash";
    this.#sieve.reset();
    this.#sieve.push(body);
    return this.#sieve.finish();
  }

  async #longBody({ bodyBytes, sha1: expected }: RecordHeader, bodyOffset: number): Promise<Sifted> {
    this.#sieve.reset();
    const hash = createHash("sha1");
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
  #take(sifted: Exclude<Sifted, string>, ordinal: number, offset: number, digest: string): boolean {
    try {
      if ("record" in sifted) this.#log.takeRecord(sifted.record, { ordinal, offset, digest });
      else if (ordinal === 0) this.#log.takeHeader(decodeClusterHeader(sifted.value));
      else this.#log.takeRecord(decodeClusterRecord(sifted.value), { ordinal, offset, digest });
      if ("value" in sifted && this.#sieve.dataFault !== undefined)
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
