/** `ovn-ha plan restart|kick|leave|timer|recovery`: what may be done, and with `--execute`, done. */
import type { Command } from "commander";
import { ClusterError } from "../../error.ts";
import { databaseName } from "../../observe/members.ts";
import { planKick, planLeave } from "../../plan/kick.ts";
import { planRecovery } from "../../plan/recovery.ts";
import { renderPlan } from "../../plan/render.ts";
import { planRollingRestart } from "../../plan/restart.ts";
import { planElectionTimer } from "../../plan/timer.ts";
import type { Plan } from "../../plan/types.ts";
import type { CommandContext } from "./command.ts";
import { type Survey, survey } from "./looks.ts";
import { carryOut } from "./operation.ts";
import { formatOf } from "./runbook.ts";
import { addSiteOptions, type SiteFlags } from "./site-options.ts";
import { addTargetOptions, memberNamed, type TargetFlags, wholeNumber } from "./targets.ts";
import { EXIT, type Terminal } from "./terminal.ts";

type Flags = TargetFlags &
  SiteFlags & { readonly json?: boolean; readonly format: string; readonly execute?: boolean; readonly yes?: boolean };
type Make = (seen: Survey) => Plan;

export function define(command: Command, context: CommandContext): void {
  const { terminal, end } = context;
  const sub = (name: string, about: string): Command =>
    addSiteOptions(addTargetOptions(command.command(name).description(about)))
      .option("--format <name>", "text, markdown or json", "text")
      .option("--json", "the same as --format json")
      .option("--execute", "do it, step by step; asks before each step that changes something")
      .option("--yes", "with --execute: do not ask");
  const run = async (flags: Flags, named: readonly string[], make: Make): Promise<void> =>
    end(await planAndMaybeDo(flags, named, terminal, make));
  const DATABASE = ["<database>", "nb, sb, or a schema's name"] as const;

  sub("restart", "restart all members, one after another")
    .argument("[members...]", "only these")
    .action((members: string[], flags: Flags) =>
      run(flags, members, (seen) =>
        planRollingRestart(seen.observation, { ...judged(seen), ...(members.length > 0 ? { members } : {}) }),
      ),
    );
  sub("kick", "have a dead id forgotten")
    .argument(...DATABASE)
    .argument("<target>", "whole id, its beginning, Raft address, or the member's name")
    .action((name: string, target: string, flags: Flags) =>
      run(flags, [], (seen) =>
        planKick(seen.observation, target, { database: databaseOf(name, seen), ...judged(seen) }),
      ),
    );
  sub("leave", "have a live member leave")
    .argument(...DATABASE)
    .argument("<member>", "its name")
    .action((name: string, member: string, flags: Flags) =>
      run(flags, [member], (seen) =>
        planLeave(seen.observation, member, { database: databaseOf(name, seen), ...judged(seen) }),
      ),
    );
  sub("timer", "change the election timer in steps of two")
    .argument(...DATABASE)
    .argument("<milliseconds>", "100 to 600000", wholeNumber("the election timer"))
    .action((name: string, ms: number, flags: Flags) =>
      run(flags, [], (seen) =>
        planElectionTimer(seen.observation, ms, { database: databaseOf(name, seen), ...judged(seen) }),
      ),
    );
  sub("recovery", "what to do about what is wrong")
    .argument(...DATABASE)
    .action((name: string, flags: Flags) =>
      run(flags, [], (seen) =>
        planRecovery(seen.observation, { database: databaseOf(name, seen), ...judged(seen), lost: seen.lost }),
      ),
    );
}

/** What every plan is made with. */
function judged({
  asked,
  history,
  site,
}: Survey): Pick<Survey, "history" | "site"> & Pick<Survey["asked"], "expected"> {
  return { expected: asked.expected, history, site };
}

/** @throws ClusterError INVALID_CONFIG if nobody was asked for it. */
function databaseOf(name: string, { observation }: Survey): string {
  const database = databaseName(name);
  const all = observation.databases.map((one) => one.database);
  if (all.includes(database)) return database;
  throw new ClusterError("INVALID_CONFIG", `no member has the database ${name}; there are ${all.join(", ")}`);
}

/** 0 ready, done, or nothing to do; 1 with warnings; 2 not as things are, or it stopped; 3 cannot tell. */
async function planAndMaybeDo(flags: Flags, named: readonly string[], terminal: Terminal, make: Make): Promise<number> {
  const format = formatOf(flags);
  if (flags.yes === true && flags.execute !== true)
    throw new ClusterError("INVALID_CONFIG", "--yes answers the questions of --execute; without it, nothing is done");
  const seen = await survey(flags, terminal, { count: 3, intervalMs: 1_000, extras: ["storage", "log"] });
  const { asked } = seen;
  for (const name of named) memberNamed(name, asked.members);
  const plan = make(seen);
  terminal.out(renderPlan(plan, format));
  const code = await seen.remember(codeOf(plan, seen));
  const isReady = plan.blockers.length === 0 && !plan.isDone && seen.verdict.health !== "unknown";
  return flags.execute === true && isReady ? carryOut(plan, asked, seen, flags.yes === true, terminal) : code;
}

function codeOf(plan: Plan, { verdict }: Survey): number {
  if (verdict.health === "unknown") return EXIT.unknown;
  if (plan.blockers.length > 0) return EXIT.critical;
  return plan.warnings.length > 0 && !plan.isDone ? EXIT.warning : EXIT.ok;
}
