/** Keeps the members of a record that say what it is, and drops the rows, of which only the grammar is looked at. */
import type { Json } from "@ovnha/ovsdb/core";
import { type JsonVisitor, JsonScanner } from "../scan/json-scanner.ts";
import { asciiText, NAME_BYTES_MAX, nameText } from "../scan/text.ts";

/** What may be left of a record when the rows are dropped: ids, and one list of members. */
const KEPT_CHARS_MAX = 4 << 20;

/** Longer than any text that is compared. */
const TEXT_BYTES_MAX = 16;
const DATA = '"data"';
const SNAPSHOT = '"prev_data"';

/** Bytes come in pieces; what `finish` gives has `{}` or `[]` in the place of every schema and transaction. */
export class RecordSieve implements JsonVisitor {
  readonly #scanner = new JsonScanner(this);
  readonly #decoder = new TextDecoder();
  /** The decoder has been used for this record, and may hold the begin of a character. */
  #streams = false;
  #kept = "";
  #piece: Uint8Array = new Uint8Array();
  #position = 0;
  /** Where the part of this piece begins that is kept; undefined while rows go by. */
  #from: number | undefined = 0;
  /** Containers that were opened: 1 in the record, 2 in its data. */
  #depth = 0;
  /** The name of the member that the scanner is in, with its quotes. */
  #name = "";
  /** The elements of the data: "{" for an object, "[" for an array, else the text. */
  #parts: string[] = [];
  #element = "";
  #fault: string | undefined;

  /** Why the data of the last record cannot be applied, although ovsdb-tool takes it. */
  get dataFault(): string | undefined {
    return this.#fault;
  }

  reset(): void {
    this.#scanner.reset();
    this.#kept = "";
    this.#position = 0;
    this.#from = 0;
    this.#depth = 0;
    this.#name = "";
    this.#parts = [];
    if (this.#streams) this.#decoder.decode();
    this.#streams = false;
    this.#fault = undefined;
  }

  push(piece: Uint8Array): void {
    this.#piece = piece;
    this.#scanner.push(piece, 0, piece.length, this.#position);
    const end = this.#position + piece.length;
    if (this.#from !== undefined) {
      this.#keep(end, true);
      this.#from = end;
    }
    this.#position = end;
  }

  finish(): { readonly value: Json } | "json" | "object" {
    if (!this.#scanner.finish(this.#position)) return "json";
    if (!this.#scanner.rootIsObject) return "object";
    try {
      return { value: JSON.parse(this.#streams ? this.#kept + this.#decoder.decode() : this.#kept) as Json };
    } catch {
      return "json";
    }
  }

  open(isObject: boolean, start: number): boolean {
    const isData = this.#isData;
    if (this.#depth === 1 && isData) {
      // Of members with one name, the last one counts.
      this.#parts = [];
      this.#fault = undefined;
    }
    if (this.#depth === 0 || (this.#depth === 1 && isData && !isObject)) {
      this.#depth++;
      return true;
    }
    if (!isData) return false;
    this.#keep(start, false);
    this.#from = undefined;
    this.#element = isObject ? "{" : "[";
    if (this.#depth === 1) this.#fault = "the data is an object, not an array of a schema and a transaction";
    return false;
  }

  key(start: number, end: number, isPlain: boolean): void {
    if (this.#depth !== 1) return;
    this.#name = isPlain ? this.#text(start, end, TEXT_BYTES_MAX) : nameText(this.#text(start, end, NAME_BYTES_MAX));
  }

  value(start: number, end: number): void {
    if (!this.#isData) return;
    const isContainer = this.#from === undefined;
    if (this.#depth === 2) this.#parts.push(isContainer ? this.#element : this.#text(start, end, TEXT_BYTES_MAX));
    if (!isContainer) return;
    this.#kept += "{}";
    this.#from = end;
  }

  close(): void {
    if (this.#depth-- !== 2) return;
    const [schema, transaction] = this.#parts;
    const mayLackSchema = this.#name === DATA;
    const fits =
      this.#parts.length === 2 &&
      (schema === "{" || (mayLackSchema && schema === "null")) &&
      (transaction === "{" || transaction === "null");
    if (!fits)
      this.#fault = `the data is not an array of a schema${mayLackSchema ? " or null" : ""} and a transaction or null`;
  }

  get #isData(): boolean {
    return this.#name === DATA || this.#name === SNAPSHOT;
  }

  /** Short texts alone, which begin in this piece or the one before; "" for others. */
  #text(start: number, end: number, bytesMax: number): string {
    if (end - start > bytesMax) return "";
    const before = this.#position - start;
    let text = before > 0 ? this.#kept.slice(-before) : "";
    for (let at = Math.max(0, -before); at < end - this.#position; at++)
      text += String.fromCharCode(this.#piece[at] as number);
    return text;
  }

  #keep(end: number, more: boolean): void {
    if (this.#from === undefined || this.#kept.length > KEPT_CHARS_MAX) return;
    const from = Math.max(0, this.#from - this.#position);
    const part = this.#piece.subarray(from, end - this.#position);
    const text = this.#streams ? undefined : asciiText(part, 0, part.length);
    this.#streams ||= text === undefined;
    this.#kept += text ?? this.#decoder.decode(part, { stream: more });
  }
}
