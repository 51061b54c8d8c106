/** What the grants of a lock are worth: for how long each counts, and how many different servers they are of. */

/** Of ovsdb-server, unless its `Connection` row says otherwise, in ms. */
const PROBE_MS = 5_000;
/** Two probes go unanswered before a server gives up a silent client; a fifth of that is left for clocks and wires. */
const SHARE = 1.6;
/** However slow the probes are, whoever holds a lock wants to know before long that it is gone. */
const LIFE_MAX_MS = SHARE * PROBE_MS;

/**
 * For how long a grant counts after the last echo that was answered was sent, in ms: less than the server waits before it
 * gives the lock to somebody else. `probes`: what the `Connection` rows of its databases say, in ms; 0 is "never".
 */
export function grantLifeMs(probes: readonly number[]): number {
  const least = Math.min(PROBE_MS, ...probes.filter((ms) => ms > 0));
  return Math.min(LIFE_MAX_MS, SHARE * least);
}

export type Named = {
  readonly remote: string;
  /** Server ids by database, as far as `_Server` has told them. */
  readonly serverIds: ReadonlyMap<string, string>;
};

/** How many different servers of the database they are: one that is called by two names counts once. */
export function countServers(named: readonly Named[], database: string): number {
  return new Set(named.map(({ remote, serverIds }) => serverIds.get(database) ?? remote)).size;
}

/** Whether both are one process: it has the same server of some database. */
export function isSameServer(one: Named, other: Named): boolean {
  return [...one.serverIds].some(([database, id]) => other.serverIds.get(database) === id);
}

/**
 * Those whose grant counts for the database: who is named for it, and whoever is the same server of it by a name that was
 * given for another database, since the lock is one of the whole process.
 */
export function countingFor<T extends Named & { readonly databases: readonly string[] }>(
  grants: readonly T[],
  database: string,
): readonly T[] {
  const named = grants.filter(({ databases }) => databases.includes(database));
  const ids = new Set(named.flatMap(({ serverIds }) => serverIds.get(database) ?? []));
  return grants.filter((grant) => named.includes(grant) || ids.has(grant.serverIds.get(database) ?? ""));
}

type Rows = readonly Readonly<Record<string, unknown>>[];

/** The rows of a reply to one `select`; none of an error. */
function rowsOf(reply: unknown): Rows {
  const [result] = Array.isArray(reply) ? (reply as readonly { readonly rows?: Rows }[]) : [];
  return result?.rows ?? [];
}

/** Of a reply with `Connection` rows: the probes that are set. */
export function probesIn(reply: unknown): number[] {
  return rowsOf(reply).flatMap(({ inactivity_probe: ms }) => (typeof ms === "number" ? [ms] : []));
}

/** Of a reply with the rows of `_Server`: names and server ids of those that are clustered. */
export function serverIdsIn(reply: unknown): [database: string, serverId: string][] {
  return rowsOf(reply).flatMap(({ name, sid }): [string, string][] =>
    typeof name === "string" && Array.isArray(sid) && sid[0] === "uuid" ? [[name, String(sid[1])]] : [],
  );
}
