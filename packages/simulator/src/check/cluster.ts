/** All that was ever committed under one cluster id, and who led it in which term. */
import { Chain } from "./chain.ts";

/** Entries that are kept behind the newest commit for comparison with logs that are far behind. */
const KEPT = 200_000;

export class ClusterRecord {
  readonly cid: string;
  /** Term to the server id that led it. */
  readonly leaders: Map<number, string> = new Map();
  /** Of the newest term in which something was committed. */
  committedTerm = 0;
  readonly #hashes: number[] = [];
  readonly #eids: string[] = [];
  #first = 0;
  /** Term and index to the hash through it: one entry, one history (log matching). */
  readonly #histories = new Map<number, { readonly index: number; readonly term: number; readonly hash: number }[]>();

  constructor(cid: string) {
    this.cid = cid;
  }

  /** One past the newest committed index; 0 before the first. */
  get end(): number {
    return this.#hashes.length === 0 ? 0 : this.#first + this.#hashes.length;
  }

  hashAt(index: number): number | undefined {
    return this.#hashes[index - this.#first];
  }

  eids(): readonly string[] {
    return this.#eids;
  }

  eidAt(index: number): string | undefined {
    return this.#eids[index - this.#first];
  }

  commit(index: number, hash: number, eid: string, term: number): void {
    if (this.#hashes.length === 0) this.#first = index;
    if (index !== this.end && this.#hashes.length > 0) return;
    this.#hashes.push(hash);
    this.#eids.push(eid);
    if (term > this.committedTerm) this.committedTerm = term;
    if (this.#hashes.length > 2 * KEPT) {
      this.#hashes.splice(0, KEPT);
      this.#eids.splice(0, KEPT);
      this.#first += KEPT;
      for (const old of [...this.#histories.keys()]) if (old < this.#first) this.#histories.delete(old);
    }
  }

  /** The hash that another log has for the same index and term, if one was seen. */
  historyOf(index: number, term: number): number | undefined {
    return this.#histories.get(index)?.find((each) => each.term === term)?.hash;
  }

  remember(index: number, term: number, hash: number): void {
    const list = this.#histories.get(index);
    if (list === undefined) this.#histories.set(index, [{ index, term, hash }]);
    else list.push({ index, term, hash });
  }

  chainFor(base: number, baseTerm: number): Chain {
    return new Chain(this, base, baseTerm, this.historyOf(base, baseTerm) ?? this.hashAt(base) ?? 0);
  }
}
