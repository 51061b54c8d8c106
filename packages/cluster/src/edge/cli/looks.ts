/** Several looks one after another, judged with what was seen before. */
import { setTimeout as pause } from "node:timers/promises";
import type { History } from "../../judge/history.ts";
import { track } from "../../judge/track.ts";
import type { Verdict } from "../../judge/types.ts";
import type { Observation } from "../../observe/types.ts";
import { type Extra, observe } from "../observe/observe.ts";
import type { FileEvidences } from "./site-options.ts";
import type { Asked } from "./targets.ts";
import type { Terminal } from "./terminal.ts";

export type Looks = {
  readonly observation: Observation;
  /** The one before the last; undefined if there was only one. */
  readonly previous: Observation | undefined;
  readonly verdict: Verdict;
  readonly history: History;
};

export type LookOptions = {
  readonly count: number;
  /** Between two looks, in ms. */
  readonly intervalMs: number;
  readonly history?: History | undefined;
  readonly extras?: readonly Extra[] | undefined;
  /** What is known of the members' files; it is judged as well. */
  readonly files?: FileEvidences | undefined;
};

export function lookOnce(
  { members, databases, tls, timeoutMs }: Asked,
  terminal: Terminal,
  extras?: readonly Extra[],
): Promise<Observation> {
  return observe({ members, databases, tls, timeoutMs, extras, signal: terminal.signal });
}

function withFiles(observation: Observation, files: FileEvidences | undefined): Observation {
  if (files === undefined) return observation;
  const databases = observation.databases.map(({ database, members }) => ({
    database,
    members: members.map((one) => {
      const file = files[database]?.[one.member];
      return file === undefined ? one : { ...one, file };
    }),
  }));
  return { ...observation, databases };
}

export async function look(asked: Asked, terminal: Terminal, options: LookOptions): Promise<Looks> {
  let { history } = options;
  let previous: Observation | undefined;
  for (let number = 1; ; number++) {
    const observation = withFiles(await lookOnce(asked, terminal, options.extras), options.files);
    const tracked = track(history, observation, { expected: asked.expected });
    history = tracked.history;
    if (number >= options.count) return { observation, previous, verdict: tracked.verdict, history };
    previous = observation;
    await pause(options.intervalMs, undefined, { signal: terminal.signal }).catch(() => {});
  }
}
