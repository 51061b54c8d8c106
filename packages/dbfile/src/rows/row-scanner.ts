/** The rows of one table of a transaction, one after the other, however many there are. */
import { DbFileError } from "../error.ts";
import { JsonScanner, type JsonVisitor } from "../scan/json-scanner.ts";
import type { Span, Window } from "../scan/window.ts";
import { parseBytes } from "../scan/text.ts";
import { readUuid, readUuidText, UUID_CHARS } from "./uuid-bytes.ts";

/** `uuid` is reused for every row; `row` is a view that stays valid until the callback returns. */
export type OnRow = (uuid: Uint32Array, row: Uint8Array) => void;

/** What rows were found in one piece of the table. */
class RowSpans implements JsonVisitor {
  readonly found: number[] = [];
  #isRoot = true;
  isObject = false;

  open(isObject: boolean): boolean {
    const isRoot = this.#isRoot;
    this.#isRoot = false;
    if (isRoot) this.isObject = isObject;
    return isRoot && isObject;
  }

  key(start: number, end: number): void {
    this.found.push(start, end);
  }

  value(start: number, end: number): void {
    this.found.push(start, end);
  }

  close(): void {
    // The table's end is the span's.
  }
}

/**
 * Calls `onRow` for each row of `table`, which is the span of a `<table-txn>`. Yields between windows.
 *
 * @throws DbFileError `BAD_TRANSACTION` if the span is no object of rows.
 */
export function* scanRows(window: Window, name: string, table: Span, onRow: OnRow): Generator<undefined, void> {
  const spans = new RowSpans();
  const scanner = new JsonScanner(spans);
  const uuid = new Uint32Array(4);
  const bad = (what: string): DbFileError =>
    new DbFileError("BAD_TRANSACTION", `table ${name}: ${what}`, { offset: table.start });
  for (let at = table.start; at < table.end; ) {
    window.need(at, 1);
    const to = Math.min(table.end, window.end);
    if (to <= at) throw new DbFileError("IO", "the file became shorter while it was being read", { offset: at });
    if (!scanner.push(window.bytes, at - window.start, to - window.start, at)) throw bad(scanner.fault as string);
    const { found } = spans;
    const whole = found.length - (found.length % 4);
    for (let row = 0; row < whole; row += 4) {
      const keyStart = found[row] as number;
      const start = found[row + 2] as number;
      const view = window.view({ start: keyStart, end: found[row + 3] as number });
      const keyBytes = (found[row + 1] as number) - keyStart;
      const isUuid =
        keyBytes === UUID_CHARS + 2 ? readUuid(view, 1, uuid) : readEscaped(view.subarray(0, keyBytes), uuid);
      if (!isUuid) throw bad("a row whose name is no UUID");
      onRow(uuid, view.subarray(start - keyStart));
    }
    found.splice(0, whole);
    at = to;
    yield undefined;
  }
  if (!spans.isObject) throw bad("rows must be members of an object");
}

/** A name in which characters are escaped; of a UUID, at most six bytes for each. */
function readEscaped(name: Uint8Array, into: Uint32Array): boolean {
  return name.length <= ESCAPED_BYTES_MAX && readUuidText(parseBytes(name) as string, into);
}

const ESCAPED_BYTES_MAX = 6 * UUID_CHARS + 2;
