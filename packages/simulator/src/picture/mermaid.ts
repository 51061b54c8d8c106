/** A mermaid sequence diagram of a stretch of a run; heartbeats and replication are not drawn. */
import type { Run } from "../trace.ts";
import { clock, sentence } from "./story.ts";

export type MermaidOptions = {
  readonly fromUs?: number;
  readonly toUs?: number /** Default 60. */;
  readonly limit?: number;
};

const escaped = (text: string): string => text.replace(/[;#:<>{}]/g, " ");

/** Messages are in a run of trace level `full` alone. */
export function mermaid(run: Run, options: MermaidOptions = {}): string {
  const { fromUs = 0, toUs = Number.POSITIVE_INFINITY, limit = 60 } = options;
  const lines = ["sequenceDiagram"];
  for (const { name } of run.members) lines.push(`  participant ${name}`);
  let drawn = 0;
  let left = 0;
  for (const event of run.trace) {
    if (event.atUs < fromUs || event.atUs > toUs) continue;
    if (event.type === "message") {
      if (event.message === "heartbeat" || event.message.startsWith("append_")) continue;
      if (drawn++ < limit)
        lines.push(`  ${event.from}->>${event.to}: ${event.message}${event.term > 0 ? ` t${event.term}` : ""}`);
      else left++;
      continue;
    }
    const text =
      event.type === "fault" || event.type === "role" || event.type === "violation" ? sentence(event) : undefined;
    if (text === undefined) continue;
    const who = "member" in event ? event.member : (run.members[0]?.name ?? "m1");
    if (drawn++ < limit) lines.push(`  Note over ${who}: ${clock(event.atUs)} ${escaped(text)}`);
    else left++;
  }
  if (left > 0) lines.push(`  Note over ${run.members[0]?.name ?? "m1"}: and ${left} more`);
  return `${lines.join("\n")}\n`;
}
