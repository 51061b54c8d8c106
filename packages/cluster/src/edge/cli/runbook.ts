/** `ovn-ha runbook`: what to do, step by step, with the real ids and paths. */
import type { Command } from "commander";
import { ClusterError } from "../../error.ts";
import { renderRunbook, type RenderFormat } from "../../plan/render.ts";
import { runbook } from "../../plan/runbook.ts";
import type { CommandContext } from "./command.ts";
import { look } from "./looks.ts";
import {
  addSiteOptions,
  lostOf,
  readFiles,
  readHistory,
  type SiteFlags,
  siteOf,
  writeHistory,
} from "./site-options.ts";
import { addTargetOptions, readTargets, type TargetFlags } from "./targets.ts";
import { exitOf } from "./terminal.ts";

type Flags = TargetFlags & SiteFlags & { readonly json?: boolean; readonly format: string };

export function formatOf(flags: { readonly json?: boolean; readonly format: string }): RenderFormat {
  if (flags.json === true) return "json";
  if (flags.format === "text" || flags.format === "markdown" || flags.format === "json") return flags.format;
  throw new ClusterError("INVALID_CONFIG", `--format is text, markdown or json, not "${flags.format}"`);
}

export function define(command: Command, { terminal, end }: CommandContext): void {
  addSiteOptions(addTargetOptions(command))
    .option("--format <name>", "text, markdown or json", "text")
    .option("--json", "the same as --format json")
    .action(async (flags: Flags) => {
      const format = formatOf(flags);
      const asked = await readTargets(flags, terminal);
      const lost = lostOf(flags, asked.members);
      const before = await readHistory(flags.history);
      const { observation, verdict, history } = await look(asked, terminal, {
        count: 3,
        intervalMs: 1_000,
        history: before,
        files: await readFiles(flags.files, asked.members),
        extras: ["storage", "log"],
      });
      await writeHistory(flags.history, history);
      const book = runbook(verdict, {
        observation,
        expected: asked.expected,
        history,
        site: siteOf(flags, asked.members),
        lost,
      });
      terminal.out(renderRunbook(book, format));
      end(exitOf(verdict.health));
    });
}
