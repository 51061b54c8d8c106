/**
 * One operator at a time. A lock of OVSDB (RFC 7047 §4.1.8) lives in one server process, so it is taken at every member
 * that can be reached, and counts while a majority of the members of every database grants it: two operators can't both
 * have one, whoever leads and whoever restarts. It ends with the connections, so nobody has to clean up after a crash.
 *
 * It needs no leader. Where a majority is down, which is when a cluster is rebuilt, `needs: "reachable"` takes it at whoever
 * is left: that excludes everybody who reaches one of the same members. What it can't do: keep out those who do not ask for it (a `kubectl delete`, a script), be taken
 * where fewer than a majority can be reached, or survive a majority that restarts at once.
 */
import { openSession, type RawSession, type TlsSource } from "@ovnha/ovsdb";
import { ClusterError } from "../../error.ts";
import { majorityOf } from "../../judge/quorum.ts";

export const OPERATION_LOCK = "ovnha_operation";

export type LockOptions = {
  /** The client remotes of all members, per database. */
  readonly remotes: Readonly<Record<string, readonly string[]>>;
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

/** @throws ClusterError LOCKED if somebody else has it, UNREACHABLE if too few members can be asked. */
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

type Grant = {
  readonly database: string;
  readonly remote: string;
  session: RawSession | undefined;
  isGranted: boolean;
};

const RETRY_MS = 250;

class MajorityLock implements OperationLock {
  readonly #options: LockOptions;
  readonly #grants: readonly Grant[];
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isReleased = false;

  constructor(options: LockOptions) {
    this.#options = options;
    this.#grants = Object.entries(options.remotes).flatMap(([database, remotes]) =>
      remotes.map((remote) => ({ database, remote, session: undefined, isGranted: false })),
    );
  }

  get isHeld(): boolean {
    return !this.#isReleased && !this.#lost.signal.aborted && this.#shortOf() === undefined;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  get granted(): readonly string[] {
    return this.#grants.filter(({ isGranted }) => isGranted).map(({ remote }) => remote);
  }

  async acquire(): Promise<void> {
    const answers = await Promise.all(this.#grants.map((grant) => this.#ask(grant)));
    const taken = this.#grants.filter((_grant, index) => answers[index] === "taken");
    const database = this.#needsMajority ? this.#shortOf() : taken[0]?.database;
    if (database === undefined) {
      this.#again();
      return;
    }
    const others = taken.filter((grant) => grant.database === database);
    if (others.length > 0) {
      const where = others.map(({ remote }) => remote).join(", ");
      throw new ClusterError(
        "LOCKED",
        `another operation is under way on ${database} (${where}); wait for its end, or end it`,
      );
    }
    throw new ClusterError(
      "UNREACHABLE",
      `too few members of ${database} can be asked for the operation lock; a majority is needed`,
    );
  }

  get #needsMajority(): boolean {
    return this.#options.needs !== "reachable";
  }

  /** The database of which too few members grant it. */
  #shortOf(): string | undefined {
    if (!this.#needsMajority) return undefined;
    return Object.entries(this.#options.remotes).find(([database, remotes]) => {
      const granted = this.#grants.filter((grant) => grant.database === database && grant.isGranted).length;
      return granted < majorityOf(remotes.length);
    })?.[0];
  }

  async #ask(grant: Grant): Promise<"granted" | "taken" | "unreachable"> {
    const { tls, timeoutMs = 5_000, name = OPERATION_LOCK } = this.#options;
    const session = openSession(grant.remote, { tls, timeoutMs, connectMs: timeoutMs });
    try {
      const reply = (await session.call("lock", [name])) as unknown as { locked?: boolean };
      if (reply.locked !== true) {
        await session.close();
        return "taken";
      }
      if (this.#isReleased) {
        await session.close();
        return "unreachable";
      }
      grant.session = session;
      grant.isGranted = true;
      void this.#watch(grant, session);
      return "granted";
    } catch {
      await session.close();
      return "unreachable";
    }
  }

  /** Until the server says that it is stolen, or the connection is gone. */
  async #watch(grant: Grant, session: RawSession): Promise<void> {
    try {
      for await (const { method } of session.notifications()) if (method === "stolen") break;
    } catch {
      // The connection was lost; the server has given the lock back already.
    }
    if (grant.session !== session) return;
    grant.session = undefined;
    grant.isGranted = false;
    await session.close();
    if (!this.#isReleased && this.#shortOf() !== undefined)
      this.#lost.abort(new ClusterError("LOCKED", "the operation lock was lost: too few members grant it"));
  }

  /** A member that restarts forgets its locks; it is asked again until it is back. */
  #again(): void {
    this.#timer = setTimeout(async () => {
      const answers = await Promise.all(
        this.#grants.filter(({ isGranted }) => !isGranted).map((grant) => this.#ask(grant)),
      );
      // A majority that is held outvotes whoever asks meanwhile; without one, nobody else may have it anywhere.
      if (!this.#needsMajority && !this.#isReleased && answers.includes("taken"))
        this.#lost.abort(new ClusterError("LOCKED", "the operation lock was lost: somebody else has taken it"));
      if (!this.#isReleased && !this.#lost.signal.aborted) this.#again();
    }, RETRY_MS);
    this.#timer.unref();
  }

  async release(): Promise<void> {
    this.#isReleased = true;
    clearTimeout(this.#timer);
    await Promise.all(
      this.#grants.map(async (grant) => {
        const { session } = grant;
        grant.session = undefined;
        grant.isGranted = false;
        await session?.close();
      }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}
