/** What a file is: ids, log, commit index, damage. Rows are not looked at. */
import { describe, type Inspection } from "../inspect.ts";
import { isObject } from "../members.ts";
import type { Span } from "../scan/window.ts";
import type { Survey } from "../survey.ts";
import { type DbFile, type DbFileOrPath, type OpenOptions, withDbFile } from "./db-file.ts";

/**
 * Describes a file. All hashes are checked, so that damage is found; the rows of a long record are not looked at, so that
 * 100 MB take a quarter of a second.
 *
 * @throws DbFileError `FORMAT`, `DAMAGED` or `BAD_RECORD` if not even the first record can be used.
 */
export async function inspect(target: DbFileOrPath, options: OpenOptions = {}): Promise<Inspection> {
  return await withDbFile(target, async (file) => {
    const survey = await file.skim(options);
    const { path, sizeBytes, modifiedMs } = file.file;
    return describe(survey, { path, sizeBytes, modifiedMs }, schemaFacts(file, survey));
  });
}

function schemaFacts(
  file: DbFile,
  survey: Survey,
): { name: string; schemaVersion: string | undefined; schemaCksum: string | undefined } {
  const span = schemaSpan(survey);
  const schema = span === undefined ? undefined : file.json(span);
  const text = (member: string): string | undefined => {
    const value = isObject(schema) ? schema[member] : undefined;
    return typeof value === "string" ? value : undefined;
  };
  return { name: text("name") ?? "", schemaVersion: text("version"), schemaCksum: text("cksum") };
}

function schemaSpan(survey: Survey): Span | undefined {
  if (survey.format === "standalone") return { start: survey.place.bodyOffset, end: survey.place.endOffset };
  return survey.format === "clustered" ? survey.schema : undefined;
}
