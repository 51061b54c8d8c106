/** A bar on standard error, for people alone: nothing of it is in what a script reads. */
import type { Terminal } from "./output.ts";

export type Progress = { readonly update: (done: number, of: number) => void; readonly stop: () => void };

export async function progress(terminal: Terminal): Promise<Progress> {
  const told = (): void => terminal.onProgress?.();
  if (terminal.showsProgress !== true) return { update: told, stop: () => {} };
  // Loaded when somebody looks: a script has its answer sooner.
  const { SingleBar } = (await import("cli-progress")).default;
  const bar = new SingleBar({
    format: "{bar} {value}/{total} {eta_formatted}",
    hideCursor: true,
    stream: process.stderr,
    clearOnComplete: true,
  });
  let isStarted = false;
  return {
    update: (done, of) => {
      told();
      if (!isStarted) bar.start(of, done);
      isStarted = true;
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

/** Lets signals and sockets have their turn: without it Ctrl-C would be heard only in the end. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One line on standard error that is written over; nothing where nobody looks. */
export function statusLine(terminal: Terminal): { readonly show: (text: string) => void; readonly clear: () => void } {
  if (terminal.showsProgress !== true) return { show: () => terminal.onProgress?.(), clear: () => {} };
  const erase = "\r\u001B[K";
  return {
    show: (text) => {
      terminal.onProgress?.();
      terminal.err(`${erase}${text.slice(0, Math.max(20, terminal.columns - 1))}`);
    },
    clear: () => terminal.err(erase),
  };
}
