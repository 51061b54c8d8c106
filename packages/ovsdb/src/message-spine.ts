/**
 * Builds one large message piece by piece: the upper levels by hand as their bytes arrive, each value below in one
 * parse. Rows are offered to a sink the moment they are complete, so that no reply exists as a whole anywhere.
 *
 * Where the pieces lie (RFC 7047 §4, ovsdb-server(7) §4.1):
 *
 *     {"result": {table: {uuid: ROW}}}                    reply of monitor, monitor_cond
 *     {"result": [found, txn, {table: {uuid: ROW}}]}      reply of monitor_cond_since
 *     {"params": [monitor, {table: {uuid: ROW}}]}         update, update2; update3 has a transaction id between
 *     {"result": [{"rows": [ROW]}]}                       reply of a select: parsed row by row, not offered
 *
 * Anything else keeps its shape too: what is deeper than these levels is parsed as one value.
 */
import type { ByteSource } from "./byte-source.ts";
import { ProtocolError } from "./error.ts";
import { type Json, type JsonObject, parseJsonExact } from "./json.ts";

/** What is known of a message when one of its rows is complete. */
export type RowContext = {
  /** The message's id, undefined if it comes after the rows (ovsdb-server sends it first). */
  readonly id: Json | undefined;
  /** The message's method, undefined for a reply or if it comes after the rows. */
  readonly method: string | undefined;
  /** Elements before the tables: `[false, "<transaction>"]` of a monitor_cond_since reply, `[]` of a monitor reply. */
  readonly head: readonly Json[];
};

/** Offered each row of a large message as it completes; true = taken, and the row is left out of the message. */
export type RowSink = ((context: RowContext, table: string, uuid: string, rowUpdate: Json) => boolean) & {
  /**
   * True to be offered the JSON text of a row instead of the row, unparsed: for whoever passes rows on. Looked at when a
   * large message begins. A text that isn't taken is parsed.
   */
  readonly takesText?: boolean | undefined;
};

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

type Container = Json[] | { [member: string]: Json };

type Level = {
  readonly container: Container;
  readonly isArray: boolean;
  /** True if the members of this object are rows that the sink may take. */
  readonly holdsRows: boolean;
  /** Name of the member whose value comes next. */
  key: string;
};

type Expecting = "name or end" | "name" | "colon" | "value" | "value or end" | "comma or end";

export class MessageSpine {
  readonly #source: ByteSource;
  readonly #sink: RowSink | undefined;
  readonly #takesText: boolean;
  readonly #levels: Level[] = [];
  #expecting: Expecting = "value";
  #openPiece: "name" | "value" | undefined;
  #context: RowContext | undefined;
  #root: JsonObject | undefined;

  constructor(source: ByteSource, sink: RowSink | undefined) {
    this.#source = source;
    this.#sink = sink;
    this.#takesText = sink?.takesText === true;
  }

  /** Reads on; returns the message once it is complete, undefined if bytes are needed. */
  advance(): JsonObject | undefined {
    const source = this.#source;
    while (this.#root === undefined) {
      if (this.#openPiece !== undefined) {
        if (source.scanValue(Number.POSITIVE_INFINITY) === "more") return undefined;
        if (this.#openPiece === "name") this.#takeName();
        else if (this.#takesText && this.#top().holdsRows) this.#takeText(source.text());
        else this.#takeValue(source.value());
        this.#openPiece = undefined;
        continue;
      }
      const byte = source.peek();
      if (byte === -1) return undefined;
      this.#take(byte);
    }
    return this.#root;
  }

  #take(byte: number): void {
    switch (this.#expecting) {
      case "name or end":
        if (byte === CLOSE_BRACE) this.#close();
        else this.#openName(byte);
        break;
      case "name":
        this.#openName(byte);
        break;
      case "colon":
        if (byte !== COLON) throw unexpected(byte, '":"');
        this.#source.skip();
        this.#expecting = "value";
        break;
      case "value or end":
        if (byte === CLOSE_BRACKET) this.#close();
        else this.#openValue(byte);
        break;
      case "value":
        this.#openValue(byte);
        break;
      case "comma or end":
        this.#takeSeparator(byte, this.#top().isArray);
        break;
    }
  }

  #takeSeparator(byte: number, isArray: boolean): void {
    if (byte === COMMA) {
      this.#source.skip();
      this.#expecting = isArray ? "value" : "name";
    } else if (byte === (isArray ? CLOSE_BRACKET : CLOSE_BRACE)) this.#close();
    else throw unexpected(byte, isArray ? '"," or "]"' : '"," or "}"');
  }

