/** Situations in which the obvious advice loses data or a quorum: it is not given. */
import { describe, expect, it } from "vitest";
import {
  checkCondition,
  emptyHistory,
  type FileFacts,
  type Finding,
  type Observation,
  planKick,
  planLeave,
  planRecovery,
  planRollingRestart,
  rankFiles,
  track,
} from "../../src/index.ts";
import { judge } from "../../src/plan/conditions.ts";
import { rejoin } from "../../src/plan/recovery-rejoin.ts";
import { addressOf, Built, CLUSTER_ID, idOf, nameOf, shortOf } from "../judge/build.ts";
import { AT_MS } from "../judge/samples.ts";

const SB = "OVN_Southbound";
const NB = "OVN_Northbound";
const database = SB;

const file = (index: number, more: Partial<FileFacts> = {}): FileFacts => ({
  path: `/var/lib/ovn/${index}.db`,
  serverId: idOf(index),
  clusterId: CLUSTER_ID,
  address: addressOf(index),
  term: 7,
  lastTerm: 7,
  lastIndex: 100,
  commitIndex: 100,
  ...more,
});

/** They have lost their leader, and ask for votes. */
function leaderless(one: Built, ...members: readonly number[]): Built {
  const alive = members.map(shortOf);
  for (const index of members)
    one.at(index).change((status) => {
      status.role = "candidate";
      status.leader = "unknown";
      status.term = 8;
      status.connections = (status.connections ?? []).map((link) => ({
        ...link,
        isConnected: alive.includes(link.nickname),
      }));
      status.servers = (status.servers ?? []).map((line) => ({
        ...line,
        ...(line.isSelf ? {} : { lastMessageMs: alive.includes(line.short) ? 500 : 60_000 }),
      }));
    });
  return one;
}

