/**
 * `cluster/status` of real servers of each release, in every state that could be brought about; recorded by
 * packages/testkit/test/versions/record.ts. `facts.json` is what else was known of the server, `expected.json` is what
 * the parser says, as a person has read it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ClusterStatus, formatClusterStatus, parseClusterStatus, readStatusAnswer } from "../../src/index.ts";

type Facts = {
  readonly sid: string;
  readonly cid: string | null;
  readonly address: string;
  readonly role: string;
  readonly members: readonly string[];
};

const VERSIONS = new URL("../fixtures/versions/", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, VERSIONS), "utf8");
const versions = readdirSync(VERSIONS).sort((a, b) => order(a) - order(b));

/** 2.9.9 comes before 2.11.7. */
function order(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return (major * 1000 + minor) * 1000 + patch;
}

/** The first release of each branch, by the tags of the commits, that prints a line of this name. */
const hasTimer = (version: string): boolean => order(version) >= order("2.12.0");
const hasElections = (version: string): boolean => order(version) >= order("2.15.0");
const saysDisconnected = (version: string): boolean => order(version) >= order("2.15.1") || version === "2.13.11";

const STATES = [
  ...["leader", "follower", "joining", "adding", "joined", "removing", "kicked", "elected-by-transfer"],
  ...["leader-one-down", "candidate", "leader-left-alone", "restarted-alone", "leaving", "left"],
];

test("releases from 2.9 to 3.7 are there", () => {
  for (const branch of ["2.9", "2.11", "2.13", "2.15", "2.17", "3.0", "3.1", "3.3", "3.4", "3.7"])
    expect(versions.filter((version) => version.startsWith(`${branch}.`))).toHaveLength(1);
});

describe.each(versions)("ovsdb-server %s", (version) => {
  const facts = JSON.parse(read(`${version}/facts.json`)) as Record<string, Facts | null>;
  const expected = JSON.parse(read(`${version}/expected.json`)) as Record<string, ClusterStatus>;
  const texts = new Map(Object.keys(facts).map((state) => [state, read(`${version}/${state}.txt`)]));

  test("was seen in every state", () => {
    const further = [
      ...(hasTimer(version) ? ["timer-change"] : []),
      ...(hasElections(version) || version === "2.13.11" ? ["handed-over"] : []),
      ...(saysDisconnected(version) ? ["disconnected"] : []),
    ];
    expect([...texts.keys()].sort()).toEqual([...STATES, ...further].sort());
  });

  test.each([...texts])("%s is read, and written back letter for letter", (state, text) => {
    const answer = readStatusAnswer(text);
    if (state === "kicked" || state === "left") return expect(answer).toEqual({ type: "unknown-cluster" });
    const status = parseClusterStatus(text);
    expect(status).toEqual(expected[state]);
    expect(status.unknownLines).toEqual([]);
    expect(status.servers?.filter(({ rest }) => rest !== undefined)).toEqual([]);
    expect(formatClusterStatus(status)).toBe(text);
  });

  test.each(Object.entries(facts).filter(([, known]) => known !== null))(
    "%s is what was brought about",
    (state, known) => {
      const status = parseClusterStatus(texts.get(state) ?? "");
      const { sid, cid, address, role, members } = known!;
      expect({
        sid: status.serverId?.uuid,
        cid: typeof status.clusterId === "object" ? status.clusterId.uuid : null,
        address: status.address,
        role: status.role,
        members: status.servers?.map((server) => server.address).sort(),
      }).toEqual({ sid, cid, address, role, members });
      expect(status.name).toBe("Lab");
      expect(status.servers?.filter(({ isSelf }) => isSelf).map((server) => server.address)).toEqual(
        state === "joining" ? [] : [address],
      );
    },
  );

  test("has the lines of its release, and no others", () => {
    const leader = parseClusterStatus(texts.get("leader") ?? "");
    expect(leader.electionTimer?.ms).toBe(hasTimer(version) ? 1000 : undefined);
    expect(leader.electionWon !== undefined).toBe(hasElections(version));
    expect(leader.disconnections !== undefined).toBe(hasElections(version));
    const heard = leader.servers?.filter(({ lastMessageMs }) => lastMessageMs !== undefined).length;
    expect(heard).toBe(hasElections(version) ? 2 : 0);
    for (const { isSelf, matchIndex } of leader.servers ?? [])
      if (!isSelf) expect(matchIndex).toBe((leader.log?.end ?? 0) - 1);
  });

  test("says what is going on", () => {
    const status = (state: string): ClusterStatus => parseClusterStatus(texts.get(state) ?? "");
    expect(status("joining")).toMatchObject({ state: "joining cluster", term: 0, servers: [] });
    expect(status("joining").remotesForJoining).toHaveLength(2);
    expect(status("leaving").state).toBe("leaving cluster");
    expect(status("removing").removing?.phase).toBe("removing");
    const adding = status("adding");
    expect([...adding.adding, ...(adding.servers ?? [])].map(({ phase }) => phase)).toContainEqual(
      expect.stringMatching(/^adding: (catchup|caught up|committing)$/),
    );
    if (hasTimer(version)) expect(status("timer-change").electionTimer).toEqual({ ms: 1000, changingToMs: 2000 });
    if (hasElections(version))
      expect(status("elected-by-transfer").electionStarted?.reason).toBe("leadership_transfer");
    if (saysDisconnected(version))
      expect(status("disconnected").state).toBe("disconnected from the cluster (election timeout)");
  });
});
