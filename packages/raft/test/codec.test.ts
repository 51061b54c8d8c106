/**
 * Messages and records go on OVSDB's wire and disk unchanged. The exchange and the files were recorded from four real
 * ovsdb-servers 3.1.0: they form a cluster, write through followers, change the election timer, compact, join from a
 * snapshot, leave, hand over, and lose their leader.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeHeader,
  decodeMessage,
  decodeRecord,
  EffectList,
  encodeHeader,
  encodeMessage,
  encodeRecord,
  type FileRecord,
  type Json,
  type Message,
  openNode,
  profileOf,
  RaftError,
  statusOf,
} from "../src/index.ts";

const read = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8");
const exchange: Json[] = read("exchange-3.1.0.ndjson")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Json);
const files = JSON.parse(read("files-3.1.0.json")) as Record<string, { records: Json[]; status: string }>;

const METHODS: readonly Message["type"][] = [
  ...(["hello_request", "append_request", "append_reply", "vote_request", "vote_reply", "add_server_request"] as const),
  ...([
    "add_server_reply",
    "remove_server_request",
    "remove_server_reply",
    "install_snapshot_request",
    "install_snapshot_reply",
  ] as const),
  ...(["become_leader", "execute_command_request", "execute_command_reply"] as const),
];

describe("a recorded exchange of real servers", () => {
  test("has every message that three servers and a fourth say", () => {
    const seen = new Set(exchange.map((json) => decodeMessage(json).type));
    for (const method of METHODS) expect(seen).toContain(method);
  });

  test("is read and written back, member for member", () => {
    for (const json of exchange) expect(encodeMessage(decodeMessage(json))).toEqual(json);
  });

  test("is read as a release before 3.3 reads it, too", () => {
    for (const json of exchange) expect(encodeMessage(decodeMessage(json, { preVote: false }))).toEqual(json);
  });
});

describe.each(Object.keys(files))("the file of real server %s", (name) => {
  const { records, status } = files[name]!;
  const [header = null, ...rest] = records;

  test("is read and written back, member for member", () => {
    expect(encodeHeader(decodeHeader(header))).toEqual(header);
    for (const json of rest) expect(encodeRecord(decodeRecord(json))).toEqual(json);
  });

  test("opens to what its own server said of itself", () => {
    const image = { header: decodeHeader(header), records: rest.map(decodeRecord) };
    const node = openNode(image, { profile: profileOf("3.1.0"), seed: 1, nowMs: 0 }, new EffectList());
    const now = statusOf(node, 0);
    const said = (line: string): string => new RegExp(`^${line}: (.*)$`, "m").exec(status)?.[1] ?? "";
    expect(now.serverId).toBe(/\(([0-9a-f-]+)\)/.exec(said("Server ID"))?.[1]);
    expect(now.clusterId).toBe(/\(([0-9a-f-]+)\)/.exec(said("Cluster ID"))?.[1]);
    expect(`[${now.logStart}, ${now.logEnd}]`).toBe(said("Log"));
    expect(String(now.term)).toBe(said("Term"));
    expect(String(now.electionTimerMs)).toBe(said("Election timer"));
    expect(now.servers.map(({ serverId }) => serverId.slice(0, 4)).sort()).toEqual(
      [...status.split("Servers:")[1]!.matchAll(/^ {4}([0-9a-f]{4}) /gm)].map(([, sid]) => sid).sort(),
    );
  });
});

const WRONG: readonly (readonly [string, (json: Record<string, unknown>) => unknown, string])[] = [
  ["a member that is not known", (each) => ({ ...each, colour: 1 }), 'unexpected "colour" member'],
  ["a missing member", ({ term: _term, ...each }) => each, 'required "term" member is missing'],
  ["a term beyond 2^53", (each) => ({ ...each, term: 2 ** 60 }), "beyond 2^53 - 1"],
  ["a term that is text", (each) => ({ ...each, term: "1" }), '"term" must be an integer'],
  ["a sender that is no uuid", (each) => ({ ...each, from: "me" }), '"from" must be a UUID'],
  ["no receiver", ({ to: _to, ...each }) => each, 'required "to" member is missing'],
];

describe("what ovsdb-server would not take is refused with its place:", () => {
  const good = exchange.find((json) => decodeMessage(json).type === "append_reply") as {
    method: string;
    params: [Record<string, unknown>];
  };

  test.each(WRONG)("%s", (_what, spoil, complaint) => {
    const bad = { ...good, params: [spoil(good.params[0])] } as unknown as Json;
    expect(() => decodeMessage(bad)).toThrow(RaftError);
    expect(() => decodeMessage(bad)).toThrow("raft append_reply RPC: ");
    expect(() => decodeMessage(bad)).toThrow(complaint);
  });

  test("a pre-vote, by a release before 3.3", () => {
    const vote: Json = {
      id: null,
      method: "vote_request",
      params: [
        {
          ...(good.params[0] as object),
          term: 3,
          last_log_index: 4,
          last_log_term: 2,
          is_prevote: true,
        } as unknown as Json,
      ],
    };
    const [params] = vote["params"] as unknown as [Record<string, Json>];
    for (const name of ["log_end", "prev_log_index", "prev_log_term", "n_entries", "result"]) delete params[name];
    expect(decodeMessage(vote)).toMatchObject({ is_prevote: true });
    expect(() => decodeMessage(vote, { preVote: false })).toThrow('unexpected "is_prevote" member');
  });

  test("an unknown method, a request, two parameters", () => {
    const [json] = exchange as unknown as [{ params: Json[] }];
    for (const [bad, complaint] of [
      [{ ...json, method: "obey" }, "unknown method obey"],
      [{ ...json, id: 4 }, "expecting a notification"],
      [{ ...json, params: [json.params[0], 1] }, "has not one parameter"],
    ] as const)
      expect(() => decodeMessage(bad as unknown as Json)).toThrow(complaint);
  });
});

describe("members of a configuration are read as ovsdb-server 3.1.0 reads them", () => {
  const SID = "abcdef01-0000-4000-8000-000000000001";
  const entry = (servers: Json): Json => ({ term: 1, index: 2, servers });

  // Each of these was tried in a file of a real server: it starts, or it does not.
  test.each([
    "tcp:1.2.3.4:6643",
    "ssl:[::1]:66",
    "tcp:db.example:66",
    "tcp:1.2.3.4:0",
    "tcp:1.2.3.4: 66",
    "unix:a.raft",
    "unix:",
  ])("%j is an address", (address) => {
    expect(decodeRecord(entry({ [SID]: address }))).toMatchObject({ servers: { [SID]: address } });
  });

  test.each(["tcp:1.2.3.4", "tcp:1.2.3.4:99999", "tcp:::1:66", "udp:1.2.3.4:66", ""])("%j is none", (address) => {
    expect(() => decodeRecord(entry({ [SID]: address }))).toThrow(
      `"servers": ${JSON.stringify(address)} is no address`,
    );
  });

  test("nobody is no configuration", () => {
    expect(() => decodeRecord(entry({}))).toThrow('"servers" must have at least one server');
  });

  test("upper case is the same server id", () => {
    expect(decodeRecord(entry({ [SID.toUpperCase()]: "unix:a" }))).toMatchObject({ servers: { [SID]: "unix:a" } });
  });

  test("a header with an index has the data, too", () => {
    const header: Record<string, Json> = {
      server_id: SID,
      cluster_id: SID,
      local_address: "unix:a",
      name: "Lab",
      prev_servers: { [SID]: "unix:a" },
      prev_index: 1,
      prev_term: 1,
      prev_eid: SID,
    };
    expect(() => decodeHeader(header)).toThrow('required "prev_data" member is missing');
    expect(decodeHeader({ ...header, prev_data: null })).toMatchObject({ prev_data: null });
  });
});

test("any JSON is a message or a RaftError, and any record too", () => {
  const pieces = fc.constantFrom(...exchange.slice(0, 40));
  const spoiled = fc.tuple(pieces, fc.string(), fc.jsonValue()).map(([json, name, value]) => {
    const { params, ...rest } = json as { params: [object] };
    return { ...rest, params: [{ ...params[0], [name]: value }] };
  });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), spoiled), (json) => {
      for (const decode of [decodeMessage, decodeRecord, decodeHeader])
        try {
          decode(json as Json);
        } catch (error) {
          expect(error).toBeInstanceOf(RaftError);
        }
    }),
    { numRuns: 500 },
  );
});

test("records are the identity both ways", () => {
  const uuid = fc.uuid();
  const number = fc.integer({ min: 1, max: 1e9 });
  const comment = fc.option(fc.string({ minLength: 1 }), { nil: undefined });
  const data = fc.option(fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 3 }), { nil: undefined });
  const record: fc.Arbitrary<FileRecord> = fc.oneof(
    fc.record({ type: fc.constant("term" as const), term: number, comment }),
    fc.record({ type: fc.constant("vote" as const), term: number, vote: uuid, comment }),
    fc.record({ type: fc.constant("leader" as const), term: number, leader: uuid, comment }),
    fc.record({ type: fc.constant("note" as const), note: fc.string(), comment }),
    fc.record({ type: fc.constant("commit_index" as const), commit_index: number, comment }),
    fc
      .record({
        type: fc.constant("entry" as const),
        term: number,
        index: number,
        data,
        eid: uuid,
        election_timer: fc.nat(9),
        comment,
      })
      .map((each) => ({
        ...each,
        data: each.data as Json | undefined,
        eid: each.data === undefined ? "00000000-0000-0000-0000-000000000000" : each.eid,
        servers: undefined,
      })),
  );
  fc.assert(
    fc.property(record, (each) => {
      expect(decodeRecord(JSON.parse(JSON.stringify(encodeRecord(each))) as Json)).toEqual(
        JSON.parse(JSON.stringify(each)) && each,
      );
    }),
  );
});
