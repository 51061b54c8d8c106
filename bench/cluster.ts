/**
 * Reading clusters: `cluster/status` parsed, against a parser of the usual kind that tries a regular expression for each
 * field on each line; ten members observed, against asking them one after the other.
 */
import { join } from "node:path";
import { type MemberAccess, observe, parseClusterStatus, readStatusAnswer } from "@ovnha/cluster";
import { SCHEMAS, startCluster } from "@ovnha/testkit";
import { absent, type Finding, median, verdict } from "./table.ts";

const STATUS = `8c24
Name: OVN_Northbound
Cluster ID: d110 (d110f880-5bfe-43be-b490-414b5bf7820a)
Server ID: 8c24 (8c242d3b-f2b2-4838-8b1b-d00959ee4f45)
Address: tcp:10.0.0.1:6643
Status: cluster member
Role: leader
Term: 42
Leader: self
Vote: self

Last Election started 33680 ms ago, reason: timeout
Last Election won: 33672 ms ago
Election timer: 1000
Log: [2, 25]
Entries not yet committed: 0
Entries not yet applied: 0
Connections: ->a508 <-a508 ->ddd2 <-ddd2
Disconnections: 6
Servers:
    a508 (a508 at tcp:10.0.0.2:6643) next_index=25 match_index=24 last msg 186 ms ago
    8c24 (8c24 at tcp:10.0.0.1:6643) (self) next_index=22 match_index=24
    ddd2 (ddd2 at tcp:10.0.0.3:6643) next_index=25 match_index=24 last msg 187 ms ago
`;

const FIELDS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["name", /^\s*Name:\s*(.*)$/],
  ["clusterId", /^\s*Cluster ID:\s*(\S+)\s*\(([0-9a-f-]+)\)/],
  ["serverId", /^\s*Server ID:\s*(\S+)\s*\(([0-9a-f-]+)\)/],
  ["address", /^\s*Address:\s*(.*)$/],
  ["status", /^\s*Status:\s*(.*)$/],
  ["role", /^\s*Role:\s*(.*)$/],
  ["term", /^\s*Term:\s*(\d+)/],
  ["leader", /^\s*Leader:\s*(.*)$/],
  ["vote", /^\s*Vote:\s*(.*)$/],
  ["electionStarted", /^\s*Last Election started\s*(\d+) ms ago, reason: (.*)$/],
  ["electionWon", /^\s*Last Election won:\s*(\d+) ms ago/],
  ["electionTimer", /^\s*Election timer:\s*(\d+)/],
  ["log", /^\s*Log:\s*\[(\d+),\s*(\d+)\]/],
  ["uncommitted", /^\s*Entries not yet committed:\s*(\d+)/],
  ["unapplied", /^\s*Entries not yet applied:\s*(\d+)/],
  ["connections", /^\s*Connections:\s*(.*)$/],
  ["disconnections", /^\s*Disconnections:\s*(\d+)/],
  [
    "server",
    /^\s+(\S+) \((\S+) at ([^)]+)\)( \(self\))?(?: next_index=(\d+))?(?: match_index=(\d+))?(?: last msg (\d+) ms ago)?/,
  ],
];

/** As exporters and charms have it: no check, no units, what is not understood is dropped. */
function parseByPatterns(text: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const servers: unknown[] = [];
  for (const line of text.split("\n")) {
    for (const [name, pattern] of FIELDS) {
      const match = pattern.exec(line);
      if (match === null) continue;
      if (name === "server") servers.push(match.slice(1));
      else found[name] = match.length > 2 ? match.slice(1) : match[1];
      break;
    }
  }
  found["servers"] = servers;
  return found;
}

/** Per second of processor time: what else runs on the machine does not count. */
function rate(parse: (text: string) => unknown, count = 50_000): number {
  const start = process.cpuUsage();
  for (let index = 0; index < count; index++) parse(STATUS);
  const { user, system } = process.cpuUsage(start);
  return count / ((user + system) / 1e6);
}

