/** Servers on their way in, and answers that can't be used. */
import type { Context } from "../context.ts";
import type { Evidence } from "../types.ts";
import { arrivalsOf, failureText } from "../view.ts";

export function checkJoining({ view, found }: Context): void {
  const arrivals = [...arrivalsOf(view.voices).values()];
  for (const { member, status, short, row, isUnreachable } of view.members) {
    if (isUnreachable) continue;
    if (status?.state === "joining cluster" && status.role !== "leader") {
      const text = `joining, asks ${status.remotesForJoining?.join(" ") ?? "nobody"}`;
      // If somebody is at it, it goes its way; if nobody is, it may ask for ever.
      const isUnderWay = arrivals.some((one) => one.short === short);
      found.push({
        code: "joining",
        members: [member],
        evidence: [{ source: "status", member, text }],
        ...(isUnderWay ? { severity: "info" } : {}),
      });
      const out = status.connections?.filter(({ direction }) => direction === "out") ?? [];
      if (out.length > 0 && out.every(({ isConnected }) => !isConnected)) {
        const reached = `reaches none of ${status.remotesForJoining?.join(" ") ?? "its remotes"}`;
        found.push({
          code: "remotes-unreachable",
          members: [member],
          evidence: [{ source: "status", member, text: reached }],
        });
      }
    } else if (
      status === undefined &&
      row?.model === "clustered" &&
      !row.connected &&
      row.cid === undefined &&
      !row.hasSchema
    ) {
      const evidence: Evidence[] = [{ source: "server", member, text: "no cluster id, no schema, not connected" }];
      found.push({ code: "joining", members: [member], evidence });
    }
  }
}

/** What was said, but can't be judged. */
export function checkAnswers({ view, found }: Context): void {
  for (const { member, seen, status } of view.members) {
    if (
      status !== undefined &&
      (status.role === undefined || status.term === undefined || status.servers === undefined)
    ) {
      const lacking = (["role", "term", "servers"] as const).filter((name) => status[name] === undefined);
      found.push({
        code: "partial-capture",
        members: [member],
        evidence: [{ source: "status", member, text: `lacks ${lacking.join(", ")}` }],
      });
    }
    for (const answer of [seen.status, seen.server]) {
      if (answer === undefined || answer.ok) continue;
      if (answer.error.code !== "MALFORMED_STATUS" && answer.error.code !== "PROTOCOL") continue;
      found.push({
        code: "bad-answer",
        members: [member],
        evidence: [{ source: "observer", text: failureText(answer) }],
      });
    }
  }
}
