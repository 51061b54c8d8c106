/** A process group that ends as a whole: when its time is up, when its caller gives it up, and with this process. */
import { setTimeout as pause } from "node:timers/promises";
import { endWithUs, isAlive, letGo, signalGroup } from "./ending.ts";

/** How often a group that was asked to end is looked at, in ms. */
const POLL_MS = 50;

export class Group implements Disposable {
  /** Why it was ended from here, if it was. */
  ended: "timed out" | "canceled" | undefined;
  readonly #pid: number;
  readonly #graceMs: number;
  readonly #timer: NodeJS.Timeout;
  #killer: NodeJS.Timeout | undefined;
  /** When it is killed; monotonic ms. */
  #killMs = 0;
  readonly #stop: () => void;

  /** `pid`: of its leader. All of it are asked to end first, and those that are left are killed `graceMs` later. */
  constructor(
    pid: number,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined; readonly graceMs: number },
  ) {
    const { timeoutMs, signal, graceMs } = options;
    this.#pid = pid;
    this.#graceMs = graceMs;
    this.#timer = setTimeout(() => this.#end("timed out"), timeoutMs);
    const onAbort = (): void => this.#end("canceled");
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#stop = () => signal?.removeEventListener("abort", onAbort);
    endWithUs(pid);
  }

  #end(why: "timed out" | "canceled"): void {
    if (this.ended !== undefined) return;
    this.ended = why;
    this.#killMs = performance.now() + this.#graceMs;
    signalGroup(this.#pid, "SIGTERM");
    this.#killer = setTimeout(() => this.kill(), this.#graceMs);
  }

  kill(): void {
    signalGroup(this.#pid, "SIGKILL");
  }

  /**
   * To be called when its leader has ended. What it has left behind in good order is left alone; of a group that was ended
   * from here nobody is left when this resolves, and whoever cleans up has had as long for it as the leader.
   */
  async over(): Promise<void> {
    clearTimeout(this.#timer);
    clearTimeout(this.#killer);
    this.#stop();
    if (this.ended === undefined) return;
    while (performance.now() < this.#killMs && isAlive(this.#pid)) await pause(POLL_MS);
    // Whoever was started while it was looked at may have been missed.
    this.kill();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#killer);
    this.#stop();
    letGo(this.#pid);
  }
}