describe("a rebuild", () => {
  const lost = [nameOf(3)];
  const files = { [nameOf(1)]: file(1), [nameOf(2)]: file(2) };

  it("is never told to those who can elect a leader, and none of its stops is done once they have one", () => {
    const electing = leaderless(new Built(3).kill(3), 1, 2);
    expect(planRecovery(electing.observation(), { database, files, lost })).toMatchObject({ decision: "wait" });
    const stalled = new Built(3).kill(3).line(2, () => ({ lastMessageMs: 400, matchIndex: 100 }));
    stalled.at(1).change((status) => {
      status.uncommitted = 3;
      status.log = { start: 2, end: 104 };
    });
    expect(planRecovery(stalled.observation(), { database, files, lost })).toMatchObject({ decision: "wait" });
    const alone = leaderless(new Built(3).kill(2).kill(3), 1);
    const plan = planRecovery(alone.observation(), { database, files, lost: [nameOf(2), nameOf(3)] });
    expect(plan).toMatchObject({ decision: "rebuild", blockers: [] });
    const stops = plan.steps.filter(({ title }) => title.startsWith("Stop "));
    // Whose file is gone may have lost its host too: nothing waits for it.
    expect(stops.map(({ member }) => member)).toEqual([nameOf(1)]);
    expect(plan.warnings.join()).toContain("node3 is left out: its Raft address is not known");
    for (const stop of stops) {
      expect(stop.before).toEqual([{ type: "no-quorum", database, except: [nameOf(2)] }]);
      for (const condition of stop.before) {
        expect(checkCondition(condition, alone.observation()).isHeld).toBe(true);
        expect(checkCondition(condition, new Built(3).kill(1).kill(2).kill(3).observation()).isHeld).toBe(true);
        expect(checkCondition(condition, electing.observation()).isHeld).toBe(false);
        expect(checkCondition(condition, new Built(3).observation()).isHeld).toBe(false);
      }
    }
  });

  it("is refused while an id is listed that nobody was asked about: the majority may work over there", () => {
    const five = leaderless(new Built(5, 5), 1, 2);
    five.members.length = 2;
    const plan = planRecovery(five.observation(), { database, files });
    expect(plan.decision).toBe("rebuild");
    expect(plan.blockers).toEqual([
      { code: "NO_FILE", text: expect.stringContaining(`${shortOf(3)} at ${addressOf(3)}, ${shortOf(4)} at`) },
    ]);
    const told = { ...files, other: file(3), another: file(4) };
    five.members.push(...new Built(5, 5).kill(3).kill(4).kill(5).members.slice(2));
    const asked = planRecovery(five.observation(), {
      database,
      files: { ...told, [nameOf(3)]: file(3) },
      lost: [nameOf(4), nameOf(5)],
    });
    expect(asked.blockers).toEqual([]);
    // Nobody answers, and only the files tell who is a member.
    const servers = Object.fromEntries([1, 2, 3, 4, 5].map((index) => [idOf(index), addressOf(index)]));
    const dead = new Built(2).kill(1).kill(2).observation();
    const blind = { [nameOf(1)]: file(1, { servers, damage: "x" }), [nameOf(2)]: file(2, { servers }) };
    const unheard = planRecovery(dead, { database, files: blind });
    if (unheard.decision === "rebuild") expect(unheard.blockers.map(({ code }) => code)).toContain("NO_FILE");
    expect(unheard.blockers.length > 0 || unheard.decision !== "rebuild").toBe(true);
  });

  it("begins from the newer log, whatever terms a lonely candidate has made up", () => {
    const known = { term: 8, lastTerm: 8, lastIndex: 5_000, commitIndex: 5_000 };
    const lonely = file(3, { term: 900, lastTerm: 7, lastIndex: 100, commitIndex: 100 });
    const ranked = rankFiles([
      { ...lonely, member: "lonely" },
      { ...file(1, { ...known, lastIndex: 4_999, commitIndex: 4_000 }), member: "short" },
      { ...file(2, known), member: "best" },
      // Committed, and shorter than what a later leader made of it.
      { ...file(1, { term: 8, lastTerm: 6, lastIndex: 9_000, commitIndex: 99 }), member: "older" },
    ]);
    expect(ranked.map(({ member }) => member)).toEqual(["best", "short", "lonely", "older"]);
    const alone = leaderless(new Built(3).kill(1).kill(2), 3);
    const candidates = (strip: boolean): Record<string, FileFacts> =>
      Object.fromEntries(
        [file(1, known), { ...file(2), damage: "SHA-1" }, lonely].map((facts, index) => {
          const { lastTerm: _lastTerm, ...rest } = facts;
          return [nameOf(index + 1), strip ? rest : facts];
        }),
      );
    const gone = [nameOf(1), nameOf(2)];
    const plan = planRecovery(alone.observation(), { database, files: candidates(false), lost: gone });
    expect(plan).toMatchObject({ decision: "rebuild", blockers: [] });
    expect(plan.title).toContain("Rebuild from node1");
    const unsure = planRecovery(alone.observation(), { database, files: candidates(true), lost: gone });
    expect(unsure.blockers).toEqual([{ code: "NO_FILE", text: expect.stringContaining("lastTerm") }]);
  });
});

describe("one database's trouble", () => {
  it("takes down its own server alone, and asks the other database if the command can't tell them apart", () => {
    const stuck = new Built(3);
    stuck.at(3).change((status) => {
      status.role = "candidate";
      status.leader = "unknown";
      status.vote = "self";
    });
    const both = { ...stuck.observation(), databases: [] as unknown[] };
    const [south] = new Built(3).kill(2).observation().databases;
    const [north] = stuck.observation().databases;
    both.databases = [
      { ...north, database: NB, members: north?.members },
      { ...south, database: SB },
    ];
    const observation = both as unknown as Parameters<typeof planRecovery>[0];
    const own = planRecovery(observation, { database: NB });
    expect(own.decision).toBe("restart");
    const [act] = own.steps.filter(({ kind }) => kind === "act");
    expect(act?.command).toMatchObject({ at: "node3", args: ["restart", "ovn-ovsdb-server-nb"] });
    expect(own.warnings).toEqual([]);
    const site = { restart: { program: "kubectl", args: ["delete", "pod", "{member}"] } };
    const whole = planRecovery(observation, { database: NB, site });
    const [pod] = whole.steps.filter(({ kind }) => kind === "act");
    expect(pod?.before).toEqual([{ type: "tolerance", database: SB, least: 1 }]);
    expect(whole.warnings.join()).toContain("node3's server of OVN_Southbound goes down too");
    for (const condition of pod?.before ?? []) expect(checkCondition(condition, observation).isHeld).toBe(false);
  });

  it("a rolling restart takes down what was asked about, and nothing else", () => {
    const [south] = new Built(3).observation().databases;
    const commandOf = (...databases: readonly string[]): unknown => {
      const observation = {
        ...new Built(3).observation(),
        databases: databases.map((name) => ({ ...south, database: name })),
      };
      const plan = planRollingRestart(observation as Parameters<typeof planRollingRestart>[0]);
      return plan.steps.find(({ kind }) => kind === "act")?.command?.args;
    };
    expect(commandOf(NB)).toEqual(["restart", "ovn-ovsdb-server-nb"]);
    expect(commandOf(NB, SB)).toEqual(["restart", "ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb"]);
  });
});

