/** Records written as they come: a body may be longer than memory, although its length and hash stand before it. */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { DbFileError } from "../error.ts";
import { formatRecordHeader, type Magic } from "../record.ts";
import { sha1Hex } from "./file.ts";

/** Pieces of a record's body; together one JSON object, without the final line feed. */
export type Body = string | Iterable<string> | AsyncIterable<string>;

/** Bytes of a body that are held in memory before the file takes them. */
const HELD_BYTES_MAX = 8 << 20;
/** Characters that are gathered before they are encoded. */
const PIECE_CHARS = 1 << 16;
const WINDOW_BYTES = 1 << 20;
const SHA1_DIGITS = "0".repeat(40);

/** Appends records to an empty file. */
export class RecordWriter {
  readonly #file: FileHandle;
  readonly #magic: Magic;
  #offset = 0;

  constructor(file: FileHandle, magic: Magic) {
    this.#file = file;
    this.#magic = magic;
  }

  /** Bytes written so far. */
  get sizeBytes(): number {
    return this.#offset;
  }

  /** A record whose body, with its line feed, is of another file. */
  async copy(body: Uint8Array): Promise<void> {
    const header = Buffer.from(formatRecordHeader({ magic: this.#magic, bodyBytes: body.length, sha1: sha1Hex(body) }));
    await writeAll(this.#file, [header, Buffer.from(body.buffer, body.byteOffset, body.length)], this.#offset);
    this.#offset += header.length + body.length;
  }

  async write(body: Body): Promise<void> {
    const draft = new Draft(this.#file, this.#offset, this.#magic);
    if (typeof body === "string") await draft.add(body);
    else for await (const piece of body) await draft.add(piece);
    this.#offset = await draft.finish();
  }
}

/** One record in the making. A long body goes to where it will lie if its length has as many digits as guessed. */
class Draft {
  readonly #file: FileHandle;
  readonly #start: number;
  readonly #magic: Magic;
  readonly #hash = createHash("sha1");
  #text = "";
  #held: Buffer[] = [];
  #heldBytes = 0;
  #bodyBytes = 0;
  /** Where the body begins in the file, once some of it is there. */
  #bodyOffset: number | undefined;

  constructor(file: FileHandle, start: number, magic: Magic) {
    this.#file = file;
    this.#start = start;
    this.#magic = magic;
  }

  async add(piece: string): Promise<void> {
    this.#text += piece;
    if (this.#text.length >= PIECE_CHARS) this.#encode();
    if (this.#heldBytes > HELD_BYTES_MAX) await this.#spill();
  }

  /** @returns the offset behind the record. */
  async finish(): Promise<number> {
    this.#text += "\n";
    this.#encode();
    const header = Buffer.from(this.#header(this.#hash.digest("hex")));
    const bodyOffset = this.#start + header.length;
    if (this.#bodyOffset === undefined) {
      await writeAll(this.#file, [header, ...this.#held], this.#start);
      return bodyOffset + this.#bodyBytes;
    }
    await this.#spill();
    if (bodyOffset > this.#bodyOffset) await moveUp(this.#file, this.#bodyOffset, this.#bodyBytes, bodyOffset);
    await writeAll(this.#file, [header], this.#start);
    return bodyOffset + this.#bodyBytes;
  }

  #header(sha1: string): string {
    return formatRecordHeader({ magic: this.#magic, bodyBytes: this.#bodyBytes, sha1 });
  }

  #encode(): void {
    const bytes = Buffer.from(this.#text);
    this.#text = "";
    this.#hash.update(bytes);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    this.#bodyBytes += bytes.length;
    if (!Number.isSafeInteger(this.#bodyBytes)) throw new DbFileError("LIMIT", "a record cannot be this long");
  }

  async #spill(): Promise<void> {
    // The length only grows, so that what is in the file can only be too far in front.
    this.#bodyOffset ??= this.#start + this.#header(SHA1_DIGITS).length;
    await writeAll(this.#file, this.#held, this.#bodyOffset + this.#bodyBytes - this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
  }
}

async function writeAll(file: FileHandle, buffers: readonly Buffer[], position: number): Promise<void> {
  const bytes = buffers.length === 1 ? (buffers[0] as Buffer) : Buffer.concat(buffers);
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await attempt(() => file.write(bytes, done, bytes.length - done, position + done));
    done += bytesWritten;
  }
}

/** Moves bytes within a file towards its end, the last ones first. */
async function moveUp(file: FileHandle, from: number, length: number, to: number): Promise<void> {
  const window = Buffer.alloc(WINDOW_BYTES);
  for (let left = length; left > 0; ) {
    const size = Math.min(left, window.length);
    left -= size;
    const part = window.subarray(0, size);
    await readAll(file, part, from + left);
    await writeAll(file, [part], to + left);
  }
}

async function readAll(file: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await attempt(() => file.read(into, done, into.length - done, position + done));
    if (bytesRead === 0) throw new DbFileError("IO", "a file became shorter while it was being written");
    done += bytesRead;
  }
}

async function attempt<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    throw new DbFileError("IO", `cannot write the new file: ${(cause as Error).message}`, { cause });
  }
}
