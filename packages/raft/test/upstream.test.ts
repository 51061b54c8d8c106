/**
 * The clustered test cases of Open vSwitch (tests/ovsdb-cluster.at), told again for the step function. Each says which
 * release it needs.
 */
import { describe, expect, test } from "vitest";
import { changeElectionTimer, clusterLeave, failureTest } from "../src/index.ts";
import { Lab } from "./support/lab.ts";

const fail = (lab: Lab, name: string, scenario: string): void => {
  const { ok, text } = lab.control(name, (node, nowMs, fx) => failureTest(node, nowMs, scenario, fx));
  expect({ ok, text }).toMatchObject({ ok: true });
};
const setTimer = (lab: Lab, name: string, ms: number): boolean =>
  lab.control(name, (node, nowMs, fx) => changeElectionTimer(node, nowMs, ms, fx)).ok;
const timers = (lab: Lab): number[] => lab.members.map(({ name }) => lab.node(name).electionTimerMs);
const holds = (lab: Lab, name: string): readonly unknown[] => lab.member(name).database;
const connected = (lab: Lab, ...names: readonly string[]): void => {
  for (const name of names) lab.until(`${name} to be connected`, () => lab.status(name) === "connected", 60_000);
};

describe("election timer change (3 members)", () => {
  test("2000 and 4000 through the leader; a follower and a triple are refused; it survives restarts and compaction", () => {
    const lab = new Lab({ members: 3 }).form();
    expect(setTimer(lab, "s2", 2000)).toBe(false);
    expect(setTimer(lab, "s1", 4000)).toBe(false);
    for (const ms of [2000, 4000]) {
      expect(setTimer(lab, "s1", ms)).toBe(true);
      lab.until(`timers of ${ms} ms`, () => timers(lab).every((each) => each === ms));
    }
    const restart = (): void => {
      for (const { name } of lab.members) lab.kill(name);
      for (const { name } of lab.members) lab.start(name);
      connected(lab, "s1", "s2", "s3");
      expect(timers(lab)).toEqual([4000, 4000, 4000]);
    };
    restart();
    expect(lab.write("s2", "before compaction")).toBe(true);
    lab.runFor(5000);
    for (const { name } of lab.members) lab.compact(name);
    restart();
    lab.add();
    lab.start("s4");
    connected(lab, "s4");
    lab.until("s4 to have the timer", () => lab.node("s4").electionTimerMs === 4000);
  });
});

test("a server that starts alone of three is never connected", () => {
  const lab = new Lab({ members: 3 }).form();
  for (const { name } of lab.members) lab.kill(name);
  lab.start("s1");
  lab.runFor(30_000);
  expect(lab.status("s1")).toBe("disconnected");
});

test("a snapshot replaces what a follower missed, and it goes on from there", () => {
  const lab = new Lab({ members: 3, version: "2.15.0" }).form();
  expect(lab.write("s1", "one")).toBe(true);
  lab.kill("s2");
  for (const data of ["two", "three", "four"]) expect(lab.write("s1", data)).toBe(true);
  lab.compact("s1");
  lab.start("s2");
  connected(lab, "s2");
  expect(lab.write("s2", "five")).toBe(true);
  lab.until("s2 to have all", () => holds(lab, "s2").length === 5);
  expect(holds(lab, "s2")).toEqual(["one", "two", "three", "four", "five"]);
});

test.each([
  // Taken for complete, it refuses, and gets one after the other.
  ["2.13.0", [0, 1, 1, 1]],
  ["2.13.1", [3]],
  ["2.14.0", [3]],
  ["3.7.1", [3]],
])("behind a snapshot the rest comes as release %s sends it: %j", (version, sizes) => {
  const lab = new Lab({ members: 3, version, electionTimerMs: 60_000 }).form();
  lab.kill("s3");
  for (const data of ["one", "two"]) expect(lab.write("s1", data)).toBe(true);
  lab.compact("s1");
  expect(lab.node("s1").logStart).toBeGreaterThan(2);
  for (const data of ["three", "four", "five"]) expect(lab.write("s1", data)).toBe(true);
  const before = lab.sent.length;
  lab.start("s3");
  lab.until("s3 to have all", () => holds(lab, "s3").length === 5);
  expect(holds(lab, "s3")).toEqual(["one", "two", "three", "four", "five"]);
  const appends = lab.sent
    .slice(before)
    .flatMap(({ to, message }) => (to === "s3" && message.type === "append_request" ? [message] : []));
  const installed = appends.findIndex(({ comment }) => comment === "snapshot installed");
  const rest = appends.slice(installed).filter(({ comment }) => comment !== "heartbeat");
  expect(rest.map(({ log }) => log.length)).toEqual(sizes);
});