describe("a member that goes", () => {
  it("leaves only while those who stay are a majority, at that moment", () => {
    const plan = planLeave(new Built(3).observation(), nameOf(1), { database });
    expect(plan.blockers).toEqual([]);
    const before = plan.steps.find(({ kind }) => kind === "act")?.before ?? [];
    const hold = (one: Built): boolean =>
      before.every((condition) => checkCondition(condition, one.observation()).isHeld);
    expect(hold(new Built(3))).toBe(true);
    expect(hold(new Built(3).kill(3))).toBe(false);
  });

  it("is the leader: its id is forgotten by another, for it does not run by then", () => {
    const observation = new Built(3).observation();
    const judged = judge(observation).get(SB);
    if (judged === undefined) throw new Error("not judged");
    const finding = { code: "write-errors", title: "writes fail", members: [nameOf(1)], servers: [], witnesses: [] };
    const because = [finding as unknown as Finding];
    const { plan } = rejoin({ judged, observation, options: { database }, findings: because, files: [] }, because);
    const kicks = plan.steps.filter(({ command }) => command?.args.includes("cluster/kick"));
    expect(kicks.map(({ member, command }) => [member, command?.args.at(-1)])).toEqual([[nameOf(2), idOf(1)]]);
    expect(kicks[0]?.before.map(({ type }) => type)).not.toContain("leads");
    // All that is asked for holds once the leader is stopped and another one leads.
    const after = new Built(3, 2).kill(1).observation();
    const history = track(emptyHistory(), new Built(3, 2).observation(AT_MS - 60_000)).history;
    for (const condition of kicks[0]?.before ?? [])
      expect([condition.type, checkCondition(condition, after, { history }).isHeld]).toEqual([condition.type, true]);
  });

  it("asks by name to be let in: names can't be compared with addresses, so its file stays", () => {
    const joiner = (atMs: number): Observation => {
      const one = new Built(3);
      one.at(3).change((status) => {
        status.state = "joining cluster";
        status.leader = "unknown";
        status.servers = [];
        status.remotesForJoining = ["tcp:ovn-0.ovn.svc:6643"];
        delete status.clusterId;
      });
      delete one.at(3).server;
      for (const index of [1, 2])
        one.at(index).change((status) => {
          status.servers = (status.servers ?? []).filter(({ short }) => short !== shortOf(3));
        });
      return one.observation(atMs);
    };
    const first = track(emptyHistory(), joiner(AT_MS));
    const plan = planRecovery(joiner(AT_MS + 120_000), { database, history: first.history });
    expect(plan.because.map(({ code }) => code)).toContain("joining-stuck");
    expect(plan.steps.filter(({ isDestructive }) => isDestructive)).toEqual([]);
  });
});

