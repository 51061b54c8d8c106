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
  /** A condition that a few rows fulfil, if any do. */
  readonly few?: Condition;
};

type Json = unknown;
type Condition = readonly [column: string, operator: "==", value: Json];

function member(json: Json, name: string): Json {
  return typeof json === "object" && json !== null && !Array.isArray(json)
    ? (json as Record<string, Json>)[name]
    : undefined;
}

function membersOf(json: Json, name: string): [string, Json][] {
  return Object.entries((member(json, name) ?? {}) as Record<string, Json>);
}

/** Tables that have few rows where OVN has them, the smallest first. */
const SMALL_FIRST: readonly string[] = [
  "HA_Chassis_Group",
  "Load_Balancer_Group",
  "Chassis_Private",
  "Logical_Router",
  "Logical_Switch",
  "Port_Group",
];

/**
 * Sets of weak references without an upper bound, and optional ones, by the schema that the server gives (RFC 7047 §3.2,
 * `get_schema`). `select` can't be told to stop after one row, so those come first where the question has a short answer:
 * small tables, then tables with a condition for few rows, then the others; a set before an optional reference.
 */
export function noOpColumns(schema: Json): NoOpColumn[] {
  const found: NoOpColumn[] = [];
  for (const [table, tableSchema] of membersOf(schema, "tables")) {
    const few = conditionForFew(tableSchema);
    for (const [column, columnSchema] of membersOf(tableSchema, "columns")) {
      const type = member(columnSchema, "type");
      const key = member(type, "key");
      const isWeak =
        member(key, "type") === "uuid" && member(key, "refType") === "weak" && member(key, "refTable") !== undefined;
      const isSet = member(type, "value") === undefined && member(type, "max") === "unlimited";
      const isOptional = member(type, "value") === undefined && member(type, "min") === 0 && !isSet;
      const isMutable = member(columnSchema, "mutable") !== false && member(columnSchema, "ephemeral") !== true;
      if (isWeak && (isSet || isOptional) && isMutable)
        found.push({ table, column, isOptional, ...(few === undefined ? {} : { few }) });
    }
  }
  return found.sort((one, other) => rank(one) - rank(other) || Number(one.isOptional) - Number(other.isOptional));
}

function rank({ table, few }: NoOpColumn): number {
  const place = SMALL_FIRST.indexOf(table);
  if (place >= 0) return place;
  return few === undefined ? SMALL_FIRST.length + 1 : SMALL_FIRST.length;
}

/**
 * A unique index with an integer in it, at the least value that the schema allows. In OVN such integers are tunnel keys,
 * which are given out from below within each datapath: at most as many rows as there are datapaths, and not ports.
 */
function conditionForFew(tableSchema: Json): Condition | undefined {
  const indexes = member(tableSchema, "indexes");
  if (!Array.isArray(indexes)) return undefined;
  const columns = member(tableSchema, "columns");
  for (const column of indexes.flat()) {
    const key = member(member(member(columns, column), "type"), "key");
    const least = member(key, "minInteger");
    if (member(key, "type") === "integer" && typeof least === "number") return [column, "==", least];
  }
  return undefined;
}

/** The row that takes the write. */
export type NoOpTarget = {
  readonly table: string;
  readonly column: string;
  readonly isOptional: boolean;
  readonly row: string;
};

/** Which rows will do. */
export function noOpRows({ column, isOptional }: Omit<NoOpColumn, "table">): readonly Json[] {
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
