/** Files of a healthy cluster of three, made by hand, and the same with one thing wrong. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FindingCode } from "../../src/index.ts";
import { LAB } from "./lab.ts";

type Members = Record<string, unknown>;

/** One file: its records, or bytes that are none. */
export type Drawn = {
  readonly header: Members;
  readonly records: readonly Members[];
  /** Changes the finished bytes. */
  readonly spoil?: (bytes: Buffer) => Buffer;
};

const sid = (digit: string): string => `${digit.repeat(8)}-0000-4000-8000-000000000000`;
export const [A, B, C, D] = [sid("a"), sid("b"), sid("c"), sid("d")];
const CID = sid("1");
const eid = (index: number): string => `eeeeeeee-0000-4000-8000-${String(index).padStart(12, "0")}`;
const address = (server: string): string => `tcp:10.0.0.${server.charCodeAt(0) - 96}:6643`;
const members = (...servers: readonly string[]): Record<string, string> =>
  Object.fromEntries(servers.map((server) => [server, address(server)]));

const insert = (serial: number): unknown[] => [
  null,
  { Node: { [`00000000-0000-4000-8000-${String(serial).padStart(12, "0")}`]: { name: `n${serial}`, serial } } },
];

const entry = (term: number, index: number, rest: Members = {}): Members => ({ term, index, ...rest });
const data = (term: number, index: number): Members => entry(term, index, { data: insert(index), eid: eid(index) });
const commit = (commit_index: number): Members => ({ commit_index });

const header = (server: string, rest: Members = {}): Members => ({
  server_id: server,
  cluster_id: CID,
  name: "Lab",
  local_address: address(server),
  prev_servers: members(A),
  prev_index: 1,
  prev_term: 1,
  prev_eid: eid(1),
  prev_data: [LAB, {}],
  ...rest,
});

/** The log of the cluster: two joins, then data, all of it committed. */
const LOG: readonly Members[] = [
  entry(1, 2),
  entry(1, 3, { servers: members(A, B) }),
  entry(1, 4, { servers: members(A, B, C) }),
  data(1, 5),
  data(1, 6),
  data(1, 7),
];

const LEADER: Drawn = {
  header: header(A),
  records: [
    { term: 1, vote: A },
    { term: 1, leader: A },
    ...LOG.flatMap((each) => [each, commit(Number(each["index"]))]),
  ],
};
const follower = (server: string): Drawn => ({
  header: header(server),
  records: [{ term: 1 }, { term: 1, leader: A }, ...LOG, commit(7)],
});
/** The same entries, with the members of their objects in another order. */
const SHUFFLED: Drawn = {
  header: header(C),
  records: follower(C).records.map((record) => Object.fromEntries(Object.entries(record).reverse())),
};

export const HEALTHY: readonly Drawn[] = [LEADER, follower(B), SHUFFLED];

export const joining = (server: string, rest: Members = {}): Drawn => ({
  header: { server_id: server, name: "Lab", local_address: address(server), remote_addresses: [address(A)], ...rest },
  records: [],
});

export type Plant = {
  readonly name: string;
  readonly files: readonly Drawn[];
  /** All that is to be found, in any order. */
  readonly codes: readonly FindingCode[];
};

const behind = (drawn: Drawn, ...records: readonly Members[]): Drawn => ({
  ...drawn,
  records: [...drawn.records, ...records],
});
const withHeader = (drawn: Drawn, rest: Members): Drawn => ({ ...drawn, header: { ...drawn.header, ...rest } });
const replaced = (drawn: Drawn, index: number, by: Members): Drawn => ({
  ...drawn,
  records: drawn.records.map((record) => (record["index"] === index ? by : record)),
});
const spoiled = (drawn: Drawn, spoil: (bytes: Buffer) => Buffer): Drawn => ({ ...drawn, spoil });
const flip =
  (where: string) =>
  (bytes: Buffer): Buffer => {
    const at = bytes.indexOf(where);
    bytes[at] = (bytes[at] as number) ^ 1;
    return bytes;
  };

const first = (by: Drawn): Drawn[] => [by, follower(B), SHUFFLED];
const second = (by: Drawn): Drawn[] => [LEADER, by, SHUFFLED];
const plant = (name: string, files: readonly Drawn[], ...codes: readonly FindingCode[]): Plant => ({
  name,
  files,
  codes,
});

/** A leader of term 2, elected with the whole log, and a follower that goes along. */
const NEXT_LEADER = behind(follower(B), { term: 2, vote: B }, { term: 2, leader: B }, entry(2, 8), commit(8));

