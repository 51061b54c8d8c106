/** What a log or a file says of a member takes nothing from it unless what is seen today is of the same time. */
import { describe, expect, it } from "vitest";
import { assess, emptyHistory, type Finding, planRecovery, track } from "../../src/index.ts";
import { ofLastProcess, recentLines } from "../../src/judge/checks/log-lines.ts";
import { Built, idOf, nameOf, shortOf } from "./build.ts";
import { AT_MS } from "./samples.ts";

const database = "OVN_Southbound";
const stamped = (atMs: number, number: number, text: string): string =>
  `${new Date(atMs).toISOString()}|${String(number).padStart(5, "0")}|${text}\n`;
const FAILED = "raft|ERR|I/O error: /db: write failed (No space left on device)";
const LEFT = "ovsdb|ERR|/db: record 9 indicates server has left the cluster; it cannot be added back";

/** What is proposed for the third member after looks a second apart, and the finding. */
function judged(code: string, ...looks: readonly Built[]): { finding: Finding | undefined; takes: string[] } {
  let history = emptyHistory();
  for (const [index, one] of looks.slice(0, -1).entries())
    history = track(history, one.observation(AT_MS + index * 1_000)).history;
  const last = (looks.at(-1) ?? new Built(3)).observation(AT_MS + (looks.length - 1) * 1_000);
  const { verdict } = track(history, last);
  const plan = planRecovery(last, { database, history });
  return {
    finding: verdict.databases[0]?.findings.find((one) => one.code === code && one.members.includes(nameOf(3))),
    takes: plan.steps.filter(({ isDestructive }) => isDestructive).map(({ title }) => title),
  };
}

/** The leader has 110 entries; the third member acknowledged `matchIndex`, and was heard then. */
function behind(matchIndex: number, logText: string, lastMessageMs = 20): Built {
  const one = new Built(3).line(3, () => ({ matchIndex, lastMessageMs })).line(2, () => ({ matchIndex: 110 }));
  one.at(1).change(() => ({ log: { start: 2, end: 111 } }));
  Object.assign(one.at(3), { logText });
  return one;
}

describe("a write error", () => {
  const hour = 3_600_000;

  it("of the time since when the leader misses its acknowledgements takes the file away", () => {
    const fresh = stamped(AT_MS - 300, 80, FAILED);
    const standing = [behind(100, fresh), behind(100, fresh), behind(100, fresh)];
    expect(judged("write-errors", ...standing)).toMatchObject({ finding: { witnesses: [nameOf(3), nameOf(1)] } });
    expect(judged("write-errors", ...standing).takes.length).toBeGreaterThan(0);
    // Acknowledgements are withheld after the error, so the leader hears nothing any more, be it for long.
    const late = stamped(AT_MS - 600_000, 80, FAILED);
    const silent = [1, 2, 3].map((turn) => behind(100, late, 600_000 + turn * 1_000));
    expect(judged("write-errors", ...silent).takes.length).toBeGreaterThan(0);
  });

  it("that it outlived is told, and is no second source for a standstill or a silence of today", () => {
    const old = stamped(AT_MS - 0.8 * hour, 80, FAILED);
    const ofWhat = (...looks: readonly Built[]): void => {
      const { finding, takes } = judged("write-errors", ...looks);
      expect(finding).toMatchObject({ severity: "critical", witnesses: [nameOf(3)], remedy: { kind: "inspect" } });
      expect(finding?.remedy.text).toContain("may have a gap even if it acknowledges again");
      expect(takes).toEqual([]);
    };
    ofWhat(behind(100, old), behind(100, old), behind(100, old));
    ofWhat(...[1, 2, 3].map((turn) => behind(100, old, 10_000 + turn * 1_000)));
    // It acknowledged something after the error, in our sight.
    const early = stamped(AT_MS - 7_000, 80, FAILED);
    ofWhat(...[99, 100, 100, 100, 100].map((matchIndex) => behind(matchIndex, early)));
    // A log whose clock is an hour ahead, and one without times, tell no order.
    const ahead = stamped(AT_MS + hour, 80, FAILED);
    ofWhat(behind(100, ahead), behind(100, ahead), behind(100, ahead));
    ofWhat(behind(100, FAILED), behind(100, FAILED), behind(100, FAILED));
  });

  it("of a server that is away is no proof that it can't come back with its file: it may merely hang", () => {
    const gone = (): Built => {
      const one = new Built(3).kill(3);
      Object.assign(one.at(3), { logText: stamped(AT_MS - 9_500, 80, FAILED) });
      return one;
    };
    const { finding, takes } = judged("write-errors", gone(), gone(), gone());
    expect(finding).toMatchObject({ witnesses: [nameOf(3)] });
    expect(takes).toEqual([]);
  });
});

