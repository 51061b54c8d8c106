/** How a member comes back: what each plan does, in which order, and what it does not do. */
import { describe, expect, it } from "vitest";
import {
  assess,
  emptyHistory,
  type FileFacts,
  type History,
  planRecovery,
  type RecoveryOptions,
  type RecoveryPlan,
  renderPlan,
  runbook,
  renderRunbook,
  track,
} from "../../src/index.ts";
import { addressOf, Built, CLUSTER_ID, idOf, keyOf, nameOf, shortOf, silence } from "../judge/build.ts";
import { AT_MS } from "../judge/samples.ts";

const database = "OVN_Southbound";
const serverIds = Object.fromEntries([1, 2, 3, 4, 5].map((index) => [keyOf(index), idOf(index)]));

/** The acts, each as its program or the word that matters, and whom it is about. */
function acts({ steps }: RecoveryPlan): string[] {
  return steps
    .filter(({ kind }) => kind === "act")
    .map(({ member, command }) => {
      const words = [command?.program ?? "by hand", ...(command?.args ?? [])];
      const what = words.find((word) => /^(start|stop|restart|mv|cp|cluster\/.*|.*-cluster|cluster-to.*)$/.test(word));
      return `${what ?? words[0]} ${what === "cluster/kick" ? words.at(-1)?.slice(0, 4) : member}`;
    });
}

/** Looked at again and again, long enough for what must last. */
function recovery(make: (one: Built) => unknown, options: Partial<RecoveryOptions> = {}, size = 3): RecoveryPlan {
  let history: History = emptyHistory();
  const look = (atMs: number): Built => {
    const one = new Built(size);
    if (atMs > AT_MS) make(one);
    return one;
  };
  for (const after of [0, 1, 30])
    history = track(history, look(AT_MS + after * 1_000).observation(AT_MS + after * 1_000)).history;
  const atMs = AT_MS + 60_000;
  return planRecovery(look(atMs).observation(atMs), { database, history, ...options });
}

const lists = (one: Built, members: readonly number[], edit: (short: string, address: string) => boolean): void => {
  for (const index of members)
    one.at(index).change((status) => ({
      servers: status.servers?.filter(({ short, address }) => edit(short, address)) ?? [],
    }));
};

/** It lost its file, has one that joins, and asks these. */
const joins =
  (index: number, remotes: readonly string[], id = `9999${idOf(index).slice(4)}`) =>
  (one: Built): void => {
    one.kill(index);
    const fresh = new Built(one.members.length).at(index);
    fresh.change((status) => {
      delete status.clusterId;
      return {
        serverId: { short: id.slice(0, 4), uuid: id },
        nickname: id.slice(0, 4),
        state: "joining cluster",
        role: "follower",
        term: 0,
        leader: "unknown",
        servers: [],
        remotesForJoining: remotes,
        connections: [{ direction: "out", nickname: "0000", isConnected: false }],
      };
    });
    delete fresh.server;
    one.members[index - 1] = fresh;
  };

describe("a member that joins and asks nobody who could let it in", () => {
  it("gets a new join file with the members as remotes, and its former id is forgotten first", () => {
    const plan = recovery(joins(3, ["tcp:10.0.0.3:6643"]));
    expect(plan).toMatchObject({ decision: "rejoin", blockers: [] });
    expect(plan.witnesses).toEqual([nameOf(3), nameOf(1)]);
    expect(acts(plan)).toEqual(["stop node3", "mv node3", "cluster/kick 3333", "join-cluster node3", "start node3"]);
    const args = plan.steps.find(({ command }) => command?.args.includes("join-cluster"))?.command?.args ?? [];
    expect(args.slice(-4)).toEqual([database, addressOf(3), addressOf(1), addressOf(2)]);
    expect(args[0]).toBe(`--cid=${CLUSTER_ID}`);
  });

  it("has no former id to be forgotten if the leader lists none", () => {
    const plan = recovery((one) => {
      joins(3, ["tcp:10.0.0.3:6643"])(one);
      lists(one, [1, 2], (short) => short !== shortOf(3));
    });
    expect(plan).toMatchObject({ decision: "rejoin", blockers: [] });
    expect(acts(plan)).toEqual(["stop node3", "mv node3", "join-cluster node3", "start node3"]);
  });

  it("is let alone if it asks a member and can't reach it, or is being added", () => {
    const asks = recovery(joins(3, [addressOf(1)]));
    expect(asks.steps.filter(({ isDestructive }) => isDestructive)).toEqual([]);
    const added = recovery((one) => {
      joins(3, ["tcp:10.0.0.77:6643"])(one);
      one.at(1).change(() => ({
        adding: [{ nickname: "9999", short: "9999", address: addressOf(3), phase: "adding: catchup" }],
      }));
    });
    expect(added.steps.filter(({ isDestructive }) => isDestructive)).toEqual([]);
  });
});

