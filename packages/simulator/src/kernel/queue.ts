/**
 * What is to happen, in order of time and then of insertion: a heap over typed arrays, so that a million events a second
 * leave nothing for the garbage collector. Each place has four children: half the levels of a binary heap, and those four
 * lie side by side in memory.
 */

/** More pending events than any sane scenario has: a runaway is an error, not a full memory. */
const SLOTS_MAX = 1 << 22;

export class EventQueue {
  size = 0;
  // The heap, place by place: when, the how-manieth push, and the slot that holds the rest.
  #times = new Float64Array(256);
  #orders = new Float64Array(256);
  #slots = new Int32Array(256);
  /** Slots that are free again, the newest at `#freeCount - 1`. */
  #free = new Int32Array(256);
  #freeCount = 0;
  #used = 0;
  #order = 0;
  /** Of the event that was popped last. */
  timeUs = 0;
  kind = 0;
  a = 0;
  b = 0;
  ref: unknown = undefined;
  ref2: unknown = undefined;
  #kinds = new Int32Array(256);
  #as = new Int32Array(256);
  #bs = new Int32Array(256);
  readonly #refs: unknown[] = [];
  readonly #ref2s: unknown[] = [];

  /** `kind`, `a` and `b` are integers of 32 bits. */
  push(timeUs: number, kind: number, a: number, b: number, ref: unknown, ref2: unknown): void {
    const slot = this.#freeCount > 0 ? this.#free[--this.#freeCount]! : this.#newSlot();
    this.#kinds[slot] = kind;
    this.#as[slot] = a;
    this.#bs[slot] = b;
    this.#refs[slot] = ref;
    this.#ref2s[slot] = ref2;
    this.#siftUp(this.size++, timeUs, this.#order++, slot);
  }

  /** The time of the next event; Infinity if there is none. */
  nextUs(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : this.#times[0]!;
  }

  /** Takes the next event into `timeUs`, `kind`, `a`, `b`, `ref` and `ref2`; false if there is none. */
  pop(): boolean {
    if (this.size === 0) return false;
    const slot = this.#slots[0]!;
    this.timeUs = this.#times[0]!;
    this.kind = this.#kinds[slot]!;
    this.a = this.#as[slot]!;
    this.b = this.#bs[slot]!;
    this.ref = this.#refs[slot];
    this.ref2 = this.#ref2s[slot];
    this.#refs[slot] = undefined;
    this.#ref2s[slot] = undefined;
    this.#free[this.#freeCount++] = slot;
    if (--this.size > 0) this.#siftDown(this.size);
    return true;
  }

  #newSlot(): number {
    const slot = this.#used++;
    if (slot >= SLOTS_MAX) throw new RangeError(`more than ${SLOTS_MAX} pending events`);
    this.#refs.push(undefined);
    this.#ref2s.push(undefined);
    if (slot < this.#times.length) return slot;
    const length = this.#times.length * 2;
    this.#times = grown(this.#times, new Float64Array(length));
    this.#orders = grown(this.#orders, new Float64Array(length));
    this.#slots = grown(this.#slots, new Int32Array(length));
    this.#free = grown(this.#free, new Int32Array(length));
    this.#kinds = grown(this.#kinds, new Int32Array(length));
    this.#as = grown(this.#as, new Int32Array(length));
    this.#bs = grown(this.#bs, new Int32Array(length));
    return slot;
  }

  #siftUp(from: number, time: number, order: number, slot: number): void {
    const times = this.#times;
    const orders = this.#orders;
    const slots = this.#slots;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      // Whatever is there already was pushed before: equal times stay in order.
      if (times[parent]! <= time) break;
      times[at] = times[parent]!;
      orders[at] = orders[parent]!;
      slots[at] = slots[parent]!;
      at = parent;
    }
    times[at] = time;
    orders[at] = order;
    slots[at] = slot;
  }

  /** Finds a new place for the last one, which begins at the top. */
  #siftDown(last: number): void {
    const times = this.#times;
    const orders = this.#orders;
    const slots = this.#slots;
    const time = times[last]!;
    const order = orders[last]!;
    let at = 0;
    for (let first = 1; first < last; first = 4 * at + 1) {
      let least = first;
      let leastTime = times[first]!;
      const end = Math.min(first + 4, last);
      for (let child = first + 1; child < end; child++) {
        const childTime = times[child]!;
        if (childTime > leastTime || (childTime === leastTime && orders[child]! > orders[least]!)) continue;
        least = child;
        leastTime = childTime;
      }
      if (leastTime > time || (leastTime === time && orders[least]! > order)) break;
      times[at] = leastTime;
      orders[at] = orders[least]!;
      slots[at] = slots[least]!;
      at = least;
    }
    times[at] = time;
    orders[at] = order;
    slots[at] = slots[last]!;
  }
}

function grown<T extends Float64Array | Int32Array>(old: T, bigger: T): T {
  bigger.set(old);
  return bigger;
}
