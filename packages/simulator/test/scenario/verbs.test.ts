/** Every verb of the language does what it says: each has a schedule of its own, and something that is so only because of it. */
import { describe, expect, test } from "vitest";
import { parseScenario, type Run, simulate, type TraceEvent } from "../../src/index.ts";
import { VERB_NAMES } from "../../src/scenario/steps.ts";

function run(steps: string, head = "cluster: { members: 3, timer: 1s }", forS = 60): Run {
  const schedule = steps
    .trim()
    .split("\n")
    .map((step) => `  - { ${step.trim()} }\n`)
    .join("");
  return simulate(parseScenario(`version: 1\nname: v\n${head}\nschedule:\n${schedule}run: { for: ${forS}s }\n`), {
    seed: 1,
    trace: "full",
  });
}

/** Also those whose type is one of several. */
type Of<T, E = TraceEvent> = E extends { readonly type: infer U } ? (T extends U ? E : never) : never;
const events = <T extends TraceEvent["type"]>({ trace }: Run, type: T, fromS = 0): Of<T>[] =>
  trace.filter((event): event is Of<T> => event.type === type && event.atUs >= fromS * 1e6);
const leadsAfter = (r: Run, s: number): number | undefined => {
  const found = events(r, "role", s).find(({ role }) => role === "leader");
  return found && found.atUs / 1e6 - s;
};
/** When the session between two ends, in seconds. */
const downAt = (r: Run, a: string, b: string, fromS: number): number | undefined => {
  const found = events(r, "session", fromS).find(
    ({ up, from, to }) => !up && [from, to].sort().join() === [a, b].sort().join(),
  );
  return found && found.atUs / 1e6;
};
const texts = (r: Run): string =>
  events(r, "mark")
    .map(({ text }) => text)
    .join("\n");
const member = (r: Run, name: string): Run["members"][number] => r.members.find((each) => each.name === name)!;

