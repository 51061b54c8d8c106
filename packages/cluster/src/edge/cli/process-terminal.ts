/** The terminal of this process. */
import logUpdate from "log-update";
import { askOn } from "./prompt.ts";
import { EXIT, type Screen, type Terminal } from "./terminal.ts";

/** A reader such as head(1) that has seen enough, and a terminal that was closed. */
const GONE: ReadonlySet<string> = new Set(["EPIPE", "EIO"]);

/** Signals that come closer together are one, in ms. */
const SAME_MS = 300;

/**
 * `isActing`: something may be half done when nobody reads any more, so the process does not end for that.
 */
export function processTerminal(isActing: boolean): Terminal {
  const { stdin, stdout, stderr } = process;
  const abort = new AbortController();
  let abortedMs: number | undefined;
  // The first one ends what is done in good order; whoever is in a hurry sends a second. The listener stays: execa, which
  // runs the commands, would end this process at once if it were the only one that listens.
  const onSignal = (): void => {
    const nowMs = performance.now();
    abortedMs ??= nowMs;
    abort.abort();
    // One Ctrl-C may come twice, by the terminal and by a wrapper.
    if (nowMs - abortedMs > SAME_MS) process.exit(EXIT.interrupted);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (!GONE.has(error.code ?? "")) throw error;
    if (!isActing) process.exit(EXIT.ok);
  });
  stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (!GONE.has(error.code ?? "")) throw error;
  });
  const canAsk = stdin.isTTY === true && stderr.isTTY === true;
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    isTerminal: stdout.isTTY === true,
    get columns() {
      // A terminal that does not know its size says 0.
      return stdout.columns || 100;
    },
    get rows() {
      return stdout.rows || 24;
    },
    signal: abort.signal,
    environment: process.env,
    ask: canAsk ? (question, signal) => askOn(stdin, stderr, question, signal) : undefined,
    screen: (): Screen => ({ show: (text) => logUpdate(text), done: () => logUpdate.done() }),
  };
}
