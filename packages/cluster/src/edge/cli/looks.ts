/** Several looks one after another, judged with what was seen before. */
import { setTimeout as pause } from "node:timers/promises";
import { emptyHistory, type History } from "../../judge/history.ts";
import { track } from "../../judge/track.ts";
import type { Verdict } from "../../judge/types.ts";
import type { Observation } from "../../observe/types.ts";
import type { Site } from "../../plan/site.ts";
import { type Extra, observe } from "../observe/observe.ts";
import { keepHistory, readHistory } from "./history-file.ts";
import { type FileEvidences, readFiles } from "./inspected-files.ts";
import { lostOf, type SiteFlags, siteOf } from "./site-options.ts";
import { type Asked, readTargets, type TargetFlags } from "./targets.ts";
import type { Terminal } from "./terminal.ts";

export type Looks = {
  readonly observation: Observation;
  /** The one with which it began. */
  readonly first: Observation;
  readonly verdict: Verdict;
  /** What the verdict was made with: everything before the observation, so that nothing of it counts twice. */
  readonly history: History;
  /** The same with the observation, for the next one. */
  readonly remembered: History;
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
  let history = options.history ?? emptyHistory();
  let first: Observation | undefined;
  for (let number = 1; ; number++) {
    const observation = withFiles(await lookOnce(asked, terminal, options.extras), options.files);
    const tracked = track(history, observation, { expected: asked.expected });
    first ??= observation;
    if (number >= options.count)
      return { observation, first, verdict: tracked.verdict, history, remembered: tracked.history };
    history = tracked.history;
    await pause(options.intervalMs, undefined, { signal: terminal.signal }).catch(() => {});
  }
}

/** What the commands begin with that judge, propose and remember. */
export type Survey = Looks & {
  readonly asked: Asked;
  readonly site: Site;
  readonly lost: readonly string[];
  /** To be called when all has been said; gives the exit code, which is worse if the history can't be kept. */
  readonly remember: (code: number) => Promise<number>;
};

export async function survey(
  flags: TargetFlags & SiteFlags,
  terminal: Terminal,
  options: Pick<LookOptions, "count" | "intervalMs" | "extras"> & {
    /** Throws if the arguments do not fit those who are asked; before anybody is. */
    readonly check?: (asked: Asked) => unknown;
  },
): Promise<Survey> {
  const asked = await readTargets(flags, terminal);
  options.check?.(asked);
  const site = siteOf(flags, asked.members);
  const lost = lostOf(flags, asked.members);
  const history = await readHistory(flags.history);
  const files = await readFiles(flags.files, asked.members);
  const looks = await look(asked, terminal, { ...options, history, files });
  const remember = (code: number): Promise<number> => keepHistory(flags.history, looks.remembered, terminal, code);
  return { ...looks, asked, site, lost, remember };
}
