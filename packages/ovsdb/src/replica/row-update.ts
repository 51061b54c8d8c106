/** The row updates of the three monitor versions, read into one shape. */
import { OvsdbError } from "../error.ts";
import { isJsonObject, type Json, type JsonObject } from "../json.ts";

/** 1: `update` (RFC 7047 §4.1.6). 2: `update2`, 3: `update3` (ovsdb-server(7) §4.1.12 to 4.1.15); 2 and 3 have the same rows. */
export type MonitorVersion = 1 | 2 | 3;

/**
 * One row of an update. `insert` has every column that is not at its default, `replace` the whole new row, `modify` the
 * changed columns only: differences for sets and maps, new values for the rest.
 */
export type WireRowUpdate =
  | { readonly kind: "insert" | "replace" | "modify"; readonly columns: JsonObject }
  | { readonly kind: "delete" };

const DELETE: WireRowUpdate = { kind: "delete" };

/** @throws OvsdbError `PROTOCOL` if it is not a row update of that version. */
export function readRowUpdate(version: MonitorVersion, table: string, update: Json): WireRowUpdate {
  if (isJsonObject(update)) {
    if (version === 1) {
      const columns = update.new ?? undefined;
      const old = update.old ?? undefined;
      if (columns === undefined && old !== undefined) return DELETE;
      if (isJsonObject(columns)) return { kind: old === undefined ? "insert" : "replace", columns };
    } else {
      const columns = update.modify ?? update.insert ?? update.initial;
      if (isJsonObject(columns)) return { kind: update.modify === columns ? "modify" : "insert", columns };
      if (columns === undefined && update.delete !== undefined) return DELETE;
    }
  }
  throw new OvsdbError("PROTOCOL", `${table}: not a row update of monitor version ${version}`, {
    origin: "remote",
    table,
  });
}

/** Every row of a whole `<table-updates>` object. @throws OvsdbError `PROTOCOL` if it is not one. */
export function* rowsOfTables(updates: Json): Generator<readonly [table: string, uuid: string, update: Json]> {
  if (!isJsonObject(updates)) throw new OvsdbError("PROTOCOL", "table updates are not an object", { origin: "remote" });
  for (const table of Object.keys(updates)) {
    const rows = updates[table];
    if (!isJsonObject(rows))
      throw new OvsdbError("PROTOCOL", `${table}: row updates are not an object`, { origin: "remote", table });
    for (const uuid of Object.keys(rows)) yield [table, uuid, rows[uuid] as Json];
  }
}
