/** Why a plan must not be carried out, or what to know before it is. */
import { DATABASE_NAMES, type DatabaseKey } from "../layout/profile.ts";
import type { ClusterDescription, MemberDatabaseFacts, MemberFacts, RestoreFacts, SourceFacts } from "./facts.ts";
import type { PlanCode, PlanFinding } from "./types.ts";

/** Refusals that an operator may lift by naming them. The others are no matter of opinion. */
export const ACCEPTABLE: ReadonlySet<PlanCode> = new Set<PlanCode>([
  "SOURCE_OLD",
  "SOURCE_UNVERIFIED",
  "SOURCE_DAMAGED",
  "SOURCE_LEFT",
  "PAIR_APART",
  "PAIR_INCOMPLETE",
  "STILL_ALIVE",
  "MEMBER_COUNT",
]);

export interface FindingOptions {
  readonly nowMs: number;
  /** A source older than this is refused, in ms. */
  readonly sourceAgeMsMax: number;
  readonly accept: readonly PlanCode[];
  /** Databases that are restored. */
  readonly databases: readonly DatabaseKey[];
  /** Copies of the old files are made, beside moving them. */
  readonly copies: boolean;
  /** Entries of a member's file that it does not know to be committed are taken in. */
  readonly includeUncommitted: boolean;
}

export class Findings {
  readonly list: PlanFinding[] = [];
  readonly #accept: ReadonlySet<PlanCode>;

  constructor(accept: readonly PlanCode[]) {
    this.#accept = new Set(accept);
  }

