/** Database files, opened for reading. A server may run on them: what it appends later is not looked at. */
import { createHash } from "node:crypto";
import { DbFileError } from "../error.ts";
import { decodeOutlined, type FileRecord } from "../file-record.ts";
import { parseBytes } from "../scan/text.ts";
import { type Span, Window } from "../scan/window.ts";
import type { Json } from "@ovnha/ovsdb/core";
import type { Magic } from "../record.ts";
import { RecordReader, type Walked, WINDOW_BYTES } from "../record-reader.ts";
import { type Survey, survey } from "../survey.ts";
import { openReadableFile, type ReadableFile, sha1Hex } from "./file.ts";
import { Pace, runPaced } from "./pace.ts";

export type OpenOptions = { readonly signal?: AbortSignal | undefined };

/** `places`: see `survey` in survey.ts. */
export type SurveyOptions = OpenOptions & { readonly places?: boolean | undefined };

/** Small enough for the processor's own memory: three looks at the same bytes then cost little more than one. */
const SKIM_WINDOW_BYTES = 1 << 17;

/** A path, or a file that is open already; functions close only what they have opened. */
export type DbFileOrPath = DbFile | string;

const newHash = (): ReturnType<typeof createHash> => createHash("sha1");

const findBytes = (haystack: Uint8Array, needle: Uint8Array): number =>
  Buffer.from(haystack.buffer, haystack.byteOffset, haystack.byteLength).indexOf(needle);

export class DbFile implements Disposable {
  readonly file: ReadableFile;
  #survey: Survey | undefined;
  #window: Window | undefined;

  readonly #windowBytes: number;

  /** `windowBytes`: how much of a long record is in memory at once. */
  constructor(file: ReadableFile, windowBytes: number = WINDOW_BYTES) {
    this.file = file;
    this.#windowBytes = windowBytes;
  }

  get path(): string {
    return this.file.path;
  }

  get sizeBytes(): number {
    return this.file.sizeBytes;
  }

  /** From the first record, every hash and all JSON looked at. */
  reader(): RecordReader {
    return new RecordReader(this.file, { newHash, sha1Hex, windowBytes: this.#windowBytes });
  }

  /** From the second record to where the survey ended; hashes have been looked at already. */
  reread(of: Survey): RecordReader {
    return this.#again(of.format === "standalone" ? "JSON" : "CLUSTER", of.place.endOffset, of.endOffset);
  }

  /** The record of a log that begins at `offset`, which a survey has found whole. */
  recordAt(offset: number): FileRecord | undefined {
    const reader = this.#again("CLUSTER", offset, this.sizeBytes);
    const work = reader.next();
    for (let step = work.next(); ; step = work.next()) {
      if (step.done !== true) continue;
      const walked = step.value;
      return walked.type === "record" ? decodeOutlined("CLUSTER", walked, reader.window) : undefined;
    }
  }

  #again(magic: Magic, offset: number, endOffset: number): RecordReader {
    const windowBytes = this.#windowBytes;
    return new RecordReader(this.file, {
      newHash,
      sha1Hex,
      windowBytes,
      verify: false,
      magic,
      offset,
      ordinal: 1,
      endOffset,
    });
  }

  #walk(reader: RecordReader, { signal, places }: SurveyOptions): Promise<Survey> {
    const work = survey(reader, (first, endOffset) => this.#again("CLUSTER", first.endOffset, endOffset), places);
    return placed(this.path, () => runPaced(work, signal));
  }

  /** Reads the whole file once; later calls have the answer, with places of entries only if the first one asked for them. */
  async survey(options: SurveyOptions = {}): Promise<Survey> {
    this.#survey ??= await this.#walk(this.reader(), options);
    return this.#survey;
  }

  /**
   * The same, but the rows of long records are not looked at: ids, log and damage are right, and places of tables are
   * missing. For {@link inspect}.
   */
  async skim(options: OpenOptions = {}): Promise<Survey> {
    if (this.#survey !== undefined) return this.#survey;
    const reader = new RecordReader(this.file, {
      newHash,
      sha1Hex,
      windowBytes: Math.min(this.#windowBytes, SKIM_WINDOW_BYTES),
      skim: findBytes,
    });
    return await this.#walk(reader, options);
  }

  /** The bytes of a span, as `FileRecord`s name them. */
  bytes(span: Span): Uint8Array {
    this.#window ??= new Window(this.file, Math.min(this.#windowBytes, this.sizeBytes));
    return Uint8Array.from(this.#window.view(span));
  }

  /** The JSON value of a span. Bytes that are no UTF-8, which comments may hold, become U+FFFD. */
  json(span: Span): Json {
    return parseBytes(this.bytes(span));
  }

  close(): void {
    this.file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a standalone or clustered file. Reading is allowed always, beside a running server too.
 *
 * @throws DbFileError `NOT_FOUND`, `IO`, or `FORMAT` if it does not begin as an OVSDB file does.
 */
export async function openDbFile(path: string): Promise<DbFile> {
  const file = openReadableFile(path);
  const head = new Uint8Array(8);
  const length = file.readAt(0, head);
  const begin = new TextDecoder("latin1").decode(head.subarray(0, length));
  if (begin.startsWith("OVSDB ")) return new DbFile(file);
  file.close();
  const what = length === 0 ? "is empty" : `begins with ${JSON.stringify(begin)}`;
  throw new DbFileError(
    "FORMAT",
    `${path} ${what}; a database file of OVSDB begins with "OVSDB JSON" or "OVSDB CLUSTER"`,
    {
      path,
      offset: 0,
    },
  );
}

/** Runs `work` on a file, which is closed afterwards if it was opened here. Errors get the file's path. */
export async function withDbFile<T>(target: DbFileOrPath, work: (file: DbFile) => Promise<T>): Promise<T> {
  if (typeof target !== "string") return await placed(target.path, () => work(target));
  using file = await openDbFile(target);
  return await placed(target, () => work(file));
}

/** Puts the path in front of an error that names only an offset. */
export async function placed<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DbFileError) || error.path !== undefined) throw error;
    const { code, offset } = error;
    throw new DbFileError(code, `${path}: ${error.message}`, { path, offset, cause: error.cause });
  }
}

/**
 * The records of a file one by one, in bounded memory. Damage comes as the last one; a file of another kind is an error.
 * Spans in a record can be read with `file.bytes` and `file.json` as long as the file is open.
 */
export async function* readRecords(target: DbFileOrPath, options: OpenOptions = {}): AsyncGenerator<FileRecord, void> {
  if (typeof target === "string") {
    using file = await openDbFile(target);
    yield* readRecords(file, options);
    return;
  }
  const reader = target.reader();
  const pace = new Pace(options.signal);
  for (;;) {
    let walked: Walked | undefined = reader.near();
    if (walked === undefined) {
      const work = reader.next();
      let step = work.next();
      while (step.done !== true) {
        if (pace.isDue) await pace.rest();
        step = work.next();
      }
      walked = step.value;
    }
    if (walked.type === "end") return;
    if (walked.type === "damage") {
      yield walked;
      return;
    }
    yield decodeOutlined(reader.magic as Magic, walked, reader.window);
    if (pace.isDue) await pace.rest();
  }
}
