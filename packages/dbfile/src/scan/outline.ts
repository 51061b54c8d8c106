/** What is in a record, as places in the file: its members, and the tables of its transaction. No row is looked into. */
import { DbFileError } from "../error.ts";
import type { JsonVisitor } from "./json-scanner.ts";
import { NAME_BYTES_MAX, nameText } from "./text.ts";
import type { Span } from "./window.ts";

/** The name with its quotes, and the value. */
export type MemberSpan = { readonly key: Span; readonly value: Span };

export type TransactionOutline = { readonly span: Span; readonly members: readonly MemberSpan[] };

export type Outline = {
  /** All members but `data` and `prev_data`; for a standalone record, the same as those of its transaction. */
  readonly members: readonly MemberSpan[];
  /** Of `data` or `prev_data`; undefined if there is none. */
  readonly data: DataOutline | undefined;
};

export type DataOutline = {
  readonly span: Span;
  /** Of the array; ovsdb-server wants 2. Undefined if the data is no array. */
  readonly elements: number | undefined;
  /** The first element, whatever it is. */
  readonly schema: Span | undefined;
  /** The second element, if it is an object. */
  readonly transaction: TransactionOutline | undefined;
  /** The second element, whatever it is. */
  readonly second: Span | undefined;
};

/** Of one record or transaction. A schema has a few dozen tables; more members than this are nobody's data. */
export const MEMBERS_MAX = 65_536;

type Level = "record" | "data" | "transaction";

/** `clustered`: looks into `data` and `prev_data`. Otherwise every member of the record is a table or an annotation. */
export class OutlineVisitor implements JsonVisitor {
  readonly #isClustered: boolean;
  /** The text of a name, with its quotes. */
  readonly #nameAt: (span: Span) => string;
  readonly #levels: Level[] = [];
  #members: MemberSpan[] = [];
  #key: Span = { start: 0, end: 0 };
  #dataStart = 0;
  #elements = 0;
  #isData = false;
  #schema: Span | undefined;
  #second: Span | undefined;
  #transactionStart = 0;
  #transactionMembers: MemberSpan[] = [];
  #transaction: TransactionOutline | undefined;
  #data: DataOutline | undefined;

  constructor(isClustered: boolean, nameAt: (span: Span) => string) {
    this.#isClustered = isClustered;
    this.#nameAt = nameAt;
  }

  reset(): void {
    this.#levels.length = 0;
    this.#members = [];
    this.#data = undefined;
    this.#isData = false;
  }

  /** Where the transaction begins that the walk is in; undefined outside of one. */
  get transactionStart(): number | undefined {
    return this.#levels.at(-1) === "transaction" ? this.#transactionStart : undefined;
  }

  /**
   * The outline of a record whose walk was broken off inside the transaction: `found` are members of the transaction that
   * are known nevertheless, `end` is where it ends, and `rest` are the record's members behind the data.
   */
  skimmedOutline(found: readonly MemberSpan[], end: number, rest: readonly MemberSpan[]): Outline {
    const second = { start: this.#transactionStart, end };
    const transaction = { span: second, members: found };
    const span = { start: this.#dataStart, end: end + 1 };
    const data = { span, elements: 2, schema: this.#schema, transaction, second };
    return { members: [...this.#members, ...rest], data };
  }

  outline(): Outline {
    return { members: this.#members, data: this.#data };
  }

  open(isObject: boolean, start: number): boolean {
    const level = this.#levels.at(-1);
    if (level === undefined) {
      if (isObject) this.#levels.push("record");
      return isObject;
    }
    if (level === "record" && this.#isData && !isObject) {
      this.#levels.push("data");
      this.#dataStart = start;
      this.#elements = 0;
      this.#schema = this.#second = this.#transaction = undefined;
      return true;
    }
    if (level === "data" && this.#elements === 1 && isObject) {
      this.#levels.push("transaction");
      this.#transactionStart = start;
      this.#transactionMembers = [];
      return true;
    }
    return false;
  }

  key(start: number, end: number, isPlain: boolean): void {
    this.#key = { start, end };
    if (!this.#isClustered || this.#levels.length !== 1) return;
    const length = end - start;
    const mayBe = !isPlain || length === DATA.length || length === PREV_DATA.length;
    const name = mayBe && length <= NAME_BYTES_MAX ? nameText(this.#nameAt(this.#key)) : "";
    this.#isData = name === DATA || name === PREV_DATA;
  }

  value(start: number, end: number): void {
    const span = { start, end };
    switch (this.#levels.at(-1)) {
      case "record":
        if (this.#isData) this.#data = { ...NO_ARRAY, span };
        else this.#add(this.#members, span);
        break;
      case "data":
        if (this.#elements === 0) this.#schema = span;
        else if (this.#elements === 1) this.#second = span;
        this.#elements++;
        break;
      case "transaction":
        this.#add(this.#transactionMembers, span);
        break;
      default:
    }
  }

  close(end: number): void {
    const level = this.#levels.pop();
    if (level === "data") {
      this.#data = {
        span: { start: this.#dataStart, end },
        elements: this.#elements,
        schema: this.#schema,
        transaction: this.#transaction,
        second: this.#second,
      };
    } else if (level === "transaction") {
      this.#second = { start: this.#transactionStart, end };
      this.#transaction = { span: this.#second, members: this.#transactionMembers };
      this.#elements++;
    }
  }

  #add(members: MemberSpan[], value: Span): void {
    if (members.length === MEMBERS_MAX)
      throw new DbFileError("LIMIT", `a record with more than ${MEMBERS_MAX} members`, { offset: value.start });
    members.push({ key: this.#key, value });
  }
}

const DATA = '"data"';
const PREV_DATA = '"prev_data"';
const NO_ARRAY = { elements: undefined, schema: undefined, transaction: undefined, second: undefined };
