import { describe, expect, it } from "vitest";
import { changesSince, hasChanged } from "../../src/observe/changes.ts";
import { targetsOf } from "../../src/observe/members.ts";
import { changed, dueMs, newPace } from "../../src/observe/pace.ts";
import { readServerAnswer } from "../../src/observe/server-row.ts";
import { changesBetween, type MemberObservation, type Observation, parseClusterStatus } from "../../src/index.ts";

const STATUS = (role: string, term: number): string => `a1b2
Name: OVN_Northbound
Address: tcp:10.0.0.1:6643
Status: cluster member
Role: ${role}
Term: ${term}
Leader: self

Connections: (->c3d4) <-c3d4
Servers:
    c3d4 (c3d4 at tcp:10.0.0.2:6643) last msg ${term} ms ago
    a1b2 (a1b2 at tcp:10.0.0.1:6643) (self)
`;
const when = { via: "x", atMs: 1, tookMs: 1 };

function seen(text: string | undefined): Observation {
  const member: MemberObservation = {
    member: "node1",
    asked: {},
    status:
      text === undefined
        ? { ok: false, error: { code: "TIMEOUT", message: "no answer" }, ...when }
        : { ok: true, value: { type: "status", status: parseClusterStatus(text) }, ...when },
  };
  return { startedMs: 0, endedMs: 1, databases: [{ database: "OVN_Northbound", members: [member] }] };
}

describe("changes", () => {
  const told = (before: Observation | undefined, after: Observation): string[] =>
    changesBetween(before, after).map(({ what, from, to }) => `${what}: ${from} → ${to}`);

  it("tells facts, and neither ages nor order", () => {
    const before = seen(STATUS("follower", 7));
    const after = seen(STATUS("leader", 8));
    expect(told(before, after)).toEqual(["role: follower → leader", "term: 7 → 8"]);
    const older = seen(
      STATUS("leader", 8).replace("last msg 8 ms", "last msg 900 ms").replace("(->c3d4) <-c3d4", "<-c3d4 (->c3d4)"),
    );
    expect(told(after, older)).toEqual([]);
    const [one, other] = [after, older].map(({ databases }) => databases[0]?.members[0]);
    expect(one !== undefined && other !== undefined && hasChanged(one, other)).toBe(false);
    expect(told(undefined, before)).toContain("links down: undefined → ->c3d4");
  });

  it("takes silence for silence, and remembers what was known before it", () => {
    const [first, silent, after] = [seen(STATUS("leader", 7)), seen(undefined), seen(STATUS("follower", 8))];
    let { changes, known } = changesSince(new Map(), first);
    ({ changes, known } = changesSince(known, silent));
    expect(changes.map(({ what, from, to }) => [what, from, to])).toEqual([["control", "answers", "TIMEOUT"]]);
    ({ changes, known } = changesSince(known, after));
    expect(changes.map(({ what, from, to }) => [what, from, to])).toEqual([
      ["control", "TIMEOUT", "answers"],
      ["role", "leader", "follower"],
      ["term", "7", "8"],
    ]);
  });
});

describe("the pace of a watch", () => {
  const options = { debounceMs: 100, delayMaxMs: 1_000, everyMs: Number.POSITIVE_INFINITY };

  it("waits for quiet, but not for ever, and keeps its beat", () => {
    let pace = newPace(0);
    expect(dueMs(pace, options)).toBe(Number.POSITIVE_INFINITY);
    expect(dueMs(pace, { ...options, everyMs: 500 })).toBe(500);
    pace = changed(pace, 10);
    expect(dueMs(pace, options)).toBe(110);
    for (let now = 60; now <= 1_200; now += 50) pace = changed(pace, now);
    expect(dueMs(pace, options)).toBe(1_010);
    expect(dueMs(pace, { ...options, everyMs: 500 })).toBe(500);
  });
});

describe("members", () => {
  const nb = { remote: "tcp:10.0.0.1:6641", control: "/run/ovn/ovnnb_db.ctl" };

  it("are asked for all they have, or for what is wanted", () => {
    const members = [
      { name: "a", nb, databases: { OVN_IC_Northbound: { control: "/x" } } },
      { name: "b", nb, sb: { control: "/y" } },
    ];
    const counts = (databases?: readonly string[]): [string, number][] =>
      [...targetsOf(members, databases)].map(([database, targets]) => [database, targets.length]);
    expect(counts()).toEqual([
      ["OVN_Northbound", 2],
      ["OVN_IC_Northbound", 1],
      ["OVN_Southbound", 1],
    ]);
    expect(counts(["sb", "nb"])).toEqual([
      ["OVN_Southbound", 1],
      ["OVN_Northbound", 2],
    ]);
  });

  it.each([
    [[], "no member"],
    [[{ name: "", nb }], "no name"],
    [
      [
        { name: "a", nb },
        { name: "a", nb },
      ],
      "two members",
    ],
    [[{ name: "a" }], "no database"],
    [[{ name: "a", nb: {} }], "no way to OVN_Northbound"],
    [[{ name: "a", nb, databases: { OVN_Northbound: nb } }], "twice"],
    [Array.from({ length: 101 }, (_none, index) => ({ name: `m${index}`, nb })), "100 is the most"],
  ])("are refused where they make no sense: %j", (members, message) => {
    expect(() => targetsOf(members)).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining(message) }),
    );
  });

  it("must have the database that is wanted", () => {
    expect(() => targetsOf([{ name: "a", nb }], ["sb"])).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });
});

describe("the row of _Server", () => {
  const none = ["set", []];
  const row = {
    name: "x",
    model: "clustered",
    connected: false,
    leader: false,
    index: none,
    sid: ["uuid", "6d159e00-0000-4000-8000-000000000000"],
    cid: ["uuid", "00000000-0000-0000-0000-000000000000"],
  };

  it("is read: zeros and empty sets are nothing", () => {
    expect(readServerAnswer([{ rows: [row] }, { rows: [{ name: "x" }] }])).toEqual({
      ...{ name: "x", model: "clustered", connected: false, leader: false, hasSchema: false },
      sid: "6d159e00-0000-4000-8000-000000000000",
    });
    expect(readServerAnswer([{ rows: [{ ...row, index: 5, cid: none }] }, { rows: [] }])).toMatchObject({
      index: 5,
      hasSchema: true,
    });
    expect(readServerAnswer([{ rows: [] }, { rows: [] }])).toBeUndefined();
  });

  it("is refused where it is none", () => {
    expect(() => readServerAnswer([{ error: "permission error", details: "no" }])).toThrow(
      expect.objectContaining({ code: "REFUSED" }),
    );
    for (const nonsense of [{}, [], [{ rows: [{ name: 1 }] }, { rows: [] }], null])
      expect(() => readServerAnswer(nonsense as never)).toThrow(expect.objectContaining({ code: "PROTOCOL" }));
  });
});
