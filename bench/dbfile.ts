/** Database files: clustered to standalone, of rows and of short entries, inspecting, and a file of 1 GB; against ovsdb-tool on the same files. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeSouthbound, removeFolder, SCHEMAS, temporaryFolder } from "@ovnha/testkit";
import { memberFiles, SHORT_ENTRIES, WORST } from "./check-cluster.ts";
import { timed, type Usage } from "./child.ts";
import { absent, type Finding, median, verdict } from "./table.ts";

const ROUNDS = 5;
const LARGE_ROWS = 2_600_000;

const child = (name: string): string => fileURLToPath(new URL(`children/dbfile-${name}.mjs`, import.meta.url));
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
/** Wall time is what is promised; CPU time beside it tells a busy machine from a slow program. */
const both = (runs: readonly Usage[]): string =>
  `${seconds(wall(runs))} (CPU ${seconds(median(runs.map(({ cpuMs }) => cpuMs)))})`;
const wall = (runs: readonly Usage[]): number => median(runs.map(({ wallMs }) => wallMs));
const resident = (runs: readonly Usage[]): number => Math.max(...runs.map(({ rssMiB }) => rssMiB * 1.048576));

export async function dbfile(): Promise<Finding[]> {
  const folder = temporaryFolder();
  try {
    const small = clusteredFile(folder, "small.db", await makeSouthbound());
    const [entries = "", ...others] = await memberFiles(folder, SCHEMAS.southbound, SHORT_ENTRIES);
    for (const other of others) rmSync(other);
    const findings = [
      ...translation(small, folder, "210,000 rows", 0.35),
      ...translation(entries, folder, `${SHORT_ENTRIES.toLocaleString("en")} short entries`, WORST, 3),
      inspection(small),
    ];
    return [...findings, ...growth(small, largeFile(folder), folder)];
  } finally {
    removeFolder(folder);
  }
}

/** What `ovsdb-tool create-cluster` makes of a standalone file: one record with all rows. */
function clusteredFile(folder: string, name: string, source: string): string {
  const path = join(folder, name);
  execFileSync("ovsdb-tool", ["create-cluster", path, source, "tcp:127.0.0.1:6644"], { stdio: "ignore" });
  return path;
}

/** A snapshot of 1 GB in one record, as a server writes it. Made by hand: ovsdb-tool would take 6 GB of memory for it. */
function largeFile(folder: string): string {
  const path = join(folder, "large.db");
  const hash = createHash("sha1");
  let length = 0;
  for (const piece of largeBody()) {
    hash.update(piece);
    length += Buffer.byteLength(piece);
  }
  const file = openSync(path, "w");
  writeSync(file, `OVSDB CLUSTER ${length} ${hash.digest("hex")}\n`);
  for (const piece of largeBody()) writeSync(file, piece);
  closeSync(file);
  return path;
}

function* largeBody(): Generator<string> {
  const uuid = (group: number, number: number): string =>
    `${number.toString(16).padStart(8, "0")}-0000-4000-8${group}00-000000000000`;
  const server = { [uuid(1, 1)]: "tcp:127.0.0.1:6644" };
  const schema: unknown = JSON.parse(readFileSync(SCHEMAS.southbound, "utf8"));
  const head = { server_id: uuid(1, 1), cluster_id: uuid(1, 2), name: "OVN_Southbound", prev_servers: server };
  yield `${JSON.stringify(head).slice(0, -1)},"prev_data":[${JSON.stringify(schema)},{"Logical_Flow":{`;
  let rows = "";
  for (let row = 0; row < LARGE_ROWS; row++) {
    const columns = {
      logical_datapath: ["uuid", uuid(2, row % 300)],
      pipeline: "ingress",
      table_id: row % 24,
      priority: 100 + (row % 900),
      match: `inport == "namespace${row % 97}.pod-${row}" && eth.src == 0a:58:0a:00:00:01 && ip4.src == 10.0.${row % 256}.1`,
      actions: 'next(pipeline=ingress, table=5); /* "quoted" */',
      external_ids: [
        "map",
        [
          ["source", "northd.c:5112"],
          ["stage-name", "ls_in_port_sec_l2"],
        ],
      ],
    };
    rows += `${row === 0 ? "" : ","}"${uuid(3, row)}":${JSON.stringify(columns)}`;
    if (row % 1000 !== 999) continue;
    yield rows;
    rows = "";
  }
  const tail = { prev_eid: uuid(1, 3), prev_term: 1, prev_index: 1, local_address: "tcp:127.0.0.1:6644" };
  yield `${rows}},"_date":1700000000000}],${JSON.stringify(tail).slice(1)}\n`;
}

