/**
 * A write that goes through Raft and changes nothing. A transaction without an effect is never logged, and one that
 * only comments is not either. But a weak reference to a row that does not exist is dropped by the server as it commits
 * (RFC 7047 §3.2, "refType"): that it is dropped is found after the change was taken down, so an entry is proposed,
 * replicated and committed whose difference is empty. Monitors tell nobody, since no column differs.
 *
 * It needs a row that exists. Of what needs none, nothing reaches the log (seen on 3.1.0): a row that is inserted and
 * deleted in one transaction, a row that nothing refers to in a table that is no root, a change that is taken back, a
 * durable commit without operations.
 */

export type NoOpColumn = {
  readonly table: string;
  readonly column: string;
  /** It holds one reference at most, so that only a row where it is empty will do. */
  readonly isOptional: boolean;
};

type Json = unknown;

function member(json: Json, name: string): Json {
  return typeof json === "object" && json !== null && !Array.isArray(json)
    ? (json as Record<string, Json>)[name]
    : undefined;
}

/** Tables with one row or few, where OVN has them: the first row is looked for there first. */
const SMALL_FIRST: readonly string[] = [
  "Chassis",
  "HA_Chassis_Group",
  "Logical_Router",
  "Logical_Switch",
  "Load_Balancer",
  "Port_Group",
  "DNS",
];

/** Sets of weak references without an upper bound, and optional ones, by the schema that the server gives (RFC 7047 §3.2, `get_schema`). */
export function noOpColumns(schema: Json): NoOpColumn[] {
  const found: NoOpColumn[] = [];
  for (const [table, tableSchema] of Object.entries((member(schema, "tables") ?? {}) as Record<string, Json>)) {
    for (const [column, columnSchema] of Object.entries(
      (member(tableSchema, "columns") ?? {}) as Record<string, Json>,
    )) {
      const type = member(columnSchema, "type");
      const key = member(type, "key");
      const isWeak =
        member(key, "type") === "uuid" && member(key, "refType") === "weak" && member(key, "refTable") !== undefined;
      const isSet = member(type, "value") === undefined && member(type, "max") === "unlimited";
      const isOptional = member(type, "value") === undefined && member(type, "min") === 0 && !isSet;
      const isMutable = member(columnSchema, "mutable") !== false && member(columnSchema, "ephemeral") !== true;
      if (isWeak && (isSet || isOptional) && isMutable) found.push({ table, column, isOptional });
    }
  }
  const rank = ({ table }: NoOpColumn): number =>
    SMALL_FIRST.includes(table) ? SMALL_FIRST.indexOf(table) : SMALL_FIRST.length;
  return found.sort((one, other) => Number(one.isOptional) - Number(other.isOptional) || rank(one) - rank(other));
}

export type NoOpTarget = NoOpColumn & { readonly row: string };

/** Which rows will do. */
export function noOpRows({ column, isOptional }: NoOpColumn): readonly Json[] {
  return isOptional ? [[column, "==", ["set", []]]] : [];
}

/** The operations of the write; `nowhere` is the id of a row that does not exist. */
export function noOpOperations({ row, ...target }: NoOpTarget, nowhere: string): readonly Record<string, Json>[] {
  const { table, column } = target;
  return [
    {
      op: "mutate",
      table,
      where: [["_uuid", "==", ["uuid", row]], ...noOpRows(target)],
      mutations: [[column, "insert", ["uuid", nowhere]]],
    },
    { op: "comment", comment: "ovn-ha probe: changes nothing" },
  ];
}
