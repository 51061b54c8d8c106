/** How a watch is asked for. */
import type { Row } from "../value.ts";
import type { StreamOptions } from "./pull-stream.ts";

/** What a stream does with a reader that is slower than the changes. Neither ever holds up the replica. */
export type OverflowOptions = {
  /**
   * "coalesce" (default): what waits is merged, one change per row, so the backlog is bounded by the size of the tables
   * and the end state is always exact. "error": every single change is kept, up to `limit`; beyond it the backlog is
   * dropped and the stream ends with a LimitError.
   */
  readonly overflow?: "coalesce" | "error";
  /** Only for "error": changes (not batches) that may wait. Default 100,000. */
  readonly limit?: number;
  /** Begin with what is there already, as "initial" changes. Default true. */
  readonly initial?: boolean;
};

export const WAITING_CHANGES_MAX = 100_000;

export type ChangesOptions<R = Row> = StreamOptions &
  OverflowOptions & {
    /**
     * Only rows for which this holds: a row that begins to match is an "insert", one that ceases to is a "delete". Asked
     * before anything is copied or queued. If it throws, the stream ends with that error.
     */
    readonly where?: (row: R) => boolean;
    /** Of the updates, only those that touch one of these columns; `old` speaks of no others. */
    readonly columns?: readonly (keyof R & string)[];
  };

export type BatchesOptions = StreamOptions & OverflowOptions;