describe("failures while joining", () => {
  test("joiners that crash before they answer the snapshot join after a restart", () => {
    const lab = new Lab({ members: 3 });
    for (const name of ["s2", "s3"]) {
      lab.start(name);
      fail(lab, name, "crash-before-sending-install-snapshot-reply");
    }
    lab.start("s1");
    lab.until("both to crash", () => ["s2", "s3"].every((name) => lab.status(name) === "down"), 60_000);
    for (const name of ["s2", "s3"]) lab.start(name);
    connected(lab, "s1", "s2", "s3");
    expect(lab.write("s3", "done")).toBe(true);
  });

  test.each(["transfer-leadership-after-sending-append-request", "transfer-leadership-after-starting-to-add"])(
    "leadership moves while each of five joins: %s",
    (scenario) => {
      const lab = new Lab({ members: 5 });
      lab.start("s1");
      connected(lab, "s1");
      for (const [i, name] of ["s2", "s3", "s4", "s5"].entries()) {
        for (const { name: old } of lab.members.slice(0, i + 1)) fail(lab, old, scenario);
        lab.start(name);
        connected(lab, name);
      }
      connected(lab, "s1", "s2", "s3", "s4", "s5");
      expect(lab.write("s5", "done")).toBe(true);
    },
  );
});

test("leaving with servers down (5 members; 3.6)", () => {
  const lab = new Lab({ members: 5, version: "3.6.0" }).form();
  const servers = (name: string): number => lab.node(name).servers.length;
  lab.kill("s1");
  lab.kill("s2");
  lab.until("another leader", () => lab.leaders().length === 1, 60_000);
  expect(lab.write("s3", 1)).toBe(true);
  lab.control("s3", (node, nowMs, fx) => clusterLeave(node, nowMs, fx));
  lab.runFor(10_000);
  expect(lab.write("s4", 3, 5000)).toBe(false);
  lab.start("s2");
  lab.until("s3 to have left", () => lab.member("s3").node === undefined || lab.node("s3").left, 120_000);
  connected(lab, "s2", "s4", "s5");
  expect(lab.write("s4", 4)).toBe(true);
  expect(servers("s4")).toBe(4);
  lab.control("s2", (node, nowMs, fx) => clusterLeave(node, nowMs, fx));
  lab.until("s2 to have left", () => lab.node("s2").left, 120_000);
  expect(lab.write("s5", 5)).toBe(true);
  for (const name of ["s4", "s5"]) lab.control(name, (node, nowMs, fx) => clusterLeave(node, nowMs, fx));
  lab.start("s1");
  lab.until("s1 to be the only one", () => lab.status("s1") === "connected" && servers("s1") === 1, 240_000);
  expect(lab.write("s1", 7)).toBe(true);
  expect(holds(lab, "s1").filter((each) => [1, 4, 5, 7].includes(each as number))).toEqual([1, 4, 5, 7]);
});

/** A client that sends once to a server, and to the next one when the first is gone. */
function commitsExactlyOnce(lab: Lab, first: string, then: readonly string[]): void {
  const sent = lab.write(first, "x", 15_000);
  if (!sent) {
    const next = then.find((name) => lab.member(name).node !== undefined) ?? "";
    const seen = (): number => holds(lab, next).filter((each) => each === "x").length;
    connected(lab, next);
    if (seen() === 0) expect(lab.write(next, "x", 30_000)).toBe(true);
  }
  lab.runFor(10_000);
  const live = lab.members.filter(({ node }) => node !== undefined).map(({ name }) => name);
  for (const name of live)
    expect({ name, count: holds(lab, name).filter((each) => each === "x").length }).toEqual({ name, count: 1 });
}

describe("a pending transaction at a crash is visible exactly once (3 members)", () => {
  const CASES: readonly (readonly [client: string, crash: string, where: string])[] = [
    ["s2", "s1", "crash-before-sending-append-request"],
    ["s2", "s1", "crash-before-sending-execute-command-reply"],
    ["s2", "s1", "crash-after-sending-execute-command-reply"],
    ["s1", "s1", "crash-before-sending-append-request"],
    ["s2", "s2", "crash-before-sending-execute-command-request"],
    ["s1", "s2", "crash-after-receiving-append-request-update"],
    ["s2", "s3", "crash-after-receiving-append-request-update"],
    ["s1", "s1", "transfer-leadership-after-sending-append-request"],
  ];
  test.each(CASES)("client on %s, %s: %s", (client, crash, where) => {
    for (const delayed of ["s2", "s3"].filter((name) => name !== crash)) {
      const lab = new Lab({ members: 3, version: "3.4.0" }).form();
      fail(lab, delayed, "delay-election");
      fail(lab, crash, where);
      commitsExactlyOnce(
        lab,
        client,
        ["s2", "s3", "s1"].filter((name) => name !== crash),
      );
    }
  });
});

