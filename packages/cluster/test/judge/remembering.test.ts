/** What is remembered of a cluster from look to look, and by which clock. */
import { describe, expect, it } from "vitest";
import {
  assess,
  emptyHistory,
  type Finding,
  gate,
  type Observation,
  planKick,
  planRecovery,
  track,
} from "../../src/index.ts";
import { addressOf, Built, CLUSTER_ID, idOf, keyOf, nameOf, shortOf } from "./build.ts";
import { AT_MS } from "./samples.ts";

const DATABASE = "OVN_Southbound";
const database = DATABASE;

const renamed = (built: Built, clusterId: string, ...members: readonly number[]): Built => {
  for (const index of members) {
    built.at(index).change(() => ({ clusterId: { short: clusterId.slice(0, 4), uuid: clusterId } }));
    const { server } = built.at(index);
    if (server?.ok === true && server.value !== undefined)
      built.at(index).server = { ...server, value: { ...server.value, cid: clusterId } };
  }
  return built;
};
const OTHER = "99999999-aaaa-4bbb-8ccc-000000000000";

describe("remembering", () => {
  it("a clock that is set confirms nothing sooner or later: what passed is told by the monotonic one", () => {
    const seen = (wallMs: number, monotonicMs: number): Observation => ({
      ...new Built().kill(3).observation(wallMs),
      monotonic: { startedMs: monotonicMs - 5, endedMs: monotonicMs },
    });
    const after = (...looks: readonly Observation[]): Finding | undefined => {
      let history = emptyHistory();
      let found: Finding | undefined;
      for (const look of looks) {
        const next = track(history, look);
        history = next.history;
        found = next.verdict.databases[0]?.findings.find(({ code }) => code === "peer-down");
      }
      return found;
    };
    const hour = 3_600_000;
    const jumped = after(seen(AT_MS, 1_000), seen(AT_MS + hour, 1_050), seen(AT_MS + hour + 50, 1_100));
    expect(jumped?.isConfirmed).toBe(false);
    // It is told by the clock of the moment.
    expect(jumped?.sinceMs).toBe(AT_MS + hour + 50 - 100);
    const setBack = after(seen(AT_MS, 1_000), seen(AT_MS - hour, 3_000), seen(AT_MS - hour + 2_000, 5_000));
    expect(setBack).toMatchObject({ isConfirmed: true, sinceMs: AT_MS - hour + 2_000 - 4_000 });
    // Written on another machine, whose clock is ahead a little: a joiner has not been at it for a month.
    const elsewhere = seen(AT_MS, 1_000);
    const here = seen(AT_MS - 1_000, 2_592_000_000);
    const moved = after(
      { ...elsewhere, monotonic: { startedMs: 1_000, endedMs: 1_000, boot: "a" } },
      { ...here, monotonic: { startedMs: 2_592_000_000, endedMs: 2_592_000_000, boot: "b" } },
    );
    expect(moved?.isConfirmed).toBe(false);
    // Booted in between: the wall clock is all there is.
    expect(after(seen(AT_MS, 900_000), seen(AT_MS + 60_000, 5_000))?.isConfirmed).toBe(true);
    const first = new Built().observation(AT_MS);
    const gateAt = (wallMs: number, monotonicMs: number): string[] =>
      gate(
        { ...new Built().observation(wallMs), monotonic: { startedMs: monotonicMs, endedMs: monotonicMs } },
        { previous: { ...first, monotonic: { startedMs: 1_000, endedMs: 1_000 } }, settleMs: 1_000 },
      ).reasons.map(({ code }) => code);
    expect(gateAt(AT_MS + hour, 1_050)).toEqual(["NOT_SETTLED"]);
    expect(gateAt(AT_MS + hour, 3_000)).toEqual([]);
    expect(gateAt(AT_MS - hour, 3_000)).toEqual([]);
  });

  it("a rebuilt cluster takes the place of the old one once it works; what comes back of the old one is the stranger", () => {
    let { history } = track(emptyHistory(), new Built(5).observation(AT_MS));
    expect(history.databases[DATABASE]?.clusterId).toBe(CLUSTER_ID);
    // Some have begun anew: whoever is silent may hold the old data.
    for (const begun of [new Built(5).kill(2).kill(3).kill(4).kill(5), new Built(5).kill(5)]) {
      const members = begun.members.flatMap(({ server }, index) => (server?.ok === true ? [index + 1] : []));
      const looked = track(history, renamed(begun, OTHER, ...members).observation(AT_MS + 1_000));
      expect(looked.history.databases[DATABASE]?.clusterId).toBe(CLUSTER_ID);
    }
    history = track(history, renamed(new Built(5), OTHER, 1, 2, 3, 4, 5).observation(AT_MS + 2_000)).history;
    expect(history.databases[DATABASE]?.clusterId).toBe(OTHER);
    const back = renamed(new Built(5), OTHER, 1, 2, 3);
    const { verdict } = track(history, back.observation(AT_MS + 4_000));
    expect(verdict.databases[0]).toMatchObject({ clusterId: OTHER });
    const mismatch = verdict.databases[0]?.findings.find(({ code }) => code === "cluster-id-mismatch");
    expect(mismatch?.members).toEqual(["node4", "node5"]);
  });

  it("what was seen last is kept, whenever it was seen first", () => {
    let history = emptyHistory();
    for (let turn = 0; turn < 250; turn++) {
      const one = new Built();
      const serverId = `${String(1_000 + turn)}0000-aaaa-4bbb-8ccc-000000000009`;
      one.at(3).change(() => ({
        serverId: { short: serverId.slice(0, 4), uuid: serverId },
        address: `tcp:10.0.1.${turn}:6643`,
      }));
      history = track(history, one.observation(AT_MS + turn * 1_000)).history;
    }
    const ids = history.databases[DATABASE]?.serverIds ?? {};
    expect(Object.keys(ids)).toHaveLength(200);
    expect([ids[keyOf(1)], ids[keyOf(2)]]).toEqual([idOf(1), idOf(2)]);
  });
});

