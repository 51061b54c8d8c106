import { describe, expect, it } from "vitest";
import { ClusterError, type ClusterStatus, formatClusterStatus, parseClusterStatus } from "../../src/index.ts";

const FULL = `8c24
Name: OVN_Northbound
Cluster ID: d110 (d110f880-5bfe-43be-b490-414b5bf7820a)
Server ID: 8c24 (8c242d3b-f2b2-4838-8b1b-d00959ee4f45)
Address: tcp:10.0.0.1:6643
Status: cluster member
Adding server 522d (522d at tcp:10.0.0.4:6643) (adding: catchup)
Adding server 622e (622e at ssl:[fd00::5]:6643) (adding: caught up)
Removing server ddd2 (ddd2 at tcp:10.0.0.3:6643) (removing)
Role: leader
Term: 42
Leader: self
Vote: self

Last Election started 33680 ms ago, reason: timeout
Last Election won: 33672 ms ago
Election timer: 1000 (changing to 2000)
Log: [2, 25]
Entries not yet committed: 1
Entries not yet applied: 2
Connections: ->a508 <-a508 (->ddd2) <-0000
Disconnections: 6
Servers:
    a508 (a508 at tcp:10.0.0.2:6643) next_index=25 match_index=23 last msg 186 ms ago
    8c24 (8c24 at tcp:10.0.0.1:6643) (self) next_index=22 match_index=24
    ddd2 (ddd2 at tcp:10.0.0.3:6643) (removing) next_index=25 match_index=0
`;

function refusal(text: string): ClusterError {
  try {
    parseClusterStatus(text);
  } catch (error) {
    if (error instanceof ClusterError) return error;
    throw error;
  }
  throw new Error("it was read");
}

const withLine = (from: string, to: string): string => {
  expect(FULL).toContain(from);
  return FULL.replace(from, to);
};

