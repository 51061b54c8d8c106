/**
 * What members of a cluster said to each other, and what they wrote, in each release of Open vSwitch; recorded by
 * packages/testkit/test/versions/record.ts.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  decodeHeader,
  decodeMessage,
  decodeRecord,
  EffectList,
  encodeHeader,
  encodeMessage,
  encodeRecord,
  type Json,
  type Message,
  OLDEST_VERSION,
  openNode,
  profileOf,
  statusOf,
} from "../src/index.ts";

const VERSIONS = new URL("fixtures/versions/", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, VERSIONS), "utf8");
const versions = readdirSync(VERSIONS);

const METHODS: readonly Message["type"][] = [
  ...(["hello_request", "append_request", "append_reply", "vote_request", "vote_reply", "add_server_request"] as const),
  ...(["add_server_reply", "remove_server_request", "remove_server_reply", "install_snapshot_request"] as const),
  ...(["install_snapshot_reply", "become_leader", "execute_command_request", "execute_command_reply"] as const),
];

const minor = (version: string): number => {
  const [first = 0, second = 0] = version.split(".").map(Number);
  return first * 100 + second;
};

test("releases from 2.9 to 3.7 are there", () => {
  for (const branch of ["2.9", "2.11", "2.13", "2.15", "2.17", "3.0", "3.1", "3.3", "3.4", "3.7"])
    expect(versions.filter((version) => version.startsWith(`${branch}.`))).toHaveLength(1);
});

describe.each(versions)("ovsdb-server %s", (version) => {
  const exchange = read(`${version}/exchange.ndjson`)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Json);
  const files = JSON.parse(read(`${version}/files.json`)) as Record<string, { records: Json[]; status: string }>;
  const hasPreVote = minor(version) >= 303;
  const profile = profileOf(minor(version) < minor(OLDEST_VERSION) ? OLDEST_VERSION : version);

  // What a release before 2.12 says of a snapshot no newer one takes, and nor do we.
  const hasTimer = minor(version) >= 212;
  const isReadable = (json: Json): boolean =>
    hasTimer || (json as { method: string }).method !== "install_snapshot_request";
  const messages = exchange.filter(isReadable).map((json) => decodeMessage(json));

  test("said every kind of message", () => {
    expect([...new Set(exchange.map((json) => (json as { method: string }).method))].sort()).toEqual(
      [...METHODS].sort(),
    );
  });

  test("its messages are read and written back, member for member", () => {
    for (const json of exchange)
      if (isReadable(json)) expect(encodeMessage(decodeMessage(json))).toEqual(json);
      else expect(() => decodeMessage(json)).toThrow('required "election_timer" member is missing');
  });

  test("asks for votes before it raises its term since 3.3 alone, as its profile says", () => {
    expect(messages.some((message) => "is_prevote" in message && message.is_prevote === true)).toBe(hasPreVote);
    expect(profile.preVote).toBe(hasPreVote);
    // What an older server would not take is never said to it by one of its own release.
    if (!hasPreVote) for (const json of exchange.filter(isReadable)) decodeMessage(json, { preVote: false });
  });

  test("sends what is missing in batches since 2.14 alone, as its profile says", () => {
    const sizes = messages.flatMap((each) =>
      // Behind a snapshot all that is left comes at once since 2.12.1.
      each.type === "append_request" && each.comment !== "snapshot installed" ? [each.log.length] : [],
    );
    if (!profile.appendsInBatches) expect(Math.max(...sizes)).toBe(1);
    else expect(Math.max(...sizes)).toBeGreaterThan(1);
  });

  test.each(Object.entries(files))(
    "the file of member %s is read, written back, and opens",
    (_name, { records, status }) => {
      const [header = null, ...rest] = records;
      expect(encodeHeader(decodeHeader(header))).toEqual(header);
      for (const json of rest) expect(encodeRecord(decodeRecord(json))).toEqual(json);
      const image = { header: decodeHeader(header), records: rest.map((json) => decodeRecord(json)) };
      const now = statusOf(openNode(image, { profile, seed: 1, nowMs: 0 }, new EffectList()), 0);
      const said = (line: string): string => new RegExp(`^${line}: (.*)$`, "m").exec(status)?.[1] ?? "";
      expect(now.serverId).toBe(/\(([0-9a-f-]+)\)/.exec(said("Server ID"))?.[1]);
      expect(now.clusterId).toBe(/\(([0-9a-f-]+)\)/.exec(said("Cluster ID"))?.[1]);
      expect(`[${now.logStart}, ${now.logEnd}]`).toBe(said("Log"));
      expect(String(now.term)).toBe(said("Term"));
      expect(String(now.electionTimerMs)).toBe(minor(version) < 212 ? "1000" : said("Election timer"));
      expect(now.servers.map(({ serverId }) => serverId.slice(0, 4)).sort()).toEqual(
        [...status.split("Servers:")[1]!.matchAll(/^ {4}([0-9a-f]{4}) /gm)].map(([, sid]) => sid).sort(),
      );
    },
  );
});
