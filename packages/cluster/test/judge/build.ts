/** A cluster as its members would describe it, to be changed in one place at a time. */
import type {
  ClusterStatus,
  Connection,
  MemberObservation,
  Observation,
  ServerLine,
  ServerRow,
} from "../../src/index.ts";
import { AT_MS } from "./samples.ts";

export const CLUSTER_ID = "11111111-aaaa-4bbb-8ccc-000000000000";
export const idOf = (index: number): string => `${String(index).repeat(4)}0000-aaaa-4bbb-8ccc-00000000000${index}`;
export const shortOf = (index: number): string => idOf(index).slice(0, 4);
export const addressOf = (index: number): string => `tcp:10.0.0.${index}:6643`;
export const keyOf = (index: number): string => `${shortOf(index)}@${addressOf(index)}`;
export const nameOf = (index: number): string => `node${index}`;

const ANSWER = { via: "test", atMs: AT_MS, tookMs: 1 } as const;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Edit = unknown;
export type Member = Mutable<MemberObservation> & { change: (edit: (status: Mutable<ClusterStatus>) => Edit) => void };

function linksOf(index: number, others: readonly number[]): Connection[] {
  void index;
  return others.flatMap((other): Connection[] => [
    { direction: "out", nickname: shortOf(other), isConnected: true },
    { direction: "in", nickname: shortOf(other), isConnected: true },
  ]);
}

function statusOf(index: number, members: readonly number[], leader: number): ClusterStatus {
  const others = members.filter((other) => other !== index);
  const servers = members.map((other): ServerLine => {
    const isSelf = other === index;
    return {
      nickname: shortOf(other),
      short: shortOf(other),
      address: addressOf(other),
      isSelf,
      ...(index === leader ? { nextIndex: 101, matchIndex: 100 } : {}),
      ...(isSelf ? {} : { lastMessageMs: index === leader || other === leader ? 50 : 5_000_000 }),
    };
  });
  return {
    nickname: shortOf(index),
    name: "OVN_Southbound",
    clusterId: { short: CLUSTER_ID.slice(0, 4), uuid: CLUSTER_ID },
    serverId: { short: shortOf(index), uuid: idOf(index) },
    address: addressOf(index),
    state: "cluster member",
    adding: [],
    role: index === leader ? "leader" : "follower",
    term: 7,
    leader: index === leader ? "self" : shortOf(leader),
    vote: shortOf(leader),
    electionTimer: { ms: 1_000 },
    log: { start: 2, end: 101 },
    uncommitted: 0,
    unapplied: 0,
    connections: linksOf(index, others),
    disconnections: 0,
    servers,
    unknownLines: [],
  };
}

export class Built {
  readonly members: Member[];

  constructor(size = 3, leader = 1) {
    const all = Array.from({ length: size }, (_, index) => index + 1);
    this.members = all.map((index) => this.#member(index, statusOf(index, all, leader), index === leader));
  }

  #member(index: number, first: ClusterStatus, leads: boolean): Member {
    let status: Mutable<ClusterStatus> = { ...first };
    const member: Member = {
      member: nameOf(index),
      asked: { control: `/run/${nameOf(index)}.ctl` },
      server: {
        ok: true,
        value: {
          name: "OVN_Southbound",
          model: "clustered",
          connected: true,
          leader: leads,
          hasSchema: true,
          cid: CLUSTER_ID,
          sid: idOf(index),
          index: 100,
        },
        ...ANSWER,
      },
      status: { ok: true, value: { type: "status", status }, ...ANSWER },
      storage: { ok: true, value: { ok: true, text: "status: ok" }, ...ANSWER },
      change: (edit) => {
        const copy = { ...status };
        const edited = edit(copy);
        status = { ...copy, ...(edited as Partial<ClusterStatus> | undefined) };
        member.status = { ok: true, value: { type: "status", status }, ...ANSWER };
      },
    };
    return member;
  }

  /** From 1. */
  at(index: number): Member {
    const member = this.members[index - 1];
    if (member === undefined) throw new Error(`no member ${index}`);
    return member;
  }

  /** Its process is gone: it answers nothing, and whoever needs to knows. */
  kill(index: number): this {
    const dead = this.at(index);
    const error = { code: "UNREACHABLE", message: "connect ECONNREFUSED" } as const;
    dead.server = { ok: false, error, ...ANSWER };
    dead.status = { ok: false, error, ...ANSWER };
    delete dead.storage;
    for (const member of this.members) {
      if (member === dead || member.status?.ok === false) continue;
      member.change((status) => {
        status.connections = (status.connections ?? []).flatMap((link): Connection[] =>
          link.nickname !== shortOf(index) ? [link] : link.direction === "out" ? [{ ...link, isConnected: false }] : [],
        );
        status.servers = (status.servers ?? []).map((line) =>
          line.short === shortOf(index) ? { ...line, lastMessageMs: 9_000 } : line,
        );
      });
    }
    return this;
  }

  /** What the leader prints of another. */
  line(index: number, edit: (line: Mutable<ServerLine>) => Partial<ServerLine>, of = 1): this {
    this.at(of).change((status) => {
      status.servers = (status.servers ?? []).map((line) => {
        if (line.short !== shortOf(index)) return line;
        return { ...line, ...edit({ ...line }) };
      });
    });
    return this;
  }

  observation(atMs = AT_MS): Observation {
    const members = this.members.map(({ change: _change, ...member }) => member);
    const times = { startedMs: atMs - 5, endedMs: atMs };
    return { ...times, monotonic: { ...times, boot: "one" }, databases: [{ database: "OVN_Southbound", members }] };
  }
}

/** The outcome of a question that nobody took. */
export const silence = {
  ok: false,
  error: { code: "UNREACHABLE", message: "connect ECONNREFUSED" },
  via: "test",
  atMs: AT_MS,
  tookMs: 1,
} as const;

/** What can be seen if only client remotes are known: `_Server`, and no status. */
export function rowsOnly(built: Built): Built {
  for (const member of built.members) {
    delete member.status;
    delete member.storage;
    member.change = () => {};
  }
  return built;
}

/** Another row of `_Server` for one member, counted from 1; undefined removes a field. */
export function changeRow(
  built: Built,
  index: number,
  fields: { readonly [K in keyof ServerRow]?: ServerRow[K] | undefined },
): Built {
  const member = built.at(index);
  if (member.server?.ok !== true || member.server.value === undefined) throw new Error(`${index} has no row`);
  const row = { ...member.server.value, ...fields };
  const kept = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
  member.server = { ...member.server, value: kept as ServerRow };
  return built;
}
