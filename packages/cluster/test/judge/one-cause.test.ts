/** One cause is told once, and what follows from it is not called a trouble of its own. */
import { describe, expect, it } from "vitest";
import {
  assess,
  emptyHistory,
  type FindingCode,
  gate,
  planKick,
  planLeave,
  planRecovery,
  track,
} from "../../src/index.ts";
import { addressOf, Built, idOf, keyOf, nameOf, shortOf } from "./build.ts";
import { AT_MS } from "./samples.ts";

const database = "OVN_Southbound";

/** The third member was wiped and has joined again as the fourth; its former life still counts. */
function withGhost(): Built {
  const one = new Built(4);
  const moved = (index: number): void =>
    one.at(index).change((status) => {
      status.servers = (status.servers ?? []).map((line) =>
        line.short === shortOf(4) ? { ...line, address: addressOf(3) } : line,
      );
    });
  for (const index of [1, 2, 4]) moved(index);
  one.at(4).change((status) => {
    status.address = addressOf(3);
  });
  one.kill(3);
  one.members.splice(2, 1);
  return one;
}

const codesOf = (one: Built): string[] =>
  (assess(one.observation()).databases[0]?.findings ?? []).map(({ code, severity }) => `${severity} ${code}`);

describe("a ghost", () => {
  it("makes the number even, which passes", () => {
    const codes = codesOf(withGhost());
    expect(codes).toContain("info even-members");
    expect(codes).toContain("warning duplicate-address");
    // The cause comes first, and nobody is told to add a member where one is to be forgotten.
    const findings = assess(withGhost().observation()).databases[0]?.findings ?? [];
    expect(findings.map(({ code }) => code)).toEqual(["duplicate-address", "no-fault-tolerance", "even-members"]);
    for (const { remedy } of findings.slice(1)) expect(remedy).toMatchObject({ kind: "wait", isDestructive: false });
    expect(codesOf(new Built(4))).toContain("warning even-members");
  });

  it("is forgotten before anybody leaves", () => {
    const { blockers } = planLeave(withGhost().observation(), nameOf(2), { database });
    expect(blockers).toContainEqual({ code: "NOT_HEALTHY", text: expect.stringContaining(shortOf(3)) });
    expect(planLeave(new Built(4).observation(), nameOf(2), { database }).blockers).toEqual([]);
  });

  it("is kicked by the whole id that was asked for, or that a log tells, and by no other", () => {
    const ghost = withGhost().observation();
    const codes = (target: string, seen = ghost): string[] =>
      planKick(seen, target, { database }).blockers.map(({ code }) => code);
    expect(codes(keyOf(3))).toContain("FULL_ID_UNKNOWN");
    expect(codes(idOf(3))).not.toContain("FULL_ID_UNKNOWN");
    const act = planKick(ghost, idOf(3), { database }).steps.find(({ kind }) => kind === "act");
    expect(act?.command?.args.at(-1)).toBe(idOf(3));
    const unknown = planKick(ghost, keyOf(3), { database }).steps.find(({ kind }) => kind === "act");
    expect(unknown?.command?.args.at(-1)).toBe("<the whole id of 3333>");

    const logged = withGhost();
    const line = `2026-11-25T00:00:00.000Z|1|raft|WARN|misrouted message (addressed to ${idOf(3)} but we're ${idOf(4)})`;
    Object.assign(logged.at(1), { logText: `${line}\n${line}\n` });
    const plan = planKick(logged.observation(), keyOf(3), { database });
    expect(plan.steps.find(({ kind }) => kind === "act")?.command?.args.at(-1)).toBe(idOf(3));
    expect(plan.warnings.join()).toContain("the whole id is from node1's log");
    Object.assign(logged.at(2), { logText: `${line.replace(idOf(3), `${idOf(3).slice(0, -1)}9`)}\n` });
    expect(codes(keyOf(3), logged.observation())).toContain("FULL_ID_UNKNOWN");
  });
});