describe("what a step waits for", () => {
  it("is long enough for a slow timer: a server that was stopped is silent only after some of its rounds", () => {
    const slow = new Built(3);
    for (const member of slow.members) member.change(() => ({ electionTimer: { ms: 16_000 } }));
    slow.kill(3);
    slow.line(3, () => ({ lastMessageMs: 60_000 }));
    const plan = planKick(slow.observation(), idOf(3), { database });
    const act = plan.steps.find(({ kind }) => kind === "act");
    expect(act?.patienceMs).toBeGreaterThanOrEqual(3 * 16_000 + 5_000);
  });

  it("is that a server is stopped, and not that the way to it is broken", () => {
    const stopped = { type: "stopped", database, member: nameOf(3) } as const;
    const noQuorum = { type: "no-quorum", database } as const;
    const told = (message: string, code: "UNREACHABLE" | "TIMEOUT" = "UNREACHABLE"): Built => {
      const one = new Built(3).kill(3);
      const answer = { ok: false, error: { code, message }, via: "test", atMs: AT_MS, tookMs: 1 } as const;
      one.at(3).server = answer;
      one.at(3).status = answer;
      return one;
    };
    const holds = (one: Built): boolean => checkCondition(stopped, one.observation()).isHeld;
    for (const message of [
      "/run/ovn/ovnsb_db.ctl: nobody listens on this socket (ECONNREFUSED)",
      'pod a: status: cannot connect to "/run/ovn/ovnsb_db.ctl" (No such file or directory)',
      'pod a: Error from server (NotFound): pods "ovn-central-2" not found',
    ])
      expect([message, holds(told(message))]).toEqual([message, true]);
    for (const message of [
      "ssh node3: ssh: connect to host node3 port 22: Connection refused",
      "Unable to connect to the server: dial tcp 10.0.0.9:6443: connect: connection refused",
      "error: stat /root/.kube/config: no such file or directory",
      "connect EHOSTUNREACH 10.0.0.3:6642",
    ])
      expect([message, holds(told(message))]).toEqual([message, false]);
    expect(holds(told("no answer within 1000 ms", "TIMEOUT"))).toBe(false);
    // Blind is not the same as dead.
    const blind = told("no answer within 1000 ms", "TIMEOUT");
    for (const index of [1, 2]) {
      Object.assign(blind.at(index), { server: blind.at(3).server, status: blind.at(3).status });
      delete blind.at(index).storage;
    }
    expect(checkCondition(noQuorum, blind.observation()).isHeld).toBe(false);
    expect(checkCondition({ ...noQuorum, except: [1, 2, 3].map(nameOf) }, blind.observation()).isHeld).toBe(true);
  });

  it("is that nobody lists an id who has a say: two that were removed list each other for ever", () => {
    const removed = new Built(5);
    for (const index of [1, 2, 3])
      removed.at(index).change((status) => {
        status.servers = (status.servers ?? []).filter(({ short }) => ![4, 5].map(shortOf).includes(short));
      });
    for (const index of [4, 5]) {
      const server = `${shortOf(index)}@${addressOf(index)}`;
      expect(checkCondition({ type: "absent", database, server }, removed.observation()).isHeld).toBe(true);
    }
    expect(
      checkCondition({ type: "absent", database, server: `${shortOf(3)}@${addressOf(3)}` }, removed.observation())
        .isHeld,
    ).toBe(false);
  });

  it("is never that a cluster that works is stopped for what is left of the old one", () => {
    const other = "99999999-aaaa-4bbb-8ccc-000000000000";
    const before = track(emptyHistory(), new Built(5).observation(AT_MS - 60_000)).history;
    const half = new Built(5, 1);
    for (const index of [1, 2, 3]) {
      half.at(index).change(() => ({ clusterId: { short: other.slice(0, 4), uuid: other } }));
      const { server } = half.at(index);
      if (server?.ok === true && server.value !== undefined)
        half.at(index).server = { ...server, value: { ...server.value, cid: other } };
    }
    leaderless(half, 4, 5);
    const plan = planRecovery(half.observation(), { database, history: before });
    expect(plan.decision).toBe("look");
    const mismatch = plan.because.find(({ code }) => code === "cluster-id-mismatch");
    expect(mismatch?.remedy.isDestructive).toBe(false);
  });
});
