import { ClosedError, ValueError } from "../error.ts";
import type { SessionDriver } from "./driver.ts";

/** How a lock stands (RFC 7047 §4.1.8): `lost` with the link, `stolen` by another client. */
export type LockState = "owned" | "waiting" | "stolen" | "lost";

/**
 * A lock of the server this client is connected to (RFC 7047 §4.1.8). Locks live in one server process, so they mean
 * something in a cluster only among clients that all use the leader. After a reconnect the lock is asked for again.
 */
export interface Lock extends AsyncDisposable {
  readonly name: string;
  readonly held: boolean;
  /** Aborts when this holding of the lock ends: stolen, link lost, released. Each new holding has a new signal. */
  readonly signal: AbortSignal;
  /** Resolves as soon as the lock is held, at once if it is. */
  acquired(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Gives it back. */
  release(): Promise<void>;
}

class HeldLock implements Lock {
  readonly name: string;
  readonly #onRelease: () => void;
  #holding = new AbortController();
  #held = false;
  #released = false;
  readonly #waiters = new Set<{ resolve: () => void; reject: (error: unknown) => void }>();
  readonly #answers = new Set<(state: LockState) => void>();

  constructor(name: string, onRelease: () => void) {
    this.name = name;
    this.#onRelease = onRelease;
  }

  get held(): boolean {
    return this.#held;
  }

  get signal(): AbortSignal {
    return this.#holding.signal;
  }

  on(state: LockState): void {
    const held = state === "owned";
    if (held && !this.#held) {
      if (this.#holding.signal.aborted) this.#holding = new AbortController();
      this.#held = true;
      for (const { resolve } of this.#waiters) resolve();
      this.#waiters.clear();
    } else if (!held && this.#held) {
      this.#held = false;
      this.#holding.abort(new Error(`the lock "${this.name}" is ${state}`));
    }
    for (const answer of this.#answers) answer(state);
    this.#answers.clear();
  }

  /** The server's next word on this lock. */
  answer(): Promise<LockState> {
    return new Promise((resolve) => this.#answers.add(resolve));
  }

  acquired(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    if (this.#held) return Promise.resolve();
    if (this.#released) return Promise.reject(new ClosedError(`the lock "${this.name}" was released`));
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters.delete(waiter);
        reject(signal?.reason);
      };
      const waiter = {
        resolve: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        reject,
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  release(): Promise<void> {
    if (!this.#released) {
      this.#released = true;
      this.on("lost");
      this.fail(new ClosedError(`the lock "${this.name}" was released`));
      this.#onRelease();
    }
    return Promise.resolve();
  }

  fail(error: unknown): void {
    for (const { reject } of this.#waiters) reject(error);
    this.#waiters.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** The locks of one database client; at most one of each name, as ovsdb-server has it. */
export class Locks {
  readonly #driver: () => SessionDriver;
  readonly #locks = new Map<string, HeldLock>();

  constructor(driver: () => SessionDriver) {
    this.#driver = driver;
  }

  onState(name: string, state: LockState): void {
    this.#locks.get(name)?.on(state);
  }

  async lock(name: string, options: { readonly signal?: AbortSignal } = {}): Promise<Lock> {
    options.signal?.throwIfAborted();
    const lock = this.#request(name, false);
    try {
      await lock.acquired(options);
      return lock;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  async steal(name: string, options: { readonly signal?: AbortSignal } = {}): Promise<Lock> {
    options.signal?.throwIfAborted();
    const lock = this.#request(name, true);
    try {
      await lock.acquired(options);
      return lock;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Undefined if another client holds it. */
  async tryLock(name: string, options: { readonly signal?: AbortSignal } = {}): Promise<Lock | undefined> {
    options.signal?.throwIfAborted();
    const lock = this.#request(name, false);
    const stop = new Promise<LockState>((_resolve, reject) => {
      options.signal?.addEventListener("abort", () => reject(options.signal?.reason), { once: true });
    });
    // An abort after the answer concerns nobody here.
    stop.catch(() => {});
    try {
      for (;;) {
        const state = lock.held ? "owned" : await Promise.race([lock.answer(), stop]);
        if (state === "owned") return lock;
        if (state !== "waiting") continue;
        await lock.release();
        return undefined;
      }
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  close(): void {
    for (const lock of [...this.#locks.values()]) void lock.release();
  }

  #request(name: string, steal: boolean): HeldLock {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new ValueError(
        undefined,
        undefined,
        `"${name}" is not a lock name; use letters, digits and "_", not starting with a digit`,
      );
    }
    if (this.#locks.has(name)) {
      throw new ValueError(
        undefined,
        undefined,
        `this client holds or awaits the lock "${name}" already; release it first, or share the Lock object`,
      );
    }
    const lock = new HeldLock(name, () => {
      this.#locks.delete(name);
      this.#driver().feed({ type: "unlock", name });
    });
    this.#locks.set(name, lock);
    this.#driver().feed({ type: "lock", name, steal });
    return lock;
  }
}
