/** `ovn-ha status`: everybody asked once, one table, the verdict. */
import type { Command } from "commander";
import { assess } from "../../judge/assess.ts";
import { observe } from "../observe/observe.ts";
import type { CommandContext } from "./command.ts";
import { renderStatus } from "./render.ts";
import { addTargetOptions, readTargets, type TargetFlags } from "./targets.ts";
import { exitOf } from "./terminal.ts";

export function define(command: Command, { terminal, end }: CommandContext): void {
  addTargetOptions(command)
    .option("--json", "the observation and the verdict as JSON")
    .action(async (flags: TargetFlags & { readonly json?: boolean }) => {
      const { members, databases, expected, tls, timeoutMs } = await readTargets(flags, terminal);
      const observation = await observe({ members, databases, tls, timeoutMs, signal: terminal.signal });
      const verdict = assess(observation, { expected });
      terminal.out(
        flags.json === true
          ? `${JSON.stringify({ observation, verdict }, undefined, 2)}\n`
          : renderStatus(terminal, observation, verdict),
      );
      end(exitOf(verdict.health));
    });
}
