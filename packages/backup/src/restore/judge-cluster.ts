/** What speaks against restoring this cluster now. */
import { DATABASE_NAMES, type DatabaseKey } from "../layout/profile.ts";
import type { RestoreFacts } from "./facts.ts";
import type { Findings } from "./findings.ts";
import type { PlanContext } from "./steps.ts";

/** Judges the cluster as a whole: its size, its commands, whether it is alive, room for the work. */
export function judgeCluster(
  context: PlanContext,
  facts: RestoreFacts,
  findings: Findings,
  restored: readonly DatabaseKey[],
  cleared: readonly DatabaseKey[],
): void {
  const { cluster } = context;
  const { profile, members } = cluster;
  if (restored.length === 0)
    findings.refuse(
      "SOURCE_MISMATCH",
      "there is nothing to restore from",
      "give a backup or a database file: --source",
    );
  if (members.length === 0)
    findings.refuse("MEMBER_COUNT", "the cluster description names no member", "name its members");
  if (members.length % 2 === 0 && members.length > 0)
    findings.warn(
      "MEMBER_COUNT",
      `${members.length} members bear no more failures than ${members.length - 1}`,
      "restore an odd number",
    );
  if (cleared.length > 0 && profile.form !== "standalone")
    findings.refuse(
      "PAIR_INCOMPLETE",
      `nothing makes a new southbound database in the layout ${profile.name}`,
      "give a backup of it too, or keep the one that is there: northd makes it fit",
    );
  for (const member of members)
    for (const key of [...restored, ...cleared]) {
      const { stop, start } = member.databases[key];
      const isBare =
        profile.control === "each"
          ? stop.length === 0 || start.length === 0
          : profile.stopAll.length === 0 || profile.startAll.length === 0;
      if (isBare)
        findings.refuse(
          "NO_COMMANDS",
          `nothing is known that stops and starts ${DATABASE_NAMES[key]} on ${member.name}`,
          "give the commands in the cluster description",
        );
    }
  for (const key of restored) judgeAlive(context, facts, findings, key);
  const bytes = facts.sources.reduce((sum, { contentBytes, sizeBytes }) => sum + sizeBytes + contentBytes * 3, 0);
  if (facts.workFreeBytes < bytes)
    findings.refuse(
      "SPACE",
      `${context.workFolder} has ${facts.workFreeBytes} bytes free, and ${bytes} are needed`,
      "choose another folder: --work",
    );
}

/** A cluster that still has its quorum holds more than any backup. */
function judgeAlive(context: PlanContext, facts: RestoreFacts, findings: Findings, key: DatabaseKey): void {
  const servers = facts.members.flatMap((member) => {
    const server = member.reachable ? member.databases[key]?.server : undefined;
    return server === undefined ? [] : [{ name: member.name, server }];
  });
  const connected = servers.filter(({ server }) => server.connected && server.model === "clustered");
  const leader = connected.find(({ server }) => server.leader);
  if (leader !== undefined && connected.length * 2 > context.cluster.members.length)
    findings.refuse(
      "STILL_ALIVE",
      `${DATABASE_NAMES[key]} is alive: ${leader.name} leads, ${connected.length} of ${context.cluster.members.length} members are connected; what is newer than the source will be gone`,
      "if one member is broken, replace that one alone (--member NAME); to go back on purpose, take a backup of today first",
    );
  const source = facts.sources.find(({ database }) => database === key);
  for (const { name, server } of servers) {
    if (source?.index === undefined || server.index === undefined || server.cid !== source.cid) continue;
    if (server.index > source.index)
      findings.warn(
        "SOURCE_BEHIND",
        `${name} has applied index ${server.index}, and ${source.path} ends at ${source.index}: ${server.index - source.index} entries will be gone`,
        "back that member up first, or restore from its file (ovn-backup rank)",
      );
  }
}
