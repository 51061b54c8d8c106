/**
 * Small readers over one line of text. Each looks at every character a bounded number of times, so that a status of any
 * size is read in linear time. They answer `undefined` for what they can't read, and never throw.
 */
import type { Connection, MembershipChange, MembershipPhase, PrintedId, PrintedServer, ServerLine } from "./types.ts";

/** Longer than any id that `SID_FMT` and `UUID_FMT` print. */
const SHORT_LENGTH_MAX = 36;

const PHASES: ReadonlySet<string> = new Set([
  "stable",
  "adding: catchup",
  "adding: caught up",
  "adding: committing",
  "removing",
  "<error>",
]);

/** A number and where the text after it begins. */
export type Scanned = { readonly value: number; readonly end: number };

const ZERO = 48;

/**
 * Reads an unsigned decimal number of 64 bits. From 2^63 on it is a difference that went below zero, since ovsdb-server
 * subtracts unsigned; it is read as that negative number.
 * @returns undefined if there is no digit, or the number is no safe integer.
 */
export function scanInteger(text: string, start: number): Scanned | undefined {
  let end = start;
  let value = 0;
  for (; end < text.length; end++) {
    const digit = text.charCodeAt(end) - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (end === start) return undefined;
  if (value <= Number.MAX_SAFE_INTEGER) return { value, end };
  if (end - start > 20) return undefined;
  const exact = BigInt(text.slice(start, end));
  const signed = Number(BigInt.asIntN(64, exact));
  return exact < 2n ** 64n && Number.isSafeInteger(signed) ? { value: signed, end } : undefined;
}

/** A number that fills the rest of the line. */
export function wholeInteger(text: string, start: number): number | undefined {
  const scanned = scanInteger(text, start);
  return scanned !== undefined && scanned.end === text.length ? scanned.value : undefined;
}

/** `f32e (f32e5d2d-…)`; the UUID may be abbreviated. */
export function readId(text: string, start: number): PrintedId | undefined {
  const open = text.indexOf(" (", start);
  if (open <= start || !text.endsWith(")")) return undefined;
  const short = text.slice(start, open);
  const uuid = text.slice(open + 2, -1);
  return isWord(short) && isWord(uuid) ? { short, uuid } : undefined;
}

function isWord(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 32 || code === 40 || code === 41) return false;
  }
  return text !== "";
}

/** `[2, 25]`: held from 2 to before 25. */
export function readLog(text: string, start: number): { readonly start: number; readonly end: number } | undefined {
  if (text[start] !== "[") return undefined;
  const from = scanInteger(text, start + 1);
  if (from === undefined || !text.startsWith(", ", from.end)) return undefined;
  const to = scanInteger(text, from.end + 2);
  if (to === undefined || text[to.end] !== "]" || to.end + 1 !== text.length) return undefined;
  return { start: from.value, end: to.value };
}

/** `1000` or `1000 (changing to 2000)`. */
export function readTimer(text: string, start: number): { ms: number; changingToMs?: number } | undefined {
  const ms = scanInteger(text, start);
  if (ms === undefined) return undefined;
  if (ms.end === text.length) return { ms: ms.value };
  const words = " (changing to ";
  if (!text.startsWith(words, ms.end)) return undefined;
  const next = scanInteger(text, ms.end + words.length);
  return next !== undefined && text[next.end] === ")" && next.end + 1 === text.length
    ? { ms: ms.value, changingToMs: next.value }
    : undefined;
}

/** ` tcp:10.0.0.1:6643 unix:/run/a b.raft`: a blank separates only before the kind of an address. */
export function readAddresses(text: string, start: number): string[] | undefined {
  const found: string[] = [];
  let begin = -1;
  for (let at = text.indexOf(" ", start); at !== -1; at = text.indexOf(" ", at + 1)) {
    if (!startsAddress(text, at + 1)) continue;
    if (begin === -1 && at !== start) return undefined;
    if (begin !== -1) found.push(text.slice(begin, at));
    begin = at + 1;
  }
  if (begin === -1) return text.length === start ? found : undefined;
  found.push(text.slice(begin));
  return found;
}

function startsAddress(text: string, at: number): boolean {
  return text.startsWith("tcp:", at) || text.startsWith("ssl:", at) || text.startsWith("unix:", at);
}

/** ` ->a508 (<-ddd2)`: a nickname may hold blanks, so an arrow ends the one before. */
export function readConnections(text: string, start: number): Connection[] | undefined {
  const found: Connection[] = [];
  let begin = -1;
  const take = (end: number): boolean => {
    const connection = readConnection(text.slice(begin, end));
    if (connection !== undefined) found.push(connection);
    return connection !== undefined;
  };
  for (let at = text.indexOf(" ", start); at !== -1; at = text.indexOf(" ", at + 1)) {
    if (!startsArrow(text, at + 1)) continue;
    if (begin === -1 ? at !== start : !take(at)) return undefined;
    begin = at + 1;
  }
  if (begin === -1) return text.length === start ? found : undefined;
  return take(text.length) ? found : undefined;
}

function startsArrow(text: string, at: number): boolean {
  const arrow = text.charCodeAt(at) === 40 ? at + 1 : at;
  const [first, second] = [text.charCodeAt(arrow), text.charCodeAt(arrow + 1)];
  return (first === 45 && second === 62) || (first === 60 && second === 45);
}

