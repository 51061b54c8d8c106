/** What a check finds wrong, bounded: a file can be wrong in more places than anybody reads. */

export type ProblemCode =
  /** The file is not what the manifest says: size, SHA-256, content, database, schema. */
  | "MANIFEST"
  /** There is no manifest, so nothing says what should be there. A warning. */
  | "NO_MANIFEST"
  /** The compressed file can't be unpacked. */
  | "COMPRESSION"
  /** A record is cut or its hash differs, or the file is of another kind. */
  | "STRUCTURE"
  /** The schema or a transaction is one that ovsdb-server refuses. */
  | "SCHEMA"
  /** A value is out of its column's type, range or number. */
  | "VALUE"
  /** A strong reference to a row that isn't there, which ovsdb-server would refuse. */
  | "REFERENCE"
  /** A weak reference to a row that isn't there, which ovsdb-server would clear. A warning. */
  | "WEAK_REFERENCE"
  /** A row that nothing refers to, in a table that isn't root. A warning. */
  | "UNREFERENCED"
  /** Two rows that an index of the table holds apart. */
  | "INDEX"
  /** More rows than the table's `maxRows`, or another number than the manifest has. */
  | "ROWS"
  /** A real ovsdb-server serves something else than the file has, or nothing. */
  | "SERVED"
  /** It is damaged, and its mark as verified could not be taken back. A warning. */
  | "MARK";

export type Problem = {
  readonly severity: "error" | "warning";
  readonly code: ProblemCode;
  readonly message: string;
  readonly table?: string | undefined;
  readonly uuid?: string | undefined;
  readonly column?: string | undefined;
};

const WARNINGS: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  "NO_MANIFEST",
  "WEAK_REFERENCE",
  "UNREFERENCED",
  "MARK",
]);

export class Problems {
  readonly #max: number;
  readonly #list: Problem[] = [];
  #errors = 0;
  #leftOut = 0;

  /** @param max how many are kept; the others are counted. */
  constructor(max: number) {
    this.#max = max;
  }

  add(code: ProblemCode, message: string, place: Pick<Problem, "table" | "uuid" | "column"> = {}): void {
    const severity = WARNINGS.has(code) ? "warning" : "error";
    if (severity === "error") this.#errors++;
    if (this.#list.length < this.#max) this.#list.push({ severity, code, message, ...place });
    else this.#leftOut++;
  }

  /** No errors; there may be warnings. */
  get ok(): boolean {
    return this.#errors === 0;
  }

  get list(): readonly Problem[] {
    return this.#list;
  }

  get leftOut(): number {
    return this.#leftOut;
  }
}
