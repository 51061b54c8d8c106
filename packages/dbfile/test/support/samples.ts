/** Two small files that have every kind of record, and the schema that they are of. */
import type { JsonObject } from "@ovnha/ovsdb/core";
import { fileBytes } from "./memory-file.ts";

export const unlimited = { min: 0, max: "unlimited" } as const;

export const SCHEMA = {
  name: "Zoo",
  version: "1.2.3",
  cksum: "12345 678",
  tables: {
    Animal: {
      isRoot: true,
      columns: {
        name: { type: "string" },
        legs: { type: "integer" },
        big: { type: { key: "integer", min: 0, max: 1 } },
        weight: { type: { key: "real", min: 0, max: 1 } },
        foods: { type: { key: "string", ...unlimited } },
        tags: { type: { key: "string", value: "string", ...unlimited } },
      },
    },
    Cage: { isRoot: true, columns: { number: { type: "integer" } } },
  },
} as const;

/** Without cages, with an age, and with legs as text. */
export const SCHEMA_2 = {
  name: "Zoo",
  version: "2.0.0",
  tables: {
    Animal: {
      isRoot: true,
      columns: {
        name: { type: "string" },
        legs: { type: { key: "integer", ...unlimited } },
        foods: { type: { key: "string", ...unlimited } },
        age: { type: "integer" },
      },
    },
  },
} as const;

export const row = (digit: string): string => `${digit.repeat(8)}-0000-4000-8000-000000000000`;
export const eid = (index: number): string => `e1d00000-0000-4000-8000-${String(index).padStart(12, "0")}`;
export const SID = "5e1f0000-0000-4000-8000-00000000000a";
export const OTHER = "5e1f0000-0000-4000-8000-00000000000b";
export const CID = "c1d00000-0000-4000-8000-000000000000";

const T0 = 1_700_000_000_000;
export const at = (second: number): number => T0 + second * 1000;

export const insertOne = {
  Animal: { [row("1")]: { name: "ü-bär", legs: 4, foods: ["set", ["fish", "honey"]], tags: ["map", [["k", "v"]]] } },
  _comment: "one\nline more",
  _date: at(1),
} as const;
export const insertTwo = {
  Animal: { [row("2")]: { name: "ant", legs: 6, big: 9007199254740993n } },
  Cage: { [row("3")]: { number: 7 }, [row("4")]: {} },
  _is_diff: true,
  _date: at(2),
} as const;
/** Legs are replaced, fish goes and leaves come, k changes and k2 comes. */
export const changeOne = {
  Animal: {
    [row("1")]: {
      legs: 3,
      foods: ["set", ["fish", "leaves"]],
      tags: [
        "map",
        [
          ["k", "w"],
          ["k2", ""],
        ],
      ],
    },
  },
  _is_diff: true,
  _comment: "a leg was lost",
  _date: at(3),
} as const;
export const deleteTwo = { Animal: { [row("2")]: null }, _date: at(4) } as const;

export const STANDALONE_RECORDS: readonly JsonObject[] = [SCHEMA, insertOne, insertTwo, changeOne, deleteTwo];
export const STANDALONE: Buffer = fileBytes("JSON", STANDALONE_RECORDS);

export const HEADER = {
  server_id: SID,
  cluster_id: CID,
  local_address: "tcp:127.0.0.1:6644",
  name: "Zoo",
  prev_servers: { [SID]: "tcp:127.0.0.1:6644" },
  prev_index: 10,
  prev_term: 2,
  prev_data: [SCHEMA, insertOne],
  prev_eid: eid(10),
} as const;

export const JOINING = {
  server_id: SID,
  local_address: "tcp:127.0.0.1:6644",
  name: "Zoo",
  remote_addresses: ["tcp:127.0.0.1:6645"],
} as const;

/** Entries 11 to 14; an entry 13 that was overwritten; the last one is not committed. */
export const CLUSTER_RECORDS: readonly JsonObject[] = [
  HEADER,
  { term: 3, vote: SID },
  { term: 3, leader: SID, comment: "elected" },
  { term: 3, index: 11, servers: { ...HEADER.prev_servers, [OTHER]: "ssl:[::1]:6644" }, election_timer: 2000 },
  { term: 3, index: 12, data: [null, insertTwo], eid: eid(12) },
  { commit_index: 12 },
  { term: 3, index: 13, data: [null, { Cage: { [row("5")]: { number: 99 } }, _date: at(2) }], eid: eid(99) },
  { term: 4 },
  { term: 4, leader: OTHER },
  { term: 4, index: 13, data: [null, changeOne], eid: eid(13) },
  { commit_index: 13 },
  { note: "transfer leadership", comment: "to a better one" },
  { term: 4, index: 14, data: [null, deleteTwo], eid: eid(14) },
];
export const CLUSTER: Buffer = fileBytes("CLUSTER", CLUSTER_RECORDS);
