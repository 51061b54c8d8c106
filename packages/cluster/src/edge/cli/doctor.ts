/** `ovn-ha doctor`: looks more than once, reads the logs, and says what is wrong, why, and what to do. */
import type { Command } from "commander";
import { weightOf } from "../../judge/context.ts";
import { planRecovery, type RecoveryPlan } from "../../plan/recovery.ts";
import type { ContentResult } from "../probe/content.ts";
import type { ProbeResult } from "../probe/write.ts";
import type { CommandContext } from "./command.ts";
import { type Survey, survey } from "./looks.ts";
import { compareAll, type Named, probeAll, probeText } from "./probes.ts";
import { renderStatus } from "./render.ts";
import { addSiteOptions, type SiteFlags } from "./site-options.ts";
import { addTargetOptions, type TargetFlags, wholeNumber } from "./targets.ts";
import { colours, EXIT, exitOf, type Terminal } from "./terminal.ts";

type Flags = TargetFlags &
  SiteFlags & {
    readonly json?: boolean;
    readonly looks: number;
    readonly interval: number;
    readonly probe?: boolean;
    readonly content?: boolean;
  };

export function define(command: Command, { terminal, end }: CommandContext): void {
  addSiteOptions(addTargetOptions(command))
    .option(
      "--looks <n>",
      "how often to look; what is normal for a moment takes two or three",
      wholeNumber("--looks"),
      3,
    )
    .option("--interval <seconds>", "between two looks", wholeNumber("--interval"), 1)
    .option("--probe", "also write once, so that it must be committed; changes nothing of yours")
    .option("--content", "also compare the whole content of the members, at one transaction")
    .option("--json", "the observation, the verdict and the plans as JSON")
    .action(async (flags: Flags) => end(await examine(flags, terminal)));
}

type Diagnosis = Survey & {
  readonly plans: readonly RecoveryPlan[];
  readonly probes: readonly Named<ProbeResult>[];
  readonly contents: readonly Named<ContentResult>[];
};

async function examine(flags: Flags, terminal: Terminal): Promise<number> {
  const seen = await survey(flags, terminal, {
    count: flags.looks,
    intervalMs: flags.interval * 1_000,
    extras: ["storage", "memory", "version", "log"],
  });
  const { asked, observation, verdict, history, site, lost } = seen;
  const plans = verdict.databases.map(({ database }) =>
    planRecovery(observation, { database, expected: asked.expected, history, site, lost }),
  );
  const probes = flags.probe === true ? await probeAll(asked) : [];
  const contents = flags.content === true ? await compareAll(asked) : [];
  if (flags.json === true)
    terminal.out(`${JSON.stringify({ observation, verdict, plans, probes, contents }, undefined, 2)}\n`);
  else tell(terminal, { ...seen, plans, probes, contents }, flags.looks);
  const failed = probes.some(({ type }) => type === "failed") || contents.some(({ type }) => type === "different");
  return seen.remember(Math.max(failed ? EXIT.critical : EXIT.ok, exitOf(verdict.health)));
}

function tell(terminal: Terminal, diagnosis: Diagnosis, looks: number): void {
  const { observation, verdict, plans, probes, contents } = diagnosis;
  const { bold } = colours(terminal);
  terminal.out(renderStatus(terminal, observation, verdict));
  for (const probe of probes) terminal.out(`${probeText(probe)}\n`);
  for (const { database, type } of contents) terminal.out(`${database}: content ${type}\n`);
  for (const { title, decision, because, blockers } of plans) {
    if (decision === "none" || because.length === 0) continue;
    const notYet = blockers.length > 0 ? `\n      not yet: ${blockers.map(({ text }) => text).join("; ")}` : "";
    terminal.out(`\n${bold("Next")}: ${title}${notYet}\n      ovn-ha runbook prints every step.\n`);
  }
  const wrong = verdict.databases.flatMap(({ findings }) => findings.filter((finding) => weightOf(finding) !== "info"));
  if (wrong.length === 0) terminal.out(`\n${bold("Nothing is wrong")} in ${looks} looks.\n`);
}