/** Runs it anew each time; what an earlier run has left to the disk must not slow this one down. */
function convert(source: string, folder: string, who: "ours" | "theirs"): Usage | undefined {
  const target = join(folder, `${who}.db`);
  rmSync(target, { force: true });
  const usage =
    who === "ours"
      ? timed(process.execPath, [child("to-standalone"), source, target])
      : timed("ovsdb-tool", ["cluster-to-standalone", target, source]);
  if (usage !== undefined && statSync(target).size < statSync(source).size / 2)
    throw new Error(`${who} wrote too little`);
  const file = openSync(target, "r");
  fsyncSync(file);
  closeSync(file);
  rmSync(target);
  return usage;
}

/** @param most our time, as a part of the rival's. */
function translation(source: string, folder: string, of: string, most: number, rounds = ROUNDS): Finding[] {
  const size = `${(statSync(source).size / 1e6).toFixed(0)} MB, ${of}`;
  const ours: Usage[] = [];
  const theirs: Usage[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [who, runs] of [["theirs", theirs] as const, ["ours", ours] as const]) {
      const usage = convert(source, folder, who);
      if (usage !== undefined) runs.push(usage);
    }
  }
  const promise = `cluster to standalone (${size})`;
  const memory = `${promise}: peak resident memory`;
  const rival = "ovsdb-tool cluster-to-standalone";
  if (theirs.length === 0) return [absent(promise, rival, `≤ ${most}`, seconds(wall(ours)))];
  return [
    {
      promise,
      rival,
      ours: both(ours),
      theirs: both(theirs),
      ratio: (wall(ours) / wall(theirs)).toFixed(2),
      bar: `≤ ${most}`,
      verdict: verdict(wall(ours) <= most * wall(theirs)),
    },
    {
      promise: memory,
      rival,
      ours: `${resident(ours).toFixed(0)} MB`,
      theirs: `${resident(theirs).toFixed(0)} MB`,
      ratio: (resident(ours) / resident(theirs)).toFixed(2),
      bar: "≤ 120 MB",
      verdict: verdict(resident(ours) <= 120),
    },
  ];
}

function inspection(source: string): Finding {
  const ours: Usage[] = [];
  const theirs: Usage[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [one, other] = [
      timed(process.execPath, [child("inspect"), source]),
      timed("ovsdb-tool", ["show-log", source]),
    ];
    if (one !== undefined) ours.push(one);
    if (other !== undefined) theirs.push(other);
  }
  const megabytes = statSync(source).size / 1e6;
  // The bar is for 81 MB.
  const barMs = (300 * megabytes) / 81;
  return {
    promise: `inspect a file (${megabytes.toFixed(0)} MB)`,
    rival: "ovsdb-tool show-log",
    ours: both(ours),
    theirs: theirs.length === 0 ? "not installed" : both(theirs),
    ratio: theirs.length === 0 ? "" : (wall(ours) / wall(theirs)).toFixed(2),
    bar: `≤ ${seconds(barMs)} (0.3 s at 81 MB)`,
    verdict: verdict(wall(ours) <= barMs),
  };
}

/** Memory must stay, and time must grow no faster than the file. */
function growth(small: string, large: string, folder: string): Finding[] {
  const [few, many] = [convert(small, folder, "ours"), convert(large, folder, "ours")];
  if (few === undefined || many === undefined) throw new Error("time(1) is not installed");
  const times = statSync(large).size / statSync(small).size;
  const promise = `cluster to standalone (${(statSync(large).size / 1e9).toFixed(2)} GB)`;
  const rival = `itself, ${times.toFixed(1)} times smaller`;
  return [
    {
      promise: `${promise}: peak resident memory`,
      rival,
      ours: `${resident([many]).toFixed(0)} MB`,
      theirs: `${resident([few]).toFixed(0)} MB`,
      ratio: (many.rssMiB / few.rssMiB).toFixed(2),
      bar: "≤ 120 MB",
      verdict: verdict(resident([many]) <= 120),
    },
    {
      promise: `${promise}: time`,
      rival,
      ours: both([many]),
      theirs: both([few]),
      ratio: (many.wallMs / few.wallMs).toFixed(2),
      bar: `≤ ${(1.2 * times).toFixed(1)} (linear, and a fifth)`,
      verdict: verdict(many.wallMs <= 1.2 * times * few.wallMs),
    },
  ];
}