describe("a former process", () => {
  it("is told from the one that runs by its numbers, also where its first line was rotated away", () => {
    const lines = (...numbers: readonly (number | string)[]): number =>
      ofLastProcess(
        recentLines(
          numbers
            .map((one) => (typeof one === "number" ? stamped(AT_MS - 9_000, one, "raft|INFO|x") : `${one}\n`))
            .join(""),
          AT_MS,
        ),
      ).length;
    expect(lines(7, 8, 9)).toBe(3);
    expect(lines(7, 8, 3, 4)).toBe(2);
    expect(lines(7, 8, "a line of somebody else", 9)).toBe(4);
    // Other threads count for themselves.
    const thread = stamped(AT_MS - 9_000, 1, "ovsdb(compaction)|INFO|x").trim();
    expect(lines(7, 8, thread, 9)).toBe(4);
    const failed = stamped(AT_MS - 9_000, 800, FAILED);
    const one = new Built(3);
    Object.assign(one.at(3), { logText: failed + stamped(AT_MS - 5_000, 12, "raft|INFO|x") });
    expect(judged("write-errors", one).finding).toBeUndefined();
    Object.assign(one.at(3), { logText: failed + stamped(AT_MS - 5_000, 812, "raft|INFO|x") });
    expect(judged("write-errors", one).finding).toBeDefined();
  });
});

describe("a file that says that its server left", () => {
  const file = (serverId: string): object => ({ path: "/var/lib/ovn/ovnsb_db.db", serverId, hasLeft: true });
  const put = (one: Built, more: object): Built => {
    Object.assign(one.at(3), more);
    return one;
  };
  const removed = (): Built => {
    const one = new Built(3).kill(3);
    for (const index of [1, 2])
      one
        .at(index)
        .change((status) => ({ servers: (status.servers ?? []).filter(({ short }) => short !== shortOf(3)) }));
    return one;
  };
  const log = { logText: stamped(AT_MS - 2_000, 9, LEFT) };

  it("is of another time, or another life, where the member lives and is listed", () => {
    for (const more of [log, { file: file(idOf(3)) }, { file: file(idOf(9)) }]) {
      expect(judged("kicked-file", put(new Built(3), more))).toEqual({ finding: undefined, takes: [] });
    }
    // Nor does any other harm to the file of a former life count.
    const damaged = { file: { path: "/db.aside", serverId: idOf(9), damage: "SHA-1", commitIndex: 90, lastIndex: 7 } };
    const { databases } = assess(put(new Built(3), damaged).observation());
    expect(databases[0]?.findings).toEqual([]);
  });

  it("is right where the member is gone from the list, and takes no more than an id that is known to be gone", () => {
    for (const more of [log, { file: file(idOf(3)) }]) {
      const { history } = track(emptyHistory(), new Built(3).observation(AT_MS - 5_000));
      const last = put(removed(), more).observation();
      const found = track(history, last).verdict.databases[0]?.findings.find(({ code }) => code === "kicked-file");
      expect(found).toMatchObject({ witnesses: [nameOf(3), nameOf(1)], remedy: { kind: "rejoin" } });
    }
    // Who is silent, and not known by name, may be the very id that is listed.
    const unnamed = new Built(4).kill(3).kill(4);
    put(unnamed, log);
    const found = judged("kicked-file", unnamed).finding;
    expect(found).toMatchObject({ witnesses: [nameOf(3)], remedy: { isDestructive: false } });
  });
});
