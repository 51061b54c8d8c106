/** What the commands that look into database files share. */
import { DbFileError } from "@ovnha/dbfile";
import { stringifyJson } from "@ovnha/ovsdb/core";
import { fromDbFile } from "../take/from-file.ts";

/** Errors of files become this package's. */
export async function ofFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof DbFileError ? fromDbFile(error, path) : error;
  }
}

export function dateText(ms: number | undefined): string {
  return ms === undefined ? "-" : new Date(ms).toISOString();
}

/** A column's value as short text. */
export function valueText(value: unknown): string {
  return stringifyJson(plainValue(value) as never);
}

/** Sets and maps as JSON can show them; integers beyond a double as text. */
export function plainValue(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Set) return [...value].map(plainValue);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, of]) => [String(key), plainValue(of)]));
  return value;
}
