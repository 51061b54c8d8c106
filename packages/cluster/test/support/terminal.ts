/** A terminal that remembers. */
import type { Screen, Terminal } from "../../src/edge/cli/terminal.ts";

export type FakeTerminal = Terminal & {
  readonly text: () => string;
  readonly errors: () => string;
  /** What the live screen showed, one after the other. */
  readonly screens: readonly string[];
  readonly abort: () => void;
  readonly isDone: () => boolean;
};

export function fakeTerminal(
  options: {
    readonly isTerminal?: boolean;
    readonly columns?: number;
    readonly rows?: number;
    readonly environment?: Record<string, string>;
    /** What somebody answers; absent: nobody is there. */
    readonly answer?: (question: string) => boolean | Promise<boolean>;
  } = {},
): FakeTerminal {
  const controller = new AbortController();
  const screens: string[] = [];
  let [text, errors, done] = ["", "", false];
  return {
    out: (more) => {
      text += more;
    },
    err: (more) => {
      errors += more;
    },
    isTerminal: options.isTerminal ?? false,
    columns: options.columns ?? 120,
    rows: options.rows ?? 100,
    signal: controller.signal,
    environment: options.environment ?? {},
    ask: options.answer === undefined ? undefined : async (question) => (await options.answer?.(question)) ?? false,
    screen: (): Screen => ({
      show: (shown) => screens.push(shown),
      done: () => {
        done = true;
      },
    }),
    text: () => text,
    errors: () => errors,
    screens,
    abort: () => controller.abort(),
    isDone: () => done,
  };
}
