/** The changes of one row, and the difference of two files. */
import { differences, type RowDifference, summarize, type TableDifference } from "../difference.ts";
import { history as historyCore, type RowChange, type RowPlace } from "../history.ts";
import type { Replayed, ReplayOptions } from "../replay.ts";
import { DbFile, type DbFileOrPath, openDbFile, type OpenOptions, placed } from "./db-file.ts";
import { Pace } from "./pace.ts";
import { replay } from "./replay.ts";

/**
 * The changes of one row that a file still holds, oldest first: when, by whose comment, which columns. Changes from before
 * the last compaction are in the snapshot as one.
 *
 * @throws DbFileError `ARGUMENT` for what is no UUID, `NOT_FOUND` for a table that is not in the schema, `JOINING`.
 */
export async function* history(
  target: DbFileOrPath,
  row: RowPlace,
  options: OpenOptions = {},
): AsyncGenerator<RowChange, void> {
  if (!(target instanceof DbFile)) {
    using file = await openDbFile(target);
    yield* history(file, row, options);
    return;
  }
  const survey = await target.survey(options);
  const pace = new Pace(options.signal);
  const changes = historyCore(survey, (of) => target.reread(of), row);
  for (;;) {
    const { done, value } = await placed(target.path, async () => changes.next());
    if (done === true) return;
    if (value !== undefined) yield value;
    if (pace.isDue) await pace.rest();
  }
}

export type DiffOptions = OpenOptions & {
  /** The moment to look at in each file; its end without it. */
  readonly left?: ReplayOptions | undefined;
  readonly right?: ReplayOptions | undefined;
};

export type FileDifference = {
  readonly left: Replayed;
  readonly right: Replayed;
  /** Whether both have the same tables with the same columns. */
  readonly isSameSchema: boolean;
  readonly tables: readonly TableDifference[];
  /** True if no row differs. */
  readonly isSame: boolean;
  /** Every difference; may be asked for again. */
  rows(): Generator<RowDifference, void>;
};

/**
 * Replays two files, which may be of different kinds, or the same one at two moments, and compares their rows. Both contents
 * are held in memory.
 */
export async function diff(
  left: DbFileOrPath,
  right: DbFileOrPath,
  options: DiffOptions = {},
): Promise<FileDifference> {
  const { signal } = options;
  const a = await replay(left, { ...options.left, signal });
  const b = await replay(right, { ...options.right, signal });
  const tables = summarize(differences(a.content, b.content));
  return {
    left: a,
    right: b,
    isSameSchema: shapeOf(a) === shapeOf(b),
    tables,
    isSame: tables.length === 0,
    rows: () => differences(a.content, b.content),
  };
}

function shapeOf({ content }: Replayed): string {
  const tables = [...content.schema.tables.values()].map(
    ({ name, columns }) => [name, [...columns.values()].map((column) => [column.name, column.type]).sort()] as const,
  );
  return JSON.stringify(tables.sort(), (_name, value) => {
    if (value === Number.POSITIVE_INFINITY) return "unlimited";
    return typeof value === "bigint" ? value.toString() : value;
  });
}
