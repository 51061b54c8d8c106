/** `quorum-sim plan`: how to restart all of them, and the smallest wait that will do. */
import { readFileSync, statSync } from "node:fs";
import { type Command, Option } from "commander";
import { ScenarioError } from "../../scenario/error.ts";
import type { StopHow } from "../../scenario/types.ts";
import type { PlanVariant, RestartAdvice } from "../../plan/plan.ts";
import { labelsOf, type LiveCluster, liveCluster, readStatus, spareOf } from "../../plan/live.ts";
import { stopCommand } from "../../plan/steps.ts";
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
      if (live !== undefined) refuseContradictions(options, live);
      const members = options.members ?? live?.members ?? 3;
      if (live !== undefined && live.apart.length > 0) {
        const blocked = { version: 1, live, meetsTarget: false, why: spareOf(live), steps: [] };
        if (options.json === true) terminal.out(`${JSON.stringify(blocked, undefined, 2)}\n`);
        else printApart(terminal, live);
        return end(EXIT.unmet);
      }
      const { planWait } = await import("../../plan/plan.ts");
      if (terminal.showsProgress === true) terminal.err("trying plans …\r");
      const found = await planWait({
        members,
        electionTimerMs: options.timer ?? live?.electionTimerMs ?? 1000,
        order: options.order?.split(",").map((name) => memberOf(name.trim(), live)) ?? leaderLast(members),
        how: options.how,
        downMs: options.down,
        wipe: options.wipe,
        kick: options.kick,
        wait: options.wait,
        profile: options.profile,
        ghosts: options.ghosts ?? live?.ghosts,
        ghostIds: live?.silent,
        database: live?.database,
        labels: live && labelsOf(live),
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
      else {
        if (live !== undefined) printLive(terminal, live, options.timer);
        print(terminal, found, members, live?.database);
      }
      if (terminal.signal.aborted) return end(EXIT.interrupted);
      if (found.asked.word === "fatal") return end(EXIT.permanent);
      end(found.meetsTarget ? EXIT.met : EXIT.unmet);
    });
}

/** The leader of now is m1 in every simulation: it goes last. */
function leaderLast(members: number): string[] {
  const [leader = "m1", ...others] = Array.from({ length: members }, (_, i) => `m${i + 1}`);
  return [...others, leader];
}

/** Members may be named by the beginning of their ids too. */
function memberOf(name: string, live: LiveCluster | undefined): string {
  const found = Object.entries(live?.names ?? {}).find(([, id]) => /^[0-9a-f]{4}/.test(name) && isSameId(id, name));
  return found?.[0] ?? name;
}

const isSameId = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);

/** What the answers say is not overruled in silence. */
function refuseContradictions({ members, ghosts }: Options, live: LiveCluster): void {
  const refuse = (option: string, said: number): never => {
    throw new ScenarioError(
      `${option}: the answers say ${said}; leave ${option} out, or leave --from-status out to ask about another cluster`,
    );
  };
  if (members !== undefined && members !== live.members) refuse("--members", live.members);
  if (ghosts !== undefined && ghosts !== live.ghosts) refuse("--ghosts", live.ghosts);
}

const STATUS_MAX = 1 << 20;

async function readLive(files: readonly string[]): Promise<LiveCluster> {
  return liveCluster(
    files.map((file) => {
      const about = statSync(file, { throwIfNoEntry: false });
      if (about?.isFile() !== true)
        throw new ScenarioError(`--from-status ${file}: there is no such file; it takes what cluster/status printed`);
      if (about.size > STATUS_MAX) throw new ScenarioError(`${file} is larger than any cluster/status`);
      try {
        return readStatus(readFileSync(file, "utf8"));
      } catch (error) {
        if (error instanceof ScenarioError) throw new ScenarioError(`${file}: ${error.message}`);
        throw error;
      }
    }),
  );
}

