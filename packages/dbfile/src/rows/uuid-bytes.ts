/** Row uuids as four words of 32 bits. */

/** 0 to 15 for a hexadecimal digit, 255 for any other byte. */
const DIGITS = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit++) {
  const char = digit.toString(16);
  DIGITS[char.charCodeAt(0)] = digit;
  DIGITS[char.toUpperCase().charCodeAt(0)] = digit;
}
/** Where the eight digits of each word stand in the 36 characters. */
const PLACES = [
  [0, 1, 2, 3, 4, 5, 6, 7],
  [9, 10, 11, 12, 14, 15, 16, 17],
  [19, 20, 21, 22, 24, 25, 26, 27],
  [28, 29, 30, 31, 32, 33, 34, 35],
] as const;
const DASHES = [8, 13, 18, 23];
const DASH = 0x2d;

export const UUID_CHARS = 36;

/** Reads 36 bytes from `from` into `into[0..3]`. False if they are no UUID. */
export function readUuid(bytes: Uint8Array, from: number, into: Uint32Array): boolean {
  for (const place of DASHES) if (bytes[from + place] !== DASH) return false;
  let bad = 0;
  for (let word = 0; word < 4; word++) {
    const places = PLACES[word] as readonly number[];
    let value = 0;
    for (let at = 0; at < 8; at++) {
      const digit = DIGITS[bytes[from + (places[at] as number)] as number] as number;
      bad |= digit;
      value = (value << 4) | (digit & 15);
    }
    into[word] = value;
  }
  return (bad & 0xf0) === 0;
}

/** The same for a text; false if it is no UUID. */
export function readUuidText(text: string, into: Uint32Array): boolean {
  if (text.length !== UUID_CHARS) return false;
  return readUuid(
    Uint8Array.from(text, (char) => (char.charCodeAt(0) > 127 ? 0 : char.charCodeAt(0))),
    0,
    into,
  );
}

export function uuidText(a: number, b: number, c: number, d: number): string {
  const [one, two, three, four] = [hex(a), hex(b), hex(c), hex(d)];
  return `${one}-${two.slice(0, 4)}-${two.slice(4)}-${three.slice(0, 4)}-${three.slice(4)}${four}`;
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
