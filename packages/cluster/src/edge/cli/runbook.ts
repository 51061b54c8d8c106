/** `ovn-ha runbook`: what to do, step by step, with the real ids and paths. */
import type { Command } from "commander";
import { ClusterError } from "../../error.ts";
import { renderRunbook, type RenderFormat } from "../../plan/render.ts";
import { runbook } from "../../plan/runbook.ts";
import type { CommandContext } from "./command.ts";
import { survey } from "./looks.ts";
import { addSiteOptions, type SiteFlags } from "./site-options.ts";
import { addTargetOptions, type TargetFlags } from "./targets.ts";
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
      const seen = await survey(flags, terminal, { count: 3, intervalMs: 1_000, extras: ["storage", "log"] });
      const { observation, verdict, history, asked, site, lost } = seen;
      const book = runbook(verdict, { observation, expected: asked.expected, history, site, lost });
      terminal.out(renderRunbook(book, format));
      end(await seen.remember(exitOf(verdict.health)));
    });
}