describe("parseClusterStatus", () => {
  it("reads every line into a field", () => {
    expect(parseClusterStatus(FULL)).toEqual({
      nickname: "8c24",
      name: "OVN_Northbound",
      clusterId: { short: "d110", uuid: "d110f880-5bfe-43be-b490-414b5bf7820a" },
      serverId: { short: "8c24", uuid: "8c242d3b-f2b2-4838-8b1b-d00959ee4f45" },
      address: "tcp:10.0.0.1:6643",
      state: "cluster member",
      adding: [
        { nickname: "522d", short: "522d", address: "tcp:10.0.0.4:6643", phase: "adding: catchup" },
        { nickname: "622e", short: "622e", address: "ssl:[fd00::5]:6643", phase: "adding: caught up" },
      ],
      removing: { nickname: "ddd2", short: "ddd2", address: "tcp:10.0.0.3:6643", phase: "removing" },
      role: "leader",
      term: 42,
      leader: "self",
      vote: "self",
      electionStarted: { agoMs: 33_680, reason: "timeout" },
      electionWon: { agoMs: 33_672 },
      electionTimer: { ms: 1_000, changingToMs: 2_000 },
      log: { start: 2, end: 25 },
      uncommitted: 1,
      unapplied: 2,
      connections: [
        { direction: "out", nickname: "a508", isConnected: true },
        { direction: "in", nickname: "a508", isConnected: true },
        { direction: "out", nickname: "ddd2", isConnected: false },
        { direction: "in", nickname: "0000", isConnected: true },
      ],
      disconnections: 6,
      servers: [
        {
          nickname: "a508",
          short: "a508",
          address: "tcp:10.0.0.2:6643",
          isSelf: false,
          nextIndex: 25,
          matchIndex: 23,
          lastMessageMs: 186,
        },
        { nickname: "8c24", short: "8c24", address: "tcp:10.0.0.1:6643", isSelf: true, nextIndex: 22, matchIndex: 24 },
        {
          nickname: "ddd2",
          short: "ddd2",
          address: "tcp:10.0.0.3:6643",
          isSelf: false,
          phase: "removing",
          nextIndex: 25,
          matchIndex: 0,
        },
      ],
      unknownLines: [],
    } satisfies ClusterStatus);
    expect(formatClusterStatus(parseClusterStatus(FULL))).toBe(FULL);
  });

  // Which release prints which line: raft_unixctl_status of each.
  it.each([
    ["2.9.1 to 2.11", /^(Last Election.*|Election timer.*|Disconnections.*)\n/gm, / last msg \d+ ms ago/g],
    ["2.12 to 2.14", /^(Last Election.*|Disconnections.*)\n/gm, / last msg \d+ ms ago/g],
    ["2.15 to 3.7", /^nothing\n/gm, /nothing/g],
  ])("reads what %s prints", (_release, lines, parts) => {
    const text = FULL.replace(lines, "").replace(parts, "");
    const status = parseClusterStatus(text);
    expect(status).toMatchObject({ role: "leader", unknownLines: [], servers: [{ matchIndex: 23 }, {}, {}] });
    expect(status).not.toHaveProperty("layout");
    expect(formatClusterStatus(status)).toBe(text);
  });

  it("reads the timer above the empty line, where 2.12 had it, and writes it there again", () => {
    const text = FULL.replace(/^Election timer.*\n/m, "").replace("Vote: self\n", "Vote: self\nElection timer: 1000\n");
    const status = parseClusterStatus(text);
    expect(status.electionTimer).toEqual({ ms: 1_000 });
    expect(formatClusterStatus(status)).toBe(text);
  });

  it.each([
    ["Status: cluster member", "Status: something new", { state: "something new" }],
    [
      "Cluster ID: d110 (d110f880-5bfe-43be-b490-414b5bf7820a)",
      "Cluster ID: not yet known",
      { clusterId: "not yet known" },
    ],
    [
      "Cluster ID: d110 (d110f880-5bfe-43be-b490-414b5bf7820a)",
      "Cluster ID: d110 (d110f8)",
      { clusterId: { short: "d110", uuid: "d110f8" } },
    ],
    ["Connections: ->a508 <-a508 (->ddd2) <-0000", "Connections:", { connections: [] }],
    ["Entries not yet committed: 1", "Entries not yet committed: 18446744073709551615", { uncommitted: -1 }],
    ["Role: leader", "Role: <error>", { role: "<error>" }],
    [
      "Address: tcp:10.0.0.1:6643\n",
      "Address: tcp:a.b.svc.cluster.local:6644\nX: new in 3.9\n",
      { address: "tcp:a.b.svc.cluster.local:6644", unknownLines: [{ line: 6, text: "X: new in 3.9" }] },
    ],
    [
      "Status: cluster member\n",
      "Status: joining cluster\nRemotes for joining: tcp:[10.0.0.1]:6643 unix:/a b.raft ssl:[fd00::1]:6643\n",
      {
        remotesForJoining: ["tcp:[10.0.0.1]:6643", "unix:/a b.raft", "ssl:[fd00::1]:6643"],
      },
    ],
    ["Status: cluster member\n", "Status: joining cluster\nRemotes for joining:\n", { remotesForJoining: [] }],
  ])("reads %j as %j", (from, to, expected) => {
    const text = withLine(from, to);
    expect(parseClusterStatus(text)).toMatchObject(expected);
    expect(formatClusterStatus(parseClusterStatus(text))).toBe(text);
  });

  it.each([
    ["s 1 (2) (60cf at unix:s 1 (2).raft) (self)", { nickname: "s 1 (2)", address: "unix:s 1 (2).raft", isSelf: true }],
    [
      "a1 (b48d at unix:/run/a1.raft) (self) (adding: committing) (voted for a 2)",
      { phase: "adding: committing", votedFor: "a 2" },
    ],
    [
      "e40d (e40d at ssl:[192.168.100.12]:6643) (voted for e40d) last msg 5 ms ago",
      { votedFor: "e40d", lastMessageMs: 5 },
    ],
    ["e40d (e40d at tcp:[fd2e::81]:9643) last msg 18446744073709551615 ms ago", { lastMessageMs: -1 }],
    ["e40d (e40d at tcp:h:1) lag=7 (new)", { address: "tcp:h:1", rest: " lag=7 (new)" }],
    ["e40d (e40d at tcp:h:1) next_index=5 match_index=x", { nextIndex: 5, rest: " match_index=x" }],
  ])("reads the server %j", (line, expected) => {
    const text = `${FULL}    ${line}\n`;
    expect(parseClusterStatus(text).servers?.at(-1)).toMatchObject(expected);
    expect(formatClusterStatus(parseClusterStatus(text))).toBe(text);
  });

  it("takes CRLF, blanks at line ends and other indents for what they are", () => {
    const plain = parseClusterStatus(FULL);
    for (const text of [
      FULL.replaceAll("\n", "\r\n"),
      FULL.replace(/(\S)\n/g, "$1 \t\n").replace("8c24 \t\n", "8c24\n"),
      FULL.replace(/^ {4}/gm, "\t"),
    ])
      expect(parseClusterStatus(text)).toEqual(plain);
  });

  it("reads every capture that was cut at its end, and loses none of its lines", () => {
    const lines = FULL.trimEnd().split("\n");
    for (let length = FULL.indexOf("Name:") + 5; length <= FULL.length; length++) {
      const text = FULL.slice(0, length);
      const status = parseClusterStatus(text);
      const written = formatClusterStatus(status).split("\n");
      // All but the last line are whole; the last is a shorter value, or kept as it is.
      const whole = text.endsWith("\n") ? text.trimEnd().split("\n").length : text.split("\n").length - 1;
      expect(written.slice(0, whole)).toEqual(lines.slice(0, whole));
    }
  });

  it("reads every capture that was cut at its beginning", () => {
    const lines = FULL.trimEnd().split("\n");
    for (let first = 1; first < lines.indexOf("Servers:"); first++) {
      const text = `${lines.slice(first).join("\n")}\n`;
      const status = parseClusterStatus(text);
      expect(status.servers).toHaveLength(3);
      expect(formatClusterStatus(status)).toBe(text);
    }
  });

  it("does not take the members of a second status for those of the first", () => {
    const second = FULL.replaceAll("10.0.0.2", "10.9.9.9");
    const status = parseClusterStatus(FULL + second);
    expect(status.servers).toHaveLength(3);
    expect(status.unknownLines).toHaveLength(second.trimEnd().split("\n").length);
    expect(formatClusterStatus(status)).toBe(FULL + second);
  });

  it.each([
    ["Term: 42", "Term: forty", 11],
    ["Term: 42", "Term: 9007199254740993", 11],
    ["Term: 42", "Term: 99999999999999999999", 11],
    ["Log: [2, 25]", "Log: [2, 25", 18],
    ["Election timer: 1000 (changing to 2000)", "Election timer: 1000 (changing)", 17],
    ["Connections: ->a508", "Connections: a508", 21],
    ["Server ID: 8c24 (8c242d3b-f2b2-4838-8b1b-d00959ee4f45)", "Server ID: 8c24", 4],
    ["Last Election won: 33672 ms ago", "Last Election won: long ago", 16],
    ["    a508 (a508 at tcp:10.0.0.2:6643)", "    a508 (a508 a tcp:10.0.0.2:6643)", 24],
    ["Adding server 522d (522d at", "Adding server 522d (522d a", 7],
  ])("names the line that has %j as %j", (from, to, line) => {
    const error = refusal(withLine(from, to));
    expect(error).toMatchObject({ code: "MALFORMED_STATUS", line });
    expect(error.text).toContain(to.trim());
    expect(error.message).toContain(`line ${line}`);
  });

  it.each(["", "\n", "hello\nworld\n", "8c24\n", "Name", "\0", "    "])("refuses %j, which is no status", (text) => {
    expect(refusal(text)).toMatchObject({ code: "MALFORMED_STATUS", line: 1 });
  });
});

describe("formatClusterStatus", () => {
  const status = parseClusterStatus(FULL);
  it.each([
    ["a line feed in a name", { name: "a\nb" }, "name"],
    ["a nickname that is no nickname", { nickname: "a/b" }, "nickname"],
    ["an unsafe integer", { term: 2 ** 60 }, "Term: 11529215"],
    ["a fraction", { uncommitted: 0.5 }, "committed: 0.5"],
    ["a layout without the term", { layout: ["nickname", "name"] as const }, "clusterId"],
    ["an unknown line that is a known one", { unknownLines: [{ line: 1, text: "Role: leader" }] }, ""],
    ["an unknown line out of reach", { unknownLines: [{ line: 99, text: "status: ok" }] }, "unknownLines[0].line"],
    [
      "a server without an address",
      { servers: [{ nickname: "a", short: "a", address: "a", isSelf: false }] },
      "servers",
    ],
  ])("refuses %s", (_what, change, place) => {
    expect(() => formatClusterStatus({ ...status, ...change })).toThrow(
      expect.objectContaining({ code: "INVALID_VALUE", message: expect.stringContaining(place) }),
    );
  });
});
