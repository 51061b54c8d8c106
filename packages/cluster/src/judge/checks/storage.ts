/** What servers say of their storage, memory and release. */
import type { Context } from "../context.ts";
import { groupBy } from "../group.ts";

/** Entries held; automatic compaction comes due long before, at twice the size or after 24 hours. */
export const LOG_ENTRIES_MAX = 100_000;
const BACKLOG_KB_MAX = 100_000;

export function checkStorage({ view, found }: Context): void {
  for (const { member, seen, status } of view.members) {
    const { storage, memory } = seen;
    if (storage?.ok === true && !storage.value.ok)
      found.push({
        code: "storage-inconsistent",
        members: [member],
        evidence: [{ source: "storage", member, text: storage.value.text }],
      });
    if (status?.log !== undefined && status.log.end - status.log.start > LOG_ENTRIES_MAX) {
      const text = `${status.log.end - status.log.start} entries since the last snapshot`;
      found.push({ code: "log-growth", members: [member], evidence: [{ source: "status", member, text }] });
    }
    const backlogKb = memory?.ok === true ? memory.value["raft-backlog-kB"] : undefined;
    if (backlogKb !== undefined && backlogKb > BACKLOG_KB_MAX)
      found.push({
        code: "send-backlog",
        members: [member],
        evidence: [{ source: "memory", member, text: `raft-backlog-kB ${backlogKb}` }],
      });
  }
  const versions = groupBy(
    view.members.flatMap(({ member, seen }) =>
      seen.version?.ok === true ? [{ member, version: seen.version.value }] : [],
    ),
    ({ version }) => version,
  );
  if (versions.size > 1)
    found.push({
      code: "versions-differ",
      members: [],
      evidence: [...versions].map(([version, who]) => ({
        source: "server",
        text: `${version}: ${who.map(({ member }) => member).join(", ")}`,
      })),
    });
}
