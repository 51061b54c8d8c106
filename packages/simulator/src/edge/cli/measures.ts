/** `quorum-sim measures`: what was measured on real servers, and what the simulator says. */
import type { Command } from "commander";
import { integer } from "./arguments.ts";
import { breathe, progress } from "./progress.ts";
import { colours, EXIT, type Terminal, table } from "./output.ts";

export function addMeasures(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("measures")
    .description("Print what was measured on real servers of 3.1.0 and 3.7.1 beside what the simulator says")
    .option("--seeds <n>", "how often each is simulated", integer(20, 100_000), 100)
    .option("--json", "print the rows as JSON")
    .action(async ({ seeds, json }: { readonly seeds: number; readonly json?: boolean }) => {
      const { MEASURE_ROWS, measureRows, SURE_SEEDS } = await import("../../measures.ts");
      const rows = [];
      const bar = await progress(terminal);
      for (const row of measureRows(seeds)) {
        rows.push(row);
        bar.update(rows.length, MEASURE_ROWS);
        await breathe();
        if (terminal.signal.aborted) break;
      }
      bar.stop();
      const { green, red, yellow } = colours(terminal);
      if (json === true) terminal.out(`${JSON.stringify({ version: 1, rows }, undefined, 2)}\n`);
      else {
        const cells = rows.map(({ id, what, profile, measured, simulated, agrees, isSure }) => [
          id,
          profile,
          what,
          measured,
          simulated,
          agrees ? green("agrees") : isSure ? red("differs") : yellow("too few seeds"),
        ]);
        terminal.out(`${table(["", "OVS", "what", "measured", "simulated", ""], cells)}\n`);
        const unsure = rows.filter(({ isSure }) => !isSure).length;
        if (unsure > 0)
          terminal.out(
            `\n${unsure} of ${rows.length} rows cannot be judged: the spread of ${seeds} seeds is too narrow to say that a measured value lies outside of it; --seeds ${SURE_SEEDS} or more can\n`,
          );
      }
      if (terminal.signal.aborted) return end(EXIT.interrupted);
      if (rows.some(({ agrees, isSure }) => !agrees && isSure)) return end(EXIT.twin);
      end(rows.every(({ agrees }) => agrees) ? EXIT.met : EXIT.unmet);
    });
}
