/** What is different between two observations, in the words of the status; ages, indexes and counters are not changes. */
import { type MemberObservation, type Observation, serverRowOf, statusOf } from "./types.ts";

export type ChangedFact =
  /** Whether `_Server` and the control socket answer, or the code of the error. */
  | "remote"
  | "control"
  /** Whether the server has the database, and as what. */
  | "model"
  | "connected"
  /** What `_Server` says of leading; told only where the control socket does not answer. */
  | "leads"
  | "cluster id"
  | "server id"
  | "state"
  | "role"
  | "leader"
  | "term"
  | "members"
  | "adding"
  | "removing"
  | "election timer"
  | "links down"
  | "storage";

export type Change = {
  readonly database: string;
  readonly member: string;
  readonly what: ChangedFact;
  /** Absent if it was not known, or is not any more. */
  readonly from?: string;
  readonly to?: string;
};

type Facts = Map<ChangedFact, string>;

/** Everything about one member that is worth telling when it changes. */
export function factsOf(member: MemberObservation): Facts {
  const facts: Facts = new Map();
  const put = (what: ChangedFact, value: string | number | boolean | undefined): void => {
    if (value !== undefined) facts.set(what, String(value));
  };
  put("remote", member.server && (member.server.ok ? "answers" : member.server.error.code));
  put("control", member.status && (member.status.ok ? "answers" : member.status.error.code));
  const row = serverRowOf(member);
  const status = statusOf(member);
  put("model", row?.model ?? (member.server?.ok === true ? "not served" : undefined));
  put("connected", row?.connected);
  if (status === undefined) put("leads", row?.leader);
  if (member.status?.ok === true && status === undefined) put("state", member.status.value.type.replace("-", " "));
  const cid = status?.clusterId;
  put("cluster id", typeof cid === "object" ? cid.uuid : (row?.cid ?? cid));
  put("server id", status?.serverId?.uuid ?? row?.sid);
  put("state", status?.state);
  put("role", status?.role);
  put("leader", status?.leader);
  put("term", status?.term);
  put("members", listOf(status?.servers?.map(({ short, address }) => `${short} at ${address}`)));
  put(
    "adding",
    listOf(status?.adding.map(({ short, address, phase }) => `${short} at ${address} (${phase})`)) || undefined,
  );
  put("removing", status?.removing && `${status.removing.short} at ${status.removing.address}`);
  const timer = status?.electionTimer;
  put(
    "election timer",
    timer &&
      (timer.changingToMs === undefined ? `${timer.ms} ms` : `${timer.ms} ms, changing to ${timer.changingToMs} ms`),
  );
  const down = status?.connections?.filter(({ isConnected }) => !isConnected);
  put(
    "links down",
    listOf(down?.map(({ direction, nickname }) => `${direction === "out" ? "->" : "<-"}${nickname}`)) || undefined,
  );
  put("storage", member.storage?.ok === true ? member.storage.value.text : undefined);
  return facts;
}

/** In one order, since the server's own is not stable. */
function listOf(texts: readonly string[] | undefined): string | undefined {
  return texts === undefined ? undefined : [...texts].sort().join(", ");
}

/** What was last known of each member of each database: the facts of one that is silent now stay until it speaks. */
export type Known = ReadonlyMap<string, ReadonlyMap<ChangedFact, string>>;

/** The changes from one observation to the next, member by member. Without a first one, everything is new. */
export function changesBetween(before: Observation | undefined, after: Observation): Change[] {
  const known = before === undefined ? new Map() : changesSince(new Map(), before).known;
  return changesSince(known, after).changes;
}

/** The changes against what was known, and what is known now. */
export function changesSince(known: Known, { databases }: Observation): { changes: Change[]; known: Known } {
  const changes: Change[] = [];
  const next = new Map<string, ReadonlyMap<ChangedFact, string>>();
  for (const { database, members } of databases) {
    for (const observation of members) {
      const { member } = observation;
      const key = JSON.stringify([database, member]);
      const from = known.get(key) ?? new Map<ChangedFact, string>();
      const to = factsOf(observation);
      if (isHalfSilent(observation)) for (const [what, value] of from) if (!to.has(what)) to.set(what, value);
      next.set(key, to);
      changes.push(...differences(from, to).map((difference) => ({ database, member, ...difference })));
    }
  }
  return { changes, known: next };
}

/** What a source that does not answer said before stays true until it speaks again; the silence itself is the change. */
function isHalfSilent({ server, status }: MemberObservation): boolean {
  return server?.ok === false || status?.ok === false;
}

function differences(
  from: ReadonlyMap<ChangedFact, string>,
  to: ReadonlyMap<ChangedFact, string>,
): Pick<Change, "what" | "from" | "to">[] {
  const found: Pick<Change, "what" | "from" | "to">[] = [];
  for (const what of new Set([...from.keys(), ...to.keys()])) {
    const [old, now] = [from.get(what), to.get(what)];
    if (old === now) continue;
    found.push({ what, ...(old === undefined ? {} : { from: old }), ...(now === undefined ? {} : { to: now }) });
  }
  return found;
}

/** Whether anything worth telling is different. */
export function hasChanged(before: MemberObservation, after: MemberObservation): boolean {
  const [from, to] = [factsOf(before), factsOf(after)];
  if (from.size !== to.size) return true;
  for (const [what, value] of to) if (from.get(what) !== value) return true;
  return false;
}