describe("messages to the former life of a member", () => {
  const misrouted = (to: string): string =>
    `2023-11-14T22:10:00.000Z|00012|raft|WARN|tcp:10.0.0.1:47624: syntax "${"x".repeat(300)}": misrouted message (addressed to ${to} but we're ${idOf(4)})\n`.repeat(
      3,
    );
  const judge = (one: Built, to: string): ReturnType<typeof assess>["databases"][number] | undefined => {
    Object.assign(one.at(3), { logText: misrouted(to) });
    return assess(one.observation()).databases[0];
  };

  it("are evidence for the ghost, as long as a leader works", () => {
    const verdict = judge(withGhost(), idOf(3));
    expect(verdict?.health).toBe("warning");
    expect(verdict?.findings.map(({ code }) => code)).not.toContain("misrouted-messages");
    const ghost = verdict?.findings.find(({ code }) => code === "duplicate-address");
    const text = expect.stringMatching(/^3 times, last: \S+ … misrouted message \(addressed to/);
    expect(ghost?.evidence).toContainEqual(expect.objectContaining({ source: "log", member: nameOf(4), text }));
    expect(ghost?.remedy).toMatchObject({ kind: "kick", isDestructive: true });
  });

  it("are over once nobody lists that id, and are the trouble itself where it is no ghost, or nobody leads", () => {
    expect(judge(withGhost(), idOf(9))?.findings.map(({ code }) => code)).not.toContain("misrouted-messages");
    const critical = { code: "misrouted-messages", severity: "critical" };
    expect(judge(new Built(3), idOf(2))?.findings).toContainEqual(expect.objectContaining(critical));
    const leaderless = withGhost();
    for (const member of leaderless.members) member.change(() => ({ role: "follower" as const, leader: "unknown" }));
    expect(judge(leaderless, idOf(3))?.findings).toContainEqual(expect.objectContaining(critical));
    // Whom nobody lists is written to by nobody, be there a leader or not; only of just now it may be one who can't be asked.
    expect(judge(leaderless, idOf(9))?.findings.map(({ code }) => code)).not.toContain("misrouted-messages");
    Object.assign(leaderless.at(3), { logText: misrouted(idOf(9)).replaceAll("22:10:00", "22:13:10") });
    expect(codesOf(leaderless)).toContain("critical misrouted-messages");
  });
});

describe("elections", () => {
  const started = "2023-11-14T22:10:00.000Z|00012|raft|INFO|term 9: 1200 ms timeout expired, starting election\n";
  const won = "2023-11-14T22:10:01.000Z|00013|raft|INFO|term 9: elected leader by 2+ of 3 servers\n";
  const logged = (one: Built, logText: string): string[] => {
    Object.assign(one.at(1), { logText });
    return codesOf(one);
  };
  const candidate = (): Built => {
    const one = new Built(3).kill(2).kill(3);
    one.at(1).change(() => ({ role: "candidate" as const, leader: "unknown" }));
    return one;
  };

  it("of one who has no majority are no sign of a timer that is too short, while that lasts and afterwards", () => {
    expect(logged(candidate(), started.repeat(20)).join()).not.toContain("frequent-elections");
    expect(logged(new Built(3), started.repeat(20) + won)).toEqual([]);
    expect(logged(new Built(3), (started + won).repeat(4))).toEqual([]);
    expect(logged(new Built(3), (started + won).repeat(5))).toEqual(["warning frequent-elections"]);
  });

  it("that nobody wins, though enough live, may be the timer's fault", () => {
    const riddle = new Built(3);
    for (const member of riddle.members) member.change(() => ({ role: "candidate" as const, leader: "unknown" }));
    expect(logged(riddle, started.repeat(20))).toContain("warning frequent-elections");
  });

  it("are not counted from look to look while there is no majority", () => {
    const codes = (make: () => Built): FindingCode[] => {
      let history = emptyHistory();
      let found: FindingCode[] = [];
      for (let turn = 0; turn < 12; turn++) {
        const one = make();
        for (const { change } of one.members.filter(({ status }) => status?.ok === true))
          change(() => ({ term: 7 + turn }));
        const next = track(history, one.observation(AT_MS + turn * 2_000));
        history = next.history;
        found = next.verdict.databases[0]?.findings.map(({ code }) => code) ?? [];
      }
      return [
        ...found,
        ...(track(history, new Built(3).observation(AT_MS + 26_000)).verdict.databases[0]?.findings ?? []).map(
          ({ code }) => code,
        ),
      ];
    };
    expect(codes(candidate)).not.toContain("frequent-elections");
    expect(codes(() => new Built(3))).toContain("frequent-elections");
  });
});

describe("a join that is under way", () => {
  const called = (index: number): { nickname: string; short: string; address: string } => ({
    nickname: shortOf(index),
    short: shortOf(index),
    address: addressOf(index),
  });
  const four = called(4);
  /** The leader has its entry, which counts from then on; the others may not have it yet. */
  const committing = (size: number, newcomer = four): Built => {
    const one = new Built(size);
    one.at(1).change((status) => ({
      servers: [
        ...(status.servers ?? []),
        { ...newcomer, isSelf: false, phase: "adding: committing", matchIndex: 100, nextIndex: 101, lastMessageMs: 5 },
      ],
      connections: [
        ...(status.connections ?? []),
        { direction: "in", nickname: newcomer.nickname, isConnected: true },
        { direction: "out", nickname: newcomer.nickname, isConnected: false },
      ],
    }));
    return one;
  };
  const catchingUp = (size: number): Built => {
    const one = new Built(size);
    one.at(1).change(() => ({ adding: [{ ...four, phase: "adding: catchup" }] }));
    // It calls everybody.
    for (const index of [1, 2])
      one.at(index).change((status) => ({
        connections: [...(status.connections ?? []), { direction: "in", nickname: shortOf(4), isConnected: true }],
      }));
    return one;
  };
  const alarms = (one: Built, expected: object): string[] =>
    (assess(one.observation(), { expected }).databases[0]?.findings ?? [])
      .filter(({ severity }) => severity !== "info")
      .map(({ code }) => code);

  it("is no alarm, neither while it catches up, nor while its entry is committed", () => {
    const addresses = (...indexes: readonly number[]): object => ({
      addresses: { [database]: indexes.map(addressOf) },
    });
    for (const make of [committing, catchingUp])
      for (const expected of [{}, { members: 3 }, { members: 4 }, addresses(1, 2, 3), addresses(1, 2, 3, 4)])
        expect(alarms(make(3), expected)).toEqual([]);
    // Of two, that the next failure stops the database is true until then.
    expect(alarms(catchingUp(2), { members: 3 })).toEqual(["no-fault-tolerance"]);
    expect(alarms(committing(2), { members: 3 })).toEqual([]);
    // What a join does not explain is told as ever.
    expect(alarms(catchingUp(2), { members: 4 })).toContain("missing-members");
    expect(alarms(committing(4, called(5)), { members: 3 })).toContain("unexpected-members");
    expect(alarms(committing(3), addresses(1, 2))).toContain("unexpected-members");
  });

  it("keeps the gate shut, and everything else that takes somebody down", () => {
    const two = { members: 4 };
    const { reasons } = gate(committing(3).observation(AT_MS + 10_000), {
      previous: committing(3).observation(),
      expected: two,
    });
    expect(reasons).toContainEqual({ code: "CHANGE_UNDER_WAY", database, text: "node1 is adding 4444" });
    expect(planLeave(committing(3).observation(), nameOf(2), { database }).blockers).not.toEqual([]);
  });

  it("is one if it lasts, in whatever phase, or if nobody is at it", () => {
    const last = (...looks: readonly Built[]): string[] => {
      let history = emptyHistory();
      let found: string[] = [];
      for (const [turn, one] of looks.entries()) {
        const next = track(history, one.observation(AT_MS + turn * 6_000), { expected: { members: 3 } });
        history = next.history;
        found = (next.verdict.databases[0]?.findings ?? [])
          .filter(({ severity, isConfirmed }) => severity !== "info" && isConfirmed)
          .map(({ code }) => code);
      }
      return found;
    };
    expect(last(catchingUp(3), committing(3), new Built(3))).toEqual([]);
    expect(last(catchingUp(3), catchingUp(3), committing(3), committing(3))).toEqual(["catchup-stuck"]);
    const asks = (): Built => {
      const one = new Built(4);
      one.at(4).change((status) =>
        Object.assign(status, {
          state: "joining cluster",
          clusterId: "not yet known",
          servers: [],
          leader: "unknown",
        }),
      );
      for (const index of [1, 2, 3])
        one
          .at(index)
          .change((status) => ({ servers: (status.servers ?? []).filter(({ short }) => short !== shortOf(4)) }));
      return one;
    };
    expect(alarms(asks(), { members: 3 })).toEqual(["joining"]);
    const added = asks();
    added.at(1).change(() => ({ adding: [{ ...four, phase: "adding: catchup" }] }));
    expect(alarms(added, { members: 3 })).toEqual([]);
  });
});

describe("a silent member", () => {
  it("is hung, not down, as long as its control socket takes calls: starting it would change nothing", () => {
    const frozen = new Built(3).kill(3);
    const at = { via: "/run/node3.ctl", atMs: 0, tookMs: 1_000 };
    frozen.at(3).status = { ok: false, error: { code: "TIMEOUT", message: "no answer within 1000 ms" }, ...at };
    const codes = codesOf(frozen);
    expect(codes).toContain("warning peer-hung");
    expect(codes).not.toContain("warning peer-down");
    const plan = planRecovery(frozen.observation(), { database });
    expect(plan.decision).toBe("look");
    expect(plan.title).toContain("(node3)");
    expect(codesOf(new Built(3).kill(3))).toContain("warning peer-down");
    // Of one whose file is gone, it is said what is missing before it can join anew.
    const lost = planRecovery(new Built(3).kill(3).observation(), { database, lost: [nameOf(3)] });
    expect(lost.warnings).toEqual([expect.stringContaining(`only ${shortOf(3)} is known of the id that node3 had`)]);
    // Without a quorum too: the dead one is started, and is enough.
    const none = new Built(3).kill(2).kill(3);
    none.at(1).change(() => ({ role: "candidate" as const, leader: "unknown" }));
    none.at(3).status = { ok: false, error: { code: "TIMEOUT", message: "no answer within 1000 ms" }, ...at };
    const start = planRecovery(none.observation(), { database });
    expect(start.decision).toBe("start");
    expect(start.steps.filter(({ kind }) => kind === "act").map(({ member }) => member)).toEqual([nameOf(2)]);
  });

  it("is not called reachable for others when nobody hears it", () => {
    const alone = new Built(3).kill(2).kill(3);
    for (const member of alone.members) delete (member as { asked: object & { remote?: string } }).asked.remote;
    expect(codesOf(alone).join()).not.toContain("member-unreachable");
    expect(codesOf(alone).join()).toContain("peer-down");
  });
});
