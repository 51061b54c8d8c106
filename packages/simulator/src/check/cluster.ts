/** All that was ever committed under one cluster id, and who led it in which term. */
import { ZERO_UUID } from "@ovnha/raft";
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
  /**
   * Index and term to the hash through it: one entry, one history (log matching). The entry that was seen first at an index
   * is at `index - #begin` of two lists, for nearly always it is the only one; others are in the map.
   */
  readonly #terms: number[] = [];
  readonly #histories: number[] = [];
  #begin = 0;
  readonly #others = new Map<number, { readonly term: number; readonly hash: number }[]>();

  constructor(cid: string) {
    this.cid = cid;
  }

  /** One past the newest committed index; 0 before the first. */
  get end(): number {
    return this.#hashes.length === 0 ? 0 : this.#first + this.#hashes.length;
  }

  hashAt(index: number): number | undefined {
    const at = index - this.#first;
    return at >= 0 && at < this.#hashes.length ? this.#hashes[at] : undefined;
  }

  eids(): readonly string[] {
    return this.#eids;
  }

  eidAt(index: number): string | undefined {
    return this.#eids[index - this.#first];
  }

  /** The id of the last committed entry with data before an index; undefined where that is no longer known. */
  dataBefore(index: number): string | undefined {
    for (let at = index - 1 - this.#first; at >= 0; at--) {
      const eid = this.#eids[at];
      if (eid !== ZERO_UUID) return eid;
    }
    return undefined;
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
      this.#forgetHistories(this.#first);
    }
  }

  #forgetHistories(before: number): void {
    const count = Math.min(Math.max(0, before - this.#begin), this.#terms.length);
    this.#terms.splice(0, count);
    this.#histories.splice(0, count);
    this.#begin += count;
    for (const index of [...this.#others.keys()]) if (index < before) this.#others.delete(index);
  }

  /** The hash that another log has for the same index and term, if one was seen. */
  historyOf(index: number, term: number): number | undefined {
    const at = index - this.#begin;
    if (at >= 0 && at < this.#terms.length && this.#terms[at] === term) return this.#histories[at];
    return this.#others.size === 0 ? undefined : this.#others.get(index)?.find((each) => each.term === term)?.hash;
  }

  remember(index: number, term: number, hash: number): void {
    if (this.#terms.length === 0) this.#begin = index;
    if (index === this.#begin + this.#terms.length) {
      this.#terms.push(term);
      this.#histories.push(hash);
      return;
    }
    const list = this.#others.get(index);
    if (list === undefined) this.#others.set(index, [{ term, hash }]);
    else list.push({ term, hash });
  }

  chainFor(base: number, baseTerm: number): Chain {
    return new Chain(this, base, baseTerm, this.historyOf(base, baseTerm) ?? this.hashAt(base) ?? 0);
  }
}
