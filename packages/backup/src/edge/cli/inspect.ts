/** `ovn-backup inspect`. */
import type { Command } from "commander";
import { inspect, type Inspection } from "@ovnha/dbfile";
import { dateText, ofFile } from "./files.ts";
import { bytesText, EXIT, printJson, type Terminal } from "./terminal.ts";

const HELP = `
Reads every record once and checks its hash; a server may run on the file meanwhile.

Exit status: 0; 1 if a file is damaged, or ovsdb-server would refuse it; 3 if it can't be read.`;

export function defineInspect(command: Command, terminal: Terminal): void {
  command
    .description("what a database file is: ids, members, log, commit index, damage")
    .argument("<file...>", "standalone or clustered files")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(async (paths: readonly string[], flags: { readonly json?: boolean }) => {
      const files: Inspection[] = [];
      for (const path of paths) files.push(await ofFile(path, () => inspect(path, { signal: terminal.signal })));
      terminal.end(
        files.every(({ damage, refusal }) => damage === undefined && refusal === undefined) ? EXIT.ok : EXIT.bad,
      );
      if (flags.json === true) return printJson(terminal, "inspect", { files });
      terminal.out(files.map(inspectionText).join("\n"));
    });
}

function inspectionText(file: Inspection): string {
  const lines: [string, string][] = [
    ["file", file.path],
    ["database", file.name],
    ["format", file.format],
    ["size", `${bytesText(file.sizeBytes)}, ${file.records} records`],
  ];
  if (file.format !== "joining")
    lines.push(["schema", `${file.schemaVersion ?? "no version"}, cksum ${file.schemaCksum ?? "none"}`]);
  if (file.format === "standalone")
    lines.push([
      "transactions",
      `${file.transactions}, from ${dateText(file.firstDateMs)} to ${dateText(file.lastDateMs)}`,
    ]);
  else
    lines.push(
      ["cluster", file.clusterId ?? "not known yet"],
      ["server", file.serverId],
      ["address", file.localAddress],
    );
  if (file.format === "joining") lines.push(["joins at", file.remoteAddresses.join(", ")]);
  if (file.format === "clustered")
    lines.push(
      [
        "members",
        Object.entries(file.members)
          .map(([sid, address]) => `${sid.slice(0, 4)} ${address}`)
          .join(", "),
      ],
      ["term", `${file.term}${file.vote === undefined ? "" : `, voted for ${file.vote.slice(0, 4)}`}`],
      [
        "log",
        `${file.logStart} to ${file.logEnd - 1}, committed to ${file.commitIndex}, ${file.uncommitted} not known to be`,
      ],
      [
        "snapshot",
        `index ${file.snapshot.index}, ${bytesText(file.snapshot.bytes)}, ${dateText(file.snapshot.dateMs)}`,
      ],
      ["last change", dateText(file.lastDateMs)],
    );
  if (file.format === "clustered" && file.left) lines.push(["NOTE", "this server has left its cluster for good"]);
  if (file.damage !== undefined) lines.push(["DAMAGED", `at offset ${file.damage.offset}: ${file.damage.message}`]);
  if (file.refusal !== undefined) lines.push(["REFUSED", file.refusal]);
  return lines.map(([name, text]) => `${name.padEnd(13)}${text}\n`).join("");
}
