/** The same schedule on real servers and in the simulator: must be equal, or lie within what the simulator says. */
import { quantile } from "../../expectation.ts";
import type { Scenario } from "../../scenario/types.ts";
import { simulate } from "../../simulate.ts";
import type { Run } from "../../trace.ts";
import type { RealRun } from "./run.ts";

export type Comparison = {
  readonly what: string;
  readonly real: string;
  readonly simulated: string;
  readonly agrees: boolean;
  /** A time, which a machine that is busy with other things can stretch. */
  readonly isTime: boolean;
};

/** What processes, polling and two busy cores add to a pause. */
const SLACK_MS = 2000;

/** `breathe` is called between two of them: a chance for whoever waits beside. */
export async function simulated(
  scenario: Scenario,
  profile: string,
  seeds: number,
  breathe?: () => Promise<void>,
): Promise<Run[]> {
  const runs: Run[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    runs.push(simulate(scenario, { seed, profile, trace: "none" }));
    await breathe?.();
  }
  return runs;
}

/** Of a run that was interrupted: the checkpoints that it reached. */
export function compare(real: RealRun, runs: readonly Run[]): Comparison[] {
  const rows: Comparison[] = [];
  const oneOf = (what: string, value: string, values: readonly string[]): void => {
    const counted = [...new Set(values)].sort();
    rows.push({ what, real: value, simulated: counted.join(" or "), agrees: counted.includes(value), isTime: false });
  };
  const yes = (is: boolean): string => (is ? "yes" : "no");
  real.checkpoints.forEach((checkpoint, i) => {
    const at = `${(checkpoint.atUs / 1e6).toFixed(0)} s`;
    const theirs = runs.map((run) => run.checkpoints[i]).filter((each) => each !== undefined);
    oneOf(
      `leader at ${at}`,
      yes(checkpoint.leader !== undefined),
      theirs.map(({ leader }) => yes(leader !== undefined)),
    );
    const counted = theirs.filter(({ leader }) => leader !== undefined);
    if (checkpoint.leader !== undefined && counted.length > 0)
      oneOf(
        `configured at ${at}`,
        String(checkpoint.configured),
        counted.map(({ configured }) => String(configured)),
      );
    oneOf(
      `clusters at ${at}`,
      String(checkpoint.clusters),
      theirs.map(({ clusters }) => String(clusters)),
    );
  });
  if (real.interrupted !== undefined) return rows;
  oneOf(
    "leader at the end",
    yes(real.leader !== undefined),
    runs.map(({ leader }) => yes(leader !== undefined)),
  );
  if (real.leader !== undefined)
    oneOf(
      "configured at the end",
      String(real.configured),
      runs.map(({ quorum }) => String(quorum.configured)),
    );
  oneOf(
    "writes flow at the end",
    yes(real.isHealed),
    runs.map((run) => yes(run.outages.every(({ healed }) => healed))),
  );
  if (real.ackedLost !== undefined)
    oneOf(
      "acknowledged writes lost",
      yes(real.ackedLost > 0),
      runs.map(({ ackedLost }) => yes(ackedLost > 0)),
    );
  oneOf(
    "a member refuses to start",
    yes(real.refusals.length > 0),
    runs.map((run) => yes(run.members.some(({ refusal }) => refusal !== undefined))),
  );
  if (real.isHealed) {
    const longest = runs.map(({ longestOutageUs }) => longestOutageUs / 1000);
    const [low, high] = [quantile(longest, 0.005), quantile(longest, 0.995)];
    const isWithin = real.longestOutageMs >= low - SLACK_MS && real.longestOutageMs <= high + SLACK_MS;
    const seconds = (ms: number): string => (ms / 1000).toFixed(2);
    rows.push({
      what: "longest pause, s",
      real: seconds(real.longestOutageMs),
      simulated: `${seconds(low)} … ${seconds(quantile(longest, 0.5))} … ${seconds(high)}`,
      agrees: isWithin,
      isTime: true,
    });
  }
  return rows;
}