const VERBS: Readonly<Record<string, () => void>> = {
  restart: () => {
    const r = run("at: 10s, restart: m2, how: kill, down: 5s");
    expect(events(r, "stop").map(({ member: who, atUs }) => [who, atUs])).toEqual([["m2", 10_000_000]]);
    expect(events(r, "start", 1).map(({ member: who, atUs }) => [who, atUs])).toEqual([["m2", 15_000_000]]);
  },
  stop: () => expect(member(run("at: 10s, stop: m2"), "m2").up).toBe(false),
  start: () => expect(member(run("at: 10s, stop: m2\nat: 20s, start: m2, boot: same-disk"), "m2").up).toBe(true),
  pause: () => {
    expect(leadsAfter(run("at: 10s, pause: m1, for: 5s"), 10)).toBeLessThan(3);
    expect(leadsAfter(run("at: 10s, pause: m1, for: 300ms"), 10)).toBeUndefined();
  },
  resume: () => {
    expect(member(run("at: 10s, pause: m3\nat: 30s, resume: m3"), "m3").connected).toBe(true);
    const silent = run("at: 10s, pause: m3");
    expect(member(silent, "m3").commitIndex).toBeLessThan(member(silent, "m1").commitIndex);
  },
  wipe: () => {
    const r = run("at: 10s, wipe: m3, what: all\nat: 12s, start: m3, boot: join");
    expect(r.quorum).toMatchObject({ configured: 4, ghosts: 1 });
    expect(run("at: 10s, wipe: m3, what: db-only\nat: 12s, start: m3, boot: join-same-sid").quorum.configured).toBe(3);
    expect(member(run("at: 10s, wipe: m3\nat: 12s, start: m3, boot: same-disk"), "m3").refusal).toBe(
      "there is no database file",
    );
  },
  rollback: () => {
    // At 20 s its disk is again what it was at 10 s; then it is told again what it had.
    expect(member(run("at: 20s, rollback: m3, to: 10s", undefined, 21), "m3").logEnd).toBeLessThan(120);
    const r = run("at: 20s, rollback: m3, to: 10s\nat: 21s, start: m3, boot: same-disk");
    expect(member(r, "m3").connected).toBe(true);
    expect(Math.abs(member(r, "m3").logEnd - member(r, "m1").logEnd)).toBeLessThan(3);
  },
  "move-address": () => {
    const r = run("at: 10s, move-address: m2\nat: 10s, restart: m2, down: 2s\nat: 30s, stop: m3");
    // It dials m1 and is a member; nobody can dial it.
    expect(member(r, "m2").connected).toBe(true);
    expect(events(r, "session", 14).filter(({ up, to }) => up && to === "m2")).toEqual([]);
    expect(r.leader).toBeDefined();
  },
  cut: () => {
    // A stall that ends in time: nothing is lost, and no session ends. A longer one is noticed after 2 (T + 1 s).
    const brief = run("at: 10s, cut: [m1, m2], for: 500ms");
    expect(downAt(brief, "m1", "m2", 10)).toBeUndefined();
    const late = events(brief, "message", 9.9).filter(
      ({ from, to, atUs }) => from === "m1" && to === "m2" && atUs < 10.4e6,
    );
    expect(late.length).toBeGreaterThan(0);
    const long = run("at: 10s, cut: [m1, m2], for: 20s");
    expect(downAt(long, "m1", "m2", 10)).toBeGreaterThan(12);
    expect(downAt(long, "m1", "m2", 10)).toBeLessThan(15);
    // Dialled again with 1, 2, 4, 8 s between attempts: within 8 s and the time of an attempt after the heal.
    const up = events(long, "session", 30).find(({ up: isUp }) => isUp)!;
    expect(up.atUs / 1e6).toBeLessThan(47);
    // One way: what is said arrives nowhere, and TCP's own replies neither.
    expect(
      leadsAfter(run("at: 10s, cut: [m1, m2], one-way: true\nat: 10s, cut: [m1, m3], one-way: true"), 10),
    ).toBeLessThan(4);
  },
  isolate: () => expect(leadsAfter(run("at: 10s, isolate: m1, for: 20s"), 10)).toBeLessThan(4),
  mute: () => expect(leadsAfter(run("at: 10s, mute: m1, for: 20s"), 10)).toBeLessThan(4),
  heal: () => {
    expect(member(run("at: 10s, isolate: m3\nat: 30s, heal: all"), "m3").connected).toBe(true);
    expect(member(run("at: 10s, isolate: m3"), "m3").connected).toBe(false);
  },
  swizzle: () => expect(events(run("at: 10s, swizzle: all, every: 1s"), "fault").length).toBeGreaterThan(1),
  degrade: () => {
    const slow = run("at: 10s, degrade: m3, latency: 300ms, for: 10s");
    const delays = events(slow, "message", 10.1)
      .filter(({ to, atUs }) => to === "m3" && atUs < 20e6)
      .map(({ delayUs }) => delayUs);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(300_000);
    expect(Math.max(...events(slow, "message", 25).map(({ delayUs }) => delayUs))).toBeLessThan(10_000);
    // 300 bytes for a heartbeat at 3 kB/s: 110 ms each, one behind the other; all else is as usual.
    const narrow = run("at: 10s, degrade: m3, bandwidth: 3kB/s, for: 10s");
    const [to, others] = [true, false].map((isTo) =>
      events(narrow, "message", 10.1)
        .filter(({ to: who, from, atUs }) => [who, from].includes("m3") === isTo && atUs < 20e6)
        .map(({ delayUs }) => delayUs),
    );
    expect(Math.min(...to!)).toBeGreaterThanOrEqual(100_000);
    expect(Math.max(...others!)).toBeLessThan(10_000);
    expect(() => run("at: 10s, degrade: m3, for: 10s")).toThrow("degrade takes latency, bandwidth, or both");
  },
  "slow-disk": () => {
    const r = run("at: 10s, slow-disk: all, fsync: 400ms, for: 10s");
    const during = events(r, "ack", 11).find(({ atUs }) => atUs > 11e6)!;
    const asked = events(r, "invoke").find(({ op }) => op === during.op)!;
    expect(during.atUs - asked.atUs).toBeGreaterThan(400_000);
  },
  "lying-disk": () => {
    const plan =
      "at: 5s, stop: m3\nat: 10s, restart: m1, how: powerloss, down: 2s\nat: 10s, restart: m2, how: powerloss, down: 2s";
    expect(run(plan).ackedLost).toBe(0);
    expect(run(`at: 0s, lying-disk: m1\nat: 0s, lying-disk: m2\n${plan}`).ackedLost).toBeGreaterThan(0);
  },
  "fill-disk": () => {
    const r = run("at: 10s, fill-disk: m1, for: 30s");
    expect(events(r, "failed").map(({ member: who }) => who)).toEqual(["m1"]);
    expect(leadsAfter(r, 10)).toBeLessThan(4);
  },
  clock: () => {
    // A leader whose clock runs at half speed beats half as often: its followers miss it.
    expect(leadsAfter(run("at: 10s, clock: m1, ppm: -500000"), 10)).toBeUndefined();
    const beats = (r: Run): number =>
      events(r, "message", 12).filter(({ message, from }) => message === "heartbeat" && from === "m1").length;
    const quiet = "cluster: { members: 3, timer: 1s }\nclients: [{ kind: writer, rate: 1/m }]";
    expect(beats(run("at: 10s, clock: m1, ppm: -500000", quiet))).toBeLessThan(
      0.6 * beats(run("at: 10s, mark: x", quiet)),
    );
  },
  burst: () => expect(run("at: 10s, burst: 90").acked - run("at: 10s, mark: x").acked).toBe(90),
  compact: () => {
    // A leader hands over first; a member that was away gets the snapshot of one that has compacted.
    expect(leadsAfter(run("at: 10s, compact: leader"), 10)).toBeLessThan(0.1);
    const r = run(
      "at: 10s, stop: m3\nat: 20s, compact: m2\nat: 21s, transfer: leader\nat: 30s, start: m3, boot: same-disk",
    );
    expect(events(r, "snapshot").map(({ what }) => what)).toContain("installed");
  },
  transfer: () => expect(leadsAfter(run("at: 10s, transfer: leader"), 10)).toBeLessThan(0.1),
  "change-timer": () => {
    const r = run("at: 10s, change-timer: leader, to: 2s\nat: 20s, change-timer: leader, to: 9s");
    expect(new Set(events(r, "timer").map(({ ms }) => ms))).toEqual(new Set([2000]));
    expect(texts(r)).toContain("refused");
  },
  join: () => expect(run("at: 10s, join: m4").quorum).toMatchObject({ configured: 4, alive: 4 }),
  leave: () => expect(run("at: 10s, leave: m3").quorum.configured).toBe(2),
  kick: () => {
    expect(run("at: 10s, kick: m3").quorum.configured).toBe(2);
    expect(run("at: 10s, restart: m3, down: 1s, wipe: all, boot: join\nat: 20s, kick: ghosts").quorum).toMatchObject({
      configured: 3,
      ghosts: 0,
    });
  },
  upgrade: () => {
    const r = run(
      "at: 5s, upgrade: m3, profile: 3.7.1, down: 1s\nat: 10s, isolate: m3, for: 10s",
      'cluster: { members: 3, timer: 1s, profile: "3.1.0" }',
    );
    expect(events(r, "election", 10).some(({ prevote }) => prevote)).toBe(true);
  },
  "failure-test": () =>
    expect(leadsAfter(run("at: 10s, failure-test: m2, test: delay-election\nat: 10s, stop: m1"), 10)).toBeDefined(),
  mark: () => expect(texts(run("at: 10s, mark: here we are"))).toBe("here we are"),
  expect: () => {
    const r = run("at: 10s, expect: { leader: false, configured: 7, connected: m2, clusters: 2 }");
    expect(r.checkpoints[0]?.failed).toEqual([
      "there is a leader",
      "3 servers are configured, not 7",
      "1 clusters, not 2",
    ]);
  },
};

