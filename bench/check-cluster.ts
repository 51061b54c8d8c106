/** The check of three members' files, of 210,000 rows and of 300,000 short entries: wall time against `ovsdb-tool check-cluster`, and memory. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeSouthbound, runCommand, SCHEMAS } from "@ovnha/testkit";
import { runChild, timed, type Usage } from "./child.ts";
import { absent, type Finding, median, verdict } from "./table.ts";

const SIDS = ["a", "b", "c"].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`);
const address = (member: number): string => `tcp:10.0.0.${member + 1}:6644`;
/** Transactions behind a snapshot of many rows. */
const ENTRIES = 1_000;
/** Behind one of no rows: the file is nothing else, and each of its records is small. */
export const SHORT_ENTRIES = 300_000;
/** The worst case, of which nothing is promised but that nobody is worse off than with ovsdb-tool. */
export const WORST = 1;

const record = (body: string | Buffer): Buffer => {
  const hash = createHash("sha1").update(body).digest("hex");
  return Buffer.concat([Buffer.from(`OVSDB CLUSTER ${Buffer.byteLength(body)} ${hash}\n`), Buffer.from(body)]);
};

/**
 * The files that three members have after the third has joined: one snapshot, of a standalone file or of a schema, and the same
 * entries, of some 250 bytes each.
 */
export async function memberFiles(folder: string, source: string, entries: number): Promise<string[]> {
  const made = join(folder, `made${entries}.db`);
  await runCommand("ovsdb-tool", ["create-cluster", made, source, address(0)], 120_000);
  const file = readFileSync(made);
  const body = file.subarray(file.indexOf("\n") + 1);
  const sid = /"server_id":"([0-9a-f-]+)"/.exec(withoutRows(body))?.[1] ?? "";
  const servers = JSON.stringify(Object.fromEntries(SIDS.map((id, member) => [id, address(member)])));
  const log = [{ term: 1 }, { term: 1, leader: SIDS[0] }, ...Array.from({ length: entries }, (_, at) => entry(at + 2))];
  const tail = Buffer.concat(
    [...log, { commit_index: entries + 1 }].map((each) => record(`${JSON.stringify(each)}\n`)),
  );
  return SIDS.map((id, member) => {
    const header = replace(
      replace(replace(body, `{"${sid}":"${address(0)}"}`, servers), `"server_id":"${sid}"`, `"server_id":"${id}"`),
      `"local_address":"${address(0)}"`,
      `"local_address":"${address(member)}"`,
    );
    const path = join(folder, `member${entries}-${member}.db`);
    writeFileSync(path, Buffer.concat([record(header), tail]));
    return path;
  });
}

const withoutRows = (body: Buffer): string => `${body.subarray(0, 4096)}${body.subarray(-4096)}`;

function replace(bytes: Buffer, what: string, by: string): Buffer {
  const at = bytes.indexOf(what);
  if (at < 0) throw new Error(`${what} is not in the header`);
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(by), bytes.subarray(at + what.length)]);
}

const entry = (index: number): object => ({
  term: 1,
  index,
  eid: `eeeeeeee-0000-4000-8000-${String(index).padStart(12, "0")}`,
  data: [
    null,
    { SB_Global: { "99999999-0000-4000-8000-000000000000": { nb_cfg: index } }, _date: 1_700_000_000_000 + index },
  ],
});

export async function checkCluster(rounds = 3): Promise<Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), "ovnha-bench-"));
  try {
    const rows = await memberFiles(folder, await makeSouthbound(), ENTRIES);
    const findings = measure(rows, "210,000 rows", rounds, 0.25);
    for (const path of rows) rmSync(path);
    const entries = await memberFiles(folder, SCHEMAS.southbound, SHORT_ENTRIES);
    return [...findings, ...measure(entries, `${SHORT_ENTRIES.toLocaleString("en")} short entries`, rounds, WORST)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param most our time, as a part of the rival's. */
function measure(paths: readonly string[], of: string, rounds: number, most: number): Finding[] {
  const child = fileURLToPath(new URL("children/check-cluster.mjs", import.meta.url));
  const ours: Usage[] = [];
  const theirs: Usage[] = [];
  const { findings } = runChild<{ readonly findings: number }>("check-cluster.mjs", paths);
  if (findings > 0) throw new Error(`healthy files have ${findings} findings`);
  for (let round = 0; round < rounds; round++) {
    const [mine, rival] = [
      timed(process.execPath, [child, ...paths]),
      timed("ovsdb-tool", ["check-cluster", ...paths]),
    ];
    if (mine !== undefined) ours.push(mine);
    if (rival !== undefined) theirs.push(rival);
  }
  const size = `3 × ${(statSync(paths[0] ?? "").size / 1e6).toFixed(0)} MB, ${of}`;
  const promise = `check of three members' files (${size}): wall time of the whole program`;
  const rival = "ovsdb-tool check-cluster";
  const wallMs = median(ours.map((usage) => usage.wallMs));
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  if (theirs.length === 0) return [absent(promise, rival, `≤ ${most}`, seconds(wallMs))];
  const rivalMs = median(theirs.map((usage) => usage.wallMs));
  const rssMiB = median(ours.map((usage) => usage.rssMiB));
  const rivalMiB = median(theirs.map((usage) => usage.rssMiB));
  const memory = `check of three members' files (${of}): peak resident memory`;
  return [
    {
      promise,
      rival,
      ours: seconds(wallMs),
      theirs: seconds(rivalMs),
      ratio: (wallMs / rivalMs).toFixed(2),
      bar: `≤ ${most}`,
      verdict: verdict(wallMs <= most * rivalMs),
    },
    {
      promise: memory,
      rival,
      ours: `${rssMiB.toFixed(0)} MiB`,
      theirs: `${rivalMiB.toFixed(0)} MiB`,
      ratio: (rssMiB / rivalMiB).toFixed(2),
      bar: "≤ 250 MB",
      verdict: verdict(rssMiB * 1.048576 <= 250),
    },
  ];
}
