/** A question on a terminal. Whatever is no "yes" is a "no": another word, the end of input, Ctrl-C. */
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** Resolves with whether the answer was "y" or "yes"; with false at once when the signal is aborted. */
export async function askOn(
  input: Readable,
  output: Writable,
  question: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted || input.readableEnded) return false;
  output.write(`${question} [y/N] `);
  // Lines as the terminal gives them: in raw mode Ctrl-C would come as a letter, and not as the signal that ends us.
  const reader = createInterface({ input, terminal: false });
  let onAbort: (() => void) | undefined;
  try {
    const line = await new Promise<string | undefined>((resolve) => {
      onAbort = () => resolve(undefined);
      signal.addEventListener("abort", onAbort, { once: true });
      reader.once("line", resolve);
      reader.once("close", () => resolve(undefined));
    });
    if (line === undefined) output.write("\n");
    return line !== undefined && /^y(es)?$/i.test(line.trim());
  } finally {
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
    reader.close();
  }
}