  refuse(code: PlanCode, message: string, remedy: string): void {
    if (!ACCEPTABLE.has(code)) this.list.push({ code, severity: "refuse", message, remedy });
    else if (this.#accept.has(code))
      this.list.push({ code, severity: "warn", message: `${message} (accepted)`, remedy });
    else this.list.push({ code, severity: "refuse", message, remedy: `${remedy}; or accept it: --accept ${code}` });
  }

  warn(code: PlanCode, message: string, remedy: string): void {
    this.list.push({ code, severity: "warn", message, remedy });
  }

  note(code: PlanCode, message: string, remedy: string): void {
    this.list.push({ code, severity: "note", message, remedy });
  }
}

const HOUR_MS = 3_600_000;
const hours = (ms: number): string =>
  ms < 2 * HOUR_MS ? `${Math.round(ms / 60_000)} minutes` : `${Math.round(ms / HOUR_MS)} hours`;
/** How far apart the two files of a pair may have been taken when no manifest ties them together, in ms. */
const PAIR_MS = 5 * 60_000;

/** Everything that is wrong with the sources. */
export function judgeSources(sources: readonly SourceFacts[], findings: Findings, options: FindingOptions): void {
  for (const key of options.databases) {
    const source = sources.find(({ database }) => database === key);
    if (source === undefined) continue;
    judgeSource(source, findings, options);
  }
  const [first, second] = sources;
  if (first !== undefined && second !== undefined) judgePair(first, second, findings);
}

function judgeSource(source: SourceFacts, findings: Findings, options: FindingOptions): void {
  const { nowMs, sourceAgeMsMax, includeUncommitted } = options;
  const { path } = source;
  const wanted = DATABASE_NAMES[source.database];
  if (source.databaseName !== wanted)
    findings.refuse(
      "SOURCE_MISMATCH",
      `${path} holds ${source.databaseName}, not ${wanted}`,
      `give a backup of ${wanted}`,
    );
  for (const problem of source.problems)
    findings.refuse(
      "SOURCE_DAMAGED",
      `${path}: ${problem}`,
      "take an older backup that verifies (ovn-backup list), or rank the members' files (ovn-backup rank)",
    );
  if (source.verifiedMs === undefined)
    findings.refuse("SOURCE_UNVERIFIED", `${path} was never verified`, `verify it first: ovn-backup verify ${path}`);
  const ageMs = nowMs - source.takenMs;
  if (ageMs > sourceAgeMsMax)
    findings.refuse(
      "SOURCE_OLD",
      `${path} is ${hours(ageMs)} old, and what was written since is lost with it`,
      "look for a newer one, or rank the members' files, which may hold more (ovn-backup rank)",
    );
  if (ageMs < -HOUR_MS)
    findings.warn(
      "SOURCE_OLD",
      `${path} is ${hours(-ageMs)} ahead of this machine's clock`,
      "compare the clocks of the two machines",
    );
  if (source.left)
    findings.refuse(
      "SOURCE_LEFT",
      `${path} is the file of a server that was kicked or has left: the others may have gone on without it`,
      "take another member's file",
    );
  if (source.uncommitted > 0)
    findings.warn(
      "SOURCE_UNCOMMITTED",
      `${path} ends with ${source.uncommitted} entries that it does not know to be committed; they are ${includeUncommitted ? "taken in, since clients may have been told that they are" : "left out"}`,
      includeUncommitted
        ? "compare with the other members' files, of which one may end later (ovn-backup rank); to leave them out: --no-uncommitted"
        : "make sure that no client was told that they are committed (ovn-backup rank)",
    );
}

function judgePair(first: SourceFacts, second: SourceFacts, findings: Findings): void {
  if (first.setId !== undefined && first.setId === second.setId) return;
  const apartMs = Math.abs(first.takenMs - second.takenMs);
  const differ = first.setId !== undefined && second.setId !== undefined;
  if (!differ && apartMs <= PAIR_MS) return;
  findings.refuse(
    "PAIR_APART",
    `${first.path} and ${second.path} were not taken together${apartMs > 0 ? `, but ${hours(apartMs)} apart` : ""}`,
    "take both from one pair, or restore the northbound one alone: northd makes the southbound one fit",
  );
}

/** Everything that is wrong with the hosts, for a restore of the whole cluster or of one member. */
export function judgeMembers(
  cluster: ClusterDescription,
  facts: RestoreFacts,
  findings: Findings,
  options: FindingOptions,
  only?: string,
): void {
  const addresses = new Map<string, string>();
  for (const member of cluster.members) {
    for (const key of options.databases) {
      const address = member.addresses[key];
      if (address === undefined) {
        findings.refuse(
          "ADDRESS",
          `${member.name} has no raft address for ${DATABASE_NAMES[key]}`,
          "add it to the cluster description",
        );
        continue;
      }
      const other = addresses.get(address);
      if (other !== undefined)
        findings.refuse(
          "ADDRESS",
          `${member.name} and ${other} have the same raft address ${address}`,
          "correct the cluster description",
        );
      addresses.set(address, member.name);
    }
  }
  for (const member of facts.members) {
    if (only !== undefined && member.name !== only) continue;
    judgeMember(member, facts.sources, findings, options);
  }
}

function judgeMember(
  member: MemberFacts,
  sources: readonly SourceFacts[],
  findings: Findings,
  options: FindingOptions,
): void {
  if (!member.reachable) {
    findings.refuse(
      "MEMBER_UNREACHABLE",
      `${member.name} (${member.where}) cannot be reached: ${member.reason}`,
      "make it reachable, or make sure that its server cannot start and leave it out of the cluster description",
    );
    return;
  }
  if (member.missingTools.length > 0)
    findings.refuse(
      "TOOL_MISSING",
      `${member.name} (${member.where}) has no ${member.missingTools.join(", ")}`,
      "install it, give a tool prefix that finds it, or let servers be asked from here (askedAt: here, with remotes)",
    );
  for (const key of options.databases) {
    const found = member.databases[key];
    if (found !== undefined) judgeDatabase(member.name, key, found, sources, findings, options);
  }
}

function judgeDatabase(
  name: string,
  key: DatabaseKey,
  found: MemberDatabaseFacts,
  sources: readonly SourceFacts[],
  findings: Findings,
  options: FindingOptions,
): void {
  const what = `${name}'s ${DATABASE_NAMES[key]}`;
  if (found.folder === "missing")
    findings.refuse(
      "FOLDER",
      `the folder of ${what} is not there`,
      "see what should be mounted there; ovn-backup check-dirs tells",
    );
  if (found.folder === "not writable")
    findings.refuse(
      "FOLDER",
      `the folder of ${what} cannot be written by the runner's user`,
      "run as root, or as the owner of the files",
    );
  if (found.lock === "unknown")
    findings.refuse(
      "LOCK_UNKNOWN",
      `whether a server has ${what} open cannot be found out`,
      "use a runner on the host itself, where /proc/locks tells",
    );
  if (found.file === undefined)
    findings.note(
      "OWNER_UNKNOWN",
      `${what} has no file, so owner and mode of the new one come from the profile`,
      "compare with another member",
    );
  const content = sources.find(({ database }) => database === key)?.contentBytes ?? 0;
  const needed = content * 2 + (options.copies ? (found.file?.sizeBytes ?? 0) : 0);
  if (found.freeBytes !== undefined && found.freeBytes < needed)
    findings.refuse(
      "SPACE",
      `${what}: ${found.freeBytes} bytes are free, and ${needed} are needed`,
      "free space, or let the old files only be moved: --no-copies",
    );
}

/** -1, 0 or 1; versions are dotted numbers. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").map(Number));
  for (let at = 0; at < 3; at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

/** The schema in the source against the one that is installed where the cluster begins. */
export function judgeVersions(facts: RestoreFacts, bootstrap: string, findings: Findings): void {
  const member = facts.members.find(({ name }) => name === bootstrap);
  if (member === undefined || !member.reachable) return;
  for (const source of facts.sources) {
    const installed = member.databases[source.database]?.schemaVersion;
    if (installed === undefined || source.schemaVersion === undefined) continue;
    const order = compareVersions(source.schemaVersion, installed);
    if (order < 0)
      findings.warn(
        "SCHEMA_OLD",
        `${source.path} has the schema ${source.schemaVersion}, and ${bootstrap} installs ${installed}`,
        "convert it once the cluster stands: ovsdb-client convert; ovn-ctl does so by itself",
      );
    if (order > 0)
      findings.warn(
        "SCHEMA_NEW",
        `${source.path} has the schema ${source.schemaVersion}, newer than the ${installed} of ${bootstrap}`,
        "install the newer OVN before clients connect",
      );
  }
}
