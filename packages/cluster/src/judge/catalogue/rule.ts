/** How a failure mode is written down. */
import type { RemedyKind, Severity } from "../types.ts";

/** Where it can be seen: `cluster/status`, `_Server`, the log, the file, an expectation, or only over time. */
export type Sight = "status" | "server" | "storage" | "log" | "file" | "expected" | "history" | "observer";

export type FindingRule = {
  /** The class of the failure mode: a letter for the area and a number. */
  readonly incident: string;
  readonly severity: Severity;
  readonly title: string;
  readonly shows: readonly Sight[];
  /** How many observations in a row it takes, once there is a history. What is normal for a moment takes two or three. */
  readonly sightings: 1 | 2 | 3;
  readonly remedy: {
    readonly kind: RemedyKind;
    readonly text: string;
    /** Needs two independent sources before it is proposed. */
    readonly isDestructive: boolean;
    /** What is proposed until there are two. */
    readonly before?: string;
  };
};

type Shape = readonly [
  incident: string,
  severity: Severity,
  title: string,
  shows: readonly Sight[],
  sightings: 1 | 2 | 3,
  kind: RemedyKind,
  text: string,
];

/** A rule whose remedy takes nothing away. */
export function rule(...[incident, severity, title, shows, sightings, kind, text]: Shape): FindingRule {
  return { incident, severity, title, shows, sightings, remedy: { kind, text, isDestructive: false } };
}

/** A rule whose remedy takes a member, a file or a server away; `before` is what may be done on the word of one. */
export function destructive(
  before: string,
  ...[incident, severity, title, shows, sightings, kind, text]: Shape
): FindingRule {
  return { incident, severity, title, shows, sightings, remedy: { kind, text, isDestructive: true, before } };
}
