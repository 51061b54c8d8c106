/** `ovn-ha plan restart|kick|leave|timer|recovery`: what may be done, and with `--execute`, done. */
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { databaseName } from "../../observe/members.ts";
import { planKick, planLeave } from "../../plan/kick.ts";
import { planRecovery } from "../../plan/recovery.ts";
import { renderPlan } from "../../plan/render.ts";
import { planRollingRestart, type RestartPlan } from "../../plan/restart.ts";
import type { Site } from "../../plan/site.ts";
import { planElectionTimer } from "../../plan/timer.ts";
import type { Plan, PlanStep } from "../../plan/types.ts";
import { execute, type StepOutcome } from "../plan/execute.ts";
import { runRollingRestart } from "../plan/restart.ts";
import type { CommandContext } from "./command.ts";
import { look, lookOnce, type Looks } from "./looks.ts";
import { formatOf } from "./runbook.ts";
import {
  addSiteOptions,
  lockOperation,
  lostOf,
  readFiles,
  readHistory,
  runnersOf,
  type SiteFlags,
  siteOf,
  writeHistory,
} from "./site-options.ts";
import { addTargetOptions, type Asked, readTargets, type TargetFlags, wholeNumber } from "./targets.ts";
import { EXIT, type Terminal } from "./terminal.ts";

type Flags = TargetFlags &
  SiteFlags & { readonly json?: boolean; readonly format: string; readonly execute?: boolean; readonly yes?: boolean };
type Made = Looks & { readonly asked: Asked; readonly site: Site; readonly lost: readonly string[] };

export function define(command: Command, context: CommandContext): void {
  const { terminal, end } = context;
  const sub = (name: string, about: string): Command =>
    addSiteOptions(addTargetOptions(command.command(name).description(about)))
      .option("--format <name>", "text, markdown or json", "text")
      .option("--json", "the same as --format json")
      .option("--execute", "do it, step by step; asks before each step that changes something")
      .option("--yes", "with --execute: do not ask");
  const run = async (flags: Flags, make: (made: Made) => Plan): Promise<void> =>
    end(await planAndMaybeDo(flags, terminal, make));

  sub("restart", "restart all members, one after another")
    .argument("[members...]", "only these")
    .action((members: string[], flags: Flags) =>
      run(flags, ({ observation, history, asked, site }) =>
        planRollingRestart(observation, {
          expected: asked.expected,
          history,
          site,
          ...(members.length > 0 ? { members } : {}),
        }),
      ),
    );
  sub("kick", "have a dead id forgotten")
    .argument("<database>", "nb, sb, or a schema's name")
    .argument("<target>", "whole id, its beginning, Raft address, or the member's name")
    .action((database: string, target: string, flags: Flags) =>
      run(flags, ({ observation, history, asked, site }) =>
        planKick(observation, target, { database: databaseName(database), expected: asked.expected, history, site }),
      ),
    );
  sub("leave", "have a live member leave")
    .argument("<database>", "nb, sb, or a schema's name")
    .argument("<member>", "its name")
    .action((database: string, member: string, flags: Flags) =>
      run(flags, ({ observation, history, asked, site }) =>
        planLeave(observation, member, { database: databaseName(database), expected: asked.expected, history, site }),
      ),
    );
  sub("timer", "change the election timer in steps of two")
    .argument("<database>", "nb, sb, or a schema's name")
    .argument("<milliseconds>", "100 to 600000", wholeNumber("the election timer"))
    .action((database: string, ms: number, flags: Flags) =>
      run(flags, ({ observation, history, asked, site }) =>
        planElectionTimer(observation, ms, {
          database: databaseName(database),
          expected: asked.expected,
          history,
          site,
        }),
      ),
    );
  sub("recovery", "what to do about what is wrong")
    .argument("<database>", "nb, sb, or a schema's name")
    .action((database: string, flags: Flags) =>
      run(flags, ({ observation, history, asked, site, lost }) =>
        planRecovery(observation, { database: databaseName(database), expected: asked.expected, history, site, lost }),
      ),
    );
}

/** 0 ready, done, or nothing to do; 1 with warnings; 2 not as things are; 3 cannot tell. */
async function planAndMaybeDo(flags: Flags, terminal: Terminal, make: (made: Made) => Plan): Promise<number> {
  const format = formatOf(flags);
  const asked = await readTargets(flags, terminal);
  const lost = lostOf(flags, asked.members);
  const before = await readHistory(flags.history);
  const looks = await look(asked, terminal, {
    count: 3,
    intervalMs: 1_000,
    history: before,
    files: await readFiles(flags.files, asked.members),
    extras: ["storage", "log"],
  });
  await writeHistory(flags.history, looks.history);
  const plan = make({ ...looks, asked, site: siteOf(flags, asked.members), lost });
  terminal.out(renderPlan(plan, format));
  if (looks.verdict.health === "unknown") return EXIT.unknown;
  if (plan.blockers.length > 0) return EXIT.critical;
  if (flags.execute !== true || plan.isDone) return plan.warnings.length > 0 && !plan.isDone ? EXIT.warning : EXIT.ok;
  return doIt(plan, flags, asked, looks, terminal);
}

async function doIt(plan: Plan, flags: Flags, asked: Asked, looks: Looks, terminal: Terminal): Promise<number> {
  if (flags.yes !== true && !terminal.isTerminal) {
    terminal.err("ovn-ha: there is nobody to ask; give --yes with --execute to go on without\n");
    return EXIT.unknown;
  }
  await using lock = await lockOperation(asked, terminal);
  const signal = lock === undefined ? terminal.signal : AbortSignal.any([terminal.signal, lock.signal]);
  const common = {
    runners: runnersOf(asked.members),
    observe: () => lookOnce(asked, terminal),
    expected: asked.expected,
    signal,
  };
  if (plan.kind === "restart") {
    if (flags.yes !== true && !(await ask(`Do this: ${plan.title}?`, terminal))) return EXIT.interrupted;
    const report = await runRollingRestart(plan as RestartPlan, {
      ...common,
      confirm: true,
      onEvent: (event) => {
        if (event.type === "restarting") terminal.err(`restarting ${event.member}\n`);
        if (event.type === "back") terminal.err(`${event.member} is back after ${Math.round(event.afterMs)} ms\n`);
      },
    });
    if (report.abortedBecause !== undefined)
      terminal.err(
        `ovn-ha: stopped: ${report.abortedBecause}; not restarted: ${report.remaining.join(", ") || "nobody"}\n`,
      );
    return report.isComplete && report.abortedBecause === undefined ? EXIT.ok : EXIT.critical;
  }
  const report = await execute(plan, {
    ...common,
    history: looks.history,
    confirm: flags.yes === true ? "all" : (step) => ask(`Step ${step.number}: ${step.title}?`, terminal),
    onStep: (outcome) => terminal.err(stepText(outcome)),
  });
  return report.isComplete ? EXIT.ok : EXIT.interrupted;
}

function stepText({ step, outcome, tookMs }: StepOutcome): string {
  const { number, title }: PlanStep = step;
  return `${number}. ${outcome === "done" ? "done" : "left out"} in ${Math.round(tookMs)} ms: ${title}\n`;
}

async function ask(question: string, terminal: Terminal): Promise<boolean> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await reader.question(`${question} [y/N] `, { signal: terminal.signal })).trim());
  } finally {
    reader.close();
  }
}