describe("a member that made a cluster of its own", () => {
  const OTHER = "99999999-aaaa-4bbb-8ccc-000000000000";
  const alone =
    (...indexes: readonly number[]) =>
    (one: Built): void => {
      for (const index of indexes) {
        one.kill(index);
        const own = new Built(one.members.length).at(index);
        const id = `9${index}99${idOf(index).slice(4)}`;
        own.change(() => ({
          clusterId: { short: OTHER.slice(0, 4), uuid: OTHER },
          serverId: { short: id.slice(0, 4), uuid: id },
          nickname: id.slice(0, 4),
          role: "leader",
          leader: "self",
          servers: [{ nickname: id.slice(0, 4), short: id.slice(0, 4), address: addressOf(index), isSelf: true }],
          connections: [],
        }));
        delete own.server;
        one.members[index - 1] = own;
      }
    };

  it("is stopped first; its former id goes, and it joins the old cluster", () => {
    const plan = recovery(alone(3));
    expect(plan).toMatchObject({ decision: "stop", blockers: [] });
    expect(acts(plan)).toEqual(["stop node3", "mv node3", "cluster/kick 3333", "join-cluster node3", "start node3"]);
    const [stop, aside, kick] = plan.steps.filter(({ kind }) => kind === "act");
    // A stop and a file that is set aside can be undone; only the removal can't.
    expect([stop, aside, kick].map((step) => step?.isDestructive)).toEqual([true, true, true]);
    expect([stop, aside, kick].map((step) => step?.isIrreversible ?? false)).toEqual([false, false, true]);
    const text = renderPlan(plan);
    expect(text).toMatch(/Stop node3's server of OVN_Southbound {2}\(takes something away\)/);
    expect(text).toMatch(/removed, on the leader {2}\(can't be taken back\)/);
    expect(text.match(/can't be taken back/g)).toHaveLength(1);
    expect(renderPlan(plan, "markdown").match(/\*\*\(can't be taken back\)\*\*/g)).toHaveLength(1);
    const finding = plan.because[0];
    expect(finding?.remedy).toMatchObject({ kind: "stop", isDestructive: true, isIrreversible: false });
  });

  it("is one of two: one after the other", () => {
    const plan = recovery(alone(4, 5), {}, 5);
    expect(plan).toMatchObject({ decision: "stop", blockers: [] });
    expect(new Set(plan.steps.filter(({ kind }) => kind === "act").map(({ member }) => member))).toEqual(
      new Set([nameOf(4), nameOf(1)]),
    );
  });

  it("is not stopped on the word of one: nobody can tell which is the old one", () => {
    const plan = recovery((one) => {
      alone(3)(one);
      one.kill(2);
    });
    expect(plan.steps.filter(({ isDestructive }) => isDestructive)).toEqual([]);
  });
});

describe("a member whose file can't be used", () => {
  const facts = (index: number, more: Partial<FileFacts>): FileFacts => ({
    path: `/db${index}`,
    serverId: idOf(index),
    address: addressOf(index),
    term: 7,
    lastTerm: 7,
    lastIndex: 100,
    commitIndex: 100,
    ...more,
  });
  const withFile =
    (index: number, more: Partial<FileFacts>, ...down: readonly number[]) =>
    (one: Built): void => {
      for (const other of down) one.kill(other);
      Object.assign(one.at(index), { file: facts(index, more) });
    };

  it("joins anew while the others have a quorum, and is told apart by what its own file says", () => {
    const damaged = withFile(3, { damage: "record 7: SHA-1" }, 3);
    const one = new Built(3);
    damaged(one);
    // Nothing is remembered; the whole id is in the file.
    const plan = planRecovery(one.observation(), { database });
    expect(plan).toMatchObject({ decision: "rejoin", blockers: [] });
    expect(acts(plan)).toEqual(["stop node3", "mv node3", "cluster/kick 3333", "join-cluster node3", "start node3"]);
  });

  it("is never the one who is started for its vote, if its file is damaged or older than it was", () => {
    for (const bad of [{ damage: "record 7: SHA-1" }, { lastIndex: 60, commitIndex: 60 }]) {
      const plan = recovery(withFile(3, bad, 2, 3));
      expect(plan).toMatchObject({ decision: "start", blockers: [] });
      expect(acts(plan)).toEqual([`start ${nameOf(2)}`]);
    }
    // Whole, and as it was left.
    expect(acts(recovery(withFile(3, {}, 2, 3))).toSorted()).toEqual([`start ${nameOf(2)}`, `start ${nameOf(3)}`]);
    // Nobody else can be started: that is no reason to start it.
    const alone = recovery(withFile(3, { lastIndex: 60, commitIndex: 60 }, 2, 3), {
      lost: [nameOf(2)],
      files: { [nameOf(1)]: facts(1, {}) },
    });
    expect(alone.decision).toBe("rebuild");
    expect(alone.title).toContain("Rebuild from node1");
    expect(alone.title).toContain("an older file was put back");
  });

  it("gives up nothing on the file's word alone, while its server runs and the leader hears it", () => {
    const plan = recovery(withFile(3, { damage: "record 7: SHA-1" }));
    expect(plan.steps.filter(({ isDestructive }) => isDestructive)).toEqual([]);
  });
});

describe("a member that was told to leave", () => {
  const leaving = (one: Built): unknown => one.at(3).change(() => ({ state: "leaving cluster" }));

  it("is restarted before any other one starts, where there is no leader: else it would leave, and take the majority along", () => {
    const plan = recovery((one) => {
      leaving(one);
      one.kill(1).kill(2);
      one.at(3).change(() => ({ leader: "unknown", role: "follower" }));
    });
    expect(plan).toMatchObject({ decision: "start", blockers: [] });
    expect(acts(plan)[0]).toBe(`restart ${nameOf(3)}`);
    const [first] = plan.steps.filter(({ kind }) => kind === "act");
    expect(first).toMatchObject({ isDestructive: false, after: [{ type: "staying", database, member: nameOf(3) }] });
  });

  it("is restarted, and nobody started, if those who live would be enough", () => {
    const plan = recovery((one) => {
      one.kill(1);
      for (const index of [2, 3])
        one.at(index).change(() => ({ leader: "unknown", role: "follower", state: "leaving cluster" }));
    });
    expect(plan).toMatchObject({ decision: "restart", blockers: [] });
    expect(acts(plan)).toEqual([`restart ${nameOf(2)}`, `restart ${nameOf(3)}`]);
  });
});

describe("a member whose file is gone for good", () => {
  it("waits for those who are left: they must be a majority of what remains", () => {
    const down = (one: Built): unknown => one.kill(3).kill(4).kill(5);
    const two = recovery(down, { lost: [4, 5].map(nameOf), serverIds }, 5);
    expect(two).toMatchObject({ decision: "start", blockers: [], warnings: [] });
    expect(acts(two)).toEqual([
      `start ${nameOf(3)}`,
      ...[4, 5].flatMap((index) => [
        `cluster/kick ${shortOf(index)}`,
        `join-cluster ${nameOf(index)}`,
        `start ${nameOf(index)}`,
      ]),
    ]);
    // The second removal is judged by who is left after the first.
    const kicks = two.steps.filter(({ command }) => command?.args.includes("cluster/kick"));
    for (const { before } of kicks) expect(before).toContainEqual(expect.objectContaining({ type: "quorum-without" }));
    const all = recovery((one) => one.kill(2).kill(3), { lost: [nameOf(3)], serverIds }, 3);
    expect(acts(all)).toEqual([
      `start ${nameOf(2)}`,
      "cluster/kick 3333",
      `join-cluster ${nameOf(3)}`,
      `start ${nameOf(3)}`,
    ]);
  });

  it("is left alone if it lives after all", () => {
    const plan = recovery((one) => one.kill(3), { lost: [nameOf(2)], serverIds });
    expect(acts(plan)).toEqual([`start ${nameOf(3)}`]);
    expect(plan.steps.some(({ isDestructive }) => isDestructive)).toBe(false);
  });

  it("is not removed by half an id", () => {
    const one = new Built(3).kill(3);
    const plan = planRecovery(one.observation(), { database, lost: [nameOf(3)] });
    expect(plan.steps.some(({ isDestructive }) => isDestructive)).toBe(false);
  });
});

describe("a site from which nobody can be started", () => {
  const site = { start: "by hand", stop: "by hand", restart: "by hand" } as const;

  it("says what a person does, where, and with which file", () => {
    const plan = recovery((one) => one.kill(3), { site });
    expect(plan.decision).toBe("start");
    const text = renderPlan(plan);
    expect(text).toContain(
      "At node3 by hand, with its file /var/lib/ovn/ovnsb_db.db and its control socket /run/node3.ctl",
    );
    expect(text).not.toContain("systemctl");
    const stuck = recovery(
      (one) => one.at(3).change((status) => Object.assign(status, { role: "candidate", leader: "unknown" })),
      { site },
    );
    expect(stuck.decision).toBe("restart");
    expect(renderPlan(stuck)).toContain("it keeps its file");
    const wiped = recovery((one) => one.kill(3), { site, lost: [nameOf(3)] });
    expect(renderPlan(wiped)).toContain("ovs-appctl -t /run/node1.ctl cluster/kick OVN_Southbound");
    expect(acts(wiped)).toEqual(["cluster/kick 3333", `join-cluster ${nameOf(3)}`, `by hand ${nameOf(3)}`]);
    const observation = new Built(3).kill(3).observation();
    expect(renderRunbook(runbook(assess(observation), { observation, site }))).toContain("At node3 by hand");
  });
});

describe("elections again and again", () => {
  const term = (value: number): ((one: Built) => void) => {
    return (one) => one.members.forEach((member) => void member.change(() => ({ term: value })));
  };
  const flapping = (options: Partial<RecoveryOptions> = {}): RecoveryPlan => {
    let history: History = emptyHistory();
    const look = (value: number): Built => {
      const one = new Built(3);
      term(value)(one);
      return one;
    };
    for (let value = 1; value <= 7; value++)
      history = track(history, look(value).observation(AT_MS + value * 60_000)).history;
    return planRecovery(look(8).observation(AT_MS + 480_000), { database, history, ...options });
  };

  it("have the timer raised to what is wanted, or to twice of what it is, and never taken for a reason to remove", () => {
    const plan = flapping();
    expect(plan).toMatchObject({ decision: "timer", blockers: [] });
    expect(plan.steps.map(({ command }) => command?.args.at(-1))).toEqual(["2000"]);
    const wanted = flapping({ expected: { electionTimerMs: { [database]: 5_000 } } });
    expect(wanted.steps.map(({ command }) => command?.args.at(-1))).toEqual(["2000", "4000", "5000"]);
    expect(plan.steps.some(({ isDestructive }) => isDestructive)).toBe(false);
  });
});

describe("a server that is stuck", () => {
  it("is restarted if its host is known; else it is said what is looked for", () => {
    const adding = (one: Built): unknown =>
      one.at(1).change(() => ({
        adding: [{ nickname: "4444", short: "4444", address: addressOf(4), phase: "adding: catchup" }],
      }));
    const unknown = recovery(adding);
    expect(unknown).toMatchObject({ decision: "look" });
    expect(unknown.title).toContain("Find the host of 4444 (tcp:10.0.0.4:6643)");
    const asked = recovery((one) => {
      adding(one);
      const spare = new Built(4).at(4);
      Object.assign(spare, { status: silence, server: silence });
      one.members.push(spare);
    });
    expect(asked.steps.some(({ isDestructive }) => isDestructive)).toBe(false);
  });
});