describe("the verb", () => {
  test.each(VERB_NAMES.map((verb) => [verb]))("%s", (verb) => VERBS[verb]?.() ?? expect(VERBS).toHaveProperty([verb]));
});

describe("four ways to stop a leader are four things", () => {
  const of = (how: string): Run => run(`at: 10s, restart: m1, how: ${how}, down: 20s`);
  test("kill and terminate: the kernel says it to the peers at once, and nobody takes over before a timer ends", () => {
    for (const how of ["kill", "terminate"]) {
      const r = of(how);
      expect(downAt(r, "m1", "m2", 10)).toBeLessThan(10.01);
      expect(leadsAfter(r, 10)).toBeGreaterThan(0.3);
      expect(events(r, "stop")[0]?.how).toBe(how);
    }
  });

  test("exit: another leads before it has gone", () => expect(leadsAfter(of("exit"), 10)).toBeLessThan(0.1));

  test("loss of power: the peers hear nothing until their probes end, and what was not synced may be gone", () => {
    expect(downAt(of("powerloss"), "m1", "m2", 10)).toBeGreaterThan(12);
    const slow =
      "cluster: { members: 3, timer: 1s }\nmodels: { fsync: { dist: constant, ms: 80 } }\nclients: [{ kind: writer, rate: 50/s, to: any }]";
    const held = (how: string): number => {
      const r = run(`at: 10s, stop: all, how: ${how}`, slow, 15);
      return Math.max(...r.members.map(({ logEnd }) => logEnd));
    };
    expect(held("powerloss")).toBeLessThan(held("kill"));
  });
});

