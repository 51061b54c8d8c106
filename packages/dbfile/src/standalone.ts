/** The records of a standalone file (ovsdb(5), "Standalone Format"), which are also the data in a clustered one. */
import type { Json, JsonObject } from "@ovnha/ovsdb/core";
import { DbFileError } from "./error.ts";
import { isObject, presentMembers } from "./members.ts";

/** Row uuid to the columns that an insert or a change names, or to null for a row that is deleted. */
export type TableTransaction = { readonly [uuid: string]: JsonObject | null };

/** One transaction record. The first record of a standalone file is a `<database-schema>` instead, see `parseSchema`. */
export type FileTransaction = {
  /** Milliseconds since 1970. Files from before 2010 count seconds; {@link dateMs} has put that right. */
  readonly dateMs: number | undefined;
  /** All comments of the transaction, one a line. */
  readonly comment: string | undefined;
  /**
   * True if the columns of rows that were there already hold differences rather than values (since 2.15). Never matters for
   * a row that is new.
   */
  readonly isDiff: boolean;
  readonly tables: ReadonlyMap<string, TableTransaction>;
};

/** Names that are no tables. ovsdb-server looks for a table of the name first. */
export const ANNOTATIONS: readonly string[] = ["_date", "_comment", "_is_diff"];

/** Old files count seconds, told by their size (ovsdb-tool show-log draws the line at 2^31). */
export function dateMs(date: Json | undefined): number | undefined {
  if (typeof date !== "number" || !Number.isInteger(date)) return undefined;
  return date < 2 ** 31 ? date * 1000 : date;
}

/** @throws DbFileError `BAD_TRANSACTION`. Whether tables and columns exist is for the replay to judge, by the schema. */
export function decodeTransaction(json: Json): FileTransaction {
  if (!isObject(json)) throw new DbFileError("BAD_TRANSACTION", "a transaction must be an object");
  const tables = new Map<string, TableTransaction>();
  for (const [name, value] of Object.entries(json)) {
    if (ANNOTATIONS.includes(name) && !isObject(value)) continue;
    tables.set(name, decodeTable(name, value));
  }
  const comment = json["_comment"];
  return {
    dateMs: dateMs(json["_date"]),
    comment: typeof comment === "string" ? comment : undefined,
    isDiff: json["_is_diff"] === true,
    tables,
  };
}

function decodeTable(table: string, json: Json): TableTransaction {
  if (!isObject(json)) throw new DbFileError("BAD_TRANSACTION", `${table}: rows must be members of an object`);
  for (const [uuid, row] of Object.entries(json))
    if (row !== null && !isObject(row))
      throw new DbFileError("BAD_TRANSACTION", `${table} ${uuid}: a row must be an object, or null for a deleted one`);
  return json as TableTransaction;
}

/** The inverse. A comment that is empty is not written, as ovsdb-server does not. */
export function encodeTransaction(transaction: FileTransaction): JsonObject {
  const tables = Object.fromEntries(transaction.tables) as JsonObject;
  return presentMembers({
    ...tables,
    _comment: transaction.comment === "" ? undefined : transaction.comment,
    _is_diff: transaction.isDiff ? true : undefined,
    _date: transaction.dateMs,
  });
}
