/** Collects what happened: a hash over everything, and as much of the story as is wanted. */
import { TraceHash } from "./kernel/random.ts";
import type { TraceEvent, Violation } from "./trace.ts";
import type { Host } from "./world/host.ts";

/** `none`: the verdict alone; `story`: roles, faults, outages; `full`: every message and operation too. */
export type TraceLevel = "none" | "story" | "full";

type WithoutTime<T> = T extends unknown ? Omit<T, "atUs"> : never;
export type NewEvent = WithoutTime<TraceEvent>;

const VIOLATIONS_MAX = 100;

export class Recorder {
  readonly level: TraceLevel;
  readonly events: TraceEvent[] = [];
  readonly violations: Violation[] = [];
  readonly hash: TraceHash = new TraceHash();
  /** True once `limit` events were kept; later ones are not. */
  isFull = false;
  nowUs = 0;
  zeroUs = 0;
  readonly #limit: number;

  constructor(level: TraceLevel, limit = 500_000) {
    this.level = level;
    this.#limit = limit;
  }

  get isFullLevel(): boolean {
    return this.level === "full";
  }

  add(event: NewEvent): void {
    if (this.level === "none") return;
    if (this.events.length >= this.#limit) {
      this.isFull = true;
      return;
    }
    this.events.push({ atUs: this.nowUs - this.zeroUs, ...event } as TraceEvent);
  }

  commit(host: Host, index: number): void {
    this.hash.add(host.index, index);
    if (this.level !== "none") this.add({ type: "commit", member: host.name, index });
  }

  violation(checker: string, text: string): void {
    this.hash.add(0x7ffffff, checker.length);
    if (this.violations.length >= VIOLATIONS_MAX) return;
    this.violations.push({ atUs: this.nowUs - this.zeroUs, checker, text });
    this.add({ type: "violation", checker, text });
  }
}