test("start scripts: Kube-OVN's makes a second cluster where nobody leads, and joins where somebody does", () => {
  const wiped = "restart: m1, how: kill, down: 2s, wipe: all, boot: kube-ovn";
  expect(run(`at: 10s, ${wiped}`).clusters).toBe(1);
  expect(
    run(
      `at: 10s, stop: m2\nat: 10s, stop: m3\nat: 12s, ${wiped}\nat: 20s, start: m2, boot: same-disk\nat: 20s, start: m3, boot: same-disk`,
      undefined,
      90,
    ).clusters,
  ).toBe(2);
  // With the header saved it rejoins under its old id.
  expect(run("at: 10s, restart: m3, down: 2s, wipe: db-only, boot: kube-ovn").quorum.configured).toBe(3);
});

test("bandwidth: large appends take their time", () => {
  const delay = (bandwidth: string): number => {
    const r = run("at: 10s, burst: 50", `cluster: { members: 3, timer: 5s }\nmodels: { ${bandwidth} latency: 1ms }`);
    return Math.max(...events(r, "message").map(({ delayUs }) => delayUs));
  };
  expect(delay("")).toBeLessThan(3000);
  expect(delay("bandwidth: 10kB/s,")).toBeGreaterThan(50_000);
});

test("a narrow way carries one message after the other, and 500 that wait end the session", () => {
  const head = (rate: string): string =>
    `cluster: { members: 3, timer: 16s }\nmodels: { latency: 1ms }\nclients: [{ kind: writer, rate: ${rate}, to: m1 }]`;
  // An entry and a heartbeat are about 960 bytes: ten a second are more than 5 kB/s carry.
  const r = run("at: 10s, degrade: m2, bandwidth: 5kB/s, for: 20s", head("10/s"));
  const delays = events(r, "message", 10.1)
    .filter(({ from, to, atUs }) => from === "m1" && to === "m2" && atUs < 20e6)
    .map(({ delayUs }) => delayUs);
  expect(delays.at(-1)!).toBeGreaterThan(5_000_000);
  expect(downAt(r, "m1", "m2", 10)).toBeUndefined();
  expect(downAt(run("at: 10s, degrade: m2, bandwidth: 5kB/s, for: 20s", head("400/s")), "m1", "m2", 10)).toBeLessThan(
    13,
  );
});