function readConnection(word: string): Connection | undefined {
  const isConnected = word[0] !== "(";
  if (!isConnected && !word.endsWith(")")) return undefined;
  const bare = isConnected ? word : word.slice(1, -1);
  const nickname = bare.slice(2);
  return nickname === "" ? undefined : { direction: bare.startsWith("->") ? "out" : "in", nickname, isConnected };
}

/** `a1 (b48d at unix:/run/a1.raft)` from `start`, and where the text after it begins. */
function scanServer(text: string, start: number): { server: PrintedServer; end: number } | undefined {
  for (let open = text.indexOf(" (", start); open !== -1; open = text.indexOf(" (", open + 1)) {
    const blank = indexOfWithin(text, " ", open + 2, SHORT_LENGTH_MAX + 1);
    if (blank <= open + 2 || !text.startsWith("at ", blank + 1) || !startsAddress(text, blank + 4)) continue;
    // Only a path can hold a bracket.
    const close = text.startsWith("unix:", blank + 4) ? endOfGroup(text, blank + 4) : text.indexOf(")", blank + 4);
    if (open === start || close === -1) return undefined;
    return {
      server: {
        nickname: text.slice(start, open),
        short: text.slice(open + 2, blank),
        address: text.slice(blank + 4, close),
      },
      end: close + 1,
    };
  }
  return undefined;
}

function indexOfWithin(text: string, character: string, start: number, lengthMax: number): number {
  const end = Math.min(text.length, start + lengthMax);
  for (let at = start; at < end; at++) if (text[at] === character) return at;
  return -1;
}

/** The bracket that closes a group. A path or a nickname may hold brackets, so the first one that a suffix follows counts. */
function endOfGroup(text: string, start: number): number {
  for (let at = text.indexOf(")", start); at !== -1; at = text.indexOf(")", at + 1)) {
    if (startsSuffix(text, at + 1)) return at;
  }
  return text.indexOf(")", start);
}

/** The end of the line, or what stands after a group: ` (…`, ` last msg `, ` name=`. */
function startsSuffix(text: string, at: number): boolean {
  if (at === text.length) return true;
  if (text.charCodeAt(at) !== 32) return false;
  if (text.charCodeAt(at + 1) === 40 || text.startsWith("last msg ", at + 1)) return true;
  const equals = indexOfWithin(text, "=", at + 1, 32);
  const blank = indexOfWithin(text, " ", at + 1, 32);
  return equals > at + 1 && (blank === -1 || equals < blank);
}

/** `NICKNAME (SHORT at ADDRESS) (PHASE)`, to the end of the line. */
export function readChange(text: string, start: number): MembershipChange | undefined {
  const scanned = scanServer(text, start);
  if (scanned === undefined || !text.startsWith(" (", scanned.end) || !text.endsWith(")")) return undefined;
  const phase: MembershipPhase = text.slice(scanned.end + 2, -1);
  return phase === "" ? undefined : { ...scanned.server, phase };
}

/** A line below `Servers:`, from after its indent; what can't be read at its end is kept in `rest`. */
export function readServer(text: string, start: number): ServerLine | undefined {
  const scanned = scanServer(text, start);
  if (scanned === undefined) return undefined;
  const { nickname, short, address } = scanned.server;
  let { end } = scanned;
  const isSelf = text.startsWith(" (self)", end);
  if (isSelf) end += " (self)".length;
  // One literal and then stores of constant names: a spread here makes the parser half as fast.
  const line: { -readonly [K in keyof ServerLine]: ServerLine[K] } = { nickname, short, address, isSelf };
  const phaseEnd = endOfPhase(text, end);
  if (phaseEnd !== -1) {
    line.phase = text.slice(end + 2, phaseEnd);
    end = phaseEnd + 1;
  }
  if (text.startsWith(" (voted for ", end)) {
    const close = endOfGroup(text, end + 12);
    if (close > end + 12) {
      line.votedFor = text.slice(end + 12, close);
      end = close + 1;
    }
  }
  const nextIndex = scanField(text, end, " next_index=", "");
  if (nextIndex !== undefined) {
    line.nextIndex = nextIndex.value;
    end = nextIndex.end;
  }
  const matchIndex = scanField(text, end, " match_index=", "");
  if (matchIndex !== undefined) {
    line.matchIndex = matchIndex.value;
    end = matchIndex.end;
  }
  const lastMessage = scanField(text, end, " last msg ", " ms ago");
  if (lastMessage !== undefined) {
    line.lastMessageMs = lastMessage.value;
    end = lastMessage.end;
  }
  if (end !== text.length) line.rest = text.slice(end);
  return line;
}

/** Where the bracket of ` (PHASE)` closes; -1 if none of the phases stands there. */
function endOfPhase(text: string, start: number): number {
  if (!text.startsWith(" (", start)) return -1;
  const close = text.indexOf(")", start);
  return close !== -1 && PHASES.has(text.slice(start + 2, close)) ? close : -1;
}

/** A number between two words, up to a blank or the end of the line. */
function scanField(text: string, start: number, before: string, after: string): Scanned | undefined {
  if (!text.startsWith(before, start)) return undefined;
  const scanned = scanInteger(text, start + before.length);
  if (scanned === undefined || !text.startsWith(after, scanned.end)) return undefined;
  const end = scanned.end + after.length;
  return end === text.length || text[end] === " " ? { value: scanned.value, end } : undefined;
}
