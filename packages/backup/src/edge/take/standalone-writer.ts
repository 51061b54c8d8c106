/** Writes a standalone database file row by row, in memory that does not grow with it. */
import { createHash, type Hash } from "node:crypto";
import { closeSync, fchmodSync, fsync, openSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { BackupError } from "../../error.ts";
import { headRoom, standaloneHead } from "../../take/head.ts";
import { ioError } from "./io-error.ts";

export type WriterOptions = {
  /** Level 1 to 9; undefined for no compression. */
  readonly gzipLevel?: number | undefined;
  /** The largest content that is written, in bytes. */
  readonly bytesMax: number;
};

export type Written = {
  /** Bytes of the file, and of the standalone database in it. */
  readonly bytes: number;
  readonly contentBytes: number;
};

/** What is gathered before it is written. A block that is compressed blocks the event loop for some 5 ms. */
const BLOCK_BYTES = 256 * 1024;
const BLOCK_BYTES_PLAIN = 1024 * 1024;

export const sha1Hex = (bytes: Uint8Array): string => createHash("sha1").update(bytes).digest("hex");

/**
 * Writing is synchronous on purpose: whoever reads the socket cannot run ahead of the disk, so nothing piles up.
 *
 * A compressed file is a sequence of gzip members, one for each block; every gunzip reads them as one. The first three are
 * the head, whose size must be known before its content is (see `take/head.ts`): the schema, which is known, is compressed,
 * and the lines around it, some 200 bytes that are not, are stored.
 */
export class StandaloneWriter {
  readonly #path: string;
  readonly #schemaJson: string;
  /** The schema as a gzip member; undefined for no compression. */
  readonly #packedSchema: Buffer | undefined;
  readonly #options: WriterOptions;
  readonly #room: number;
  readonly #headBytes: number;
  readonly #block: Buffer;
  readonly #hash: Hash = createHash("sha1");
  #fd: number | undefined;
  #used = 0;
  #bodyBytes = 0;
  #position: number;
  #table: string | undefined;
  readonly #tables = new Set<string>();
  #rows = 0;

  /** Creates the file, mode 0640. @throws BackupError `EXISTS`, `IO` */
  constructor(path: string, schemaJson: string, options: WriterOptions) {
    this.#path = path;
    this.#schemaJson = schemaJson;
    this.#options = options;
    this.#room = headRoom(schemaJson);
    const { gzipLevel } = options;
    this.#packedSchema = gzipLevel === undefined ? undefined : gzipSync(schemaJson, { level: gzipLevel });
    this.#headBytes = this.#pack(standaloneHead(schemaJson, this.#room, 0, sha1Hex(Buffer.of()), sha1Hex)).length;
    this.#position = this.#headBytes;
    this.#block = Buffer.allocUnsafe(options.gzipLevel === undefined ? BLOCK_BYTES_PLAIN : BLOCK_BYTES);
    try {
      this.#fd = openSync(path, "wx", 0o640);
      fchmodSync(this.#fd, 0o640);
    } catch (cause) {
      this.close();
      throw ioError(cause, path);
    }
    this.#put("{");
  }

  /** Bytes of the standalone database so far. */
  get contentBytes(): number {
    return this.#room + this.#bodyBytes + this.#used;
  }

  /** All rows of a table come together. `json` is the row's object as JSON text. */
  row(table: string, uuid: string, json: string): void {
    if (table !== this.#table) this.#startTable(table);
    this.#put(this.#rows++ === 0 ? `"${uuid}":` : `,"${uuid}":`);
    this.#put(json);
  }

  /** Ends the transaction, fills the room at the start, and brings all of it to the disk. */
  async finish(dateMs: number, comment: string): Promise<Written> {
    const annotations = `"_date":${dateMs},"_comment":${JSON.stringify(comment)}}\n`;
    this.#put(this.#table === undefined ? annotations : `},${annotations}`);
    this.#flush();
    const sha1 = this.#hash.digest("hex");
    const head = this.#pack(standaloneHead(this.#schemaJson, this.#room, this.#bodyBytes, sha1, sha1Hex));
    if (head.length !== this.#headBytes)
      throw new BackupError(
        "IO",
        `${this.#path}: its head has ${head.length} bytes, and ${this.#headBytes} were left for it`,
      );
    this.#write(head, 0);
    try {
      await promisify(fsync)(this.#fd as number);
      closeSync(this.#fd as number);
      this.#fd = undefined;
    } catch (cause) {
      throw ioError(cause, this.#path);
    }
    return { bytes: this.#position, contentBytes: this.#room + this.#bodyBytes };
  }

  close(): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    try {
      closeSync(fd);
    } catch {
      // What could not be written is thrown away by the caller.
    }
  }

  #startTable(table: string): void {
    if (this.#tables.has(table))
      throw new BackupError("INCONSISTENT", `rows of ${table} came in two parts, so they aren't of one moment`);
    this.#put(this.#table === undefined ? `"${table}":{` : `},"${table}":{`);
    this.#table = table;
    this.#tables.add(table);
    this.#rows = 0;
  }

  #put(text: string): void {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    if (text.length * 3 > this.#block.length - this.#used) {
      this.#flush();
      if (text.length * 3 > this.#block.length) return this.#append(Buffer.from(text));
    }
    this.#used += this.#block.write(text, this.#used, "utf8");
  }

  #flush(): void {
    const used = this.#used;
    this.#used = 0;
    if (used > 0) this.#append(this.#block.subarray(0, used));
  }

  #append(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#bodyBytes += bytes.length;
    if (this.contentBytes > this.#options.bytesMax)
      throw new BackupError("LIMIT", `the database is larger than bytesMax, ${this.#options.bytesMax} bytes`, {
        path: this.#path,
        remedy: "raise bytesMax if that is meant",
      });
    const { gzipLevel } = this.#options;
    const packed = gzipLevel === undefined ? bytes : gzipSync(bytes, { level: gzipLevel });
    this.#write(packed, this.#position);
    this.#position += packed.length;
  }

  #pack(head: Uint8Array): Uint8Array {
    if (this.#packedSchema === undefined) return head;
    const schemaStart = head.indexOf(0x0a) + 1;
    const schemaEnd = schemaStart + Buffer.byteLength(this.#schemaJson);
    // What is stored takes as many bytes as it has and a constant, so wherever the parts meet, the sum stays.
    return Buffer.concat([
      gzipSync(head.subarray(0, schemaStart), { level: 0 }),
      this.#packedSchema,
      gzipSync(head.subarray(schemaEnd), { level: 0 }),
    ]);
  }

  #write(bytes: Uint8Array, position: number): void {
    let done = 0;
    try {
      while (done < bytes.length)
        done += writeSync(this.#fd as number, bytes, done, bytes.length - done, position + done);
    } catch (cause) {
      throw ioError(cause, this.#path);
    }
  }
}
