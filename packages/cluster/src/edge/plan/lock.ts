/**
 * One operator at a time. A lock of OVSDB (RFC 7047 §4.1.8) lives in one server process, so it is taken at every member
 * that can be reached, and counts while a majority of the members of every database grants it. It ends with the
 * connections, so nobody has to clean up after a crash.
 *
 * What it promises: of two operators who name the same members, or who both give `voters`, one has it. A majority of two
 * different lists need not meet: who names members of his own choice, and no `voters`, is not kept apart from anybody.
 * A server gives the lock of a silent client away after two of its inactivity probes, 5 s each unless its `Connection` row
 * says otherwise; every grant is therefore proved by echoes, and counts for no more than 8 s after the last one that was
 * answered was sent, or 1.6 probes where they are shorter. So a server that is busy for some seconds loses nothing, and one
 * that is cut off has not given it away yet when its holder knows. A probe that is set in no row is not seen.
 *
 * It needs no leader. Where a majority is down, which is when a cluster is rebuilt, `needs: "reachable"` takes it at
 * whoever is left: that excludes those who reach one of the same members, and nobody else. What it can't do: keep out
 * those who do not ask for it (a `kubectl delete`, a script), be taken where fewer than a majority can be reached,
 * survive a majority that restarts at once, or take back a command that runs when it is lost.
 */
import { setTimeout as pause } from "node:timers/promises";
import { openSession, type RawSession, type TlsSource } from "@ovnha/ovsdb";
import { ClusterError } from "../../error.ts";
import { majorityOf } from "../../judge/quorum.ts";
import { countingFor, countServers, grantLifeMs, isSameServer, probesIn, serverIdsIn } from "../../plan/lock-grant.ts";

export const OPERATION_LOCK = "ovnha_operation";

export type LockOptions = {
  /** The client remotes of all members, per database. */
  readonly remotes: Readonly<Record<string, readonly string[]>>;
  /** How many voters each database has, as a status shows: the majority is one of these, however few are named. */
  readonly voters?: Readonly<Record<string, number>> | undefined;
  readonly name?: string | undefined;
  /** Who has to grant it: "majority" of each database unless told; "reachable": all that answer, be it none. */
  readonly needs?: "majority" | "reachable" | undefined;
  readonly tls?: TlsSource | undefined;
  /** For each member, in ms; 5,000 unless told. */
  readonly timeoutMs?: number | undefined;
};

export interface OperationLock extends AsyncDisposable {
  readonly isHeld: boolean;
  /** Aborts when it is lost. */
  readonly signal: AbortSignal;
  /** Who grants it at this moment. */
  readonly granted: readonly string[];
  release(): Promise<void>;
}

/** @throws ClusterError LOCKED if somebody else has it, UNREACHABLE if too few members can be asked, INVALID_CONFIG if
 * fewer are named than a majority of `voters` takes. */