function parsing(): Finding[] {
  rate(parseClusterStatus, 20_000);
  rate(parseByPatterns, 20_000);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < 5; round++) {
    ours.push(rate(parseClusterStatus));
    theirs.push(rate(parseByPatterns));
  }
  const thousands = (value: number): string => `${Math.round(value / 1_000)} k/s`;
  return [
    {
      promise: "cluster/status parsed",
      rival: "a regular expression per field and line",
      ours: thousands(median(ours)),
      theirs: thousands(median(theirs)),
      ratio: (median(ours) / median(theirs)).toFixed(2),
      bar: "≥ 50 k/s",
      verdict: verdict(median(ours) >= 50_000),
    },
    linearity(),
  ];
}

/** Texts that make careless parsers quadratic; the time for each character must not grow with their size, but for what the garbage collector takes. */
function linearity(): Finding {
  const hostile = [
    (size: number): string => `Servers:\n    ${"a (aaaa at unix:/) ".repeat(size / 19)}\n`,
    (size: number): string => `Connections:${" (->a)".repeat(size / 6)}\n`,
    (size: number): string => `Name: x\n${"Adding server a (a at tcp:x) (y)\n\n".repeat(size / 34)}`,
    (size: number): string => `Servers:\n${"    a (aaaa at tcp:x) (voted for a\n".repeat(size / 35)}`,
  ];
  const time = (text: string): number => {
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      const start = process.cpuUsage();
      try {
        readStatusAnswer(text);
      } catch {
        // Refusing takes its time too.
      }
      const { user, system } = process.cpuUsage(start);
      times.push(user + system);
    }
    return Math.min(...times) / text.length;
  };
  const ratios = hostile.map((make) => time(make(8 * 2 ** 20)) / time(make(2 ** 17)));
  const worst = Math.max(...ratios);
  return {
    promise: "processor time per character, hostile texts",
    rival: "64 times shorter ones",
    ours: "8 MiB",
    theirs: "128 KiB",
    ratio: worst.toFixed(2),
    bar: "≤ 8 (quadratic is 64)",
    verdict: verdict(worst <= 8),
  };
}

const MEMBERS = 10;

async function observing(): Promise<Finding[]> {
  await using cluster = await startCluster({ members: MEMBERS, schema: SCHEMAS.northbound });
  const members: MemberAccess[] = cluster.members.map((server, index) => ({
    name: `m${index}`,
    nb: { remote: server.remote, control: join(server.dir, "ctl") },
  }));
  const ratios: number[] = [];
  const together: number[] = [];
  const apart: number[] = [];
  for (let round = 0; round < 9; round++) {
    const startMs = performance.now();
    const { databases } = await observe({ members });
    together.push(performance.now() - startMs);
    const answers = (databases[0]?.members ?? []).flatMap(({ server, status, storage }) => [server, status, storage]);
    if (answers.some((answer) => answer?.ok !== true)) throw new Error("a member did not answer");
    ratios.push((together.at(-1) ?? 0) / Math.max(...answers.map((answer) => answer?.tookMs ?? 0)));
    const nextMs = performance.now();
    for (const member of members) await observe({ members: [member] });
    apart.push(performance.now() - nextMs);
  }
  // One that answers late shows it best: all the others have long been there.
  const frozen = cluster.member(MEMBERS - 1);
  frozen.pause();
  const late = performance.now();
  await observe({ members, timeoutMs: 1_000 });
  const lateRatio = (performance.now() - late) / 1_000;
  frozen.resume();
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  return [
    {
      promise: `observe ${MEMBERS} members, three questions each`,
      rival: "one after the other",
      ours: `${ms(median(together))}, ${median(ratios).toFixed(2)} × the slowest answer`,
      theirs: ms(median(apart)),
      ratio: (median(together) / median(apart)).toFixed(2),
      bar: "≤ 1.5 × the slowest answer",
      verdict: verdict(median(ratios) <= 1.5),
    },
    {
      promise: "the same, one of them frozen",
      rival: "its limit of 1 s",
      ours: ms(lateRatio * 1_000),
      theirs: ms(1_000),
      ratio: lateRatio.toFixed(2),
      bar: "≤ 1.5",
      verdict: verdict(lateRatio <= 1.5),
    },
  ];
}

/** `isOvsHere`: whether ovsdb-server is installed. */
export async function cluster(isOvsHere: boolean): Promise<Finding[]> {
  const observed = isOvsHere
    ? await observing()
    : [absent(`observe ${MEMBERS} members`, "one after the other", "≤ 1.5 × the slowest answer", "")];
  return [...parsing(), ...observed];
}
