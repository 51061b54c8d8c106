/**
 * Cuts the byte stream of a connection into JSON messages. OVSDB sends them one behind the other without delimiters or
 * lengths (RFC 7047 §4), so the end of a message is found by reading it. Each byte is looked at once, whatever the size
 * of the chunks, and a large message is parsed row by row while it arrives.
 */
import { ByteSource, type TextDecoding, standardDecoding } from "./byte-source.ts";
import { ProtocolError } from "./error.ts";
import { type ReaderLimits, type ResolvedLimits, resolveLimits } from "./frame-limits.ts";
import type { JsonObject } from "./json.ts";
import { MessageSpine, type RowSink } from "./message-spine.ts";

export type { TextDecoding } from "./byte-source.ts";
export { DEFAULT_LIMITS, type ReaderLimits } from "./frame-limits.ts";
export type { RowContext, RowSink } from "./message-spine.ts";

const OPEN_BRACE = 0x7b;

/**
 * Bytes in, messages out. `push` only stores; `next` does the work, so push and drain in pieces of about 64 KiB to
 * bound how long one call takes. A chunk belongs to the reader until `next` has returned undefined: don't reuse it.
 *
 * Text must be UTF-8: other bytes are refused rather than replaced, because a replaced character would be a value that
 * nobody wrote. An integer of 16 digits or more is read exactly (`parseJsonExact`), at a cost for its own row only.
 */
export class FrameReader {
  readonly #limits: ResolvedLimits;
  readonly #sink: RowSink | undefined;
  readonly #source: ByteSource;
  #state: "idle" | "whole" | "split" | "failed" = "idle";
  #spine: MessageSpine | undefined;
  #failure: unknown;
  #frameBytes = 0;

  constructor(limits: ReaderLimits = {}, sink?: RowSink, decoding: TextDecoding = standardDecoding()) {
    this.#limits = resolveLimits(limits);
    this.#sink = sink;
    this.#source = new ByteSource(this.#limits, decoding);
  }

  /** Size in bytes of the message that `next` returned last. */
  get frameBytes(): number {
    return this.#frameBytes;
  }

  /** Bytes held now: what `next` has not looked at yet, and the unfinished value. */
  get heldBytes(): number {
    return this.#source.heldBytes;
  }

  /** True between messages: nothing of a further one has been seen. */
  get idle(): boolean {
    return this.#state === "idle" && this.#source.peek() === -1;
  }

  push(chunk: Uint8Array): void {
    this.#source.push(chunk);
  }

  /**
   * The next complete message; undefined if bytes are needed.
   *
   * @throws ProtocolError for bytes that are not a stream of JSON objects in UTF-8, LimitError for a message beyond a
   * limit. After either, the stream can't be read on: every further call throws the same error.
   */
  next(): JsonObject | undefined {
    if (this.#state === "failed") throw this.#failure;
    try {
      const message = this.#advance();
      if (message === undefined) return undefined;
      this.#frameBytes = this.#source.frameBytes;
      this.#state = "idle";
      this.#spine = undefined;
      return message;
    } catch (failure) {
      this.#state = "failed";
      this.#failure = failure;
      this.#spine = undefined;
      throw failure;
    }
  }

  #advance(): JsonObject | undefined {
    const source = this.#source;
    if (this.#state === "idle") {
      source.startFrame();
      const byte = source.peek();
      if (byte === -1) return undefined;
      if (byte !== OPEN_BRACE)
        throw new ProtocolError(`expected a JSON object as the next message, found ${describeByte(byte)}`);
      source.startFrame();
      source.startValue(0);
      this.#state = "whole";
    }
    if (this.#state === "whole") {
      const progress = source.scanValue(this.#limits.splitBytes);
      if (progress === "more") return undefined;
      if (progress === "done") return source.value() as JsonObject;
      source.rewindValue();
      this.#spine = new MessageSpine(source, this.#sink);
      this.#state = "split";
    }
    return this.#spine?.advance();
  }
}

function describeByte(byte: number): string {
  return byte > 0x20 && byte < 0x7f
    ? JSON.stringify(String.fromCharCode(byte))
    : `byte 0x${byte.toString(16).padStart(2, "0")}`;
}
