/**
 * Short ways for what nearly every record of a busy file is: a header line as ovsdb-server writes it, an entry with data, a
 * commit index. They judge nothing: whatever looks different in the least is left to the strict way (record.ts, members.ts),
 * which says what it is or what is wrong with it.
 */
import { type Json, ZERO_UUID } from "@ovnha/ovsdb/core";
import type { ClusterRecord } from "./clustered.ts";
import type { Magic } from "./record.ts";
import type { MemberSpan, Outline } from "./scan/outline.ts";
import { asciiText } from "./scan/text.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const DASH = 0x2d;
const ZERO = 0x30;
const LF = 0x0a;
const BEGIN: Readonly<Record<Magic, Uint8Array>> = {
  JSON: new TextEncoder().encode("OVSDB JSON "),
  CLUSTER: new TextEncoder().encode("OVSDB CLUSTER "),
};
const SHA1_DIGITS = 40;
/** Digits that a double holds exactly, whatever they are. */
const DIGITS_MAX = 15;

/** 1 for a hexadecimal digit in lower case, which is all that ovsdb-server writes. */
const HEX: Uint8Array = new Uint8Array(256);
for (const digit of "0123456789abcdef") HEX[digit.charCodeAt(0)] = 1;

/** The header line that was last looked at; one object for all of them, since there are millions. */
export class QuickHeader {
  bodyBytes = 0;
  /** Where the 40 digits of the hash begin, in the bytes that were given. */
  hashAt = 0;
  /** Where the body begins, likewise. */
  bodyAt = 0;

  /** False if the strict way has to look: the line is unusual, damaged, or not wholly in `[at, end)`. */
  read(magic: Magic, bytes: Uint8Array, at: number, end: number): boolean {
    const begin = BEGIN[magic];
    if (at + begin.length + DIGITS_MAX + SHA1_DIGITS + 2 > end) return false;
    let next = at;
    for (let part = 0; part < begin.length; part++) if (bytes[next++] !== begin[part]) return false;
    let size = 0;
    const first = next;
    for (; next < first + DIGITS_MAX; next++) {
      const digit = (bytes[next] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      size = size * 10 + digit;
    }
    if (size === 0 || bytes[first] === ZERO || bytes[next++] !== SPACE) return false;
    this.bodyBytes = size;
    this.hashAt = next;
    this.bodyAt = next + SHA1_DIGITS + 1;
    return bytes[this.bodyAt - 1] === LF;
  }

  /** Whether the line promises this hash. */
  promises(sha1: string, bytes: Uint8Array): boolean {
    for (let at = 0; at < SHA1_DIGITS; at++) if (bytes[this.hashAt + at] !== sha1.charCodeAt(at)) return false;
    return true;
  }
}

/**
 * The record, with `dataStandIn` in the place of an entry's, if it is an entry with nothing but term, index, and data with its id, or a commit index.
 * `position` is that of `bytes[0]`, in which the whole record lies.
 */
export function quickRecord(
  outline: Outline,
  bytes: Uint8Array,
  position: number,
  dataStandIn?: Json,
): ClusterRecord | undefined {
  const { members, data } = outline;
  if (data === undefined) return members.length === 1 ? quickCommit(members[0], bytes, position) : undefined;
  if (members.length !== 3 || !isUsual(outline, bytes, position)) return undefined;
  let term = 0;
  let index = 0;
  let eid: string | undefined;
  for (const member of members) {
    const at = member.value.start - position;
    const end = member.value.end - position;
    if (isNamed(member, TERM, bytes, position)) term = quickNumber(bytes, at, end);
    else if (isNamed(member, INDEX, bytes, position)) index = quickNumber(bytes, at, end);
    else if (isNamed(member, EID, bytes, position)) eid = quickUuid(bytes, at, end);
    else return undefined;
  }
  // Of members with one name, one of the others is missing.
  if (term === 0 || index === 0 || eid === undefined || eid === ZERO_UUID) return undefined;
  return {
    type: "entry",
    term,
    index,
    data: dataStandIn,
    eid,
    servers: undefined,
    election_timer: undefined,
    comment: undefined,
  };
}

const name = (text: string): Uint8Array => new TextEncoder().encode(`"${text}"`);
const TERM = name("term");
const INDEX = name("index");
const EID = name("eid");
const COMMIT_INDEX = name("commit_index");

const COMMIT_BEGIN = new TextEncoder().encode('{"commit_index":');
const CLOSE_OBJECT = 0x7d;

/** The outline of a whole body `{"commit_index":N}` with its line feed; half of a leader's records are these. */
export function commitOutline(bytes: Uint8Array, from: number, to: number, position: number): Outline | undefined {
  const begin = COMMIT_BEGIN.length;
  if (to - from > begin + DIGITS_MAX + 2 || to - from < begin + 3) return undefined;
  if (bytes[to - 1] !== LF || bytes[to - 2] !== CLOSE_OBJECT) return undefined;
  for (let at = 0; at < begin; at++) if (bytes[from + at] !== COMMIT_BEGIN[at]) return undefined;
  if (quickNumber(bytes, from + begin, to - 2) === 0) return undefined;
  const start = from + position;
  const key = { start: start + 1, end: start + begin - 1 };
  return { members: [{ key, value: { start: start + begin, end: to - 2 + position } }], data: undefined };
}

function quickCommit(member: MemberSpan | undefined, bytes: Uint8Array, position: number): ClusterRecord | undefined {
  if (member === undefined || !isNamed(member, COMMIT_INDEX, bytes, position)) return undefined;
  const commit_index = quickNumber(bytes, member.value.start - position, member.value.end - position);
  return commit_index === 0 ? undefined : { type: "commit_index", commit_index, comment: undefined };
}

/** `[null, {…}]`: rows without a schema. */
function isUsual({ data }: Outline, bytes: Uint8Array, position: number): boolean {
  if (data?.elements !== 2 || data.schema === undefined || data.transaction === undefined) return false;
  const { start, end } = data.schema;
  return end - start === 4 && bytes[start - position] === 0x6e;
}

function isNamed({ key }: MemberSpan, wanted: Uint8Array, bytes: Uint8Array, position: number): boolean {
  if (key.end - key.start !== wanted.length) return false;
  const from = key.start - position;
  for (let at = 0; at < wanted.length; at++) if (bytes[from + at] !== wanted[at]) return false;
  return true;
}

/** A whole number above 0; 0 for anything else. */
export function quickNumber(bytes: Uint8Array, from: number, to: number): number {
  if (to - from > DIGITS_MAX || bytes[from] === ZERO) return 0;
  let number = 0;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return 0;
    number = number * 10 + digit;
  }
  return number;
}

/** A UUID in quotes and in lower case. */
function quickUuid(bytes: Uint8Array, from: number, to: number): string | undefined {
  if (to - from !== 38 || bytes[from] !== QUOTE) return undefined;
  for (let at = 0; at < 36; at++) {
    const byte = bytes[from + 1 + at] as number;
    const isDash = at === 8 || at === 13 || at === 18 || at === 23;
    if (isDash ? byte !== DASH : HEX[byte] !== 1) return undefined;
  }
  return asciiText(bytes, from + 1, to - 1);
}