export async function acquireOperationLock(options: LockOptions): Promise<OperationLock> {
  const lock = new MajorityLock(options);
  try {
    await lock.acquire();
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** By one remote. The lock is one of the process behind it, so it is granted for all that this process serves. */
type Grant = {
  readonly remote: string;
  /** For which it was named. */
  readonly databases: readonly string[];
  /** Who answers there, by database. */
  serverIds: ReadonlyMap<string, string>;
  session: RawSession | undefined;
  /** When the last echo that was answered was sent; monotonic ms. */
  provedMs: number;
  /** For how long from then on it counts, in ms. */
  lifeMs: number;
  isBeingAsked: boolean;
  /** Not before this it is asked again, and then after twice as long. */
  nextMs: number;
  backOffMs: number;
};

/** How often those are looked through that do not grant it. */
const TICK_MS = 250;
const BACK_OFF_LEAST_MS = 250;
const BACK_OFF_MOST_MS = 8_000;
/** Between two echoes of one grant, or a quarter of its life if that is shorter; none waits for the one before. */
const ECHO_EVERY_MS = 1_000;

class MajorityLock implements OperationLock {
  readonly #options: LockOptions;
  readonly #grants: readonly Grant[];
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isReleased = false;

  constructor(options: LockOptions) {
    this.#options = options;
    const remotes = new Set(Object.values(options.remotes).flat());
    this.#grants = [...remotes].map((remote) => ({
      remote,
      databases: Object.keys(options.remotes).filter((database) => options.remotes[database]?.includes(remote)),
      serverIds: new Map(),
      session: undefined,
      provedMs: Number.NEGATIVE_INFINITY,
      lifeMs: grantLifeMs([]),
      isBeingAsked: false,
      nextMs: 0,
      backOffMs: BACK_OFF_LEAST_MS,
    }));
  }

  get isHeld(): boolean {
    return !this.#isReleased && !this.#lost.signal.aborted && this.#shortOf() === undefined;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  get granted(): readonly string[] {
    return this.#grants.filter(isProved).map(({ remote }) => remote);
  }

  async acquire(): Promise<void> {
    this.#checkCover();
    const answers = await Promise.all(this.#grants.map((grant) => this.#ask(grant)));
    // A server that is named twice refuses the second time because of the first.
    const taken = this.#grants.filter((grant, index) => answers[index] === "taken" && !this.#isOurs(grant));
    const database = this.#needsMajority ? this.#shortOf() : taken[0]?.databases[0];
    if (database === undefined) {
      this.#again();
      return;
    }
    const others = taken.filter(({ databases }) => databases.includes(database));
    if (others.length > 0) {
      const where = others.map(({ remote }) => remote).join(", ");
      throw new ClusterError(
        "LOCKED",
        `another operation is under way on ${database} (${where}); wait for its end, or end it`,
      );
    }
    const twice = this.#grants.filter((grant) => this.#isOurs(grant)).map(({ remote }) => remote);
    const why = twice.length === 0 ? "" : `; ${twice.join(", ")} is a second name of another one`;
    throw new ClusterError(
      "UNREACHABLE",
      `too few members of ${database} can be asked for the operation lock; a majority is needed${why}`,
    );
  }

  get #needsMajority(): boolean {
    return this.#options.needs !== "reachable";
  }

  #neededOf(database: string): number {
    const named = this.#grants.filter(({ databases }) => databases.includes(database));
    return majorityOf(Math.max(countServers(named, database), this.#options.voters?.[database] ?? 0));
  }

  /** The same server grants it already, by another name. */
  #isOurs(grant: Grant): boolean {
    return this.#grants.some((other) => other !== grant && other.session !== undefined && isSameServer(other, grant));
  }

  /** @throws ClusterError INVALID_CONFIG if those who are named can never be a majority. */
  #checkCover(): void {
    if (!this.#needsMajority) return;
    for (const [database, remotes] of Object.entries(this.#options.remotes)) {
      const named = new Set(remotes).size;
      const needed = this.#neededOf(database);
      if (named < needed)
        throw new ClusterError(
          "INVALID_CONFIG",
          `${database} has ${this.#options.voters?.[database]} voters, and the remotes of ${named} are known; the operation lock takes ${needed}: name the others`,
        );
    }
  }

  /** The database of which too few members grant it. */
  #shortOf(): string | undefined {
    if (!this.#needsMajority) return undefined;
    return Object.keys(this.#options.remotes).find((database) => {
      const granted = countingFor(this.#grants, database).filter(isProved);
      return countServers(granted, database) < this.#neededOf(database);
    });
  }

  async #ask(grant: Grant): Promise<"granted" | "taken" | "unreachable"> {
    const { tls, timeoutMs = 5_000, name = OPERATION_LOCK } = this.#options;
    grant.isBeingAsked = true;
    const session = openSession(grant.remote, { tls, timeoutMs, connectMs: timeoutMs });
    try {
      await session.ready();
      await identify(grant, session);
      const sentMs = performance.now();
      const reply = (await session.call("lock", [name])) as unknown as { locked?: boolean };
      if (reply.locked !== true) {
        await giveBack(session, name);
        return "taken";
      }
      if (this.#isReleased) {
        await giveBack(session, name);
        return "unreachable";
      }
      grant.session = session;
      grant.provedMs = sentMs;
      grant.backOffMs = BACK_OFF_LEAST_MS;
      void this.#watch(grant, session);
      void this.#prove(grant, session);
      return "granted";
    } catch {
      await session.close();
      return "unreachable";
    } finally {
      grant.isBeingAsked = false;
      grant.nextMs = performance.now() + grant.backOffMs;
      grant.backOffMs = Math.min(2 * grant.backOffMs, BACK_OFF_MOST_MS);
    }
  }

  /** Until the server says that it is stolen, or the connection is gone. */
  async #watch(grant: Grant, session: RawSession): Promise<void> {
    try {
      for await (const { method } of session.notifications()) if (method === "stolen") break;
    } catch {
      // The connection was lost; the server has given the lock back already.
    }
    await this.#drop(grant, session);
  }

  /** Until no echo is answered in time: before the server hears nothing for so long that it gives the lock away. */
  async #prove(grant: Grant, session: RawSession): Promise<void> {
    const { lifeMs } = grant;
    const everyMs = Math.min(ECHO_EVERY_MS, lifeMs / 4);
    while (grant.session === session && isProved(grant)) {
      const sentMs = performance.now();
      // A server that is busy answers them all when it is back; those that are under way are as many as fit in one life.
      session.call("echo", [OPERATION_LOCK], { timeoutMs: lifeMs }).then(
        () => {
          grant.provedMs = Math.max(grant.provedMs, sentMs);
        },
        () => {},
      );
      await pause(everyMs, undefined, { ref: false });
    }
    await this.#drop(grant, session);
  }

  async #drop(grant: Grant, session: RawSession): Promise<void> {
    if (grant.session !== session) return;
    grant.session = undefined;
    this.#checkLost();
    await session.close();
  }

  #checkLost(): void {
    if (!this.#isReleased && this.#shortOf() !== undefined)
      this.#lost.abort(new ClusterError("LOCKED", "the operation lock was lost: too few members grant it"));
  }

  /** A member that restarts forgets its locks; it is asked again until it is back, less and less often. */
  #again(): void {
    this.#timer = setTimeout(() => {
      this.#checkLost();
      if (this.#isReleased || this.#lost.signal.aborted) return;
      const nowMs = performance.now();
      for (const grant of this.#grants)
        if (grant.session === undefined && !grant.isBeingAsked && nowMs >= grant.nextMs && !this.#isOurs(grant))
          void this.#askAgain(grant);
      this.#again();
    }, TICK_MS);
    this.#timer.unref();
  }

  async #askAgain(grant: Grant): Promise<void> {
    const answer = await this.#ask(grant);
    // A majority that is held outvotes whoever asks meanwhile; without one, nobody else may have it anywhere.
    if (!this.#needsMajority && !this.#isReleased && answer === "taken" && !this.#isOurs(grant))
      this.#lost.abort(new ClusterError("LOCKED", "the operation lock was lost: somebody else has taken it"));
  }

  async release(): Promise<void> {
    this.#isReleased = true;
    clearTimeout(this.#timer);
    await Promise.all(
      this.#grants.map(async (grant) => {
        const { session } = grant;
        grant.session = undefined;
        if (session !== undefined) await giveBack(session, this.#options.name ?? OPERATION_LOCK);
      }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** How long a server may take to take a lock back, in ms; the connection's end does it too, if later. */
const UNLOCK_MS = 1_000;

/** By RFC 7047 §4.1.10, so that whoever asks next finds it free, or does not find us in the queue for it. */
async function giveBack(session: RawSession, name: string): Promise<void> {
  await session.call("unlock", [name], { timeoutMs: UNLOCK_MS }).catch(() => {});
  await session.close();
}

function isProved({ session, provedMs, lifeMs }: Grant): boolean {
  return session !== undefined && performance.now() - provedMs < lifeMs;
}

/** Who answers, and after how long it gives up a silent client, as far as it tells: from `_Server`, and from its `Connection` rows. */
async function identify(grant: Grant, session: RawSession): Promise<void> {
  const select = (database: string, table: string, columns: string[]): Promise<unknown> =>
    session.call("transact", [database, { op: "select", table, where: [], columns }]).catch(() => undefined);
  const [servers, ...connections] = await Promise.all([
    select("_Server", "Database", ["name", "sid"]),
    ...grant.databases.map((database) => select(database, "Connection", ["inactivity_probe"])),
  ]);
  grant.serverIds = new Map(serverIdsIn(servers));
  grant.lifeMs = grantLifeMs(connections.flatMap(probesIn));
}
