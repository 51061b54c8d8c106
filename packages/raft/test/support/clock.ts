type Event = { readonly atMs: number; readonly order: number; readonly run: () => void };

/** Time that goes from event to event; those of one moment run in the order in which they were asked for. */
export class Clock {
  nowMs = 0;
  #events: Event[] = [];
  #order = 0;

  at(atMs: number, run: () => void): void {
    this.#events.push({ atMs, order: this.#order++, run });
  }

  runFor(ms: number): void {
    const end = this.nowMs + ms;
    for (let next = this.#next(); next !== undefined && next.atMs <= end; next = this.#next()) this.#run(next);
    this.nowMs = end;
  }

  /** Whether it came to hold within the time. */
  runUntil(holds: () => boolean, withinMs: number): boolean {
    const end = this.nowMs + withinMs;
    while (!holds()) {
      const next = this.#next();
      if (next === undefined || next.atMs > end) return false;
      this.#run(next);
    }
    return true;
  }

  #next(): Event | undefined {
    let best: Event | undefined;
    for (const event of this.#events)
      if (best === undefined || event.atMs < best.atMs || (event.atMs === best.atMs && event.order < best.order))
        best = event;
    return best;
  }

  #run(event: Event): void {
    this.#events.splice(this.#events.indexOf(event), 1);
    this.nowMs = Math.max(this.nowMs, event.atMs);
    event.run();
  }
}
