/** Statuses of every kind that a server can print, for properties. */
import fc from "fast-check";
import type {
  ClusterStatus,
  Connection,
  MembershipChange,
  PrintedId,
  PrintedServer,
  ServerLine,
} from "../../src/index.ts";

const hex = (length: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(..."0123456789abcdef"), { minLength: length, maxLength: length })
    .map((digits) => digits.join(""));

const uuid = fc.tuple(hex(8), hex(4), hex(4), hex(4), hex(12)).map((parts) => parts.join("-"));
const integer = fc.oneof(fc.nat(100), fc.nat(), fc.maxSafeNat());
/** Differences that the server prints may be below zero. */
const count = fc.oneof(
  { weight: 9, arbitrary: integer },
  { weight: 1, arbitrary: fc.integer({ min: -1000, max: -1 }) },
);

const id: fc.Arbitrary<PrintedId> = fc.oneof(
  uuid.map((whole) => ({ short: whole.slice(0, 4), uuid: whole })),
  hex(6).map((cut) => ({ short: cut.slice(0, 4), uuid: cut })),
);

/** A socket's name may hold blanks and brackets; the nickname is it up to the first dot. */
const fileName = fc
  .array(fc.constantFrom(..."abcXYZ019 _-()"), { minLength: 1, maxLength: 12 })
  .map((letters) => letters.join("").trim())
  .filter(
    (name) => name !== "" && !/\(\S+ at |\) | \(|->|<-/.test(name) && !name.endsWith(")") && !name.startsWith("("),
  );

const host = fc.oneof(
  fc.ipV4(),
  fc.ipV4().map((ip) => `[${ip}]`),
  fc.ipV6().map((ip) => `[${ip}]`),
  fc.domain(),
);
const address = fc.oneof(
  fc
    .tuple(fc.constantFrom("tcp", "ssl"), host, fc.nat(65_535))
    .map(([kind, where, port]) => `${kind}:${where}:${port}`),
  fileName.map((name) => `unix:/run/ovsdb/${name}.raft`),
  fileName.map((name) => `unix:${name}.raft`),
);

const server: fc.Arbitrary<PrintedServer> = fc.tuple(hex(4), address).map(([short, where]) => ({
  nickname: where.startsWith("unix:") ? (/([^/:]+?)\.raft$/.exec(where)?.[1] ?? short) : short,
  short,
  address: where,
}));

const phase = fc.constantFrom("stable", "adding: catchup", "adding: caught up", "adding: committing", "removing");
const change: fc.Arbitrary<MembershipChange> = fc
  .tuple(server, fc.oneof(phase, fc.constant("adding: by magic")))
  .map(([who, what]) => ({ ...who, phase: what }));

const nickname = fc.oneof(hex(4), fileName);
const who = fc.oneof(fc.constantFrom("self", "unknown"), nickname);

const serverLine: fc.Arbitrary<ServerLine> = fc
  .record(
    {
      who: server,
      isSelf: fc.boolean(),
      phase,
      votedFor: nickname,
      nextIndex: integer,
      matchIndex: integer,
      lastMessageMs: integer,
      rest: fc.constantFrom(" gone_since=5", " (shy)"),
    },
    { requiredKeys: ["who", "isSelf"] },
  )
  .map(({ who: named, ...rest }) => ({ ...named, ...rest }));

const connection: fc.Arbitrary<Connection> = fc.record({
  direction: fc.constantFrom("out", "in"),
  nickname,
  isConnected: fc.boolean(),
});

const word = fc.constantFrom("OVN_Northbound", "OVN_Southbound", "testdb", "x");

/** Any subset of the lines, in the usual order. */
export const anyStatus: fc.Arbitrary<ClusterStatus> = fc
  .record(
    {
      name: word,
      clusterId: fc.oneof(fc.constant<"not yet known">("not yet known"), id),
      serverId: id,
      address,
      state: fc.constantFrom("cluster member", "joining cluster", "leaving cluster", "failed", "in a new state"),
      remotesForJoining: fc.array(address, { maxLength: 4 }),
      adding: fc.array(change, { maxLength: 3 }),
      removing: change,
      role: fc.constantFrom("leader", "follower", "candidate", "<error>"),
      term: integer,
      leader: who,
      vote: who,
      electionStarted: fc.record({ agoMs: integer, reason: fc.constantFrom("timeout", "leadership_transfer") }),
      electionWon: fc.record({ agoMs: integer }),
      electionTimer: fc.record({ ms: integer, changingToMs: integer }, { requiredKeys: ["ms"] }),
      log: fc.record({ start: integer, end: integer }),
      uncommitted: count,
      unapplied: count,
      connections: fc.array(connection, { maxLength: 8 }),
      disconnections: integer,
      servers: fc.array(serverLine, { maxLength: 7 }),
      unknownLines: fc.constant([]),
      nickname: hex(4),
    },
    { requiredKeys: ["name", "adding", "unknownLines"] },
  )
  .map((status) => ({ ...status, term: status.term ?? 1 }));
