import { describe, expect, test } from "vitest";
import fc from "fast-check";
import type { Json } from "@ovnha/ovsdb/core";
import {
  type ClusterHeader,
  type ClusterRecord,
  decodeClusterHeader,
  decodeClusterRecord,
  decodeTransaction,
  encodeClusterHeader,
  encodeClusterRecord,
  encodeTransaction,
} from "../src/index.ts";
import { CLUSTER_RECORDS, HEADER, JOINING, SID, STANDALONE_RECORDS } from "./support/samples.ts";

const uint = fc.oneof(fc.nat(), fc.maxSafeNat());
const positive = uint.map((number) => Math.max(number, 1));
const sid = fc.uuid();
const address = fc.constantFrom("tcp:10.0.0.1:6644", "ssl:[::1]:6644", "unix:/run/s1.raft");
const servers = fc.dictionary(sid, address, { minKeys: 1, maxKeys: 3 }).map((object) => ({ ...object }));
const comment = fc.option(fc.string({ minLength: 1 }), { nil: undefined });
const timer = fc.option(positive, { nil: undefined });

const record: fc.Arbitrary<ClusterRecord> = fc.oneof(
  fc.record({ type: fc.constant("term" as const), term: uint, comment }),
  fc.record({ type: fc.constant("vote" as const), term: uint, vote: sid, comment }),
  fc.record({ type: fc.constant("leader" as const), term: uint, leader: sid, comment }),
  fc.record({ type: fc.constant("commit_index" as const), commit_index: positive, comment }),
  fc.record({ type: fc.constant("note" as const), note: fc.string(), comment }),
  fc
    .record({
      type: fc.constant("entry" as const),
      term: uint,
      index: positive,
      data: fc.option(fc.constant([null, { T: {} }] as Json), { nil: undefined }),
      eid: sid,
      servers: fc.option(servers, { nil: undefined }),
      election_timer: timer,
      comment,
    })
    .map((entry) => (entry.data === undefined ? { ...entry, eid: "00000000-0000-0000-0000-000000000000" } : entry)),
);

const common = { server_id: sid, local_address: address, name: fc.string() };
const header: fc.Arbitrary<ClusterHeader> = fc.oneof(
  fc.record({
    kind: fc.constant("joining" as const),
    ...common,
    cluster_id: fc.option(sid, { nil: undefined }),
    remote_addresses: fc.constant(["tcp:10.9.9.9:1"]),
  }),
  fc.record({
    kind: fc.constant("member" as const),
    ...common,
    cluster_id: sid,
    prev_servers: servers,
    prev_index: positive,
    prev_term: uint,
    prev_data: fc.constant([{}, {}] as Json),
    prev_eid: sid,
    prev_election_timer: timer,
  }),
);

describe("records of a clustered file", () => {
  test("both ways", () => {
    fc.assert(
      fc.property(record, header, (one, first) => {
        expect(decodeClusterRecord(encodeClusterRecord(one))).toEqual(one);
        expect(decodeClusterHeader(encodeClusterHeader(first))).toEqual(first);
      }),
    );
  });

  test("the samples both ways", () => {
    for (const json of CLUSTER_RECORDS.slice(1)) expect(encodeClusterRecord(decodeClusterRecord(json))).toEqual(json);
    for (const json of [HEADER, JOINING]) expect(encodeClusterHeader(decodeClusterHeader(json))).toEqual(json);
  });

  test.each<[string, Json]>([
    ["nothing", null],
    ["a leader of zeros", { term: 1, leader: "00000000-0000-0000-0000-000000000000" }],
    ["a vote for zeros", { term: 1, vote: "00000000-0000-0000-0000-000000000000" }],
    ["no term", { index: 4 }],
    ["no servers", { term: 1, index: 4, servers: {} }],
    ["a server without a UUID", { term: 1, index: 4, servers: { s1: "tcp:10.0.0.1:1" } }],
    ["a server without a port", { term: 1, index: 4, servers: { [SID]: "tcp:10.0.0.1" } }],
    ["a note and more", { note: "left", term: 1 }],
    ["a term that is no integer", { term: 1.5 }],
    ["a term as text", { term: "1" }],
    ["an eid without data", { term: 1, index: 4, eid: SID }],
  ])("%s is refused", (_what, json) => {
    expect(() => decodeClusterRecord(json)).toThrow(expect.objectContaining({ code: "BAD_RECORD" }));
  });

  test.each<[string, Json]>([
    ["nobody else to join", { ...JOINING, remote_addresses: [JOINING.local_address] }],
    ["no remote at all", { ...JOINING, remote_addresses: [] }],
    ["a joining file with a snapshot", { ...JOINING, prev_index: 1 }],
    ["no cluster id", Object.fromEntries(Object.entries(HEADER).filter(([name]) => name !== "cluster_id"))],
    ["no data", Object.fromEntries(Object.entries(HEADER).filter(([name]) => name !== "prev_data"))],
    ["no servers", Object.fromEntries(Object.entries(HEADER).filter(([name]) => name !== "prev_servers"))],
  ])("a header with %s is refused", (_what, json) => {
    expect(() => decodeClusterHeader(json as Json)).toThrow(expect.objectContaining({ code: "BAD_RECORD" }));
  });
});

describe("transactions", () => {
  test("both ways", () => {
    for (const json of STANDALONE_RECORDS.slice(1)) expect(encodeTransaction(decodeTransaction(json))).toEqual(json);
  });

  test.each<Json>([null, [[]], { T: 1 }, { T: { r: 1 } }])("%j is none", (json) => {
    expect(() => decodeTransaction(json)).toThrow(expect.objectContaining({ code: "BAD_TRANSACTION" }));
  });
});
