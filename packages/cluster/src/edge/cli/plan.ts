/** `ovn-ha plan restart|kick|leave|timer|recovery`: what may be done, and with `--execute`, done. */
import type { Command } from "commander";
import { ClusterError } from "../../error.ts";
import { databaseName, targetsOf } from "../../observe/members.ts";
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
import { addTargetOptions, type Asked, memberNamed, SETTLE, type TargetFlags, wholeNumber } from "./targets.ts";
import { EXIT, type Terminal } from "./terminal.ts";

type Flags = TargetFlags &
  SiteFlags & {
    readonly json?: boolean;
    readonly format: string;
    readonly execute?: boolean;
    readonly yes?: boolean;
    readonly settle?: number;
  };
type Make = {
  /** Throws if the arguments do not fit those who are asked. */
  readonly check?: (asked: Asked) => unknown;
  readonly plan: (seen: Survey) => Plan;
};

export function define(command: Command, context: CommandContext): void {
  const { terminal, end } = context;
  const sub = (name: string, about: string): Command => withOptions(command.command(name).description(about));
  const run = async (flags: Flags, make: Make): Promise<void> => end(await planAndMaybeDo(flags, terminal, make));
  const DATABASE = ["<database>", "nb, sb, or a schema's name"] as const;

  sub("restart", "restart all members, one after another")
    .argument("[members...]", "only these")
    .option(...SETTLE)
    .action((members: string[], flags: Flags) =>
      run(flags, {
        check: (asked) => members.map((name) => memberNamed(name, asked.members)),
        plan: (seen) =>
          planRollingRestart(seen.observation, { ...judged(seen), ...(members.length > 0 ? { members } : {}) }),
      }),
    );
  sub("kick", "have a dead id forgotten")
    .argument(...DATABASE)
    .argument("<target>", "whole id, its beginning, Raft address, or the member's name")
    .action((name: string, target: string, flags: Flags) =>
      run(
        flags,
        of(name, (seen, database) => planKick(seen.observation, target, { database, ...judged(seen) })),
      ),
    );
  sub("leave", "have a live member leave")
    .argument(...DATABASE)
    .argument("<member>", "its name")
    .action((name: string, member: string, flags: Flags) =>
      run(
        flags,
        of(
          name,
          (seen, database) => planLeave(seen.observation, member, { database, ...judged(seen) }),
          (asked) => memberNamed(member, asked.members),
        ),
      ),
    );
  sub("timer", "change the election timer in steps of two")
    .argument(...DATABASE)
    .argument("<milliseconds>", "100 to 600000", wholeNumber("the election timer"))
    .action((name: string, ms: number, flags: Flags) =>
      run(
        flags,
        of(name, (seen, database) => planElectionTimer(seen.observation, ms, { database, ...judged(seen) })),
      ),
    );
  sub("recovery", "what to do about what is wrong")
    .argument(...DATABASE)
    .action((name: string, flags: Flags) =>
      run(
        flags,
        of(name, (seen, database) => planRecovery(seen.observation, { database, ...judged(seen), lost: seen.lost })),
      ),
    );
}

function withOptions(command: Command): Command {
  return addSiteOptions(addTargetOptions(command))
    .option("--format <name>", "text, markdown or json", "text")
    .option("--json", "the same as --format json")
    .option("--execute", "do it, step by step; asks before each step that changes something")
    .option("--yes", "with --execute: do not ask");
}

/** A plan for one database, which somebody must be asked for. */
function of(name: string, plan: (seen: Survey, database: string) => Plan, check?: (asked: Asked) => unknown): Make {
  const database = databaseName(name);
  return {
    plan: (seen) => plan(seen, database),
    check: (asked) => {
      const all = [...targetsOf(asked.members, asked.databases).keys()];
      if (!all.includes(database))
        throw new ClusterError("INVALID_CONFIG", `no member has the database ${name}; there are ${all.join(", ")}`);
      check?.(asked);
    },
  };
}

/** What every plan is made with. */
function judged({
  asked,
  history,
  site,
}: Survey): Pick<Survey, "history" | "site"> & Pick<Survey["asked"], "expected"> {
  return { expected: asked.expected, history, site };
}

/** 0 ready, done, or nothing to do; 1 with warnings; 2 not as things are, or it stopped; 3 cannot tell. */
async function planAndMaybeDo(flags: Flags, terminal: Terminal, make: Make): Promise<number> {
  const format = formatOf(flags);
  if (flags.yes === true && flags.execute !== true)
    throw new ClusterError("INVALID_CONFIG", "--yes answers the questions of --execute; without it, nothing is done");
  const options = { count: 3, intervalMs: 1_000, extras: ["storage", "log"] } as const;
  const seen = await survey(flags, terminal, make.check === undefined ? options : { ...options, check: make.check });
  const plan = make.plan(seen);
  terminal.out(renderPlan(plan, format));
  const code = await seen.remember(codeOf(plan, seen));
  const isReady = plan.blockers.length === 0 && !plan.isDone && code !== EXIT.unknown;
  return flags.execute === true && isReady ? carryOut(plan, seen, flags, terminal) : code;
}

function codeOf(plan: Plan, { verdict }: Survey): number {
  const isUnknown = verdict.databases.some(
    ({ database, health }) => health === "unknown" && plan.databases.includes(database),
  );
  if (isUnknown) return EXIT.unknown;
  if (plan.blockers.length > 0) return EXIT.critical;
  return plan.warnings.length > 0 && !plan.isDone ? EXIT.warning : EXIT.ok;
}
