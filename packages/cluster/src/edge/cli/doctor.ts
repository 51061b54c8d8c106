/** `ovn-ha doctor`: looks more than once, reads the logs, and says what is wrong, why, and what to do. */
import type { Command } from "commander";
import { weightOf } from "../../judge/context.ts";
import { type MemberAccess, targetsOf } from "../../observe/members.ts";
import { planRecovery } from "../../plan/recovery.ts";
import { compareContent } from "../probe/content.ts";
import { type ProbeResult, probeWrite } from "../probe/write.ts";
import type { CommandContext } from "./command.ts";
import { look } from "./looks.ts";
import { renderStatus } from "./render.ts";
import {
  addSiteOptions,
  lostOf,
  readFiles,
  readHistory,
  type SiteFlags,
  siteOf,
  writeHistory,
} from "./site-options.ts";
import { addTargetOptions, type Asked, readTargets, type TargetFlags, wholeNumber } from "./targets.ts";
import { colours, EXIT, exitOf } from "./terminal.ts";

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
    .action(async (flags: Flags) => {
      const asked = await readTargets(flags, terminal);
      const lost = lostOf(flags, asked.members);
      const before = await readHistory(flags.history);
      const extras = ["storage", "memory", "version", "log"] as const;
      const { observation, verdict, history } = await look(asked, terminal, {
        count: flags.looks,
        intervalMs: flags.interval * 1_000,
        history: before,
        files: await readFiles(flags.files, asked.members),
        extras,
      });
      await writeHistory(flags.history, history);
      const site = siteOf(flags, asked.members);
      const plans = verdict.databases.map(({ database }) =>
        planRecovery(observation, { database, expected: asked.expected, history, site, lost }),
      );
      const probes = flags.probe === true ? await probeAll(asked) : [];
      const contents = flags.content === true ? await compareAll(asked) : [];
      if (flags.json === true)
        terminal.out(`${JSON.stringify({ observation, verdict, plans, probes, contents }, undefined, 2)}\n`);
      else {
        const { bold } = colours(terminal);
        terminal.out(renderStatus(terminal, observation, verdict));
        for (const probe of probes) terminal.out(`${probeText(probe)}\n`);
        for (const { database, type } of contents) terminal.out(`${database}: content ${type}\n`);
        for (const { title, decision, because, blockers } of plans) {
          if (decision === "none" || because.length === 0) continue;
          terminal.out(
            `\n${bold("Next")}: ${title}${blockers.length > 0 ? `\n      not yet: ${blockers.map(({ text }) => text).join("; ")}` : ""}\n      ovn-ha runbook prints every step.\n`,
          );
        }
        const wrong = verdict.databases.flatMap(({ findings }) =>
          findings.filter((finding) => weightOf(finding) !== "info"),
        );
        if (wrong.length === 0) terminal.out(`\n${bold("Nothing is wrong")} in ${flags.looks} looks.\n`);
      }
      const failed = probes.some(({ type }) => type === "failed") || contents.some(({ type }) => type === "different");
      end(Math.max(failed ? EXIT.critical : EXIT.ok, exitOf(verdict.health)));
    });
}

type Named<T> = T & { readonly database: string };

/** The remotes that can be asked from here. */
export function remotesOf(members: readonly MemberAccess[], databases?: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [database, targets] of targetsOf(members, databases)) {
    const remotes = targets.flatMap(({ remotes: own, runner }) =>
      own.filter((remote) => runner === undefined || !remote.startsWith("unix:")),
    );
    if (remotes.length > 0) found.set(database, remotes);
  }
  return found;
}

/** Through the first member that takes it; the others are asked only if that one can't be reached at all. */
export async function probeAll(asked: Asked): Promise<Named<ProbeResult>[]> {
  const found = remotesOf(asked.members, asked.databases);
  return Promise.all(
    [...found].map(async ([database, remotes]) => {
      let last: ProbeResult = {
        type: "failed",
        remote: "",
        afterMs: 0,
        why: "no member has a client remote that can be reached from here",
      };
      for (const remote of remotes) {
        last = await probeWrite(remote, { database, tls: asked.tls, timeoutMs: asked.timeoutMs });
        if (last.type !== "failed") break;
      }
      return { ...last, database };
    }),
  );
}

function compareAll(asked: Asked): Promise<Named<Awaited<ReturnType<typeof compareContent>>>[]> {
  const found = remotesOf(asked.members, asked.databases);
  return Promise.all(
    [...found].map(async ([database, remotes]) => ({
      ...(await compareContent(remotes, { database, tls: asked.tls })),
      database,
    })),
  );
}

function probeText(probe: Named<ProbeResult>): string {
  switch (probe.type) {
    case "committed":
      return `${probe.database}: a write was committed in ${probe.latencyMs.toFixed(1)} ms, entry ${probe.indexAfter}`;
    case "impossible":
      return `${probe.database}: no write was tried: ${probe.why}`;
    case "failed":
      return `${probe.database}: a write FAILED after ${Math.round(probe.afterMs)} ms: ${probe.why}`;
  }
}