describe("nothing is taken from anybody", () => {
  it("by counting heads: of two clusters the smaller one may hold the data", () => {
    const split = (): Built => {
      const one = renamed(new Built(3, 1), OTHER, 2, 3);
      one.at(1).change(() => ({ log: { start: 400_000, end: 500_001 } }));
      const young = { log: { start: 1, end: 9 }, leader: shortOf(2), role: "follower" as const };
      one.at(3).change(() => young);
      one.at(2).change(() => ({ ...young, leader: "self", role: "leader" as const }));
      return one;
    };
    for (const expected of [undefined, { members: 3 }]) {
      const plan = planRecovery(split().observation(), { database, expected });
      expect(plan.decision).toBe("look");
      expect(plan.steps.filter(({ kind }) => kind === "act")).toEqual([]);
      expect(plan.title).toContain("log [400000, 500001]");
      const { findings = [] } = assess(split().observation(), { expected: { members: 5 } }).databases[0] ?? {};
      const sizes = findings.filter(({ code }) => code === "missing-members" || code === "no-fault-tolerance");
      expect(sizes.length).toBeGreaterThan(0);
      for (const { remedy } of sizes) expect(remedy).toMatchObject({ kind: "wait", isDestructive: false });
    }
    const told = planRecovery(split().observation(), { database, expected: { clusterIds: { [DATABASE]: OTHER } } });
    expect(told).toMatchObject({ decision: "stop", because: [{ members: [nameOf(1)] }] });
  });

  it("whom anybody has a link to, or has heard a moment ago, though the leader and the asker do not", () => {
    const cut = new Built(3).kill(3);
    const serverIds = { [keyOf(3)]: idOf(3) };
    const blockers = (one: Built): string[] =>
      planKick(one.observation(), idOf(3), { database, serverIds }).blockers.map(({ text }) => text);
    expect(blockers(cut)).toEqual([]);
    const linked = new Built(3).kill(3);
    linked.at(2).change((status) => {
      status.connections = (status.connections ?? []).map((link) =>
        link.nickname === shortOf(3) ? { ...link, isConnected: true } : link,
      );
    });
    expect(blockers(linked)).toEqual([expect.stringContaining("node2 has a link to 3333")]);
    const heard = new Built(3).kill(3).line(3, () => ({ lastMessageMs: 1_200 }), 2);
    expect(blockers(heard)).toEqual([expect.stringContaining("node2 heard 3333 1200 ms ago")]);
  });

  it("which lives at a dead one's address, and merely can't be asked: it is the successor, not the ghost", () => {
    const joined = (): Built => {
      const one = new Built(4);
      for (const index of [1, 2, 4])
        one.at(index).change((status) => {
          status.servers = (status.servers ?? []).map((line) =>
            line.short === shortOf(4) ? { ...line, address: addressOf(3) } : line,
          );
        });
      return one;
    };
    const before = new Built(3).observation(AT_MS - 60_000);
    const { history } = track(emptyHistory(), before);
    const one = joined();
    one.kill(3);
    const asked = one.at(3);
    one.members.splice(3, 1);
    expect(asked.member).toBe(nameOf(3));
    const { verdict } = track(history, one.observation(AT_MS));
    const voters = verdict.databases[0]?.quorum.voters ?? [];
    expect(voters.find(({ short }) => short === shortOf(4))).toMatchObject({ liveness: "live", isGhost: false });
    expect(voters.find(({ short }) => short === shortOf(3))).toMatchObject({ liveness: "silent", isGhost: true });
    expect(verdict.databases[0]?.quorum).toMatchObject({ state: "yes", configured: 4, live: 3 });
  });

  it("on the word of its own log and its own file: that is one source", () => {
    const one = new Built(3);
    const logText = `${new Date(AT_MS - 60_000).toISOString()}|1|ovsdb|ERR|812 bytes starting at offset 9 have SHA-1 hash aa\n`;
    Object.assign(one.at(3), { file: { path: "/db", serverId: idOf(3), damage: "SHA-1" }, logText });
    const plan = planRecovery(one.observation(), { database });
    expect(plan.because.map(({ code }) => code)).toContain("file-damaged");
    expect(plan.steps.filter(({ isDestructive }) => isDestructive)).toEqual([]);
  });

  it("for a line of its log, while all that is missing is what is under way", () => {
    const line = `${new Date(AT_MS - 500).toISOString()}|1|ovsdb|WARN|/db: write failed (No space left on device)\n`;
    const lagging = (end: number, matchIndex: number): Built => {
      const one = new Built(3).line(3, () => ({ matchIndex }));
      one.at(1).change(() => ({ log: { start: 2, end } }));
      Object.assign(one.at(3), { logText: line });
      return one;
    };
    const acts = (...looks: readonly Built[]): unknown[] => {
      let history = emptyHistory();
      for (const [index, one] of looks.slice(0, -1).entries())
        history = track(history, one.observation(AT_MS + index * 1_000)).history;
      const last = looks.at(-1) ?? new Built();
      const plan = planRecovery(last.observation(AT_MS + looks.length * 1_000), { database, history });
      return plan.steps.filter(({ isDestructive }) => isDestructive);
    };
    expect(acts(lagging(102, 100))).toEqual([]);
    expect(acts(lagging(102, 100), lagging(112, 110), lagging(122, 120))).toEqual([]);
    expect(acts(lagging(102, 100), lagging(112, 100), lagging(122, 100)).length).toBeGreaterThan(0);
  });
});

