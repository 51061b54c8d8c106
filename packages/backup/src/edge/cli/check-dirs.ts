/** `ovn-backup check-dirs`: whether the folders of a member will be, and are, what its servers left. For ExecStartPre and init containers. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { kubectlRunner, type Runner, sshRunner } from "@ovnha/runner";
import type { CheckFinding } from "../../layout/directories.ts";
import { BackupError } from "../../error.ts";
import { DATABASE_KEYS, type DatabaseKey } from "../../layout/profile.ts";
import { findProfile, PROFILES } from "../../layout/profiles.ts";
import { visible } from "../../restore/facts.ts";
import { type CheckedDirectories, checkDirectories } from "../layout/check-directories.ts";
import { EXIT, printJson, type Terminal } from "./terminal.ts";

interface Flags {
  readonly profile: string;
  readonly db?: readonly DatabaseKey[];
  readonly identity?: string;
  readonly remember?: boolean;
  readonly replace?: boolean;
  readonly moved?: readonly (readonly [string, string])[];
  readonly ssh?: string;
  readonly pod?: string;
  readonly strict?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const HELP = `
Exit status: 0 the servers may start, there may be warnings; 1 they must not. With --strict a warning is 1 as well. 2 and 3: nothing
is known, for the usage was wrong or something could not be read. Whatever is not 0 stops ExecStartPre and init containers.

Examples:
  ovn-backup check-dirs --profile debian --identity /var/lib/ovnha/identity.json --remember
  ovn-backup check-dirs --profile kube-ovn --moved /etc/origin/ovn=/etc/ovn --db nb --db sb
  ovn-backup check-dirs --profile rpm --ssh root@10.0.0.1 --json`;

function movedPair(
  text: string,
  before: readonly (readonly [string, string])[] | undefined,
): (readonly [string, string])[] {
  const [from, to, ...more] = text.split("=");
  if (from?.startsWith("/") !== true || to?.startsWith("/") !== true || more.length > 0)
    throw new InvalidArgumentError("two absolute paths with = between them are wanted");
  return [...(before ?? []), [from, to]];
}

/** Gives a commander command its options and what it does. */
export function defineCheckDirs(command: Command, edge: Pick<Terminal, "out" | "end" | "signal">): void {
  command
    .description("say whether a member's folders survive a reboot, and whether they are still its own")
    .addOption(
      new Option("--profile <layout>", "the layout").choices(PROFILES.map(({ name }) => name)).default("debian"),
    )
    .addOption(new Option("--db <database...>", "nb, sb; both unless told").choices([...DATABASE_KEYS]))
    .option("--identity <file>", "where it is remembered who this member is, outside of the folders that are checked")
    .option("--remember", "write that file if all is well")
    .option("--replace", "with --remember: although the identity has changed, after a restore")
    .option("--moved <from=to>", "a folder of the layout that lies elsewhere; may be repeated", movedPair)
    .option("--ssh <user@host>", "look at another host")
    .option("--pod <namespace/pod>", "look into a pod")
    .option("--strict", "warnings count")
    .option("--json", "the verdict as JSON")
    .option("--quiet", "findings only")
    .addHelpText("after", HELP)
    .action(async (flags: Flags) => {
      const result = await checkDirectories({
        profile: findProfile(flags.profile),
        databases: flags.db,
        identityPath: flags.identity,
        remember: flags.remember,
        replace: flags.replace,
        moved: Object.fromEntries(flags.moved ?? []),
        runner: runnerOf(flags),
        signal: edge.signal,
      });
      if (flags.json === true) printJson(edge, "check-dirs", result);
      else edge.out(verdictText(result, flags.quiet === true));
      const isWarned = flags.strict === true && result.findings.some(({ severity }) => severity === "warn");
      edge.end(result.fit && !isWarned ? EXIT.ok : EXIT.bad);
    });
}

function runnerOf({ ssh, pod }: Flags): Runner | undefined {
  if (ssh !== undefined && pod !== undefined) throw new BackupError("ARGUMENT", "--ssh and --pod exclude each other");
  if (ssh !== undefined) {
    const at = ssh.lastIndexOf("@");
    return sshRunner(at < 0 ? { host: ssh } : { host: ssh.slice(at + 1), user: ssh.slice(0, at) });
  }
  if (pod === undefined) return undefined;
  const [first = "", second] = pod.split("/");
  return kubectlRunner(second === undefined ? { pod: first } : { namespace: first, pod: second });
}

const LABEL = { refuse: "REFUSED", warn: "warning", note: "note" } as const;

function findingText({ severity, code, message, remedy }: CheckFinding): string {
  return `${visible(`${LABEL[severity]} ${code}: ${message}`)}\n  remedy: ${visible(remedy)}\n`;
}

/** For people and for a journal of systemd; ends with a line feed, or is empty. */
export function verdictText(result: CheckedDirectories, isQuiet: boolean): string {
  const order = { refuse: 0, warn: 1, note: 2 } as const;
  const findings = result.findings.toSorted((a, b) => order[a.severity] - order[b.severity]);
  const lines = findings.map(findingText);
  if (!isQuiet) {
    lines.push(...result.fine.map((line) => `ok ${visible(line)}\n`));
    lines.push(
      result.fit
        ? `${result.host}: the servers may start.${result.remembered ? " The member's identity was remembered." : ""}\n`
        : `${result.host}: do NOT start the servers.\n`,
    );
  }
  return lines.join("");
}
