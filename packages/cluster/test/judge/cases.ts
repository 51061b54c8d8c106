/** Each failure mode that one look can show, made by one change to a cluster that is well. */
import type { FindingCode } from "../../src/index.ts";
import { addressOf, changeRow, rowsOnly, shortOf, silence } from "./build.ts";
import { type Case, LOG_CASES } from "./log-cases.ts";

const stranger = { direction: "in", nickname: "0000", isConnected: true } as const;

export const CASES: readonly Case[] = [
  { code: "no-quorum", make: (built) => void built.kill(2).kill(3) },
  { code: "stale-leader", make: (built) => void built.kill(2).kill(3) },
  {
    code: "no-leader",
    make: (built) =>
      built
        .kill(1)
        .members.slice(1)
        .forEach((one) => void one.change(() => ({ leader: "unknown" }))),
  },
  {
    code: "quorum-lost-to-dead-ids",
    size: 5,
    expected: { members: 3 },
    make: (built) => void built.kill(3).kill(4).kill(5),
  },
  {
    code: "connected-without-quorum",
    make: (built) =>
      built
        .kill(1)
        .members.slice(1)
        .forEach((one) => void one.change(() => ({ leader: "unknown" }))),
  },
  {
    code: "peer-hung",
    make: (built) => {
      const error = { code: "TIMEOUT", message: "no answer" } as const;
      Object.assign(built.at(3), {
        status: { ok: false, error, via: "x", atMs: 0, tookMs: 1 },
        server: { ok: false, error, via: "x", atMs: 0, tookMs: 1 },
      });
      built.line(3, () => ({ lastMessageMs: 5_000 }));
    },
  },
  {
    code: "stuck-candidate",
    make: (built) => built.at(3).change((status) => Object.assign(status, { role: "candidate", leader: "unknown" })),
  },
  { code: "term-ahead", make: (built) => built.at(3).change(() => ({ term: 9 })) },
  { code: "even-members", size: 4, make: () => {} },
  { code: "single-member", size: 1, make: () => {} },
  { code: "no-fault-tolerance", make: (built) => void built.kill(3) },
  { code: "leaving", make: (built) => built.at(3).change(() => ({ state: "leaving cluster" })) },
  {
    code: "leaving-stuck",
    make: (built) =>
      built
        .kill(1)
        .kill(2)
        .at(3)
        .change((status) => Object.assign(status, { state: "leaving cluster", leader: "unknown" })),
  },
  { code: "leader-silent", make: (built) => void built.line(1, () => ({ lastMessageMs: 9_000 }), 3) },
  {
    code: "two-leaders",
    make: (built) => built.at(2).change((status) => Object.assign(status, { role: "leader", leader: "self" })),
  },
  { code: "timer-differs", expected: { electionTimerMs: 5_000 }, make: () => {} },
  {
    code: "election-timer-changing",
    make: (built) => built.at(1).change(() => ({ electionTimer: { ms: 1_000, changingToMs: 2_000 } })),
  },
  {
    code: "replication-stalled",
    make: (built) => {
      built
        .at(1)
        .change((status) => Object.assign(status, { uncommitted: 1, unapplied: 1, log: { start: 2, end: 102 } }));
      for (const peer of [2, 3]) built.line(peer, () => ({ lastMessageMs: 600 }));
    },
  },
  { code: "nobody-answered", make: (built) => void built.kill(1).kill(2).kill(3) },
  { code: "peer-down", make: (built) => void built.kill(3) },
  {
    code: "peer-link-down",
    make: (built) =>
      built.at(2).change((status) => ({
        connections:
          status.connections?.flatMap((link) =>
            link.nickname === shortOf(3) ? (link.direction === "out" ? [{ ...link, isConnected: false }] : []) : [link],
          ) ?? [],
      })),
  },
  {
    code: "one-way-link",
    make: (built) =>
      built.at(2).change((status) => ({
        connections:
          status.connections?.map((link) =>
            link.nickname === shortOf(3) && link.direction === "out" ? { ...link, isConnected: false } : link,
          ) ?? [],
      })),
  },
  {
    code: "member-unreachable",
    make: (built) => {
      const error = { code: "UNREACHABLE", message: "no route" } as const;
      Object.assign(built.at(3), {
        status: { ok: false, error, via: "x", atMs: 0, tookMs: 1 },
        server: { ok: false, error, via: "x", atMs: 0, tookMs: 1 },
      });
    },
  },
  { code: "member-silent", make: (built) => void rowsOnly(built).kill(3) },
  {
    code: "disconnected",
    make: (built) => void changeRow(rowsOnly(built), 3, { connected: false }),
  },
  {
    code: "client-port-silent",
    make: (built) => void Object.assign(built.at(2), { server: { ...silence, via: "tcp:10.0.0.2:6642" } }),
  },
  {
    code: "control-silent",
    make: (built) => void Object.assign(built.at(2), { status: { ...silence, via: "/run/node2.ctl" } }),
  },
  {
    code: "duplicate-address",
    make: (built) => {
      for (const one of built.members)
        one.change((status) => ({
          servers: [
            ...(status.servers ?? []),
            {
              nickname: "dead",
              short: "dead",
              address: addressOf(3),
              isSelf: false,
              matchIndex: 40,
              lastMessageMs: 90_000,
            },
          ],
        }));
    },
  },
  {
    code: "cluster-id-mismatch",
    make: (built) =>
      built.at(3).change(() => ({ clusterId: { short: "9999", uuid: "99999999-aaaa-4bbb-8ccc-000000000000" } })),
  },
  {
    code: "unexpected-cluster-id",
    expected: { clusterIds: { OVN_Southbound: "99999999-aaaa-4bbb-8ccc-000000000000" } },
    make: () => {},
  },
  {
    code: "split-suspect",
    size: 1,
    expected: { members: 3 },
    make: (built) => built.at(1).change(() => ({ connections: [stranger, stranger] })),
  },
  {
    code: "foreign-inbound",
    make: (built) => built.at(1).change((status) => ({ connections: [...(status.connections ?? []), stranger] })),
  },
  {
    code: "unexpected-members",
    expected: { addresses: { OVN_Southbound: [addressOf(1), addressOf(2)] } },
    make: () => {},
  },
  { code: "missing-members", expected: { members: 5 }, make: () => {} },
  {
    code: "views-differ",
    make: (built) =>
      built.at(2).change((status) => ({ servers: status.servers?.filter(({ short }) => short !== shortOf(3)) ?? [] })),
  },
  {
    code: "not-a-member",
    make: (built) =>
      Object.assign(built.at(3), {
        status: { ok: true, value: { type: "unknown-cluster" }, via: "x", atMs: 0, tookMs: 1 },
        server: { ok: true, value: undefined, via: "x", atMs: 0, tookMs: 1 },
      }),
  },
  {
    code: "storage-failed",
    make: (built) => {
      const { server } = built.at(3);
      if (server?.ok === true && server.value !== undefined)
        Object.assign(built.at(3), {
          status: { ok: true, value: { type: "unknown-cluster" }, via: "x", atMs: 0, tookMs: 1 },
          server: { ...server, value: { ...server.value, connected: false } },
        });
    },
  },
  {
    code: "database-missing",
    make: (built) =>
      Object.assign(built.at(3), {
        status: undefined,
        server: { ok: true, value: undefined, via: "x", atMs: 0, tookMs: 1 },
      }),
  },
  {
    code: "removed-while-down",
    make: (built) => {
      for (const one of [1, 2])
        built
          .at(one)
          .change((status) => ({ servers: status.servers?.filter(({ short }) => short !== shortOf(3)) ?? [] }));
    },
  },
  {
    code: "removing",
    make: (built) =>
      built.at(1).change(() => ({
        removing: {
          nickname: shortOf(3),
          short: shortOf(3),
          address: addressOf(3),
          phase: "removing",
        },
      })),
  },
  {
    code: "removing-live-member",
    make: (built) =>
      built.at(1).change(() => ({
        removing: {
          nickname: shortOf(3),
          short: shortOf(3),
          address: addressOf(3),
          phase: "removing",
        },
      })),
  },
  {
    code: "mixed-protocols",
    make: (built) => {
      for (const one of built.members)
        one.change((status) => ({
          servers:
            status.servers?.map((line) =>
              line.short === shortOf(3) ? { ...line, address: "ssl:10.0.0.3:6643" } : line,
            ) ?? [],
        }));
    },
  },
  {
    code: "joining",
    make: (built) =>
      built.at(3).change((status) =>
        Object.assign(status, {
          state: "joining cluster",
          clusterId: "not yet known",
          servers: [],
          leader: "unknown",
        }),
      ),
  },
  {
    code: "remotes-unreachable",
    make: (built) =>
      built.at(3).change((status) =>
        Object.assign(status, {
          state: "joining cluster",
          clusterId: "not yet known",
          servers: [],
          remotesForJoining: [addressOf(1)],
          connections: [{ direction: "out", nickname: "0000", isConnected: false }],
        }),
      ),
  },
  {
    code: "join-in-progress",
    make: (built) =>
      built.at(1).change(() => ({
        adding: [{ nickname: "4444", short: "4444", address: addressOf(4), phase: "adding: catchup" }],
      })),
  },
  {
    code: "leader-while-joining",
    make: (built) => built.at(1).change(() => ({ state: "joining cluster" })),
  },
  {
    code: "peer-not-replicating",
    make: (built) => void built.line(3, (line) => Object.assign(line, { lastMessageMs: 4_000, matchIndex: 12 })),
  },
  {
    code: "storage-inconsistent",
    make: (built) =>
      Object.assign(built.at(2), {
        storage: { ok: true, value: { ok: false, text: "status: inconsistent data" }, via: "x", atMs: 0, tookMs: 1 },
      }),
  },
  {
    code: "own-id-missing",
    make: (built) =>
      built.at(2).change((status) => ({ servers: status.servers?.filter(({ isSelf }) => !isSelf) ?? [] })),
  },
  {
    code: "log-growth",
    make: (built) => built.at(2).change(() => ({ log: { start: 2, end: 900_000 } })),
  },
  {
    code: "send-backlog",
    make: (built) =>
      Object.assign(built.at(1), {
        memory: { ok: true, value: { "raft-backlog-kB": 900_000 }, via: "x", atMs: 0, tookMs: 1 },
      }),
  },
  {
    code: "follower-lagging",
    make: (built) => {
      built.at(1).change(() => ({ log: { start: 2, end: 5_000 } }));
    },
  },
  {
    code: "versions-differ",
    make: (built) =>
      built.members.forEach(
        (one, index) =>
          void Object.assign(one, {
            version: { ok: true, value: `ovsdb-server 3.${index}.0`, via: "x", atMs: 0, tookMs: 1 },
          }),
      ),
  },
  {
    code: "not-clustered",
    make: (built) => {
      const { server } = built.at(2);
      if (server?.ok === true && server.value !== undefined)
        Object.assign(built.at(2), {
          status: { ok: true, value: { type: "unknown-command" }, via: "x", atMs: 0, tookMs: 1 },
          server: { ...server, value: { ...server.value, model: "standalone" } },
        });
    },
  },
  {
    code: "partial-capture",
    make: (built) =>
      built.at(2).change((status) => {
        delete status.role;
      }),
  },
  {
    code: "bad-answer",
    make: (built) =>
      Object.assign(built.at(2), {
        status: { ok: false, error: { code: "MALFORMED_STATUS", message: "line 3" }, via: "x", atMs: 0, tookMs: 1 },
      }),
  },
  ...LOG_CASES,
];

/** Those that only time, or what was seen before, can show: see over-time.test.ts. */
export const OVER_TIME: readonly FindingCode[] = [
  "timer-change-stuck",
  "removal-stuck",
  "catchup-stuck",
  "joining-stuck",
  "link-flapping",
  "identity-changed",
  "state-went-backwards",
  "frozen-entries",
  "believes-removed",
];
