/** Records of a new file whose bodies are bytes of an old one: read, hashed and written in windows, never parsed. */
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import type { FileHandle } from "node:fs/promises";
import { DbFileError } from "../error.ts";
import { formatRecordHeader, type Magic } from "../record.ts";
import type { Readable, Span } from "../scan/window.ts";
import { sha1Hex } from "./file.ts";

const BUFFER_BYTES = 1 << 20;
const LF = 0x0a;
const ENCODER = new TextEncoder();
const SHA1_DIGITS = 40;
const NO_SHA1 = "0".repeat(SHA1_DIGITS);

/** Appends to a new file. One buffer is filled while the other is being written. */
export class RecordCopier {
  readonly #file: FileHandle;
  readonly #source: Readable;
  readonly #magic: Magic;
  #filling: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #spare: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #filled = 0;
  /** Where the first byte of the buffer goes. */
  #offset: number;
  #writing: Promise<void> | undefined;
  #records = 0;

  /** `offset`: where the first record goes. */
  constructor(file: FileHandle, source: Readable, magic: Magic, offset: number) {
    this.#offset = offset;
    this.#file = file;
    this.#source = source;
    this.#magic = magic;
  }

  get records(): number {
    return this.#records;
  }

  /** Bytes so far, those that are still in the buffer too. */
  get sizeBytes(): number {
    return this.#offset + this.#filled;
  }

  /**
   * A record whose body is the JSON text in `bytes`, and a line feed. False, and nothing done, if there is no room
   * for it before the next write; `copy` makes it.
   */
  add(bytes: Uint8Array): boolean {
    const bodyBytes = bytes.length + 1;
    const begin = `OVSDB ${this.#magic} ${bodyBytes} `;
    const hashAt = this.#filled + begin.length;
    const bodyAt = hashAt + SHA1_DIGITS + 1;
    if (bodyAt + bodyBytes > BUFFER_BYTES) return false;
    const filling = this.#filling;
    filling.write(begin, this.#filled, "latin1");
    filling.set(bytes, bodyAt);
    this.#filled = bodyAt + bodyBytes;
    filling[bodyAt - 1] = filling[this.#filled - 1] = LF;
    filling.write(sha1Hex(filling.subarray(bodyAt, this.#filled)), hashAt, "latin1");
    this.#records++;
    return true;
  }

  /** A record whose body is the JSON text at `span`, and a line feed. */
  async copy({ start, end }: Span): Promise<void> {
    const bodyBytes = end - start + 1;
    const header = (sha1: string): Uint8Array =>
      ENCODER.encode(formatRecordHeader({ magic: this.#magic, bodyBytes, sha1 }));
    const blank = header(NO_SHA1);
    if (this.#filled + blank.length + bodyBytes > BUFFER_BYTES) await this.#flush();
    const headerOffset = this.#offset + this.#filled;
    const headerAt = this.#filled;
    const hash = createHash("sha1");
    this.#filled += blank.length;
    let isWritten = false;
    for (let at = start; at <= end; ) {
      if (this.#filled === BUFFER_BYTES) {
        await this.#flush();
        isWritten = true;
      }
      const room = this.#filling.subarray(
        this.#filled,
        this.#filled + Math.min(BUFFER_BYTES - this.#filled, end + 1 - at),
      );
      const wanted = Math.min(room.length, end - at);
      if (this.#source.readAt(at, room.subarray(0, wanted)) < wanted)
        throw new DbFileError("IO", "the file became shorter while it was being read", { offset: at });
      if (wanted < room.length) room[wanted] = LF;
      hash.update(room);
      this.#filled += room.length;
      at += room.length;
    }
    const made = header(hash.digest("hex"));
    this.#records++;
    // The length of the header line was known before, only the hash was not.
    if (!isWritten) {
      this.#filling.set(made, headerAt);
      return;
    }
    await this.#writing;
    await write(this.#file, made, headerOffset);
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#writing;
  }

  async #flush(): Promise<void> {
    await this.#writing;
    const bytes = this.#filling.subarray(0, this.#filled);
    this.#writing = write(this.#file, bytes, this.#offset);
    // A failure is reported where the promise is awaited; until then it must not count as unhandled.
    this.#writing.catch(() => undefined);
    [this.#filling, this.#spare] = [this.#spare, this.#filling];
    this.#offset += this.#filled;
    this.#filled = 0;
  }
}

async function write(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
    } catch (cause) {
      throw new DbFileError("IO", `cannot write the new file: ${(cause as Error).message}`, { cause });
    }
  }
}
