/** `quorum-sim plan`: how to restart all of them, and the smallest wait that will do. */
import { readFileSync, statSync } from "node:fs";
import { type Command, Option } from "commander";
import { ScenarioError } from "../../scenario/error.ts";
import type { StopHow } from "../../scenario/types.ts";
import type { PlanVariant, RestartAdvice } from "../../plan/plan.ts";
import type { LiveCluster } from "../../plan/live.ts";
import { STOP } from "../../plan/steps.ts";
import type { Wait } from "../../what-if.ts";
import { duration, integer, lasting, profile, wait } from "./arguments.ts";
import { breathe } from "./progress.ts";
import { colours, EXIT, seconds, type Terminal } from "./output.ts";

type Options = {
  readonly members?: number;
  readonly timer?: number;
  readonly order?: string;
  readonly how: StopHow;
  readonly down: number;
  readonly wait: Wait;
  readonly wipe?: boolean;
  readonly kick?: boolean;
  readonly ghosts?: number;
  readonly profile: string;
  readonly target?: number;
  readonly seeds: number;
  readonly fromStatus?: readonly string[];
  readonly json?: boolean;
};

export function addPlan(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("plan")
    .description("Judge a rolling restart, find the smallest wait that will do, and say what to do instead")
    .option("--members <n>", "members of the cluster; default 3", integer(1, 9))
    .option("--timer <duration>", "election timer; default 1s", duration)
    .option("--order <names>", "who, in order; default all of them, the leader last")
    .option("--how <how>", "kill, terminate, exit (hands over) or powerloss", "terminate")
    .addOption(lasting("--down <duration>", "how long each is down", "40s"))
    .addOption(
      new Option(
        "--wait <duration|healthy|joined>",
        "between two stops: a time, a whole cluster, or the last one connected",
      )
        .argParser(wait)
        .default("healthy"),
    )
    .option("--wipe", "each loses its database while it is down, and joins anew")
    .option("--kick", "with --wipe: the old server id is kicked once the new one has joined")
    .option("--ghosts <n>", "configured server ids that nobody has any more", integer(0, 9))
    .option("--profile <version>", "release of OVS", profile, "3.7.1")
    .option(
      "--target <duration>",
      "the longest time without writes that is bearable; default two windows of a leader",
      duration,
    )
    .option("--seeds <n>", "how often each plan is tried", integer(5, 10_000), 30)
    .option(
      "--from-status <files...>",
      "what cluster/status printed on each member: sets members, ghosts, timer, leader",
    )
    .option("--json", "print the result as JSON")
    .action(async (options: Options) => {
      const live = options.fromStatus === undefined ? undefined : await readLive(options.fromStatus);
      const members = options.members ?? live?.members ?? 3;
      const { planWait } = await import("../../plan/plan.ts");
      if (terminal.showsProgress === true) terminal.err("trying plans …\r");
      const found = await planWait({
        members,
        electionTimerMs: options.timer ?? live?.electionTimerMs ?? 1000,
        order: options.order?.split(",").map((name) => name.trim()) ?? leaderLast(members, live?.leader),
        how: options.how,
        downMs: options.down,
        wipe: options.wipe,
        kick: options.kick,
        wait: options.wait,
        profile: options.profile,
        ghosts: options.ghosts ?? live?.ghosts,
        targetMs: options.target,
        seeds: options.seeds,
        signal: terminal.signal,
        breathe: async () => {
          terminal.onProgress?.();
          await breathe();
        },
      });
      if (terminal.showsProgress === true) terminal.err("               \r");
      if (options.json === true)
        terminal.out(`${JSON.stringify({ version: 1, ...(live && { live }), ...found }, undefined, 2)}\n`);
      else print(terminal, found, live);
      if (terminal.signal.aborted) return end(EXIT.interrupted);
      if (found.asked.word === "fatal") return end(EXIT.permanent);
      end(found.meetsTarget ? EXIT.met : EXIT.unmet);
    });
}

/** The leader of now is m1 in every simulation: it goes last. */
function leaderLast(members: number, leader = "m1"): string[] {
  const names = Array.from({ length: members }, (_, i) => `m${i + 1}`);
  return [...names.filter((name) => name !== leader), leader];
}

const STATUS_MAX = 1 << 20;