function printLive(terminal: Terminal, live: LiveCluster, timerMs?: number): void {
  const { out } = terminal;
  const { dim, yellow } = colours(terminal);
  const names = Object.entries(live.names).map(([name, id]) => `${name} = ${id.slice(0, 4)}`);
  const timer =
    timerMs === undefined || timerMs === live.electionTimerMs
      ? `timer ${live.electionTimerMs} ms`
      : `timer ${live.electionTimerMs} ms, of which --timer makes ${timerMs} ms`;
  out(
    `${dim(`from cluster/status: ${names.join(", ")}; leader ${live.leader ?? "unknown"}; ${live.ghosts} configured and silent; ${timer}`)}\n`,
  );
  for (const { id, isAlive, why } of live.notHeard)
    out(
      `${yellow("not heard")}     ${id.slice(0, 4)}: no status of it was given; ${why}: ${isAlive ? "taken for alive" : "taken for a machine that is down or an id that nobody has; if it runs, give its status too"}\n`,
    );
}

/** A member that takes no part is already the one that may be missing: what a restart of another comes to needs no simulation. */
function printApart(terminal: Terminal, live: LiveCluster): void {
  const { out } = terminal;
  const { bold, red } = colours(terminal);
  printLive(terminal, live);
  const labels = labelsOf(live);
  const who = live.apart.map(({ member }) => labels[member] ?? member);
  out(
    `${bold(red("blocked"))}  restart nobody else: ${who.join(" and ")} ${who.length === 1 ? "takes" : "take"} no part now\n`,
  );
  for (const { member, why } of live.apart) out(`why           ${labels[member] ?? member}: ${why}\n`);
  out(`              ${spareOf(live)}\n`);
  out(
    `\n${bold("do first")}      bring ${who.join(" and ")} back: look at its log and its links, and restart it if need be; nobody counts on it now.\n              Then ask every member again, and plan with what they say.\n`,
  );
}

function print(terminal: Terminal, found: RestartAdvice, members: number, database?: string): void {
  const { out } = terminal;
  const { bold, dim, green, red, yellow } = colours(terminal);
  const paint = { safe: green, brief: green, outage: yellow, fatal: red, blocked: red };
  const { asked, instead, targetMs } = found;
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
  if (asked.order.length > 1)
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
    printSteps(terminal, found.steps);
  }
  if (asked.wipe && instead?.wipe === true) out(`\n${bold("better still")}  ${keepTheDisks(members)}\n`);
  if (better !== undefined)
    out(
      `\n${bold("better still")}  stop each with "${stopCommand("exit", database).replace(/ {2,}#.*/, "")}": a leader hands over first, and ${better.outageMs.max === 0 ? "writes never stop" : `the worst is ${seconds(better.outageMs.max)} instead of ${seconds(instead?.outageMs.max ?? 0)}`}; --how exit shows it\n`,
    );
}

/** A gate is told once for all steps that have it. */
function printSteps({ out }: Terminal, steps: RestartAdvice["steps"]): void {
  let told = "";
  for (const { number, gate, gateWithinMs, backOut, commands } of steps) {
    const next = gate.join("\n");
    const isSame = next === told || next === "nothing";
    told = next;
    const isLasting = steps.filter((each) => each.gate.join("\n") === next).length > 1;
    if (!isSame)
      out(
        `before ${isLasting ? "each" : `step ${number}`}:\n${gate.map((each) => `    - ${each}`).join("\n")}\n    give up after ${seconds(gateWithinMs)}: ${isLasting ? "restart nothing else, bring back the one that is missing, look at its log" : backOut}\n`,
      );
    out(commands.map((each, i) => `${i === 0 ? `${String(number).padStart(3)}.` : "    "} ${each}\n`).join(""));
  }
}

/** What a wipe costs even if all goes well. */
function keepTheDisks(members: number): string {
  const [configured, needed] = [members + 1, Math.floor((members + 1) / 2) + 1];
  const spare = members - needed;
  return `keep the disks: then no id changes and nobody is kicked. Between a rejoin and its kick ${configured} ids are configured, ${needed} are needed and ${members} live: ${spare === 0 ? "none" : spare} may fail. Whose disk must go is better asked to leave first (cluster/leave)`;
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
