/**
 * Bytes as they come, one JSON value cut out at a time. A chunk is read where it lies; only the part of a value that
 * is unfinished at the end of a chunk is copied, once. Consumed bytes are let go.
 */
import { ProtocolError } from "./error.ts";
import { beyondLimit, type ResolvedLimits } from "./frame-limits.ts";
import { type Json, parseJsonExact } from "./json.ts";
import { ValueScanner } from "./value-scanner.ts";

/** Bytes to text. `ascii` is only asked for bytes below 0x80; `utf8` must throw on bytes that are not UTF-8. */
export type TextDecoding = {
  ascii(bytes: Uint8Array, start: number, end: number): string;
  utf8(bytes: Uint8Array, start: number, end: number): string;
};

/** Works everywhere; an edge that has `Buffer` passes a faster one. */
export function standardDecoding(): TextDecoding {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const decode = (bytes: Uint8Array, start: number, end: number): string => decoder.decode(bytes.subarray(start, end));
  return { ascii: decode, utf8: decode };
}

/** What the end of a look at the bytes means: the value is whole, bytes are missing, or it is longer than asked for. */
export type Progress = "done" | "more" | "long";

/** Room for unfinished values that is kept between them; a larger one is let go after use. */
const CARRY_BYTES_KEPT = 1024 * 1024;
const CARRY_BYTES_FIRST = 4096;
const EMPTY = new Uint8Array(0);

export class ByteSource {
  readonly #limits: ResolvedLimits;
  readonly #decoding: TextDecoding;
  readonly #scanner = new ValueScanner();
  #queue: Uint8Array[] = [];
  #queueHead = 0;
  #queueBytes = 0;
  #chunk: Uint8Array = EMPTY;
  #position = 0;
  /** Where the open value starts in the chunk; bytes of earlier chunks are in the carry. */
  #valueStart = 0;
  #carry: Uint8Array = EMPTY;
  #carryLength = 0;
  #frameBytes = 0;
  #frameValues = 0;
  #baseDepth = 0;

  constructor(limits: ResolvedLimits, decoding: TextDecoding) {
    this.#limits = limits;
    this.#decoding = decoding;
  }

  /** Bytes of the current frame that have been looked at. */
  get frameBytes(): number {
    return this.#frameBytes;
  }

  /** Bytes held: pushed and not looked at, and those of the unfinished value. */
  get heldBytes(): number {
    return this.#chunk.length - this.#position + this.#queueBytes + this.#carryLength;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#queue.push(chunk);
    this.#queueBytes += chunk.length;
  }

  startFrame(): void {
    this.#frameBytes = 0;
    this.#frameValues = 0;
  }

