/** `quorum-sim diff`: one schedule under two settings. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { Scenario } from "../../scenario/types.ts";
import { integer } from "./arguments.ts";
import { EXIT, seconds, type Terminal, table } from "./output.ts";
import { breathe, progress } from "./progress.ts";

export function addDiff(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("diff")
    .description("Compare two releases, timers or sizes under the same schedule, seed by seed")
    .argument("<a>", "a scenario and settings, such as s1@3.1.0 or plan.yaml@timer=5s")
    .argument("<b>", "another one, such as s1@3.7.1 or s1@3.7.1,members=5")
    .option("--seeds <n>", "pairs", integer(2, 1_000_000), 200)
    .option("--json", "print the result as JSON")
    .action(async (a: string, b: string, { seeds, json }: { readonly seeds: number; readonly json?: boolean }) => {
      const { diff } = await import("../../diff.ts");
      const [left, right] = [await read(a), await read(b)];
      const bar = await progress(terminal);
      const found = await diff(left, right, { seeds, signal: terminal.signal, onProgress: bar.update, breathe });
      bar.stop();
      if (json === true) terminal.out(`${JSON.stringify({ version: 1, ...found }, undefined, 2)}\n`);
      else if (found.seeds === 0) terminal.out("interrupted before a pair was done\n");
      else {
        const words = (each: typeof found.a): string =>
          Object.entries(each.words)
            .filter(([, count]) => count > 0)
            .map(([word, count]) => `${word} ${count}`)
            .join(", ");
        const row = (what: string, of: (each: typeof found.a) => string): string[] => [what, of(found.a), of(found.b)];
        const rows = [
          row("verdict", words),
          row("without writes, p50", ({ outageMs }) => seconds(outageMs.p50)),
          row("  p90", ({ outageMs }) => seconds(outageMs.p90)),
          row("  p99", ({ outageMs }) => seconds(outageMs.p99)),
          row("  worst", ({ outageMs }) => seconds(outageMs.max)),
          row("acknowledged writes lost", ({ ackedLost }) => String(ackedLost)),
          row("not as expected", ({ failedCount }) => `${failedCount} of ${found.seeds}`),
        ];
        terminal.out(`${table(["", a, b], rows)}\n\n`);
        const { mean, sigma } = found.outageMs;
        const sure = Math.abs(mean) > 3 * sigma ? "" : ": within what chance does";
        terminal.out(
          `the second is without writes ${(Math.abs(mean) / 1000).toFixed(2)} ± ${(sigma / 1000).toFixed(2)} s ${mean < 0 ? "shorter" : "longer"} on average${sure}; longer in ${found.longerInB} and shorter in ${found.shorterInB} of ${found.seeds} pairs\n`,
        );
        const behaviours = Object.entries(found.behaviours).map(([name, on]) => `${name} ${on ? "on" : "off"}`);
        if (behaviours.length > 0) terminal.out(`what the second does otherwise: ${behaviours.join(", ")}\n`);
      }
      end(terminal.signal.aborted ? EXIT.interrupted : EXIT.met);
    });
}

async function read(text: string): Promise<Scenario> {
  const { findScenario } = await import("../scenarios.ts");
  const at = existsSync(text) ? -1 : text.lastIndexOf("@");
  if (at < 0) return findScenario(text);
  const { withSettings } = await import("../../diff.ts");
  return withSettings(findScenario(text.slice(0, at)), text.slice(at + 1));
}
