/** Walks the records of a file, one after the other, in a window of bounded size. What is damaged ends the walk. */
import {
  type Damage,
  type DamageKind,
  HEADER_LINE_BYTES_MAX,
  type Magic,
  parseRecordHeader,
  type RecordPlace,
} from "./record.ts";
import { JsonScanner } from "./scan/json-scanner.ts";
import { type Outline, OutlineVisitor } from "./scan/outline.ts";
import { asciiText, decodeText } from "./scan/text.ts";
import { commitOutline, QuickHeader } from "./quick.ts";
import { type FindBytes, Skimmer } from "./skim.ts";
import { type Readable, type Span, Window } from "./scan/window.ts";

export const WINDOW_BYTES: number = 1 << 20;

/** Of SHA-1; comes from outside, because it is the system's. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
  digest(encoding: "hex"): string;
}

/** A record whose hash is right and whose body is one JSON object. */
export type OutlinedRecord = { readonly type: "record"; readonly place: RecordPlace; readonly outline: Outline };

type DamageWalked = { readonly type: "damage"; readonly damage: Damage };

export type Walked = OutlinedRecord | DamageWalked | { readonly type: "end" };

export type WalkOptions = {
  readonly newHash: () => Hash;
  /** The hash of short bytes, 40 digits in lower case. */
  readonly sha1Hex: (bytes: Uint8Array) => string;
  /** The first record's magic, if a former walk has found it; with `offset` and `ordinal` of where to go on. */
  readonly magic?: Magic | undefined;
  readonly offset?: number | undefined;
  readonly ordinal?: number | undefined;
  /** One past the last byte to look at; the end of the file without it. */
  readonly endOffset?: number | undefined;
  /** False for a second walk over records that a first one has found whole. */
  readonly verify?: boolean | undefined;
  /** Bytes that are in memory at once; at least {@link HEADER_LINE_BYTES_MAX}. */
  readonly windowBytes?: number | undefined;
  /** Leaves the rows of records alone that are longer than a window; see skim.ts. For looking only. */
  readonly skim?: FindBytes | undefined;
};

export class RecordReader {
  readonly window: Window;
  readonly #source: Readable;
  readonly #options: WalkOptions;
  readonly #end: number;
  #scanner: JsonScanner | undefined;
  #visitor: OutlineVisitor | undefined;
  #magic: Magic | undefined;
  readonly #header = new QuickHeader();
  #offset: number;
  #ordinal: number;

  constructor(source: Readable, options: WalkOptions) {
    this.#source = source;
    this.#options = options;
    this.window = new Window(
      source,
      Math.min(options.windowBytes ?? WINDOW_BYTES, Math.max(source.sizeBytes, HEADER_LINE_BYTES_MAX)),
    );
    this.#end = Math.min(options.endOffset ?? source.sizeBytes, source.sizeBytes);
    this.#magic = options.magic;
    this.#offset = options.offset ?? 0;
    this.#ordinal = options.ordinal ?? 0;
  }

  /** Of the first record, once it was seen. */
  get magic(): Magic | undefined {
    return this.#magic;
  }

