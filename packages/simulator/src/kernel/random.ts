/** Chance, counted per stream: the n-th draw of a stream does not depend on what other streams do. */
import { hash32, hashBits } from "@ovnha/raft";
import type { Delay } from "../scenario/types.ts";

/** What a stream is for; with a number of its own it makes the seed of the stream. */
export const STREAM = { latency: 1, fsync: 2, boot: 3, target: 4, probe: 5, power: 6, snapshot: 7, client: 8 } as const;

export class Stream {
  readonly #seed: number;
  #counter = 0;
  /** Of the lognormal distribution that was asked for last: its spread takes two logarithms. */
  #sigmaOf: Delay | undefined;
  #sigma = 0;
  constructor(seed: number, purpose: number, which: number) {
    this.#seed = hash32(hash32(seed, purpose), which);
  }

  /** 0 ≤ x < 1. */
  unit(): number {
    return (hashBits(this.#seed, this.#counter++) >>> 0) * 2 ** -32;
  }

  /** 0 … range - 1. */
  below(range: number): number {
    return Math.floor(this.unit() * range);
  }

  /** Whole microseconds of a distribution, at least one. */
  delayUs(delay: Delay): number {
    // The distribution of most links, without a call that hands on a fraction of a millisecond as an object.
    const ms =
      delay.dist === "uniform"
        ? delay.fromMs + (hashBits(this.#seed, this.#counter++) >>> 0) * 2 ** -32 * (delay.toMs - delay.fromMs)
        : this.#ms(delay);
    return Math.max(1, Math.round(ms * 1000));
  }

  #ms(delay: Exclude<Delay, { readonly dist: "uniform" }>): number {
    switch (delay.dist) {
      case "constant":
        return delay.ms;
      case "exponential":
        return delay.baseMs - Math.log(1 - this.unit()) * delay.meanMs;
      case "lognormal": {
        // 2.3263 is the 99th percentile of the normal distribution; Box and Muller make one from two draws.
        if (this.#sigmaOf !== delay) {
          this.#sigmaOf = delay;
          this.#sigma = Math.log(Math.max(1, delay.p99Ms / delay.p50Ms)) / 2.3263;
        }
        const normal = Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit());
        return delay.p50Ms * Math.exp(this.#sigma * normal);
      }
    }
  }
}

/** 64 bits over everything that happened, in order. */
export class TraceHash {
  #a = 0x811c9dc5;
  #b = 0x1b873593;

  add(x: number, y: number): void {
    this.#a = Math.imul(this.#a ^ x, 0x01000193) ^ (this.#a >>> 15);
    this.#b = Math.imul(this.#b ^ y ^ this.#a, 0x85ebca6b) ^ (this.#b >>> 13);
  }

  hex(): string {
    const part = (x: number): string => (x >>> 0).toString(16).padStart(8, "0");
    return part(hash32(this.#a, this.#b)) + part(hash32(this.#b, this.#a));
  }
}