async function readLive(files: readonly string[]): Promise<LiveCluster> {
  const { liveCluster, readStatus } = await import("../../plan/live.ts");
  return liveCluster(
    files.map((file) => {
      if (statSync(file).size > STATUS_MAX) throw new ScenarioError(`${file} is larger than any cluster/status`);
      try {
        return readStatus(readFileSync(file, "utf8"));
      } catch (error) {
        if (error instanceof ScenarioError) throw new ScenarioError(`${file}: ${error.message}`);
        throw error;
      }
    }),
  );
}

function print(terminal: Terminal, found: RestartAdvice, live: LiveCluster | undefined): void {
  const { out } = terminal;
  const { bold, dim, green, red, yellow } = colours(terminal);
  const paint = { safe: green, brief: green, outage: yellow, fatal: red, blocked: red };
  const { asked, instead, targetMs } = found;
  if (live !== undefined) {
    const names = Object.entries(live.names).map(([name, id]) => `${name} = ${id.slice(0, 4)}`);
    out(
      `${dim(`from cluster/status: ${names.join(", ")}; leader ${live.leader ?? "unknown"}; ${live.ghosts} configured and silent; timer ${live.electionTimerMs} ms`)}\n`,
    );
    for (const { id, isAlive, why } of live.notHeard)
      out(
        `${yellow("not heard")}     ${id.slice(0, 4)}: no status of it was given; ${why}: ${isAlive ? "taken for alive" : "taken for a machine that is down or an id that nobody has; if it runs, give its status too"}\n`,
      );
  }
  const { better } = found;
  const word = asked.word === "fatal" ? asked.word.toUpperCase() : asked.word;
  out(`${bold(paint[asked.word](word))}  ${describe(asked)}\n`);
  out(`why           ${found.why}\n`);
  if (found.fatalStep !== undefined)
    out(
      `              ${bold(`restart ${found.fatalStep} (${asked.order[found.fatalStep - 1]})`)} is the one from which nothing comes back\n`,
    );
  if (asked.word !== "fatal" && asked.word !== "blocked")
    out(`without writes  ${times(asked)}; bearable: ${seconds(targetMs)}\n`);
  out(
    found.smallestWaitMs === undefined
      ? `smallest wait   no fixed wait met the target\n`
      : `smallest wait   ${seconds(found.smallestWaitMs)} between two stops${asked.wipe ? ", each old id kicked," : ""} met the target in every try, if nothing takes longer than was said; never less than the down time, so that one is down at a time\n`,
  );
  if (instead === undefined) out(`${red("no plan that was tried meets the target")}\n`);
  else {
    out(
      `\n${found.meetsTarget ? bold("do it so") : bold(`do instead: ${describe(instead)}`)}  ${dim(times(instead))}\n`,
    );
    const [first] = found.steps;
    if (first !== undefined)
      out(
        `before each:\n${first.gate.map((each) => `    - ${each}`).join("\n")}\n    give up after ${seconds(first.gateWithinMs)}: ${dim("restart nothing else, bring back the one that is missing, look at its log")}\n`,
      );
    for (const { number, commands } of found.steps)
      out(commands.map((each, i) => `${i === 0 ? `${String(number).padStart(3)}.` : "    "} ${each}\n`).join(""));
  }
  if (better !== undefined)
    out(
      `\n${bold("better still")}  stop each with "${STOP.exit.replace(/ {2,}#.*/, "")}": a leader hands over first, and ${better.outageMs.max === 0 ? "writes never stop" : `the worst is ${seconds(better.outageMs.max)} instead of ${seconds(instead?.outageMs.max ?? 0)}`}; --how exit shows it\n`,
    );
}

function describe({ order, how, wait: until, wipe, kick, kickGhosts }: PlanVariant): string {
  const gate =
    typeof until === "number"
      ? `${seconds(until)} apart`
      : until === "healthy"
        ? "each when the whole cluster is well"
        : "each when the one before is connected";
  const disk = wipe ? (kick ? ", disks wiped, old ids kicked" : ", disks wiped") : "";
  return `${kickGhosts ? "kick the ghosts; then " : ""}${order.join(", ")} by ${how}, ${gate}${disk}`;
}

function times({ outageMs }: PlanVariant): string {
  return outageMs.max === 0 ? "writes never stop" : `p50 ${seconds(outageMs.p50)}, worst ${seconds(outageMs.max)}`;
}
