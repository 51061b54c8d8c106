/**
 * The container of both formats (ovsdb(5)): a header line `OVSDB <magic> <length> <sha1>`, then exactly `length` bytes of
 * body, which are one JSON object and a line feed; the hash covers all of them.
 */

/** `JSON` for a standalone file, `CLUSTER` for a clustered one; all records of a file carry the same. */
export type Magic = "JSON" | "CLUSTER";

export type RecordHeader = {
  /** Any word; whether it is a {@link Magic}, and the file's, is the reader's to judge. */
  readonly magic: string;
  /** At least 1; counts the final line feed. */
  readonly bodyBytes: number;
  /** 40 hexadecimal digits in lower case. */
  readonly sha1: string;
};

/** Where a record lies; all in bytes from the start of the file. */
export type RecordPlace = {
  /** 0 for the schema or the header of the file. */
  readonly ordinal: number;
  readonly offset: number;
  readonly bodyOffset: number;
  readonly bodyBytes: number;
  /** One past the last byte of the body. */
  readonly endOffset: number;
};

/**
 * What is wrong with a record: its header line is not one or is cut (`header`), carries another magic than the first
 * (`magic`), promises more bytes than the file has (`length`), the hash differs (`hash`), the body is not JSON (`json`), or
 * is JSON but no object (`object`).
 */
export type DamageKind = "header" | "magic" | "length" | "hash" | "json" | "object";

/**
 * Where the readable part of a file ends. ovsdb-server reads up to here, and its next write cuts the rest off; every
 * ovsdb-tool command but the server itself gives up with exit status 1.
 */
export type Damage = {
  readonly kind: DamageKind;
  /** Start of the damaged record, which is the end of the last good one. */
  readonly offset: number;
  /** From `offset` to the end of the file. */
  readonly lostBytes: number;
  /** One sentence for people. */
  readonly message: string;
};

/** ovsdb-server reads a header line into 128 bytes, of which one is the terminator. */
export const HEADER_LINE_BYTES_MAX = 127;

const HEADER = /^OVSDB ([^ ]*) [\t-\r ]*\+?([0-9]+) ([0-9a-fA-F]{40})\n/;

/**
 * Parses the line at the start of `bytes`; undefined if there is no header line. `bytes` may go on behind it; the line with
 * its line feed has `headerBytes` bytes.
 */
export function parseRecordHeader(bytes: Uint8Array): (RecordHeader & { readonly headerBytes: number }) | undefined {
  const limit = Math.min(bytes.length, HEADER_LINE_BYTES_MAX);
  let line = "";
  for (let at = 0; at < limit; at++) {
    const byte = bytes[at] as number;
    line += String.fromCharCode(byte);
    if (byte === 0x0a) break;
  }
  const parts = HEADER.exec(line);
  if (parts === null) return undefined;
  const bodyBytes = Number(parts[2]);
  if (bodyBytes === 0 || !Number.isSafeInteger(bodyBytes)) return undefined;
  const [whole, magic, , sha1] = parts as unknown as [string, string, string, string];
  return { magic, bodyBytes, sha1: sha1.toLowerCase(), headerBytes: whole.length };
}

export function formatRecordHeader(header: RecordHeader): string {
  return `OVSDB ${header.magic} ${header.bodyBytes} ${header.sha1}\n`;
}

/** A whole record. `json` is one object without line feeds; `sha1Hex` hashes bytes to 40 digits in lower case. */
export function formatRecord(magic: Magic, json: string, sha1Hex: (bytes: Uint8Array) => string): Uint8Array {
  const body = new TextEncoder().encode(`${json}\n`);
  const line = formatRecordHeader({ magic, bodyBytes: body.length, sha1: sha1Hex(body) });
  const record = new Uint8Array(line.length + body.length);
  record.set(new TextEncoder().encode(line));
  record.set(body, line.length);
  return record;
}
