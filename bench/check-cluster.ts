/** The check of three members' files of 210,000 rows each: wall time against `ovsdb-tool check-cluster`, and memory. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeSouthbound, runCommand } from "@ovnha/testkit";
import { runChild, timed, type Usage } from "./child.ts";
import { absent, type Finding, median, verdict } from "./table.ts";

const SIDS = ["a", "b", "c"].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`);
const address = (member: number): string => `tcp:10.0.0.${member + 1}:6644`;
/** Transactions behind the snapshot. */
const ENTRIES = 1_000;

const record = (body: string | Buffer): Buffer => {
  const hash = createHash("sha1").update(body).digest("hex");
  return Buffer.concat([Buffer.from(`OVSDB CLUSTER ${Buffer.byteLength(body)} ${hash}\n`), Buffer.from(body)]);
};

/** The files that three members have after the third has joined: one snapshot, the same entries. */
async function memberFiles(folder: string): Promise<string[]> {
  const made = join(folder, "made.db");
  await runCommand("ovsdb-tool", ["create-cluster", made, await makeSouthbound(), address(0)], 120_000);
  const file = readFileSync(made);
  const body = file.subarray(file.indexOf("\n") + 1);
  const sid = /"server_id":"([0-9a-f-]+)"/.exec(withoutRows(body))?.[1] ?? "";
  const servers = JSON.stringify(Object.fromEntries(SIDS.map((id, member) => [id, address(member)])));
  const log = [{ term: 1 }, { term: 1, leader: SIDS[0] }, ...Array.from({ length: ENTRIES }, (_, at) => entry(at + 2))];
  const tail = Buffer.concat(
    [...log, { commit_index: ENTRIES + 1 }].map((each) => record(`${JSON.stringify(each)}\n`)),
  );
  return SIDS.map((id, member) => {
    const header = replace(
      replace(replace(body, `{"${sid}":"${address(0)}"}`, servers), `"server_id":"${sid}"`, `"server_id":"${id}"`),
      `"local_address":"${address(0)}"`,
      `"local_address":"${address(member)}"`,
    );
    const path = join(folder, `member${member}.db`);
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
    const paths = await memberFiles(folder);
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
    const size = `3 × ${(statSync(paths[0] ?? "").size / 1e6).toFixed(0)} MB`;
    const promise = `check of three members' files (${size}): wall time of the whole program`;
    const rival = "ovsdb-tool check-cluster";
    const wallMs = median(ours.map((usage) => usage.wallMs));
    const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
    if (theirs.length === 0) return [absent(promise, rival, "≤ 0.25", seconds(wallMs))];
    const rivalMs = median(theirs.map((usage) => usage.wallMs));
    const rssMiB = median(ours.map((usage) => usage.rssMiB));
    const rivalMiB = median(theirs.map((usage) => usage.rssMiB));
    const memory = "check of three members' files: peak resident memory";
    return [
      {
        promise,
        rival,
        ours: seconds(wallMs),
        theirs: seconds(rivalMs),
        ratio: (wallMs / rivalMs).toFixed(2),
        bar: "≤ 0.25",
        verdict: verdict(wallMs <= 0.25 * rivalMs),
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
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
