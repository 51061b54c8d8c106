/** The planner refuses what is fatal and proposes what is not; the adviser's rate is what chance and the simulator say. */
import { describe, expect, test } from "vitest";
import {
  advise,
  ladder,
  liveCluster,
  parseScenario,
  planWait,
  readStatus,
  runSeed,
  ScenarioError,
  simulate,
  whatIf,
} from "../../src/index.ts";
import { falseElection, falseElectionsPerDay } from "../../src/plan/advise.ts";
import { agrees, sample } from "../../src/odds/sampled.ts";

const MASTERS = {
  members: 3,
  electionTimerMs: 1000,
  order: ["m3", "m2", "m1"],
  how: "kill",
  downMs: 500,
  profile: "3.7.1",
  seeds: 6,
} as const;

describe("planWait", () => {
  test("refuses s5, disks wiped in turn, and proposes s6, the kick after each", async () => {
    const found = await planWait({ ...MASTERS, wipe: true, wait: "joined" });
    expect(found.asked).toMatchObject({ word: "fatal", fatalShare: 1 });
    expect(found.fatalStep).toBe(3);
    expect(found.why).toContain("its old id stays configured");
    expect(found.instead).toMatchObject({ wipe: true, kick: true, wait: "healthy" });
    expect(found.instead?.word).not.toBe("fatal");
    expect(found.steps.map(({ member }) => member)).toEqual(["m3", "m2", "m1"]);
    expect(found.steps[0]?.commands.join("\n")).toContain("cluster/kick");
  });

  test("a second wipe is already fatal when each is down for longer than the leader's window (M7)", async () => {
    expect((await planWait({ ...MASTERS, downMs: 6000, wipe: true, wait: "joined" })).fatalStep).toBe(2);
  });

  test("restarts too fast: the smallest wait is about the time down, and with it the target is met", async () => {
    const found = await planWait({ ...MASTERS, downMs: 6000, wait: 2000 });
    expect(found.asked.word).toBe("outage");
    expect(found.meetsTarget).toBe(false);
    expect(found.smallestWaitMs).toBeGreaterThanOrEqual(4000);
    expect(found.smallestWaitMs).toBeLessThanOrEqual(12_000);
    expect(found.instead?.wait).toBe("healthy");
    // What is proposed holds for seeds that were not tried.
    const scenario = whatIf({ ...MASTERS, downMs: 6000, wipe: false, kick: false, wait: found.smallestWaitMs! });
    for (let seed = 7; seed < 25; seed++)
      expect(runSeed(scenario, seed).longestOutageMs).toBeLessThanOrEqual(found.targetMs);
  });

  test("no wait is proposed that is shorter than one is down, however long an outage is bearable", async () => {
    const found = await planWait({ ...MASTERS, downMs: 6000, wait: 20_000, targetMs: 60_000 });
    expect(found.smallestWaitMs).toBeGreaterThanOrEqual(7000);
    expect(found.smallestWaitMs).toBeLessThanOrEqual(8000);
  });

  test("where SIGTERM will do and the leader is missed for a while, the graceful exit is told of", async () => {
    const found = await planWait({ ...MASTERS, how: "terminate", downMs: 2000 });
    expect(found).toMatchObject({ meetsTarget: true, asked: { word: "brief" }, instead: { how: "terminate" } });
    expect(found.better).toMatchObject({ how: "exit", order: ["m3", "m2", "m1"] });
    expect(found.better!.outageMs.max).toBeLessThan(found.asked.outageMs.max / 2);
    // Who exits already is told of nothing better.
    expect((await planWait({ ...MASTERS, how: "exit", downMs: 2000 })).better).toBeUndefined();
  });

  test("a gate that waits for a ghost never opens: kick it first", async () => {
    const found = await planWait({ ...MASTERS, ghosts: 1, downMs: 2000 });
    expect(found.meetsTarget).toBe(false);
    expect(found.instead).toMatchObject({ kickGhosts: true });
    expect(found.steps[0]?.commands[0]).toContain("cluster/kick");
  });

  test("a plan that will do is left as it is", async () => {
    const found = await planWait({ ...MASTERS, how: "exit", downMs: 2000 });
    expect(found.meetsTarget).toBe(true);
    expect(found.instead).toEqual(found.asked);
  });

  test("is refused with words", async () => {
    await expect(planWait({ ...MASTERS, order: [] })).rejects.toThrow("restarts at least one member");
    await expect(planWait({ ...MASTERS, order: ["m9"] })).rejects.toThrow(ScenarioError);
    await expect(planWait({ ...MASTERS, order: ["m2", "m3", "m2"] })).rejects.toThrow("m2 is restarted twice");
    await expect(planWait({ ...MASTERS, kick: true })).rejects.toThrow("kick goes with wipe");
  });
});