test("competing candidates: one wins in the same term, the other steps back on its append", () => {
  const lab = new Lab({ members: 3, version: "3.1.0" }).form();
  fail(lab, "s2", "dont-send-vote-request");
  fail(lab, "s3", "delay-election");
  lab.kill("s1");
  lab.start("s1");
  fail(lab, "s1", "delay-election");
  lab.until("a leader", () => lab.leaders().length === 1, 60_000);
  connected(lab, "s1", "s2", "s3");
  lab.until("no candidate", () => lab.members.every(({ name }) => lab.node(name).role !== "candidate"));
  expect(lab.members.map(({ name }) => lab.node(name).term)).toEqual([2, 2, 2]);
});

describe("a disruptive server", () => {
  test("that was deaf comes back as a follower, and the term stays (3.3)", () => {
    const lab = new Lab({ members: 3, version: "3.7.1" }).form();
    fail(lab, "s2", "stop-raft-rpc");
    lab.until("s2 to be a candidate", () => lab.node("s2").role === "candidate", 60_000);
    lab.runFor(5000);
    fail(lab, "s2", "clear");
    lab.release("s2");
    lab.until("s2 to follow", () => lab.node("s2").role === "follower" && lab.status("s2") === "connected", 60_000);
    expect(lab.members.map(({ name }) => lab.node(name).term)).toEqual([1, 1, 1]);
  });

  test("that forces an election is not listened to since 3.7, and disturbs before 3.3", () => {
    const forced = (version: string): number[] => {
      const lab = new Lab({ members: 3, version }).form();
      lab.runFor(3000);
      fail(lab, "s2", "force-election");
      lab.runFor(10_000);
      connected(lab, "s1", "s2", "s3");
      return lab.members.map(({ name }) => lab.node(name).term);
    };
    expect(forced("3.7.1")).toEqual([1, 1, 1]);
    expect(Math.max(...forced("3.1.0"))).toBeGreaterThan(1);
  });

  test("with an old term and an older log never wins, even a pre-vote (3.7.1)", () => {
    const lab = new Lab({ members: 3, version: "3.7.1", electionTimerMs: 2000 }).form();
    expect(lab.write("s1", "all")).toBe(true);
    lab.kill("s3");
    for (const data of ["two", "of three"]) expect(lab.write("s1", data)).toBe(true);
    lab.exit("s1");
    lab.runFor(50);
    lab.kill("s2");
    lab.sent.length = 0;
    for (const name of ["s1", "s2", "s3"]) lab.start(name);
    for (const name of ["s1", "s2"]) fail(lab, name, "delay-election");
    connected(lab, "s1", "s2", "s3");
    expect(lab.leader()).not.toBe("s3");
    const asked = lab.sent.filter(({ from, message }) => from === "s3" && message.type === "vote_request");
    expect(asked.every(({ message }) => message.type === "vote_request" && message.is_prevote)).toBe(true);
    lab.runFor(5000);
    for (const { name } of lab.members) expect(holds(lab, name)).toEqual(["all", "two", "of three"]);
  });
});

test.each([3, 5])("torture: writers go on while each of %i members leaves and a new one joins", (n) => {
  for (let victim = 1; victim <= n; victim++) {
    const lab = new Lab({ members: n, seed: victim }).form();
    const names = (): string[] =>
      lab.members.filter(({ node }) => node !== undefined && !node.left).map(({ name }) => name);
    let count = 0;
    const write = (): void => {
      const from = names()[count % names().length] ?? "";
      if (lab.write(from, count, 60_000)) count++;
    };
    for (let i = 0; i < 10; i++) write();
    const gone = `s${victim}`;
    lab.control(gone, (node, nowMs, fx) => clusterLeave(node, nowMs, fx));
    for (let i = 0; i < 5; i++) write();
    lab.until(`${gone} to have left`, () => lab.node(gone).left, 60_000);
    const added = lab.add(
      lab.members.filter(({ name, node }) => name !== gone && node !== undefined).map(({ address }) => address),
    );
    lab.start(added.name);
    for (let i = 0; i < 10; i++) write();
    connected(lab, added.name);
    lab.runFor(5000);
    for (const name of names()) expect(new Set(holds(lab, name)).size).toBe(count);
  }
});
