/**
 * Records what the Open vSwitch on PATH says, for the tests of the other packages, into their test/fixtures/versions:
 *   PATH=PREFIX/bin:$PATH node .house/run.mjs tsx packages/testkit/test/versions/record.ts
 * Statuses in every state, messages between members, and database files; see build-ovs.sh for other releases.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ovsVersion, type RawJson, startCluster } from "../../src/index.ts";
import { exchangeOf, LOG_MESSAGES } from "./exchange.ts";
import { recordFiles } from "./files.ts";
import { LAB } from "./lab.ts";
import { StatusRecorder } from "./statuses.ts";

const version = ovsVersion();
if (version === undefined) throw new Error("there is no ovsdb-server on PATH");

const folderOf = (name: string): string =>
  fileURLToPath(new URL(`../../../${name}/test/fixtures/versions/${version}/`, import.meta.url));
const write = (folder: string, file: string, text: string): void => writeFileSync(join(folder, file), text);
const json = (value: unknown): string => `${JSON.stringify(value, undefined, 1)}\n`;
const empty = (name: string): string => {
  const folder = folderOf(name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
};

/** The bodies of all records. */
function recordsOf(file: string): RawJson[] {
  const bytes = readFileSync(file);
  const found: RawJson[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at);
    const length = Number(bytes.toString("latin1", at, end).split(" ")[2]);
    found.push(JSON.parse(bytes.toString("utf8", end + 1, end + 1 + length)) as RawJson);
    at = end + 1 + length;
  }
  return found;
}

const logs: string[] = [];
{
  await using cluster = await startCluster({ schema: LAB, extraArgs: LOG_MESSAGES });
  const recorder = new StatusRecorder(cluster);
  await recorder.record();
  const folder = empty("cluster");
  const facts: Record<string, unknown> = {};
  for (const [name, recorded] of recorder.found) {
    write(folder, `${name}.txt`, recorded.text);
    facts[name] = recorded.facts;
  }
  write(folder, "facts.json", json(facts));
  logs.push(...cluster.members.map((member) => member.log()), ...recorder.logs);
}
{
  await using cluster = await startCluster({ schema: LAB, extraArgs: LOG_MESSAGES });
  const folder = folderOf("dbfile");
  const facts = await recordFiles(cluster, folder);
  write(folder, "facts.json", json(facts));
  logs.push(...cluster.members.map((member) => member.log()));
  for (const member of cluster.members) await member.start();
  await cluster.waitConnected();
  const files: Record<string, { records: RawJson[]; status: string }> = {};
  for (const [index, name] of ["a", "b", "c"].entries())
    files[name] = { status: await cluster.status(index), records: recordsOf(cluster.file(index)) };
  const raft = empty("raft");
  write(raft, "files.json", json(files));
  write(
    raft,
    "exchange.ndjson",
    exchangeOf(logs)
      .map((message) => `${JSON.stringify(message)}\n`)
      .join(""),
  );
}
console.log(`recorded ${version}`);
