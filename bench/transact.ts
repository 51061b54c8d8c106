/** Sequential durable transactions on a three-member cluster. */
import { SCHEMAS, startCluster } from "@ovnha/testkit";
import { runChild } from "./child.ts";
import { type Finding, median, verdict } from "./table.ts";

const COUNT = "3000";

export async function transact(rounds = 5): Promise<Finding[]> {
  await using cluster = await startCluster({ schema: SCHEMAS.northbound });
  const { remote } = cluster.member(await cluster.waitForLeader());
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(runChild<{ perSecond: number }>("transact-bare.mjs", [remote, COUNT]).perSecond);
    ours.push(runChild<{ perSecond: number }>("transact-ours.mjs", [remote, COUNT]).perSecond);
  }
  // The machine's pace drifts: each round is one pair, and the pairs are compared.
  const ratio = median(ours.map((rate, round) => rate / (bare[round] ?? Number.NaN)));
  const rate = (values: readonly number[]): string => `${median(values).toFixed(0)}/s`;
  return [
    {
      promise: "sequential durable transactions",
      rival: "bare socket",
      ours: rate(ours),
      theirs: rate(bare),
      ratio: ratio.toFixed(2),
      bar: "≥ 0.95",
      verdict: verdict(ratio >= 0.95),
    },
  ];
}