  /** The next byte that is not white space, not yet consumed; -1 if bytes are needed. No value may be open. */
  peek(): number {
    for (;;) {
      while (this.#position < this.#chunk.length) {
        const byte = this.#chunk[this.#position] as number;
        if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
        this.#consume(1);
      }
      if (!this.#nextChunk()) return -1;
    }
  }

  /** Consumes the byte that `peek` returned. */
  skip(): void {
    this.#consume(1);
  }

  /** Consumes the byte that `peek` returned, which opens a container as the `depth`th in its frame. */
  enter(depth: number): void {
    this.#consume(1);
    if (depth > this.#limits.depthMax) throw beyondLimit("depthMax", this.#limits, "a message nested");
    if (++this.#frameValues > this.#limits.valuesMax)
      throw beyondLimit("valuesMax", this.#limits, "a message with a number of values");
  }

  /** Starts a value at the byte that `peek` returned, `depth` containers deep in its frame. */
  startValue(depth: number): void {
    this.#baseDepth = depth;
    this.#valueStart = this.#position;
    this.#carryLength = 0;
    this.#scanner.start(this.#chunk[this.#position] as number);
  }

  /** Looks for the end of the open value in at most `bytesMax` bytes of it. */
  scanValue(bytesMax: number): Progress {
    for (;;) {
      const room = bytesMax - (this.#carryLength + this.#position - this.#valueStart);
      const to = Math.min(this.#chunk.length, this.#position + room);
      const end = this.#scanner.scan(this.#chunk, this.#position, to);
      this.#consume((end === -1 ? to : end) - this.#position);
      this.#checkValue();
      if (end !== -1) {
        this.#frameValues += this.#scanner.values + 1;
        return "done";
      }
      if (to < this.#chunk.length) return "long";
      this.#keep();
      if (!this.#nextChunk()) return "more";
      this.#valueStart = this.#position;
    }
  }

  /** Takes the open value back: its bytes will be read again. */
  rewindValue(): void {
    this.#frameBytes = 0;
    if (this.#carryLength === 0) {
      this.#position = this.#valueStart;
      return;
    }
    const rest = this.#chunk.subarray(this.#valueStart);
    if (rest.length > 0) this.#pushFront(rest);
    this.#chunk = this.#carry.slice(0, this.#carryLength);
    this.#position = 0;
    this.#carryLength = 0;
  }

  /** The finished value, parsed; exact if it holds a long number. */
  value(): Json {
    const exact = this.#scanner.longNumber;
    const text = this.#text(0);
    try {
      return exact ? parseJsonExact(text) : (JSON.parse(text) as Json);
    } catch (cause) {
      throw new ProtocolError(`a message is not valid JSON: ${(cause as Error).message}`, { cause });
    }
  }

  /** The finished value as it was sent. Whether it is valid JSON has not been looked at. */
  text(): string {
    return this.#text(0);
  }

  /** The finished value as a member name. */
  name(): string {
    // Nearly every name is plain: no escape, no control character. The parser decides about the others.
    if (this.#scanner.ascii) {
      const text = this.#text(1);
      if (PLAIN_NAME.test(text)) return text;
      return this.#parseName(`"${text}"`);
    }
    return this.#parseName(this.#text(0));
  }

  #parseName(text: string): string {
    try {
      return JSON.parse(text) as string;
    } catch (cause) {
      throw new ProtocolError(`a message has a member name that is not valid JSON: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  /** Text of the finished value without `margin` bytes on both sides. */
  #text(margin: number): string {
    let bytes = this.#chunk;
    let start = this.#valueStart;
    let end = this.#position;
    if (this.#carryLength > 0) {
      this.#keep();
      bytes = this.#carry;
      start = 0;
      end = this.#carryLength;
      this.#carryLength = 0;
      if (bytes.length > CARRY_BYTES_KEPT) this.#carry = EMPTY;
    }
    if (this.#scanner.ascii) return this.#decoding.ascii(bytes, start + margin, end - margin);
    try {
      return this.#decoding.utf8(bytes, start + margin, end - margin);
    } catch (cause) {
      throw new ProtocolError("a message is not valid UTF-8 (RFC 7047 §4 asks for it)", { cause });
    }
  }

  /** Copies what the chunk holds of the open value behind the carry. */
  #keep(): void {
    const length = this.#position - this.#valueStart;
    if (length === 0) return;
    const needed = this.#carryLength + length;
    if (needed > this.#carry.length) {
      const larger = new Uint8Array(Math.max(CARRY_BYTES_FIRST, needed, 2 * this.#carry.length));
      larger.set(this.#carry.subarray(0, this.#carryLength));
      this.#carry = larger;
    }
    this.#carry.set(this.#chunk.subarray(this.#valueStart, this.#position), this.#carryLength);
    this.#carryLength = needed;
    this.#valueStart = this.#position;
  }

  #consume(bytes: number): void {
    this.#position += bytes;
    this.#frameBytes += bytes;
    if (this.#frameBytes > this.#limits.frameBytesMax)
      throw beyondLimit("frameBytesMax", this.#limits, "a message of bytes");
  }

  #checkValue(): void {
    const limits = this.#limits;
    const scanner = this.#scanner;
    const bytes = this.#carryLength + this.#position - this.#valueStart;
    if (bytes > limits.valueBytesMax)
      throw beyondLimit("valueBytesMax", limits, "a row or other single value of bytes");
    if (this.#baseDepth + scanner.depthPeak > limits.depthMax)
      throw beyondLimit("depthMax", limits, "a message nested");
    if (this.#frameValues + scanner.values > limits.valuesMax)
      throw beyondLimit("valuesMax", limits, "a message with a number of values");
  }

  #nextChunk(): boolean {
    if (this.#queueHead === this.#queue.length) {
      this.#chunk = EMPTY;
      this.#position = 0;
      this.#valueStart = 0;
      return false;
    }
    this.#chunk = this.#queue[this.#queueHead] as Uint8Array;
    this.#queue[this.#queueHead++] = EMPTY;
    this.#queueBytes -= this.#chunk.length;
    this.#position = 0;
    this.#valueStart = 0;
    if (this.#queueHead === this.#queue.length) {
      this.#queue.length = 0;
      this.#queueHead = 0;
    }
    return true;
  }

  #pushFront(chunk: Uint8Array): void {
    this.#queueBytes += chunk.length;
    if (this.#queueHead > 0) this.#queue[--this.#queueHead] = chunk;
    else this.#queue.unshift(chunk);
  }
}

/** A name that needs no parser: no quote, no escape, no control character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these inside strings
const PLAIN_NAME = /^[^"\\\u0000-\u001f]*$/;