describe("advise", () => {
  const stalls = { p50Ms: 200, p99Ms: 2000, perDay: 24 };

  test("the smallest timer: it will do, and 100 ms less would not", async () => {
    const found = advise({ stalls });
    expect(found.falsePerDay).toBeLessThanOrEqual(0.01);
    expect(falseElectionsPerDay(found.electionTimerMs - 100, 3, 0.5, stalls)).toBeGreaterThan(0.01);
    expect(found.ladderMs.at(-1)).toBe(found.electionTimerMs);
    expect(found.falsePerDayNow).toBeGreaterThan(found.falsePerDay);
  });

  test("longer stalls and smaller bearable rates never make it smaller", async () => {
    const timer = (p50Ms: number, falsePerDay: number): number =>
      advise({ stalls: { p50Ms, p99Ms: 5 * p50Ms, perDay: 24 }, falsePerDay }).electionTimerMs;
    for (const p50Ms of [50, 200, 800]) {
      expect(timer(2 * p50Ms, 0.01)).toBeGreaterThanOrEqual(timer(p50Ms, 0.01));
      expect(timer(p50Ms, 0.001)).toBeGreaterThanOrEqual(timer(p50Ms, 0.01));
    }
    expect(advise({ stalls, longestJobMs: 12_000 }).electionTimerMs).toBeGreaterThanOrEqual(12_000);
  });

  test("its rate is what chance says", async () => {
    const sigma = Math.log(10) / 2.3263;
    const got = sample(1, 9, 200_000, (chance) => {
      const normal = Math.sqrt(-2 * Math.log(1 - chance.unit())) * Math.cos(2 * Math.PI * chance.unit());
      const silenceMs = 200 * Math.exp(sigma * normal) + (chance.unit() * 1000) / 3 + 0.5;
      return silenceMs > 1000 + Math.min(chance.unit(), chance.unit()) * 1000 ? 24 : 0;
    });
    expect(agrees(falseElectionsPerDay(1000, 3, 0.5, stalls), got)).toBe(true);
  });

  test.each([700, 1000, 1300])("and what the simulator says: a leader frozen for %d ms", (stallMs) => {
    const n = 150;
    let elected = 0;
    for (let seed = 1; seed <= n; seed++) {
      const scenario = parseScenario(
        `version: 1\nname: f\ncluster: { members: 3, timer: 1s }\nclients: [{ kind: writer, rate: 1/m }]\nschedule: [{ at: ${10_000 + ((seed * 37) % 1000)}ms, pause: m1, for: ${stallMs}ms }]\nrun: { for: 15s }\n`,
      );
      if (simulate(scenario, { seed, trace: "none" }).leaderChanges > 0) elected++;
    }
    const p = falseElection(1000, 3, 0.5, stallMs);
    expect(Math.abs(elected / n - p)).toBeLessThan(3 * Math.sqrt((p * (1 - p) + 0.01) / n) + 0.03);
  });

  test("the ladder doubles at most, and goes down in one step", async () => {
    expect(ladder(1000, 16_000)).toEqual([2000, 4000, 8000, 16_000]);
    expect(ladder(1000, 5000)).toEqual([2000, 4000, 5000]);
    expect(ladder(5000, 1000)).toEqual([1000]);
    expect(ladder(1000, 1000)).toEqual([]);
  });

  test("what no timer helps against is said", async () => {
    expect(() => advise({ stalls: { p50Ms: 400_000, p99Ms: 4_000_000, perDay: 24 } })).toThrow("shorten the stalls");
    expect(advise({ members: 2, stalls }).notes.join()).toContain("fewer than three");
  });
});

