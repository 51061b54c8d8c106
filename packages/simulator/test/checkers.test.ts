/** Each checker catches a bug that is planted for it. */
import { currentEid, ZERO_UUID } from "@ovnha/raft";
import { describe, expect, test } from "vitest";
import { CHECKERS, type CheckerName } from "../src/check/check.ts";
import { findScenario, parseScenario, prepareWorld, type Run, simulate, finish } from "../src/index.ts";
import { perform } from "../src/world/actions.ts";
import type { Server } from "../src/world/server.ts";
import type { World } from "../src/world/world.ts";

const CALM = parseScenario(`
version: 1
name: calm
cluster: { members: 3, timer: 1s }
clients: [{ kind: writer, rate: 20/s, to: any }]
schedule:
  - { at: 5s, restart: m1, how: kill, down: 2s }
run: { for: 30s }
`);

/** Runs with a bug that comes to life at time 0. */
function withBug(plant: (world: World) => void, scenario = CALM, seed = 1): Run {
  const world = prepareWorld(scenario, { seed });
  plant(world);
  world.run(world.trace.zeroUs + scenario.forMs * 1000);
  return finish(world);
}

/** Changes every server, also those that start later. */
function inEveryStep(world: World, bug: (server: Server) => void): void {
  const tamper = (server: Server): void => {
    const after = server.after.bind(server);
    server.after = () => {
      bug(server);
      after();
    };
  };
  for (const { server } of world.hosts) if (server !== undefined) tamper(server);
  const start = world.start.bind(world);
  world.start = (host, policy) => {
    start(host, policy);
    if (host.server !== undefined) tamper(host.server);
  };
}

/** m2 hears a member ask for its vote in term 9, with a log that ends at `lastIndex`; a transfer, so that it listens. */
function askForVote(world: World, from: number, lastIndex: number): void {
  const [voter, candidate] = [world.hosts[1]!.server!, world.hosts[from]!.server!];
  const link = voter.links.find(({ ends }) => ends.includes(candidate))!;
  voter.deliver(link, link.ends[0] === voter ? 0 : 1, {
    type: "vote_request",
    from: candidate.node.sid,
    to: voter.node.sid,
    cluster: voter.node.cid,
    comment: undefined,
    term: 9,
    last_log_index: lastIndex,
    last_log_term: lastIndex === 0 ? 0 : 9,
    leadership_transfer: true,
    is_prevote: false,
  });
}

const KILL = { do: "restart", target: "m2", how: "kill", wipe: undefined, boot: undefined, kick: false } as const;

const names = (run: Run): Set<string> => new Set(run.violations.map(({ checker }) => checker));

/** Many writers at every member, whose transactions race each other; the leader may be one that looks at no prerequisite. */
function contended(isPlanted: boolean): Run {
  const clients = ["m1", "m2", "m3"].map((to) => ({ kind: "writer" as const, name: to, perSecond: 400, to }));
  return withBug(
    (world) => {
      for (const { server } of world.hosts) {
        if (server === undefined || !isPlanted) continue;
        const deliver = server.deliver.bind(server);
        server.deliver = (link, end, message) =>
          deliver(
            link,
            end,
            message.type === "execute_command_request" ? { ...message, prereq: currentEid(server.node) } : message,
          );
      }
    },
    { ...CALM, clients, steps: [], forMs: 5000 },
  );
}

