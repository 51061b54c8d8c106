/** The server's update contradicts the replica. */
import { OvsdbError } from "../error.ts";

/**
 * What did not fit: an insert of a row that is there already, a modify or delete of a row that is not, the same row
 * twice in one update, or a table that was never asked for.
 */
export type InconsistencyKind =
  | "insert-of-known-row"
  | "modify-of-unknown-row"
  | "delete-of-unknown-row"
  | "row-twice"
  | "unknown-table";

/**
 * An update that cannot be applied, so the replica has drifted from the server. The replica is untouched and the whole
 * update is refused; the remedy is to forget the last transaction id and take a new snapshot, as ovsdb-idl does.
 */
export class InconsistencyError extends OvsdbError {
  override readonly name: string = "InconsistencyError";
  readonly kind: InconsistencyKind;
  readonly uuid: string;
  constructor(kind: InconsistencyKind, table: string, uuid: string) {
    super("PROTOCOL", `${table} ${uuid}: ${kind.replaceAll("-", " ")}; the replica needs a new snapshot`, {
      origin: "remote",
      table,
    });
    this.kind = kind;
    this.uuid = uuid;
  }
}
