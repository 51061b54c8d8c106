/** From a trace to stretches: who was what, when. Every picture is drawn from these. */
import type { Run, TraceEvent } from "../trace.ts";

export type LaneState = "down" | "joining" | "follower" | "candidate" | "leader" | "failed";

export type Stretch = {
  readonly fromUs: number;
  readonly toUs: number;
  readonly state: LaneState;
  readonly term: number;
};

export type Lane = { readonly member: string; readonly stretches: readonly Stretch[] };

type Open = { member: string; stretches: Stretch[]; sinceUs: number; state: LaneState; term: number };

export function lanesOf(run: Run): Lane[] {
  const open = new Map<string, Open>();
  for (const { name } of run.members)
    open.set(name, { member: name, stretches: [], sinceUs: 0, state: "down", term: 0 });
  const turn = (member: string, atUs: number, state: LaneState, term?: number): void => {
    const lane = open.get(member);
    if (lane === undefined || (lane.state === state && (term === undefined || term === lane.term))) return;
    if (atUs > lane.sinceUs)
      lane.stretches.push({ fromUs: lane.sinceUs, toUs: atUs, state: lane.state, term: lane.term });
    lane.sinceUs = atUs;
    lane.state = state;
    lane.term = term ?? lane.term;
  };
  for (const event of run.trace) follow(event, turn);
  return [...open.values()].map(({ member, stretches, sinceUs, state, term }) => ({
    member,
    stretches: [...stretches, { fromUs: sinceUs, toUs: run.endUs, state, term }],
  }));
}

function follow(
  event: TraceEvent,
  turn: (member: string, atUs: number, state: LaneState, term?: number) => void,
): void {
  switch (event.type) {
    case "start":
      turn(event.member, event.atUs, event.how.includes("to join") ? "joining" : "follower");
      return;
    case "joined":
      turn(event.member, event.atUs, "follower");
      return;
    case "stop":
    case "refused":
    case "left":
      turn(event.member, event.atUs, "down");
      return;
    case "failed":
      turn(event.member, event.atUs, "failed");
      return;
    case "role":
      turn(event.member, event.atUs, event.role, event.term);
      return;
    default:
      return;
  }
}

/** What a member was at a moment. */
export function stateAt(lane: Lane, atUs: number): Stretch | undefined {
  return lane.stretches.find(({ fromUs, toUs }) => fromUs <= atUs && atUs < toUs) ?? lane.stretches.at(-1);
}
