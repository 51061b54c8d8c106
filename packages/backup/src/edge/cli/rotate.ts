/** `ovn-backup rotate`. */
import type { Command } from "commander";
import { BackupError } from "../../error.ts";
import type { RotationPolicy } from "../../store/rotation.ts";
import { rotate } from "../store/rotate.ts";
import { bytesText, EXIT, printJson, size, span, table, type Terminal, whole } from "./terminal.ts";

type Flags = {
  readonly keepLast?: number;
  readonly keepHourly?: number;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
  readonly keepYearly?: number;
  readonly keepWithin?: number;
  readonly maxSize?: number;
  readonly allowUnverified?: boolean;
  readonly execute?: boolean;
  readonly json?: boolean;
};

const RULE_FLAGS =
  "--keep-last, --keep-hourly, --keep-daily, --keep-weekly, --keep-monthly, --keep-yearly, --keep-within, --max-size";

const HELP = `
A backup is kept if any rule keeps it; with --max-size, the newest of those that fit. Databases that were taken together
stay together. The last verified backup of each database is never removed, and nothing is while none is verified.
Without --execute it is only said what would go.

Examples:
  ovn-backup rotate /backup --keep-daily 7 --keep-weekly 4 --keep-monthly 12
  ovn-backup rotate /backup --keep-within 30d --max-size 10G --execute

Exit status: 0; 1 if a verified backup is no longer what it was: then nothing is removed; 2 wrong usage; 3 it failed.`;

export function defineRotate(command: Command, terminal: Terminal): void {
  const count = whole(0);
  command
    .description("remove backups that are no longer needed; says what it would do, unless told to do it")
    .argument("<folder>")
    .option("--keep-last <n>", "the newest n", count)
    .option("--keep-hourly <n>", "the newest of each of the last n hours that have any", count)
    .option("--keep-daily <n>", "of days (UTC)", count)
    .option("--keep-weekly <n>", "of weeks, from Monday", count)
    .option("--keep-monthly <n>", "of months", count)
    .option("--keep-yearly <n>", "of years", count)
    .option("--keep-within <span>", "all that are younger, such as 30d", span)
    .option("--max-size <size>", "at most so many bytes in all, such as 10G", size)
    .option("--allow-unverified", "also where no backup of a database is verified")
    .option("--execute", "remove")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action((folder: string, flags: Flags) => runRotate(folder, flags, terminal));
}

async function runRotate(folder: string, flags: Flags, terminal: Terminal): Promise<void> {
  const policy: RotationPolicy = {
    last: flags.keepLast,
    hourly: flags.keepHourly,
    daily: flags.keepDaily,
    weekly: flags.keepWeekly,
    monthly: flags.keepMonthly,
    yearly: flags.keepYearly,
    withinMs: flags.keepWithin,
    bytesMax: flags.maxSize,
    allowUnverified: flags.allowUnverified,
  };
  const { allowUnverified: _, ...rules } = policy;
  if (Object.values(rules).every((rule) => rule === undefined))
    throw new BackupError("ARGUMENT", "the rotation has no rule", { remedy: `give at least one of ${RULE_FLAGS}` });
  const rotated = await rotate({ folder, policy, dryRun: flags.execute !== true, signal: terminal.signal });
  terminal.end(EXIT.ok);
  if (flags.json === true) return printJson(terminal, "rotate", rotated);
  const line = (id: string, createdMs: number, bytes: number, what: string): string[] => [
    new Date(createdMs).toISOString(),
    bytesText(bytes),
    id,
    what,
  ];
  terminal.out(
    table(
      ["taken", "size", "set", rotated.dryRun ? "what would happen" : "what happened"],
      [
        ...rotated.keep.map(({ set, reasons }) =>
          line(set.id, set.createdMs, set.bytes, `kept: ${reasons.join(", ")}`),
        ),
        ...rotated.remove.map(({ id, createdMs, bytes }) =>
          line(id, createdMs, bytes, rotated.dryRun ? "goes" : "removed"),
        ),
      ],
    ),
  );
  for (const { path, problem } of rotated.broken) terminal.err(`left alone: ${path}: ${problem}\n`);
  const freed = `${rotated.remove.length} of ${rotated.remove.length + rotated.keep.length} sets, ${bytesText(rotated.freedBytes)}`;
  terminal.out(rotated.dryRun ? `would remove ${freed}; --execute does it\n` : `removed ${freed}\n`);
}