  /**
   * The next record, if it is whole in the window already and nothing is unusual about it. Otherwise undefined, and
   * {@link next} has to look; so a walk is `reader.near() ?? (yield* reader.next())`.
   */
  near(): OutlinedRecord | undefined {
    const magic = this.#magic;
    const { window } = this;
    const { start, bytes } = window;
    const offset = this.#offset;
    const header = this.#header;
    if (magic === undefined || offset < start) return undefined;
    if (!header.read(magic, bytes, offset - start, window.end - start)) return undefined;
    const { bodyAt, bodyBytes } = header;
    const bodyOffset = bodyAt + start;
    const endOffset = bodyOffset + bodyBytes;
    if (endOffset > window.end || endOffset > this.#end) return undefined;
    const isSure = this.#options.verify === false;
    const to = bodyAt + bodyBytes;
    if (!isSure && !header.promises(this.#options.sha1Hex(bytes.subarray(bodyAt, to)), bytes)) return undefined;
    const outline = magic === "CLUSTER" ? commitOutline(bytes, bodyAt, to, start) : undefined;
    const scanner = this.#prepare();
    if (outline === undefined) {
      scanner.push(bytes, bodyAt, to, bodyOffset);
      if (!scanner.finish(endOffset) || !scanner.rootIsObject) return undefined;
    }
    const place = { ordinal: this.#ordinal, offset, bodyOffset, bodyBytes, endOffset };
    this.#offset = endOffset;
    this.#ordinal++;
    return { type: "record", place, outline: outline ?? (this.#visitor as OutlineVisitor).outline() };
  }

  /** The next record. Yields at least once for every window, so that a caller can give way to others. */
  *next(): Generator<undefined, Walked> {
    const offset = this.#offset;
    if (offset >= this.#end) return { type: "end" };
    yield undefined;
    this.window.need(offset, Math.min(HEADER_LINE_BYTES_MAX, this.#end - offset));
    const header = parseRecordHeader(
      this.window.bytes.subarray(offset - this.window.start, this.window.end - this.window.start),
    );
    if (header === undefined) return this.#damaged("header", "is no header line of a record");
    if (header.magic !== (this.#magic ?? header.magic) || !isMagic(header.magic))
      return this.#damaged("magic", `carries the magic ${JSON.stringify(header.magic)}`);
    this.#magic = header.magic;
    const bodyOffset = offset + header.headerBytes;
    const endOffset = bodyOffset + header.bodyBytes;
    if (endOffset > this.#end)
      return this.#damaged(
        "length",
        `promises ${header.bodyBytes} bytes, of which ${this.#end - bodyOffset} are there`,
      );
    const place = { ordinal: this.#ordinal, offset, bodyOffset, bodyBytes: header.bodyBytes, endOffset };
    const outline = yield* this.#outline(place, header.sha1);
    if ("type" in outline) return outline;
    this.#offset = endOffset;
    this.#ordinal++;
    return { type: "record", place, outline };
  }

  *#outline(place: RecordPlace, sha1: string): Generator<undefined, Outline | DamageWalked> {
    const { skim } = this.#options;
    if (skim !== undefined && place.bodyBytes > this.window.bytes.length) {
      const scanner = this.#prepare();
      const skimmer = new Skimmer(this.#magic === "CLUSTER", skim, scanner, this.#visitor as OutlineVisitor);
      const fault = yield* this.#walkBody(place, sha1, skimmer);
      const outline = fault ?? skimmer.finish(this.window, place.endOffset);
      if (outline !== undefined) return outline;
    }
    const scanner = this.#prepare();
    const fault = yield* this.#walkBody(place, sha1, scanner);
    if (fault !== undefined) return fault;
    if (!scanner.finish(place.endOffset)) return this.#damaged("json", `is not JSON: ${scanner.fault}`);
    if (!scanner.rootIsObject) return this.#damaged("object", "is JSON, but no object");
    return (this.#visitor as OutlineVisitor).outline();
  }

  /** Hands the body on, a window at a time. */
  *#walkBody(
    { bodyOffset, endOffset }: RecordPlace,
    sha1: string,
    scanner: JsonScanner | Skimmer,
  ): Generator<undefined, DamageWalked | undefined> {
    const hash = this.#options.verify === false ? undefined : this.#options.newHash();
    for (let at = bodyOffset; at < endOffset; ) {
      // A whole record in the window stays there; a long one is taken a window at a time.
      const isSeen = at >= this.window.start && at < this.window.end;
      if (!isSeen || endOffset - bodyOffset <= this.window.bytes.length)
        this.window.need(at, Math.min(endOffset - at, this.window.bytes.length));
      const to = Math.min(endOffset, this.window.end);
      if (to <= at) return this.#damaged("length", "could not be read to its end");
      const { bytes, start } = this.window;
      hash?.update(bytes.subarray(at - start, to - start));
      scanner.push(bytes, at - start, to - start, at);
      at = to;
      if (at < endOffset) yield undefined;
    }
    const found = hash?.digest("hex") ?? sha1;
    if (found !== sha1) return this.#damaged("hash", `has the SHA-1 ${found} where ${sha1} is promised`);
    return undefined;
  }

  #prepare(): JsonScanner {
    this.#visitor ??= new OutlineVisitor(this.#magic === "CLUSTER", (span) => this.#nameAt(span));
    this.#scanner ??= new JsonScanner(this.#visitor);
    this.#visitor.reset();
    this.#scanner.reset();
    return this.#scanner;
  }

  /** A short name that was just scanned. It may begin before the window, which must stay where the scan is. */
  #nameAt({ start, end }: Span): string {
    const { window } = this;
    if (start >= window.start) {
      const [from, to] = [start - window.start, end - window.start];
      return asciiText(window.bytes, from, to) ?? decodeText(window.bytes.subarray(from, to));
    }
    const bytes = new Uint8Array(end - start);
    this.#source.readAt(start, bytes);
    return decodeText(bytes);
  }

  #damaged(kind: DamageKind, what: string): DamageWalked {
    const offset = this.#offset;
    const message = `record ${this.#ordinal} at offset ${offset} ${what}`;
    return { type: "damage", damage: { kind, offset, lostBytes: this.#source.sizeBytes - offset, message } };
  }
}

export function isMagic(text: string): text is Magic {
  return text === "JSON" || text === "CLUSTER";
}
