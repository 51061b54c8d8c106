import { describe, expect, it } from "vitest";
import { type ClusterStatus, formatClusterStatus, parseClusterStatus, readStatusAnswer } from "../../src/index.ts";
import { LAB_SAMPLES, type Sample, type SampleFacts, SAMPLES } from "../support/samples.ts";

function factsOf(status: ClusterStatus): SampleFacts {
  const addresses = (status.servers ?? []).map(({ address }) => address);
  return {
    id: status.nickname ?? null,
    name: status.name ?? null,
    cid: typeof status.clusterId === "object" ? status.clusterId.uuid : (status.clusterId ?? null),
    sid: status.serverId?.uuid ?? null,
    address: status.address ?? null,
    status: status.state ?? null,
    role: status.role ?? null,
    term: status.term ?? null,
    leader: status.leader ?? null,
    vote: status.vote ?? null,
    log: status.log === undefined ? null : `[${status.log.start}, ${status.log.end}]`,
    uncommitted: status.uncommitted ?? null,
    unapplied: status.unapplied ?? null,
    members: addresses.length,
    connDown: (status.connections ?? []).filter(({ isConnected }) => !isConnected).length,
    connUp: (status.connections ?? []).filter(({ isConnected }) => isConnected).length,
    dupAddr: new Set(addresses).size < addresses.length,
    disconnections: status.disconnections ?? null,
    timerMs: status.electionTimer?.ms ?? null,
    timerChangingToMs: status.electionTimer?.changingToMs ?? null,
  };
}

const statuses = SAMPLES.filter(({ text }) => readStatusAnswer(text).type === "status");

describe("outputs of real servers", () => {
  it("has some", () => expect(LAB_SAMPLES.length).toBeGreaterThanOrEqual(20));

  it.each(statuses.map((sample) => [sample.name, sample] as const))("%s there and back", (_name, { text }: Sample) => {
    const status = parseClusterStatus(text);
    const written = formatClusterStatus(status);
    expect(parseClusterStatus(written)).toEqual(status);
    // Indents are not kept; every other character is.
    const flat = (lines: string): string => lines.replace(/^ +/gm, " ");
    expect(flat(written)).toBe(flat(text));
  });

  it.each(statuses.filter(({ facts }) => facts !== undefined).map((sample) => [sample.name, sample] as const))(
    "%s says what a person read in it",
    (_name, { text, facts }: Sample) => {
      const found = factsOf(parseClusterStatus(text)) as Record<string, unknown>;
      const wanted = Object.fromEntries(
        Object.keys(found).map((key) => [key, (facts as Record<string, unknown> | undefined)?.[key]]),
      );
      expect(found).toEqual(wanted);
    },
  );

  it("tells the answers of servers that have no such cluster", () => {
    const others = SAMPLES.filter((sample) => !statuses.includes(sample));
    expect(others.length).toBeGreaterThanOrEqual(2);
    for (const { text } of others) {
      const isCommand = text.includes("not a valid command");
      expect(readStatusAnswer(text)).toEqual({ type: isCommand ? "unknown-command" : "unknown-cluster" });
      expect(() => parseClusterStatus(text)).toThrow(
        expect.objectContaining({
          name: "ClusterError",
          code: isCommand ? "UNKNOWN_COMMAND" : "UNKNOWN_CLUSTER",
          line: 1,
        }),
      );
    }
  });

  it("keeps what follows and precedes a status, with its place", () => {
    for (const { text } of statuses) {
      const plain = parseClusterStatus(text);
      const around = parseClusterStatus(
        `root@node1:~# kubectl ko nb status\n${text}status: ok\n\ncommand terminated\n`,
      );
      const first = plain.unknownLines.length + text.split("\n").length;
      expect(around.unknownLines[0]).toEqual({ line: 1, text: "root@node1:~# kubectl ko nb status" });
      expect(around.unknownLines.slice(-3).map(({ line }) => line)).toEqual(
        plain.unknownLines.length === 0 ? [first + 1, first + 2, first + 3] : expect.anything(),
      );
      expect({ ...around, unknownLines: [] }).toEqual({ ...plain, unknownLines: [] });
    }
  });
});
