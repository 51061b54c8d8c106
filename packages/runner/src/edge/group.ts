/** A process group that ends as a whole: when its time is up, when its caller gives it up, and with this process. */

/** Those that run: when this process ends, they do. */
const running = new Set<Group>();
const onExit = (): void => {
  for (const group of running) group.signal("SIGTERM");
};

export class Group implements Disposable {
  /** Why it was ended from here, if it was. */
  ended: "timed out" | "canceled" | undefined;
  readonly #pid: number;
  readonly #graceMs: number;
  readonly #timer: NodeJS.Timeout;
  #killer: NodeJS.Timeout | undefined;
  readonly #stop: () => void;

  /** `pid`: of its leader. It is asked to end first, and killed `graceMs` later. */
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
    if (running.size === 0) process.on("exit", onExit);
    running.add(this);
  }

  signal(name: NodeJS.Signals): void {
    try {
      process.kill(-this.#pid, name);
    } catch {
      // Nobody is left in it.
    }
  }

  #end(why: "timed out" | "canceled"): void {
    if (this.ended !== undefined) return;
    this.ended = why;
    this.signal("SIGTERM");
    this.#killer = setTimeout(() => this.signal("SIGKILL"), this.#graceMs);
  }

  kill(): void {
    this.signal("SIGKILL");
  }

  /** To be called when its leader has ended; of one that was ended from here nobody is left behind. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#killer);
    this.#stop();
    if (this.ended !== undefined) this.kill();
    running.delete(this);
    if (running.size === 0) process.off("exit", onExit);
  }
}
