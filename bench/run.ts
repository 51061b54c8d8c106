/** npm run bench [-- sync updates transact framing simulator dbfile check status backup]: every promise of speed against its rivals, in one run. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { makeSouthbound, ovsVersion, SCHEMAS, startCluster } from "@ovnha/testkit";
import { backup } from "./backup.ts";
import { checkCluster } from "./check-cluster.ts";
import { cluster as status } from "./cluster.ts";
import { dbfile } from "./dbfile.ts";
import { framing } from "./framing.ts";
import { fullSync } from "./full-sync.ts";
import { simulator } from "./simulator.ts";
import { type Finding, markdown } from "./table.ts";
import { transact } from "./transact.ts";
import { updates } from "./updates.ts";

const NAMES = ["framing", "simulator", "transact", "status", "dbfile", "check", "sync", "updates", "backup"] as const;
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(NAMES as readonly string[]).includes(name));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(", ")}\nUsage: npm run bench [-- ${NAMES.join(" ")}]`);
  process.exit(2);
}
const wanted = new Set<string>(asked.length === 0 ? NAMES : asked);
const isOvsHere = ovsVersion() !== undefined;
if (!isOvsHere) {
  console.error("ovsdb-server is not installed; only framing, the simulator and the parser can be measured here");
  for (const name of NAMES) if (!["framing", "simulator", "status"].includes(name)) wanted.delete(name);
}

const findings: Finding[] = [];
const tell = (what: string): void => console.error(`${new Date().toISOString().slice(11, 19)}  ${what}`);
const measure = async (name: (typeof NAMES)[number], what: string, run: () => Promise<Finding[]>): Promise<void> => {
  if (!wanted.has(name)) return;
  tell(what);
  findings.push(...(await run()));
};
await measure("framing", "framing", async () => framing());
await measure("simulator", "simulator", simulator);
await measure("transact", "transactions", () => transact());
await measure("status", "cluster/status, and ten members observed", () => status(isOvsHere));
await measure("dbfile", "database files", dbfile);
await measure("check", "three members' files checked", () => checkCluster());
if (["sync", "updates", "backup"].some((name) => wanted.has(name))) {
  tell("making 200,000 logical flows and 10,000 port bindings, and a cluster that holds them");
  const file = await makeSouthbound();
  // The members are busy for seconds with a monitor of this size; elections in between would measure something else.
  await using cluster = await startCluster({
    schema: SCHEMAS.southbound,
    fromStandalone: file,
    electionTimerMs: 16_000,
  });
  await measure("sync", "full sync, three rounds", () => fullSync(cluster));
  await measure("updates", "100,000 row changes for each client", () => updates(cluster));
  await measure("backup", "online backup, three rounds", () => backup(cluster));
}

const version = (command: string, args: readonly string[]): string => {
  const { stdout, error } = spawnSync(command, args, { encoding: "utf8" });
  return error === undefined ? (stdout.split("\n")[0] ?? "").trim() : `${command} is not installed`;
};
const table = markdown(findings);
const about = [
  `Date: ${new Date().toISOString().slice(0, 10)}. Command: \`npm run bench${asked.length === 0 ? "" : ` -- ${asked.join(" ")}`}\`.`,
  `Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB. Node.js ${process.version}.`,
  `Rivals: ${version("ovsdb-server", ["--version"])}; ${version("ovn-sbctl", ["--version"])}; python-ovs ${version("/usr/bin/python3", ["-c", "import ovs.version; print(ovs.version.VERSION)"])}.`,
];
console.log(`${table}\n\n${about.join("\n")}`);
const missed = findings.filter(({ verdict }) => verdict === "MISSED");
if (asked.length === 0) {
  const results = fileURLToPath(new URL("RESULTS.md", import.meta.url));
  const reasons =
    missed.length === 0
      ? "Every bar is held."
      : `Missed: ${missed.map(({ promise }) => promise).join("; ")}. See NOTES.md beside this file.`;
  writeFileSync(
    results,
    `# Results\n\nWritten by the command below; the reading of it is in NOTES.md.\n\n${about.join("\n")}\n\n${table}\n\n${reasons}\n`,
  );
}