test("a member of a large database joins when its snapshot has come, in the time that its size takes", () => {
  const joinedAfter = (models: string): number => {
    const r = run("at: 10s, join: m4", `cluster: { members: 3, timer: 1s }\nmodels: { ${models} }`);
    return events(r, "joined", 10).find(({ member: who }) => who === "m4")!.atUs / 1e6 - 10;
  };
  expect(joinedAfter("bandwidth: 10MB/s")).toBeLessThan(1);
  const large = joinedAfter("bandwidth: 10MB/s, database: 100MB");
  expect(large).toBeGreaterThan(10);
  expect(large).toBeLessThan(12);
});

test("a frozen server heeds SIGTERM and exit when it is thawed; SIGKILL and its watchdog's grace do not wait", () => {
  const stops = (plan: string): [string, number][] =>
    events(run(plan), "stop", 1).map(({ how, atUs }) => [how, atUs / 1e6]);
  const frozen = "at: 10s, pause: m2, for: 10s\nat: 12s, ";
  expect(stops(`${frozen}stop: m2, how: terminate`)).toEqual([["terminate", 20]]);
  expect(stops(`${frozen}stop: m2, how: exit`)).toEqual([["exit", 20]]);
  expect(stops(`${frozen}stop: m2, how: kill`)).toEqual([["kill", 12]]);
  expect(stops(`${frozen}stop: m2, how: exit\nat: 14s, stop: m2, how: powerloss`)).toEqual([["powerloss", 14]]);
  // It is down from its end on, not from when it was told.
  const again = run(`${frozen}restart: m2, how: terminate, down: 3s`);
  expect(events(again, "start", 1).map(({ member: who, atUs }) => [who, atUs / 1e6])).toEqual([["m2", 23]]);
  expect(member(again, "m2").connected).toBe(true);
  // A leader that is told to exit while it is frozen hands over when it can, which by then is too late.
  expect(leadsAfter(run("at: 10s, pause: m1, for: 5s\nat: 11s, stop: m1, how: exit"), 10)).toBeLessThan(4);
});

test("a backlog of 500 messages ends a session long before a probe would", () => {
  const head = "cluster: { members: 3, timer: 16s }\nclients: [{ kind: writer, rate: 400/s, to: m1 }]";
  const r = run("at: 10s, cut: [m1, m2], for: 20s", head);
  expect(downAt(r, "m1", "m2", 10)).toBeLessThan(16);
  expect(
    downAt(run("at: 10s, cut: [m1, m2], for: 20s", head.replace("400/s", "1/s")), "m1", "m2", 10) ?? 99,
  ).toBeGreaterThan(30);
});

test("clients: one that wants the leader leaves a follower, one that wants anybody stays with it; both come back", () => {
  const r = run(
    "at: 10s, transfer: leader\nat: 20s, stop: m2",
    "cluster: { members: 3, timer: 1s }\nclients: [{ kind: writer, name: strict, rate: 10/s, to: leader }, { kind: writer, name: easy, rate: 10/s, to: any }, { kind: reader, name: eyes, rate: 10/s, to: any }]",
  );
  const servedBy = (client: string, fromS: number, toS: number): Set<string> =>
    new Set(
      events(r, "ack", fromS)
        .filter((each) => each.client === client && each.atUs < toS * 1e6)
        .map((each) => each.member),
    );
  expect(servedBy("strict", 0, 10)).toEqual(new Set(["m1"]));
  expect(servedBy("strict", 12, 20).has("m1")).toBe(false);
  for (const client of ["strict", "easy"]) expect(servedBy(client, 40, 60).size).toBe(1);
  expect(r.ackedLost).toBe(0);
});
