/**
 * How many rows an operation must have touched. `at least` can also be held by the server itself
 * (see {@link GuardKind}); an exact count is checked on the reply.
 */
export interface RowExpectation {
  readonly min: number;
  readonly max: number;
}

/** `3` means exactly three rows; `{ min }`, `{ max }` or both bound the count from one side or from both. */
export type RowExpectationLike = number | { readonly min?: number; readonly max?: number };

export function rowExpectation(like: RowExpectationLike): RowExpectation {
  if (typeof like === "number") return { min: like, max: like };
  return { min: like.min ?? 0, max: like.max ?? Number.POSITIVE_INFINITY };
}

export function expectationHolds(expectation: RowExpectation, count: number): boolean {
  return count >= expectation.min && count <= expectation.max;
}

/** `exactly 1 row`, `at least 2 rows`, `between 1 and 3 rows`: for error messages. */
export function describeExpectation({ min, max }: RowExpectation): string {
  const rows = (count: number): string => `${count} ${count === 1 ? "row" : "rows"}`;
  if (min === max) return `exactly ${rows(min)}`;
  if (max === Number.POSITIVE_INFINITY) return `at least ${rows(min)}`;
  if (min === 0) return `at most ${rows(max)}`;
  return `between ${min} and ${rows(max)}`;
}
