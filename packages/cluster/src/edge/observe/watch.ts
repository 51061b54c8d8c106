/**
 * A live observation. Where `_Server` answers, a monitor of it tells changes at once, and a question each beat that the
 * server lives; control sockets are asked each beat, and at once when the monitor tells something.
 */
import { ClusterError } from "../../error.ts";
import { type Change, changesSince, hasChanged, type Known } from "../../observe/changes.ts";
import { type Target, targetsOf } from "../../observe/members.ts";
import { changed, dueMs, newPace, type Pace, type PaceOptions } from "../../observe/pace.ts";
import type { MemberObservation, Observation } from "../../observe/types.ts";
import { isThere } from "./ask.ts";
import { followServer } from "./follow-server.ts";
import { pause } from "./pause.ts";
import {
  askedOf,
  manyListeners,
  bootId,
  monotonicNowMs,
  OBSERVE_TIMEOUT_MS,
  type ObserveOptions,
  observeMember,
} from "./observe.ts";

export type WatchOptions = Omit<ObserveOptions, "signal"> & {
  /** Milliseconds between two questions to the same socket; default 1,000. */
  readonly pollMs?: number | undefined;
  /** Milliseconds of quiet after a change before it is told; default 100. */
  readonly debounceMs?: number | undefined;
  /** Milliseconds after which changes that do not cease are told; default 1,000. */
  readonly delayMaxMs?: number | undefined;
  /** Tells at least this often, ms, changed or not; default Infinity. */
  readonly everyMs?: number | undefined;
  /** Ends the watch: the iterator is done. */
  readonly signal?: AbortSignal | undefined;
};

export type WatchUpdate = {
  readonly observation: Observation;
  /** Against the update that was delivered before; the first one has everything. */
  readonly changes: readonly Change[];
  /** Updates that were due and came into this one, since nobody fetched them. */
  readonly merged: number;
};

type Live = {
  readonly target: Target;
  observation: MemberObservation;
  waiting: number;
  poke: (() => void) | undefined;
};

/** Between two polls of the same socket, ms, however much the monitor tells. */
const POLL_GAP_MS = 50;

/**
 * Watches all members. The first update comes when everybody has answered or not. At most one update waits to be
 * fetched: what happens meanwhile comes into it, so a slow reader sees the newest state and the sum of the changes, and
 * nothing grows. Ends by `signal`, by leaving the loop, or by `await using`.
 *
 *     for await (const { observation, changes } of watch({ members })) …
 *
 * @throws ClusterError INVALID_CONFIG
 */
export function watch(options: WatchOptions): Watch {
  return new Watch(options);
}

export class Watch implements AsyncIterableIterator<WatchUpdate>, AsyncDisposable {
  readonly #options: WatchOptions;
  readonly #paceOptions: PaceOptions;
  readonly #databases: Map<string, Live[]>;
  readonly #end = new AbortController();
  readonly #whole: ReturnType<typeof manyListeners>;
  readonly #loops: Promise<void>[] = [];
  readonly #startedMs: number = Date.now();
  readonly #monotonicMs: number = monotonicNowMs();
  #pace: Pace | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isDue = false;
  #merged = 0;
  #known: Known = new Map();
  #readers: { resolve: (result: IteratorResult<WatchUpdate>) => void; reject: (error: unknown) => void }[] = [];
  #failure: unknown;

