/**
 * What is to happen, in order of time and then of insertion: a binary heap of slots over typed arrays, so that a million
 * events a second leave nothing for the garbage collector.
 */

/** More pending events than any sane scenario has: a runaway is an error, not a full memory. */
const SLOTS_MAX = 1 << 22;

export class EventQueue {
  size = 0;
  #times = new Float64Array(256);
  #orders = new Float64Array(256);
  #heap = new Int32Array(256);
  #free: number[] = [];
  #used = 0;
  #order = 0;
  /** Of the event that was popped last. */
  timeUs = 0;
  kind = 0;
  a = 0;
  b = 0;
  ref: unknown = undefined;
  ref2: unknown = undefined;
  readonly #kinds: number[] = [];
  readonly #as: number[] = [];
  readonly #bs: number[] = [];
  readonly #refs: unknown[] = [];
  readonly #ref2s: unknown[] = [];

  push(timeUs: number, kind: number, a: number, b: number, ref: unknown, ref2: unknown): void {
    const slot = this.#free.pop() ?? this.#newSlot();
    this.#times[slot] = timeUs;
    this.#orders[slot] = this.#order++;
    this.#kinds[slot] = kind;
    this.#as[slot] = a;
    this.#bs[slot] = b;
    this.#refs[slot] = ref;
    this.#ref2s[slot] = ref2;
    this.#siftUp(this.size++, slot);
  }

  /** The time of the next event; Infinity if there is none. */
  nextUs(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : this.#times[this.#heap[0]!]!;
  }

  /** Takes the next event into `timeUs`, `kind`, `a`, `b`, `ref` and `ref2`; false if there is none. */
  pop(): boolean {
    if (this.size === 0) return false;
    const slot = this.#heap[0]!;
    this.timeUs = this.#times[slot]!;
    this.kind = this.#kinds[slot]!;
    this.a = this.#as[slot]!;
    this.b = this.#bs[slot]!;
    this.ref = this.#refs[slot];
    this.ref2 = this.#ref2s[slot];
    this.#refs[slot] = undefined;
    this.#ref2s[slot] = undefined;
    this.#free.push(slot);
    const last = this.#heap[--this.size]!;
    if (this.size > 0) this.#siftDown(last);
    return true;
  }

  #newSlot(): number {
    const slot = this.#used++;
    if (slot >= SLOTS_MAX) throw new RangeError(`more than ${SLOTS_MAX} pending events`);
    this.#kinds.push(0);
    this.#as.push(0);
    this.#bs.push(0);
    this.#refs.push(undefined);
    this.#ref2s.push(undefined);
    if (slot < this.#times.length) return slot;
    this.#times = grown(this.#times, Float64Array);
    this.#orders = grown(this.#orders, Float64Array);
    const heap = new Int32Array(this.#heap.length * 2);
    heap.set(this.#heap);
    this.#heap = heap;
    return slot;
  }

  #isBefore(a: number, b: number): boolean {
    const byTime = this.#times[a]! - this.#times[b]!;
    return byTime < 0 || (byTime === 0 && this.#orders[a]! < this.#orders[b]!);
  }

  #siftUp(from: number, slot: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = this.#heap[parent]!;
      if (!this.#isBefore(slot, other)) break;
      this.#heap[at] = other;
      at = parent;
    }
    this.#heap[at] = slot;
  }

  #siftDown(slot: number): void {
    const { size } = this;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#isBefore(this.#heap[child + 1]!, this.#heap[child]!)) child++;
      const other = this.#heap[child]!;
      if (!this.#isBefore(other, slot)) break;
      this.#heap[at] = other;
      at = child;
    }
    this.#heap[at] = slot;
  }
}

function grown(old: Float64Array, Kind: typeof Float64Array): Float64Array<ArrayBuffer> {
  const bigger = new Kind(old.length * 2);
  bigger.set(old);
  return bigger;
}