export const PLANTED: readonly Plant[] = [
  plant("a copied file of a newer leader and members that lag", [
    LEADER,
    NEXT_LEADER,
    behind(SHUFFLED, { term: 2 }, entry(2, 8)),
  ]),
  plant("an empty file", second(spoiled(LEADER, () => Buffer.alloc(0))), "NOT_A_DATABASE"),
  plant("another kind of file", second(spoiled(LEADER, () => Buffer.from("#!/bin/sh\nexit 0\n"))), "NOT_A_DATABASE"),
  plant("a standalone file", second(spoiled(LEADER, () => record("JSON", LAB))), "NOT_CLUSTERED"),
  plant("a flipped bit in the header", second(spoiled(follower(B), flip("Lab"))), "DAMAGED_HEADER"),
  plant("a torn last record", second(spoiled(follower(B), (bytes) => bytes.subarray(0, -3))), "TORN_TAIL"),
  plant(
    "a length that reaches over all that follows",
    second(spoiled(follower(B), (bytes) => Buffer.from(bytes.toString().replace("CLUSTER 11 ", "CLUSTER 9911 ")))),
    "DAMAGED_RECORD",
  ),
  plant(
    "a torn last header line",
    second(spoiled(follower(B), (bytes) => Buffer.concat([bytes, Buffer.from("OVSDB CLU")]))),
    "TORN_TAIL",
  ),
  plant("a flipped bit in an entry", second(spoiled(follower(B), flip('"serial":6'))), "DAMAGED_RECORD"),
  plant(
    "a record that is no JSON",
    second(spoiled(follower(B), (bytes) => Buffer.concat([bytes, record("CLUSTER", "{]")]))),
    "DAMAGED_RECORD",
  ),
  plant(
    "a record of another kind",
    second(spoiled(follower(B), (bytes) => Buffer.concat([bytes, record("JSON", {})]))),
    "DAMAGED_RECORD",
  ),
  plant("a header with a member too many", second(withHeader(follower(B), { color: "red" })), "BAD_HEADER"),
  plant("a header without a server id", second(withHeader(follower(B), { server_id: undefined })), "BAD_HEADER"),
  plant("a record with a member too many", second(behind(follower(B), { term: 1, color: "red" })), "BAD_RECORD"),
  plant("data without an id", second(behind(follower(B), entry(1, 8, { data: insert(8) }))), "BAD_RECORD"),
  plant("data that is no pair", second(behind(follower(B), entry(1, 8, { data: [null], eid: eid(8) }))), "BAD_DATA"),
  plant(
    "data whose transaction is a list",
    second(behind(follower(B), entry(1, 8, { data: [null, []], eid: eid(8) }))),
    "BAD_DATA",
  ),
  plant("a gap between entries", second(behind(follower(B), data(1, 9))), "INDEX_GAP"),
  plant("a committed entry cut off", second(behind(follower(B), data(1, 5))), "TRUNCATES_COMMITTED"),
  plant(
    "the last committed entry replaced",
    second(behind(follower(B), entry(2, 7))),
    "REPLACES_COMMITTED",
    "COMMITTED_MISMATCH",
    "COMMITTED_MISMATCH",
  ),
  plant(
    "uncommitted entries replaced",
    second(behind(follower(B), data(1, 8), data(1, 9), { term: 2 }, entry(2, 8))),
    "TRUNCATED_LOG",
  ),
  plant("a leader that cuts its log", first(behind(LEADER, data(1, 8), entry(1, 8))), "LEADER_TRUNCATED"),
  plant(
    "an entry of an earlier term than the one before",
    second(behind(follower(B), entry(2, 8), entry(1, 9))),
    "TERM_REGRESSION",
  ),
  plant("a vote in a term that is over", second(behind(follower(B), { term: 2 }, { term: 1, vote: C })), "STALE_VOTE"),
  plant(
    "two votes in one term",
    second(behind(follower(B), { term: 2, vote: A }, { term: 2, vote: C })),
    "DOUBLE_VOTE",
  ),
  plant("a commit index that goes back", second(behind(follower(B), commit(6))), "COMMIT_REGRESSION"),
  plant("a commit index behind the log", second(behind(follower(B), commit(8))), "COMMIT_BEYOND_LOG"),
  plant("two leaders in one file", second(behind(follower(B), { term: 1, leader: C })), "TWO_LEADERS"),
  plant("a server that left", second(behind(follower(B), { note: "left" })), "LEFT"),
  plant(
    "a server that its own list no longer has",
    second(behind(follower(B), entry(1, 8, { servers: members(A, C) }))),
    "NOT_A_MEMBER",
  ),
  plant(
    "a server that no list ever had",
    second({ ...follower(B), header: header(D, { local_address: address(B) }) }),
    "NEVER_A_MEMBER",
  ),
  plant(
    "a member at another address than the others know",
    second(withHeader(follower(B), { local_address: "tcp:10.9.9.9:6643" })),
    "ADDRESS_CHANGED",
  ),
  plant(
    "two members at one address",
    second(replaced(follower(B), 7, entry(1, 7, { servers: { ...members(A, B, C), [D]: address(C) } }))),
    ...(["ADDRESS_SHARED", "LOG_MISMATCH", "LOG_MISMATCH"] as const),
  ),
  plant(
    "an election timer out of range",
    second(behind(follower(B), entry(1, 8, { election_timer: 5 }))),
    "BAD_ELECTION_TIMER",
  ),
  plant("one file twice", [LEADER, follower(B), follower(B)], "DUPLICATE_SERVER"),
  plant("a member of another cluster", second(withHeader(follower(B), { cluster_id: D })), "CLUSTER_ID_MISMATCH"),
  plant("a member of another database", second(withHeader(follower(B), { name: "Other" })), "NAME_MISMATCH"),
  plant(
    "two files with two leaders of one term",
    [
      LEADER,
      behind(follower(B), { term: 2 }, { term: 2, leader: B }),
      behind(SHUFFLED, { term: 2 }, { term: 2, leader: C }),
    ],
    "TWO_LEADERS",
  ),
  plant(
    "a leader that was elected without what was committed",
    [
      LEADER,
      { ...follower(B), records: [{ term: 1 }, ...LOG.slice(0, 5), commit(6), { term: 2, leader: B }] },
      SHUFFLED,
    ],
    "INCOMPLETE_LEADER",
  ),
  plant("an entry that is another in one file", second(replaced(follower(B), 6, data(1, 6_000_006))), "INDEX_GAP"),
  plant(
    "an entry with other data in one file",
    second(replaced(follower(B), 6, { ...data(1, 6), data: insert(600) })),
    "LOG_MISMATCH",
    "LOG_MISMATCH",
  ),
  plant(
    "entries that differ and are both committed",
    second({ ...follower(B), records: [{ term: 2 }, ...LOG.slice(0, 5), entry(2, 7), commit(7)] }),
    ...(["COMMITTED_MISMATCH", "COMMITTED_MISMATCH"] as const),
  ),
  plant(
    "a snapshot that ends with an entry of another term",
    second({
      header: header(B, { prev_servers: members(A, B, C), prev_index: 6, prev_term: 2, prev_eid: eid(6) }),
      records: [{ term: 2 }],
    }),
    ...(["SNAPSHOT_MISMATCH", "SNAPSHOT_MISMATCH"] as const),
  ),
  plant(
    "a snapshot that ends with another entry",
    second({
      header: header(B, { prev_servers: members(A, B, C), prev_index: 6, prev_eid: eid(5) }),
      records: [{ term: 1 }],
    }),
    ...(["SNAPSHOT_MISMATCH", "SNAPSHOT_MISMATCH"] as const),
  ),
  plant(
    "a snapshot as compaction makes it",
    second({
      header: header(B, { prev_servers: members(A, B, C), prev_index: 6, prev_eid: eid(6) }),
      records: [{ term: 1 }, data(1, 7)],
    }),
  ),
  plant(
    "old files put back under two of three members",
    [
      LEADER,
      { ...follower(B), records: [{ term: 1 }, ...LOG.slice(0, 3)] },
      { ...SHUFFLED, records: SHUFFLED.records.slice(0, 6) },
    ],
    "COMMITTED_LOST",
  ),
  plant("an old file under one of three", second({ ...follower(B), records: [{ term: 1 }, ...LOG.slice(0, 3)] })),
  plant(
    "a member that was removed while it was away",
    [
      behind(LEADER, entry(1, 8, { servers: members(A, C) }), commit(8)),
      follower(B),
      behind(SHUFFLED, entry(1, 8, { servers: members(C, A) })),
    ],
    "REMOVED",
  ),
  plant(
    "a file made anew at a member's address",
    [LEADER, follower(B), SHUFFLED, joining(D, { local_address: address(B) })],
    "JOINING",
    "JOIN_ADDRESS_TAKEN",
  ),
  plant("a server that will join", [...HEALTHY, joining(D, { cluster_id: CID })], "JOINING"),
  plant(
    "a server that will join another cluster",
    [...HEALTHY, joining(D, { cluster_id: C })],
    "JOINING",
    "JOIN_WRONG_CLUSTER",
  ),
  plant(
    "a server that asks nobody",
    [...HEALTHY, joining(D, { remote_addresses: [address(D), "tcp:10.7.7.7:1"] })],
    "JOINING",
    "JOIN_NO_MEMBER",
  ),
  plant("a server that joins, alone", [joining(D)], "JOINING"),
  plant("a cluster that never started", [{ header: header(A), records: [] }], "NO_RECORDS"),
  plant(
    "two servers with one address",
    [LEADER, follower(B), { header: header(C, { local_address: address(B) }), records: SHUFFLED.records }],
    ...(["ADDRESS_CHANGED", "SERVER_ADDRESS_SHARED"] as const),
  ),
];

export function record(magic: string, json: unknown): Buffer {
  const body = `${typeof json === "string" ? json : JSON.stringify(json)}\n`;
  const sha1 = createHash("sha1").update(body).digest("hex");
  return Buffer.from(`OVSDB ${magic} ${Buffer.byteLength(body)} ${sha1}\n${body}`);
}

export function render({ header: head, records, spoil }: Drawn): Buffer {
  const bytes = Buffer.concat([head, ...records].map((each) => record("CLUSTER", each)));
  return spoil === undefined ? bytes : spoil(bytes);
}

/** Writes the files into a folder. @returns their paths. */
export function writeDrawn(folder: string, files: readonly Drawn[], prefix = "file"): string[] {
  return files.map((drawn, at) => {
    const path = join(folder, `${prefix}${at}.db`);
    writeFileSync(path, render(drawn));
    return path;
  });
}
