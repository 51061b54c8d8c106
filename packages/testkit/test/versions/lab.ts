/** A small database whose transactions write every kind of value, for what is recorded of each release. */
import { type OvsdbServer, rawCall, type RawJson } from "../../src/index.ts";

const unlimited = { min: 0, max: "unlimited" } as const;
const COLUMNS = {
  name: { type: "string" },
  levels: { type: { key: "integer", ...unlimited } },
  labels: { type: { key: "string", value: "string", ...unlimited } },
  peer: { type: { key: { type: "uuid", refTable: "Node", refType: "weak" }, min: 0, max: 1 } },
} as const;

export const LAB = {
  name: "Lab",
  version: "1.0.0",
  tables: { Node: { isRoot: true, columns: { ...COLUMNS, weight: { type: { key: "real", min: 0, max: 1 } } } } },
} as const;

/** Where a conversion leads: a column less, a column more. */
export const LAB_2 = {
  name: "Lab",
  version: "2.0.0",
  tables: { Node: { isRoot: true, columns: { ...COLUMNS, note: { type: "string" } } } },
} as const;

export type Operation = { readonly [member: string]: RawJson };

/** Rejects if an operation failed. */
export async function transact(remote: string, ...operations: readonly Operation[]): Promise<void> {
  const results = (await rawCall(remote, "transact", ["Lab", ...operations])) as ({ error?: string } | null)[];
  const failed = results.find((result) => result?.error !== undefined);
  if (failed !== undefined) throw new Error(`transact: ${JSON.stringify(failed)}`);
}

export const insert = (name: string, row: Operation = {}): Operation => ({
  op: "insert",
  table: "Node",
  row: { name, ...row },
});

/** Rows with sets and maps that come, change in part, and go; a comment. */
export async function fill(remote: string): Promise<void> {
  const where = (name: string): RawJson => [["name", "==", name]];
  const levels: RawJson = ["set", [1, 2, 3, 4, 5, 6]];
  const labels: RawJson = [
    "map",
    [
      ["kind", "leaf"],
      ["ü", "\u65e5\u672c"],
    ],
  ];
  await transact(
    remote,
    { op: "insert", table: "Node", "uuid-name": "one", row: { name: "one", weight: 0.5, levels, labels } },
    { op: "insert", table: "Node", row: { name: "two", peer: ["named-uuid", "one"] } },
  );
  await transact(
    remote,
    {
      op: "mutate",
      table: "Node",
      where: where("one"),
      mutations: [
        ["levels", "insert", 7],
        ["levels", "delete", 2],
      ],
    },
    { op: "mutate", table: "Node", where: where("one"), mutations: [["labels", "insert", ["map", [["rack", "4"]]]]] },
    { op: "comment", comment: "a level more, a level less\nand a rack" },
  );
  await transact(remote, insert("three"));
  await transact(remote, { op: "delete", table: "Node", where: where("three") });
  await transact(remote, { op: "update", table: "Node", where: where("two"), row: { weight: 2, peer: ["set", []] } });
}

/** `cluster/status` of a server, or what `ovs-appctl` complained of. */
export async function statusOf(server: OvsdbServer): Promise<string> {
  try {
    return await server.appctl("cluster/status", "Lab");
  } catch (error) {
    const complaint = error instanceof Error ? error.message : String(error);
    const [, said] =
      /cluster\/status Lab: (?:[0-9TZ:|-]+\|\S+\n)?([\s\S]*?)(?:\novs-appctl: .*)?$/.exec(complaint) ?? [];
    return `${said ?? complaint}\n`;
  }
}
