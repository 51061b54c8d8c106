/** What is wrong, how it shows, and what to do: first with all three members well, then with fewer and fewer. */
import { setTimeout } from "node:timers/promises";
import { assess, emptyHistory, observe, remember, weightOf } from "@ovnha/cluster";
import { inPair } from "./pair.ts";

await inPair("doctor", "Judges both databases: votes, findings with their evidence, remedies.", async (pair) => {
  let history = emptyHistory();
  const examine = async (): Promise<string> => {
    // Some findings need several sightings with time in between: a doctor who looks once calls every election an illness.
    for (let look = 1; ; look++) {
      if (look > 1) await setTimeout(1100);
      const observation = await observe({ members: pair.members, timeoutMs: 2000 });
      const verdict = assess(observation, { expected: { members: pair.members.length }, history });
      history = remember(history, observation, verdict);
      if (look < 3) continue;
      for (const { database, health, quorum, findings } of verdict.databases) {
        console.log(
          `${database}: ${health}; ${quorum.live} of ${quorum.configured} live, ${quorum.needed} needed, ${quorum.toleranceLeft} more may fail`,
        );
        for (const finding of findings.filter((one) => weightOf(one) !== "info")) {
          const whom = finding.members.length > 0 ? `: ${finding.members.join(", ")}` : "";
          console.log(`  ${finding.code} (${finding.severity}): ${finding.title}${whom}`);
          for (const { member, text } of finding.evidence.slice(0, 3)) console.log(`    ${member ?? "we"}: ${text}`);
          console.log(`    do: ${finding.remedy.text}`);
        }
      }
      return verdict.health;
    }
  };
  const health = await examine();
  if (pair.own === undefined) {
    process.exitCode = health === "ok" ? 0 : 1;
    return;
  }
  const { nb } = pair.own;
  const leader = await nb.waitForLeader();
  console.log(`\nmaster${leader + 1}, which leads OVN_Northbound, is killed`);
  await nb.member(leader).kill("SIGKILL");
  await nb.waitForLeader({ not: leader });
  await examine();
  const [next = 0] = (await nb.followers()).filter((index) => index !== leader);
  console.log(`\nmaster${next + 1} is killed as well`);
  await nb.member(next).kill("SIGKILL");
  await examine();
});