describe("with a history", () => {
  const finds = (looks: readonly Observation[]): string[] => {
    let history = emptyHistory();
    let codes: string[] = [];
    for (const look of looks) {
      const next = track(history, look);
      history = next.history;
      codes = next.verdict.databases[0]?.findings.map(({ code }) => code) ?? [];
    }
    return codes;
  };

  it("stamps of logs are compared with the clock of the moment, however far it was set since the first look", () => {
    const year = 365 * 86_400_000;
    const seen = (wallMs: number, monotonicMs: number, lineMs?: number): Observation => {
      const built = new Built(3);
      if (lineMs !== undefined)
        built.at(2).logText =
          `${new Date(lineMs).toISOString()}|00042|ovsdb|WARN|write failed (No space left on device)\n`;
      return { ...built.observation(wallMs), monotonic: { startedMs: monotonicMs - 5, endedMs: monotonicMs } };
    };
    for (const jump of [year, -year]) {
      const now = AT_MS + jump;
      expect(finds([seen(AT_MS, 1_000), seen(now, 2_000, now - 60_000)])).toContain("write-errors");
      expect(finds([seen(AT_MS, 1_000), seen(now, 2_000, now - 7_200_000)])).not.toContain("write-errors");
    }
  });

  it("what a former process logged takes nothing from the one that runs now", () => {
    const failed = `${new Date(AT_MS - 90_000).toISOString()}|00042|ovsdb|WARN|write failed (No space left on device)\n`;
    const start = `${new Date(AT_MS - 60_000).toISOString()}|00001|vlog|INFO|opened log file /var/log/ovn/sb.log\n`;
    const seen = (logText: string): Observation => {
      const built = new Built(3);
      built.at(2).logText = logText;
      return built.observation();
    };
    expect(finds([seen(failed + start)])).not.toContain("write-errors");
    expect(finds([seen(start.replace("00001", "00099") + failed)])).toContain("write-errors");
    // A log that was opened anew by the same process is no new process.
    expect(finds([seen(failed + start.replace("00001", "00099"))])).toContain("write-errors");
    expect(finds([seen(start + failed)])).toContain("write-errors");
  });

  it("one that stood still between two quick looks is not stuck", () => {
    const look = (atMs: number): Observation => {
      const built = new Built(3).line(2, () => ({ matchIndex: 99 }));
      built.at(2).logText = `${new Date(AT_MS - 500).toISOString()}|00042|ovsdb|WARN|write failed (No space)\n`;
      return built.observation(atMs);
    };
    const destroys = (...times: readonly number[]): boolean => {
      let history = emptyHistory();
      for (const atMs of times.slice(0, -1)) history = track(history, look(atMs)).history;
      const plan = planRecovery(look(times.at(-1) ?? AT_MS), { database, history });
      return plan.steps.some(({ isDestructive }) => isDestructive);
    };
    expect(destroys(AT_MS, AT_MS + 20)).toBe(false);
    expect(destroys(AT_MS, AT_MS + 20, AT_MS + 40)).toBe(false);
    expect(destroys(AT_MS, AT_MS + 500, AT_MS + 1_000)).toBe(true);
  });

  it("a link of a moment ago keeps an id from being forgotten, where no ages are printed", () => {
    const ageless = (built: Built): Built => {
      for (const member of built.members)
        member.change((status) => {
          status.servers = (status.servers ?? []).map(({ lastMessageMs: _age, ...line }) => line);
          status.disconnections = undefined as never;
        });
      return built;
    };
    const { history } = track(emptyHistory(), ageless(new Built(3)).observation(AT_MS));
    const codes = (atMs: number): string[] => {
      const built = new Built(3);
      ageless(built).kill(3);
      for (const index of [1, 2])
        built.at(index).change((status) => {
          status.servers = (status.servers ?? []).map(({ lastMessageMs: _age, ...line }) => line);
        });
      return planKick(built.observation(atMs), keyOf(3), { database, history }).blockers.map(({ code }) => code);
    };
    expect(codes(AT_MS + 1_000)).toEqual(["NOT_SILENT"]);
    expect(codes(AT_MS + 3_500)).toEqual([]);
  });
});
