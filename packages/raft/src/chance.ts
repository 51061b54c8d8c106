/**
 * Chance as part of the state: a counter-based hash, so that the n-th draw for a purpose is the same whatever else was
 * drawn in between, and a node can be cloned and replayed.
 */

/** What a number is drawn for; each purpose has a stream of its own. */
export type Purpose = 0 | 1 | 2;
/** Election timeout: `0` to `999` ms on top of the election timer. */
export const ELECTION: Purpose = 0;
/** Whom to ask first to take over. */
export const TRANSFER: Purpose = 1;
/** The pause before a former leader asks to be removed. */
export const LEAVE: Purpose = 2;

export type Chance = { seed: number; readonly counters: [number, number, number] };

export function chanceOf(seed: number): Chance {
  return { seed: seed >>> 0, counters: [0, 0, 0] };
}

/** Three rounds of multiply and xor-shift: every bit of the input reaches every bit of the answer. */
export function hash32(a: number, b: number): number {
  return hashBits(a, b) >>> 0;
}

/** The same 32 bits as a number with a sign, which V8 hands on without making an object for it. */
export function hashBits(a: number, b: number): number {
  let x = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ b;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  x = Math.imul(x ^ (x >>> 15) ^ Math.imul(b, 0xc2b2ae35), 0x27d4eb2f);
  return x ^ (x >>> 15);
}

/** A uniform integer from 0 to `range - 1`. */
export function draw(chance: Chance, purpose: Purpose, range: number): number {
  const counter = chance.counters[purpose]++;
  // A multiplication by a power of two is as exact as the division, and faster.
  return Math.floor((hashBits(chance.seed + purpose * 0x632be5ab, counter) >>> 0) * 2 ** -32 * range);
}
