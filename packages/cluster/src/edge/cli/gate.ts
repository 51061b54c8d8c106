/** `ovn-ha gate`: may the next one go down? Exit status 0 if it may. */
import type { Command } from "commander";
import { gate } from "../../plan/gate.ts";
import type { CommandContext } from "./command.ts";
import { settleTimeOf } from "../plan/restart-watch.ts";
import { look, lookOnce } from "./looks.ts";
import { addTargetOptions, memberNamed, readTargets, SETTLE, type TargetFlags } from "./targets.ts";
import { colours, EXIT } from "./terminal.ts";

type Flags = TargetFlags & { readonly json?: boolean; readonly settle?: number };

export function define(command: Command, { terminal, end }: CommandContext): void {
  addTargetOptions(command)
    .argument("[member]", "who is to go down; without it, whether anybody may")
    .option(...SETTLE)
    .option("--json", "the answer as JSON")
    .action(async (member: string | undefined, flags: Flags) => {
      const asked = await readTargets(flags, terminal);
      if (member !== undefined) memberNamed(member, asked.members);
      const settleMs =
        flags.settle === undefined ? settleTimeOf(await lookOnce(asked, terminal)) : flags.settle * 1_000;
      // Three looks, so that what takes three to be believed is believed; the first and the last a settle time apart.
      const { observation, first, history, verdict } = await look(asked, terminal, {
        count: 3,
        intervalMs: Math.max(1_000, Math.ceil(settleMs / 2)) + 25,
        extras: ["storage"],
      });
      const answer = gate(observation, { member, previous: first, settleMs, expected: asked.expected, history });
      if (flags.json === true) terminal.out(`${JSON.stringify(answer, undefined, 2)}\n`);
      else {
        const { bold, green, red } = colours(terminal);
        const who = member ?? "one member";
        terminal.out(
          answer.isOpen
            ? `${green(bold("open"))}: ${who} may go down\n`
            : `${red(bold("shut"))}: ${who} must not go down\n`,
        );
        for (const { database, code, text } of answer.reasons) terminal.out(`  ${database} ${code}: ${text}\n`);
      }
      if (answer.isOpen) end(EXIT.ok);
      else
        end(verdict.health === "unknown" ? EXIT.unknown : verdict.health === "critical" ? EXIT.critical : EXIT.warning);
    });
}