const PLANTS: Readonly<Record<CheckerName, () => Run>> = {
  // A follower that promotes itself.
  "election-safety": () =>
    withBug((world) =>
      world.later(2000, () => {
        const server = world.hosts[1]!.server!;
        server.node.role = "leader";
        world.note(server, { type: "role", role: "leader", term: server.node.term });
      }),
    ),
  // The same index and term, with other content before it.
  "log-matching": () =>
    withBug((world) => {
      const [m1, m2] = world.hosts;
      world.later(2000, () => {
        const entry = (host: typeof m1, n: number): void => {
          const { node } = host!.server!;
          const index = node.logStart + node.log.length + 5;
          host!.server!.append(index - 5, {
            term: 1,
            data: n,
            eid: `0000000e-0000-4000-8000-00000000f00${n}`,
            servers: undefined,
            election_timer: 0,
          });
        };
        entry(m1, 1);
        entry(m2, 2);
      });
    }),
  "leader-completeness": () => simulate(findScenario("s7"), { seed: 1 }),
  "state-machine-safety": () => simulate(findScenario("s23"), { seed: 1 }),
  // A follower that forgets whom it voted for as soon as it has said so.
  "one-vote": () =>
    withBug((world) => {
      inEveryStep(world, ({ node }) => {
        if (node.role === "follower") node.vote = ZERO_UUID;
      });
      for (const from of [0, 2]) world.later(500 + from * 50, () => askForVote(world, from, 1000));
    }),
  monotonic: () =>
    withBug((world) => {
      world.later(3000, () => {
        const server = world.hosts[1]!.server!;
        server.node.commitIndex -= 2;
        server.after();
      });
    }),
  // Every entry is taken for synced as soon as it is written.
  speech: () =>
    withBug((world) =>
      inEveryStep(world, ({ node }) => {
        node.logSynced = node.logStart + node.log.length;
      }),
    ),
  // A leader that needs nobody.
  "commit-majority": () =>
    withBug((world) =>
      inEveryStep(world, ({ node }) => {
        if (node.role === "leader") node.commitIndex = node.logStart + node.log.length - 1;
      }),
    ),
  // A server that acknowledges with the index of another entry.
  "acked-writes": () =>
    withBug((world) => {
      const { clients } = world;
      const acknowledge = clients.acknowledge.bind(clients);
      clients.acknowledge = (operation, server, index, eid) =>
        acknowledge(operation, server, index - (clients.acked === 30 ? 1 : 0), eid);
    }),
  // A leader that ignores what a forwarded transaction was built on.
  prerequisite: () => contended(true),
  linearizability: () =>
    withBug((world) => {
      const { clients } = world;
      const acknowledge = clients.acknowledge.bind(clients);
      clients.acknowledge = (operation, server, index, eid) =>
        acknowledge(operation, server, clients.acked === 30 ? 3 : index, eid);
    }),
  "one-cluster": () => simulate(findScenario("s8"), { seed: 1 }),
};

describe("a planted bug is caught by the checker for", () => {
  test.each(CHECKERS)("%s", (name) => {
    expect(names(PLANTS[name]())).toContain(name);
  });
});

test("a leader that looks at prerequisites refuses what lost the race, and it is tried again", () => {
  const run = contended(false);
  expect(names(run)).toEqual(new Set());
  expect(run.acked).toBeGreaterThan(100);
});

test("a vote that is told before it is on disk breaks the rule about speech", () => {
  const run = (isPlanted: boolean): Run =>
    withBug((world) => {
      const { node } = world.hosts[1]!.server!;
      if (isPlanted) Object.defineProperty(node, "syncedVote", { get: () => node.vote, set: () => undefined });
      // The first one lets it take the term, and gets no vote; by the second one the term is synced.
      world.later(500, () => askForVote(world, 2, 0));
      world.later(600, () => askForVote(world, 0, 1000));
    });
  expect(run(true).violations.map(({ text }) => text)).toContainEqual(
    expect.stringContaining("m2 tells its vote of term 9 for"),
  );
  expect(names(run(false))).toEqual(new Set());
});

test("a vote that a restart forgets breaks the rule of one vote a term", () => {
  const run = (isPlanted: boolean): Run =>
    withBug((world) => {
      const start = world.start.bind(world);
      world.start = (host, policy) => {
        start(host, policy);
        if (isPlanted && host.server !== undefined) host.server.node.vote = ZERO_UUID;
      };
      world.later(500, () => askForVote(world, 0, 1000));
      world.later(700, () => perform(world, { ...KILL, downMs: 200 }, undefined));
      world.later(950, () => askForVote(world, 2, 1000));
    });
  expect(names(run(true))).toContain("one-vote");
  expect(names(run(false))).toEqual(new Set());
});

test("without a bug the same schedule is clean", () => {
  for (let seed = 1; seed <= 50; seed++) expect(names(simulate(CALM, { seed }))).toEqual(new Set());
});

test("old disks put back under a frozen leader: what was acknowledged is lost, its server aborts, and does not start again", () => {
  const scenario = parseScenario(`
version: 1
name: two-old-disks
cluster: { members: 3, timer: 1s }
clients: [{ kind: writer, rate: 1/s, to: m1 }]
schedule:
  - { at: 20s, pause: m1, for: 20s }
  - { at: 20500ms, rollback: m2, to: 5s }
  - { at: 20500ms, rollback: m3, to: 5s }
  - { at: 22s, start: m2, boot: same-disk }
  - { at: 22s, start: m3, boot: same-disk }
  - { at: 50s, start: m1, boot: same-disk }
run: { for: 60s }
`);
  for (const profile of ["3.1.0", "3.7.1"]) {
    const run = simulate(scenario, { seed: 1, profile });
    expect(names(run)).toContain("leader-completeness");
    expect(run.ackedLost).toBeGreaterThan(0);
    const stops = run.trace.flatMap((event) => (event.type === "stop" ? [`${event.member} ${event.how}`] : []));
    expect(stops).toContain("m1 assertion commit_index < log_end");
    expect(run.members[0]?.refusal).toContain("but commit index is already");
  }
});
