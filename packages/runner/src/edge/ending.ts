/**
 * What is left running when this process ends: process groups, which the terminal's signals pass by. They end with it, by
 * `process.exit`, by an error nobody caught, and by a signal that nothing else here listens to; only SIGKILL leaves them.
 */
import { readdirSync, readFileSync } from "node:fs";

/** How long this process waits at its end for those it has asked to end, before it kills them, in ms. */
const LAST_WAIT_MS = 300;
const POLL_MS = 10;

/** The leaders of those that run. */
const running = new Set<number>();

/** Those that end a process which does nothing about them. */
const SIGNALS = ["SIGTERM", "SIGHUP", "SIGINT"] as const;

/** Marks a listener that only passes a signal on: another copy of this module has one too. */
const RELAY = Symbol.for("@ovnha/runner relay");

const onSignal = Object.assign(
  (name: NodeJS.Signals): void => {
    if (isHeard(name)) return;
    endAll();
    for (const each of SIGNALS) process.off(each, onSignal);
    // Now it ends us, as it would have without a listener.
    process.kill(process.pid, name);
  },
  { [RELAY]: true },
);

/** Ends a group with this process, from now on. `leader`: its pid. */
export function endWithUs(leader: number): void {
  if (running.size === 0) {
    process.on("exit", endAll);
    // Before the others: one that listens once is gone when it has been told.
    for (const name of SIGNALS) process.prependListener(name, onSignal);
  }
  running.add(leader);
}

export function letGo(leader: number): void {
  running.delete(leader);
  if (running.size > 0) return;
  process.off("exit", endAll);
  for (const name of SIGNALS) process.off(name, onSignal);
}

/** @returns whether there was anybody to send it to; signal 0 only asks for that. */
export function signalGroup(leader: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-leader, name);
    return true;
  } catch {
    // Nobody is left in it, or nobody whom this user may end.
    return false;
  }
}

/** At once, since nothing waits for promises at the end of a process. */
function endAll(): void {
  for (const leader of running) signalGroup(leader, "SIGTERM");
  const endMs = performance.now() + LAST_WAIT_MS;
  const never = new Int32Array(new SharedArrayBuffer(4));
  while (performance.now() < endMs && [...running].some(isAlive)) Atomics.wait(never, 0, 0, POLL_MS);
  for (const leader of running) signalGroup(leader, "SIGKILL");
}

/**
 * Whether anybody of a group runs. Who has ended stays in it until somebody waits for him: for its leader the event loop does
 * when it turns, for orphans the first process of the machine, which in a container may never.
 */
export function isAlive(leader: number): boolean {
  if (!signalGroup(leader, 0)) return false;
  try {
    return readdirSync("/proc").some((name) => /^\d+$/.test(name) && isAliveIn(leader, name));
  } catch {
    // No Linux: nobody knows.
    return true;
  }
}

/** By proc(5): after the name in brackets its state, its parent and its group. */
function isAliveIn(leader: number, pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(group) === leader && !"ZX".includes(state);
  } catch {
    // It has ended meanwhile.
    return false;
  }
}

/** Whether the program does something about a signal itself. */
function isHeard(name: NodeJS.Signals): boolean {
  const others = process.listeners(name).filter((listener) => !(RELAY in listener));
  return others.length > signalExitListeners();
}

/**
 * signal-exit, by which execa ends commands without a group of their own, listens too, and passes a signal on if nobody but
 * its own kind listens: if each of us took the other for the program, nothing would end it. Its versions 3 and 4 tell each
 * other so how many of them listen.
 */
function signalExitListeners(): number {
  const { __signal_exit_emitter__: v3 } = process as { __signal_exit_emitter__?: { readonly count?: unknown } };
  const v4 = (globalThis as { [key: symbol]: { readonly count?: unknown } | undefined })[
    Symbol.for("signal-exit emitter")
  ];
  return [v3, v4].reduce((sum, emitter) => sum + (typeof emitter?.count === "number" ? emitter.count : 0), 0);
}