  #openName(byte: number): void {
    if (byte !== QUOTE) throw unexpected(byte, "a member name");
    this.#source.startValue(this.#levels.length);
    this.#openPiece = "name";
  }

  #takeName(): void {
    this.#top().key = this.#source.name();
    this.#expecting = "colon";
  }

  /** Goes into a container that is one of the upper levels; anything else becomes one piece. */
  #openValue(byte: number): void {
    const isArray = byte === OPEN_BRACKET;
    if ((isArray || byte === OPEN_BRACE) && this.#isUpper(isArray)) {
      this.#source.enter(this.#levels.length + 1);
      const holdsRows = !isArray && this.#holdsRows();
      if (holdsRows) this.#context = this.#contextNow();
      this.#levels.push({ container: isArray ? [] : {}, isArray, holdsRows, key: "" });
      this.#expecting = isArray ? "value or end" : "name or end";
      return;
    }
    this.#source.startValue(this.#levels.length);
    this.#openPiece = "value";
  }

  #isUpper(isArray: boolean): boolean {
    const levels = this.#levels;
    switch (levels.length) {
      case 0:
        return !isArray;
      case 1:
        return this.#top().key === "result" || this.#top().key === "params";
      case 2:
        return !isArray;
      case 3:
        return (levels[1] as Level).isArray && (!isArray || this.#top().key === "rows");
      default:
        return false;
    }
  }

  /** True for the object that is about to open at `tables.<table>`. */
  #holdsRows(): boolean {
    const levels = this.#levels;
    if (this.#sink === undefined || levels.length < 2) return false;
    return (levels[1] as Level).isArray ? levels.length === 3 : levels.length === 2;
  }

  #contextNow(): RowContext {
    const root = (this.#levels[0] as Level).container as JsonObject;
    const value = (this.#levels[1] as Level).container;
    const method = root["method"];
    return {
      id: root["id"],
      method: typeof method === "string" ? method : undefined,
      head: Array.isArray(value) ? value : [],
    };
  }

  #takeValue(value: Json): void {
    const level = this.#top();
    this.#expecting = "comma or end";
    if (level.holdsRows && this.#context !== undefined && this.#sink !== undefined) {
      const table = (this.#levels[this.#levels.length - 2] as Level).key;
      if (this.#sink(this.#context, table, level.key, value)) return;
    }
    add(level, value);
  }

  #takeText(text: string): void {
    const level = this.#top();
    this.#expecting = "comma or end";
    const table = (this.#levels[this.#levels.length - 2] as Level).key;
    if (this.#context !== undefined && this.#sink?.(this.#context, table, level.key, text) === true) return;
    add(level, parseJsonExact(text));
  }

  #close(): void {
    this.#source.skip();
    const { container } = this.#levels.pop() as Level;
    this.#expecting = "comma or end";
    if (this.#levels.length === 0) this.#root = container as JsonObject;
    else add(this.#top(), container);
  }

  #top(): Level {
    return this.#levels[this.#levels.length - 1] as Level;
  }
}

function add(level: Level, value: Json): void {
  const container = level.container;
  if (Array.isArray(container)) container.push(value);
  else if (level.key !== "__proto__") container[level.key] = value;
  // Assigned plainly, this name would set the prototype instead of a member.
  else Object.defineProperty(container, level.key, { value, enumerable: true, configurable: true, writable: true });
}

function unexpected(byte: number, expected: string): ProtocolError {
  const found =
    byte > 0x20 && byte < 0x7f
      ? JSON.stringify(String.fromCharCode(byte))
      : `byte 0x${byte.toString(16).padStart(2, "0")}`;
  return new ProtocolError(`a message is not valid JSON: expected ${expected}, found ${found}`);
}