describe("from cluster/status", () => {
  const text = (self: string, sid: string, role: string): string => `${sid.slice(0, 4)}
Name: OVN_Northbound
Cluster ID: d8b5 (d8b5a1d6-0000-4000-8000-000000000000)
Server ID: ${sid.slice(0, 4)} (${sid})
Address: tcp:10.0.0.${self}:6643
Status: cluster member
Role: ${role}
Term: 7
Leader: ${role === "leader" ? "self" : "aaaa"}
Vote: aaaa

Election timer: 5000
Log: [2, 30]
Entries not yet committed: 0
Connections: ->aaaa <-aaaa
Servers:
    aaaa (aaaa at tcp:10.0.0.1:6643) next_index=10 match_index=9
    bbbb (bbbb at tcp:10.0.0.2:6643)
    cccc (cccc at tcp:10.0.0.3:6643)
    dddd (dddd at tcp:10.0.0.3:6643)
`;
  const status = (self: string, id: string, connections: string, servers: string): string =>
    text(self, sid(id), "follower")
      .replace(/Connections: .*/, `Connections: ${connections}`)
      .replace(/Servers:\n[\s\S]*/, `Servers:\n${servers}`);
  const THREE =
    "    aaaa (aaaa at tcp:10.0.0.1:6643) (self)\n    bbbb (bbbb at tcp:10.0.0.2:6643) last msg 120 ms ago\n    cccc (cccc at tcp:10.0.0.3:6643)\n";
  const sid = (head: string): string => `${head}0000-0000-4000-8000-000000000000`;
  test("members that answer, ghosts that do not, the timer and the leader", async () => {
    const statuses = [
      text("1", sid("aaaa"), "leader"),
      text("2", sid("bbbb"), "follower"),
      text("3", sid("dddd"), "follower"),
    ];
    expect(liveCluster(statuses.map(readStatus))).toMatchObject({
      members: 3,
      ghosts: 1,
      electionTimerMs: 5000,
      leader: "m1",
    });
  });
  test("who gave no status is judged by what the others hear of it, and is told", async () => {
    const alone = liveCluster([readStatus(status("1", "aaaa", "->bbbb (->cccc)", THREE))]);
    expect(alone).toMatchObject({ members: 2, ghosts: 1, names: { m1: "aaaa", m2: "bbbb" } });
    expect(alone.notHeard).toMatchObject([
      { id: "bbbb", isAlive: true, why: "aaaa heard it 120 ms before" },
      { id: "cccc", isAlive: false },
    ]);
    const linked = liveCluster([readStatus(status("1", "aaaa", "->bbbb <-bbbb ->cccc <-cccc", THREE))]);
    expect(linked).toMatchObject({ members: 3, ghosts: 0 });
    expect(linked.notHeard).toContainEqual({ id: "cccc", isAlive: true, why: "it has a session to aaaa" });
    // A session that goes out reaches whoever has the address now: it proves nothing. Nor does what was heard long ago.
    const old = THREE.replace("120 ms", "90000 ms");
    const reached = liveCluster([readStatus(status("1", "aaaa", "->bbbb ->cccc", old))]);
    expect(reached).toMatchObject({ members: 1, ghosts: 2 });
  });

  test("the leader is whom anybody names in the newest term, and goes by m1, as in a simulation", async () => {
    const follower = text("2", sid("bbbb"), "follower").replace("Leader: aaaa", "Leader: dddd");
    const linked = follower.replace(/Connections: .*/, "Connections: ->aaaa <-aaaa ->dddd <-dddd");
    const { leader, names, addresses } = liveCluster([readStatus(linked)]);
    expect({ leader, names, at: addresses["m1"] }).toEqual({
      leader: "m1",
      names: { m1: "dddd", m2: "aaaa", m3: "bbbb" },
      at: "tcp:10.0.0.3:6643",
    });
    const older = text("1", sid("aaaa"), "leader").replace("Term: 7", "Term: 6");
    expect(liveCluster([older, linked].map(readStatus)).names["m1"]).toBe("dddd");
  });

  test.each([
    ["a candidate", "Role: follower", "Role: candidate", "it stands for election"],
    ["one that knows no leader", "Leader: aaaa", "Leader: unknown", "it knows no leader"],
    ["one that is cut off", "Status: cluster member", "Status: disconnected from the cluster (x)", "it says"],
    ["one that joins", "Status: cluster member", "Status: joining cluster", 'it says "joining cluster"'],
  ])("%s takes no part", async (_what, from, to, why) => {
    const statuses = [
      text("1", sid("aaaa"), "leader"),
      text("2", sid("bbbb"), "follower"),
      text("3", sid("dddd"), "follower").replace(from, to),
    ];
    const { apart } = liveCluster(statuses.map(readStatus));
    expect(apart).toMatchObject([{ id: "dddd", why: expect.stringContaining(why) as unknown }]);
  });

  test("one that the leader has not heard for two windows takes no part, whatever it says itself", async () => {
    const heard = (ms: number): string[] => {
      const lead = text("1", sid("aaaa"), "leader").replace("10.0.0.2:6643)", `10.0.0.2:6643) last msg ${ms} ms ago`);
      const all = [lead, text("2", sid("bbbb"), "follower"), text("3", sid("dddd"), "follower")];
      return liveCluster(all.map(readStatus)).apart.map(({ why }) => why);
    };
    expect(heard(12_000)).toEqual([]);
    expect(heard(12_001)).toEqual(["the leader last heard it 12001 ms before"]);
  });

  test("two of one server, and answers of different clusters, are refused", async () => {
    const one = text("1", sid("aaaa"), "leader");
    expect(() => liveCluster([one, one].map(readStatus))).toThrow("two of the answers are of server aaaa");
    const other = text("2", sid("bbbb"), "follower").replaceAll("d8b5", "e9c6");
    expect(() => liveCluster([one, other].map(readStatus))).toThrow("of different clusters (d8b5, e9c6)");
  });

  test("what is no status is refused", async () => {
    expect(() => readStatus("hello")).toThrow(ScenarioError);
    expect(() => liveCluster([])).toThrow(ScenarioError);
    expect(() => liveCluster([{ serverId: "ffff", servers: [{ id: "aaaa" }] }])).toThrow("none of the answers");
  });
});
