/** A scenario that cannot be: where in its file, and what to do about it. */
export class ScenarioError extends Error {
  readonly code = "BAD_SCENARIO";
  /** From 1; undefined for scenarios that were not read from text. */
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(
    what: string,
    place?: { readonly file?: string | undefined; readonly line: number; readonly column: number },
  ) {
    super(place === undefined ? what : `${place.file ?? "scenario"}:${place.line}:${place.column}: ${what}`);
    this.name = "ScenarioError";
    this.line = place?.line;
    this.column = place?.column;
  }
}
