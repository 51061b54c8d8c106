/** A run in sentences, one event a line, as an operator would tell it. */
import type { Run, TraceEvent } from "../trace.ts";

/** `12.345 s`, from the start of the schedule. */
export function clock(us: number): string {
  return `${(us / 1e6).toFixed(3)} s`;
}

/** Attempts in a row that are told one by one. */
const REPEATS = 6;

/** Undefined for what is not part of the story. */
export function sentence(event: TraceEvent): string | undefined {
  switch (event.type) {
    case "fault":
      return event.members.length === 0 ? event.text : `${event.members.join(", ")}: ${event.text}`;
    case "start":
      return event.how === "from the beginning" ? undefined : `${event.member} starts with ${event.how}`;
    case "stop":
      return `${event.member} is down`;
    case "refused":
      return `${event.member} does not start: ${event.why}`;
    case "role":
      if (event.role === "leader") return `${event.member} leads term ${event.term}`;
      return event.role === "candidate" ? undefined : `${event.member} follows, term ${event.term}`;
    case "election":
      if (event.transfer) return `${event.member} is asked to take over, term ${event.term}`;
      return `${event.member} ${event.prevote ? "asks whether it could win" : "asks for votes in"} term ${event.term}`;
    case "connected":
      return `${event.member} ${event.connected ? "is connected" : "says that it is disconnected"}`;
    case "joined":
      return `${event.member} is a member`;
    case "left":
      return `${event.member} has left`;
    case "failed":
      return `${event.member} has failed`;
    case "servers":
      return `${event.member} counts ${event.servers.length} servers: ${event.servers.join(", ")}`;
    case "timer":
      return `${event.member} has an election timer of ${event.ms} ms`;
    case "truncated":
      return `${event.member} throws away entries ${event.to} to ${event.from - 1}`;
    case "snapshot":
      return `${event.member} has ${event.what} a snapshot through ${event.index}`;
    case "suppressed":
      return `${event.member} does not listen to ${event.from}'s ${event.prevote ? "pre-vote" : "vote request"}`;
    case "violation":
      return `VIOLATION (${event.checker}): ${event.text}`;
    case "mark":
      return event.text;
    default:
      return undefined;
  }
}

export type StoryOptions = {
  /** Default 200; how many were left out is said. */
  readonly limit?: number | undefined;
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
};

export function storyOf(run: Run, options: StoryOptions = {}): string[] {
  const { limit = 200, fromUs = 0, toUs = Number.POSITIVE_INFINITY } = options;
  const lines: string[] = [];
  let left = 0;
  let vain: TraceEvent[] = [];
  const tell = (atUs: number, text: string): void => {
    if (lines.length >= limit) left++;
    else lines.push(`${clock(atUs).padStart(11)}  ${text}`);
  };
  // Attempts that lead to nothing are told once, however many they are.
  const tellVain = (): void => {
    const shown = vain.length > REPEATS + 1 ? vain.slice(0, REPEATS) : vain;
    for (const event of shown) tell(event.atUs, sentence(event) ?? "");
    const rest = vain.slice(shown.length);
    const last = rest.at(-1);
    if (last !== undefined) tell(last.atUs, `… ${rest.length} more attempts and refusals by then`);
    vain = [];
  };
  for (const event of run.trace) {
    if (event.atUs < fromUs || event.atUs > toUs) continue;
    const text = sentence(event);
    if (text === undefined) continue;
    if (event.type === "election" || event.type === "suppressed") {
      vain.push(event);
      continue;
    }
    tellVain();
    tell(event.atUs, text);
  }
  tellVain();
  if (left > 0) lines.push(`${" ".repeat(11)}  … and ${left} more`);
  return lines;
}
