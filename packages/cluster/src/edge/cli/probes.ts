/** The probes of a whole deployment: one write, and the whole content, of each database. */
import { type MemberAccess, targetsOf } from "../../observe/members.ts";
import type { NoOpTarget } from "../../probe/no-op.ts";
import { compareContent, type ContentResult } from "../probe/content.ts";
import { type ProbeResult, probeWrite } from "../probe/write.ts";
import type { Asked } from "./targets.ts";

export type Named<T> = T & { readonly database: string };

/** The remotes that can be called from here. */
function remotesOf(members: readonly MemberAccess[], databases?: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [database, targets] of targetsOf(members, databases)) {
    const remotes = targets.flatMap(({ remotes: own, runner }) =>
      own.filter((remote) => runner === undefined || !remote.startsWith("unix:")),
    );
    if (remotes.length > 0) found.set(database, remotes);
  }
  return found;
}

/**
 * Through the first member that takes it; the others are asked only if nothing was sent there. `targets` has the rows of
 * earlier probes, by database, and gets those of this one.
 */
export async function probeAll(
  { members, databases, tls, timeoutMs }: Asked,
  targets: Map<string, NoOpTarget> = new Map(),
): Promise<Named<ProbeResult>[]> {
  return Promise.all(
    [...remotesOf(members, databases)].map(async ([database, remotes]) => {
      let last: ProbeResult | undefined;
      for (const remote of remotes) {
        last = await probeWrite(remote, { database, tls, timeoutMs, target: targets.get(database) });
        if (last.type === "committed") targets.set(database, last.target);
        if (last.type !== "failed" || last.isSent) break;
      }
      return { ...(last as ProbeResult), database };
    }),
  );
}

export function compareAll({ members, databases, tls }: Asked): Promise<Named<ContentResult>[]> {
  return Promise.all(
    [...remotesOf(members, databases)].map(async ([database, remotes]) => ({
      ...(await compareContent(remotes, { database, tls })),
      database,
    })),
  );
}

export function probeText(probe: Named<ProbeResult>): string {
  switch (probe.type) {
    case "committed":
      return `${probe.database}: a write was committed in ${probe.latencyMs.toFixed(1)} ms, entry ${probe.indexAfter}`;
    case "impossible":
      return `${probe.database}: no write was tried: ${probe.why}`;
    case "failed":
      return `${probe.database}: a write FAILED after ${Math.round(probe.afterMs)} ms: ${probe.why}`;
  }
}
