/** Observations made of captured texts. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type MemberObservation, type Observation, parseClusterStatus, type ServerRow } from "@ovnha/cluster";

export const AT_MS = 1_700_000_000_000;
const answer = { via: "capture", atMs: AT_MS, tookMs: 1 };

/** What `ovs-appctl cluster/status` printed, errors included. */
export function memberOf(member: string, text: string, row?: ServerRow | null): MemberObservation {
  const server = row === undefined ? {} : { server: { ok: true, value: row ?? undefined, ...answer } as const };
  const asked = { control: `/run/${member}.ctl` };
  if (text.startsWith("unknown cluster"))
    return { member, asked, status: { ok: true, value: { type: "unknown-cluster" }, ...answer }, ...server };
  if (/is not a valid command/.test(text))
    return { member, asked, status: { ok: true, value: { type: "unknown-command" }, ...answer }, ...server };
  const status = parseClusterStatus(text);
  return { member, asked, status: { ok: true, value: { type: "status", status }, ...answer }, ...server };
}

export function observationOf(members: readonly MemberObservation[], database = "OVN_Northbound"): Observation {
  return { startedMs: AT_MS - 5, endedMs: AT_MS, databases: [{ database, members }] };
}

type Cell = string | boolean | number | readonly [string, string | readonly never[]];

/** The `_Server` row of a `NAME.server.txt`; null if there was none, undefined without such a capture. */
export function rowOf(path: string): ServerRow | null | undefined {
  if (!existsSync(path)) return undefined;
  const line = readFileSync(path, "utf8")
    .split("\n")
    .find((text) => text.startsWith("["));
  const [result] = JSON.parse(line ?? "[]") as [{ rows: Record<string, Cell>[] }];
  const [row] = result.rows;
  if (row === undefined) return null;
  const uuid = (cell: Cell | undefined): string | undefined =>
    Array.isArray(cell) && cell[0] === "uuid" && !String(cell[1]).startsWith("00000000-") ? String(cell[1]) : undefined;
  const cid = uuid(row["cid"]);
  const sid = uuid(row["sid"]);
  return {
    name: String(row["name"]),
    model: String(row["model"]),
    connected: row["connected"] === true,
    leader: row["leader"] === true,
    hasSchema: true,
    ...(cid === undefined ? {} : { cid }),
    ...(sid === undefined ? {} : { sid }),
    ...(typeof row["index"] === "number" ? { index: row["index"] } : {}),
  };
}

const SHARED = fileURLToPath(new URL("../../../../../shared/facts/cluster-status-samples/", import.meta.url));
export const FIXTURES: string = fileURLToPath(new URL("../fixtures/lab/", import.meta.url));

export type Expectation = { readonly verdict: string; readonly quorum: string; readonly reasons: readonly string[] };
export type SampleCase = Expectation & {
  readonly name: string;
  readonly text: string;
  readonly row: ServerRow | null | undefined;
};

/** Captures of our own always; those of others where they lie. */
export function sampleCases(): SampleCase[] {
  const folders = [SHARED, FIXTURES].filter((folder) => existsSync(join(folder, "expected.json")));
  const cases = new Map<string, SampleCase>();
  for (const folder of folders) {
    const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Record<string, Expectation>;
    for (const file of readdirSync(folder)) {
      const name = file.slice(0, -4);
      const expectation = expected[name];
      if (!file.endsWith(".txt") || expectation === undefined) continue;
      cases.set(name, {
        ...expectation,
        name,
        text: readFileSync(join(folder, file), "utf8"),
        row: rowOf(join(folder, `${name}.server.txt`)),
      });
    }
  }
  return [...cases.values()];
}
