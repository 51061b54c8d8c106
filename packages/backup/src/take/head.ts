/**
 * The start of a standalone file whose one transaction is still to come (ovsdb(5), "Standalone Format").
 *
 * A record's header line holds the length and the SHA-1 of its body, and neither is known before the last row has arrived.
 * So room is left at the start of the file, the rows are written behind it, and the room is filled at the end. It fits to
 * the byte, because the body of the schema record may end in blanks: JSON allows them, and readers skip them.
 */

const MAGIC = "OVSDB JSON ";
/** A space, 40 digits of the hash, a line feed. */
const HASH_BYTES = 42;
/** Digits of the longest length that a JavaScript number counts exactly. */
const DIGITS_MAX = 16;
const HEADER_BYTES_MAX = MAGIC.length + DIGITS_MAX + HASH_BYTES;

export type Sha1Hex = (bytes: Uint8Array) => string;

/** Bytes to leave before the body of the transaction, for a schema of this JSON text. */
export function headRoom(schemaJson: string): number {
  const least = new TextEncoder().encode(schemaJson).length + 1;
  const most = least + DIGITS_MAX;
  // Where the number of digits changes, some lengths of header line and body together don't exist.
  const body = String(least).length === String(most).length ? least : 10 ** String(least).length;
  return MAGIC.length + String(body).length + HASH_BYTES + body + HEADER_BYTES_MAX;
}

/**
 * Exactly `roomBytes`: the schema record, and the header line of the transaction whose body of `bodyBytes` bytes, hashed to
 * `bodySha1`, lies behind it.
 */
export function standaloneHead(
  schemaJson: string,
  roomBytes: number,
  bodyBytes: number,
  bodySha1: string,
  sha1Hex: Sha1Hex,
): Uint8Array {
  const transactionLine = `${MAGIC}${bodyBytes} ${bodySha1}\n`;
  const left = roomBytes - transactionLine.length - MAGIC.length - HASH_BYTES;
  const schemaBytes = solve(left);
  const encoder = new TextEncoder();
  const json = encoder.encode(schemaJson);
  const body = new Uint8Array(schemaBytes).fill(0x20);
  body.set(json);
  body[schemaBytes - 1] = 0x0a;
  const line = encoder.encode(`${MAGIC}${schemaBytes} ${sha1Hex(body)}\n`);
  const head = new Uint8Array(roomBytes);
  head.set(line);
  head.set(body, line.length);
  head.set(encoder.encode(transactionLine), line.length + body.length);
  return head;
}

/** The length that, together with its own digits, makes `bytes`. */
function solve(bytes: number): number {
  for (let digits = 1; digits <= DIGITS_MAX; digits++)
    if (String(bytes - digits).length === digits) return bytes - digits;
  throw new RangeError(`no length and its digits make ${bytes}: headRoom() left the wrong room`);
}