  /** @internal Use {@link watch}. */
  constructor(options: WatchOptions) {
    this.#options = options;
    this.#paceOptions = {
      debounceMs: options.debounceMs ?? 100,
      delayMaxMs: options.delayMaxMs ?? 1_000,
      everyMs: options.everyMs ?? Number.POSITIVE_INFINITY,
    };
    this.#databases = new Map(
      [...targetsOf(options.members, options.databases)].map(([database, targets]) => [database, targets.map(newLive)]),
    );
    this.#whole = manyListeners(this.#end.signal);
    const { signal } = options;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (signal?.aborted) {
      this.#onAbort();
      return;
    }
    for (const live of [...this.#databases.values()].flat()) this.#follow(live);
  }

  /** The next update; done when the watch has ended. */
  next(): Promise<IteratorResult<WatchUpdate>> {
    if (this.#failure !== undefined) return Promise.reject(this.#takeFailure());
    if (this.#end.signal.aborted) return Promise.resolve({ done: true, value: undefined });
    if (this.#isDue) return Promise.resolve({ done: false, value: this.#deliver() });
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<WatchUpdate>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** Ends the watch; resolves when every connection is closed and every question given up. */
  async close(): Promise<void> {
    this.#onAbort();
    await Promise.all(this.#loops);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #onAbort = (): void => {
    if (this.#end.signal.aborted) return;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    clearTimeout(this.#timer);
    this.#end.abort();
    for (const { resolve } of this.#readers.splice(0)) resolve({ done: true, value: undefined });
  };

  /** A bug of ours ends the watch and is thrown to the reader. */
  #fail(error: unknown): void {
    if (this.#end.signal.aborted) return;
    const [reader, ...others] = this.#readers.splice(0);
    if (reader === undefined) this.#failure = error;
    else reader.reject(error);
    this.#readers = others;
    this.#onAbort();
  }

  #takeFailure(): unknown {
    const error = this.#failure;
    this.#failure = undefined;
    return error;
  }

  #follow(live: Live): void {
    const { target } = live;
    const there = isThere(target);
    const start = (loop: (isFirst: () => void) => Promise<void>): void => {
      live.waiting++;
      let isWaiting = true;
      const first = (): void => {
        if (isWaiting) live.waiting--;
        isWaiting = false;
        this.#begin();
      };
      this.#loops.push(loop(first).catch((error: unknown) => this.#fail(error)));
    };
    if (target.remotes.length > 0 && !there) {
      start((first) =>
        followServer(target, {
          timeoutMs: this.#options.timeoutMs ?? OBSERVE_TIMEOUT_MS,
          pollMs: this.#options.pollMs ?? 1_000,
          tls: this.#options.tls,
          signal: this.#whole.signal,
          take: (server, isNews) => {
            this.#take(live, { ...live.observation, server });
            if (isNews) this.#pokeAll(target.database);
            first();
          },
        }),
      );
    }
    if (target.control !== undefined || there) start((first) => this.#poll(live, there, first));
  }

  async #poll(live: Live, there: boolean, first: () => void): Promise<void> {
    const target = there ? live.target : { ...live.target, remotes: [] };
    const { signal } = this.#whole;
    while (!signal.aborted) {
      let observed: MemberObservation;
      try {
        observed = await observeMember(target, { ...this.#options, signal });
      } catch (error) {
        if (signal.aborted || (error instanceof ClusterError && error.code === "ABORTED")) return;
        throw error;
      }
      const { server } = live.observation;
      const kept = there || server === undefined ? {} : { server };
      this.#take(live, { ...observed, ...kept, asked: live.observation.asked });
      first();
      await pause(POLL_GAP_MS, signal);
      await pause((this.#options.pollMs ?? 1_000) - POLL_GAP_MS, signal, (poke) => {
        live.poke = poke;
      });
    }
  }

  /** What the monitor tells of one member concerns what the others say too. */
  #pokeAll(database: string): void {
    for (const live of this.#databases.get(database) ?? []) live.poke?.();
  }

  #take(live: Live, observation: MemberObservation): void {
    if (this.#end.signal.aborted) return;
    const isNews = hasChanged(live.observation, observation);
    live.observation = observation;
    if (!isNews || this.#pace === undefined) return;
    this.#pace = changed(this.#pace, performance.now());
    this.#schedule();
  }

  /** The first update: when nobody is waited for any more. */
  #begin(): void {
    if (this.#pace !== undefined || [...this.#databases.values()].flat().some(({ waiting }) => waiting > 0)) return;
    this.#pace = newPace(performance.now());
    this.#tell();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#pace === undefined || this.#end.signal.aborted) return;
    const waitMs = dueMs(this.#pace, this.#paceOptions) - performance.now();
    if (waitMs < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#tell(), Math.max(0, Math.ceil(waitMs)));
  }

  #tell(): void {
    this.#pace = newPace(performance.now());
    if (this.#isDue) this.#merged++;
    this.#isDue = true;
    const reader = this.#readers.shift();
    if (reader !== undefined) reader.resolve({ done: false, value: this.#deliver() });
    this.#schedule();
  }

  #deliver(): WatchUpdate {
    const observation = this.#observation();
    const { changes, known } = changesSince(this.#known, observation);
    const update = { observation, changes, merged: this.#merged };
    this.#known = known;
    this.#isDue = false;
    this.#merged = 0;
    return update;
  }

  #observation(): Observation {
    const databases = [...this.#databases].map(([database, members]) => ({
      database,
      members: members.map(({ observation }) => observation),
    }));
    const endedMs = Date.now();
    const asked = databases
      .flatMap(({ members }) => members.flatMap(({ server, status }) => [server, status]))
      .map((answer) => (answer === undefined ? endedMs : answer.atMs - answer.tookMs));
    const startedMs = Math.max(this.#startedMs, Math.min(endedMs, ...asked));
    // A clock that was set in between must not make it seem longer than the watch has lasted.
    const nowMs = monotonicNowMs();
    const beganMs = Math.max(this.#monotonicMs, nowMs - (endedMs - startedMs));
    const monotonic = { startedMs: beganMs, endedMs: nowMs, boot: bootId() };
    return { startedMs, endedMs, monotonic, databases };
  }
}

function newLive(target: Target): Live {
  return { target, observation: { member: target.member, asked: askedOf(target) }, waiting: 0, poke: undefined };
}
