/**
 * What a file says, as numbers: for each index a hash over all entries through it. Two logs with the same hash at an index
 * are the same through it, so every question about prefixes is one comparison.
 */
import { hashBits, type LogEntry } from "@ovnha/raft";
import type { ClusterRecord } from "./cluster.ts";

export class Chain {
  readonly cluster: ClusterRecord;
  /** The index of the snapshot, and the hash through it. */
  readonly base: number;
  readonly baseTerm: number;
  readonly baseHash: number;
  /** Hashes are signed: V8 keeps 32 bits with a sign in the array itself, and greater numbers each in an object. */
  readonly #hashes: number[] = [];
  readonly #entries: LogEntry[] = [];

  constructor(cluster: ClusterRecord, base: number, baseTerm: number, baseHash: number) {
    this.cluster = cluster;
    this.base = base;
    this.baseTerm = baseTerm;
    this.baseHash = baseHash;
  }

  /** One past the last index. */
  get end(): number {
    return this.base + 1 + this.#hashes.length;
  }

  /** The hash through an index; undefined below the snapshot and behind the end. */
  at(index: number): number | undefined {
    const at = index - this.base - 1;
    if (at < 0) return at === -1 ? this.baseHash : undefined;
    return at < this.#hashes.length ? this.#hashes[at] : undefined;
  }

  termAt(index: number): number | undefined {
    return index === this.base ? this.baseTerm : this.#entries[index - this.base - 1]?.term;
  }

  eidAt(index: number): string | undefined {
    return this.#entries[index - this.base - 1]?.eid;
  }

  put(index: number, entry: LogEntry): void {
    const at = index - this.base - 1;
    if (at < 0) return;
    const hashes = this.#hashes;
    const before = at === 0 ? this.baseHash : (hashes[at - 1] ?? 0);
    if (at !== hashes.length) {
      hashes.length = at;
      this.#entries.length = at;
    }
    hashes.push(hashBits(before, entryHash(entry)));
    this.#entries.push(entry);
  }
}

function entryHash({ term, eid, data, election_timer, servers }: LogEntry): number {
  // The data of a write is the number that its entry id ends with.
  const kind =
    typeof data === "number" ? data : data !== undefined ? Number.parseInt(eid.slice(-8), 16) : election_timer;
  const members = servers === undefined ? 0 : Object.keys(servers).length;
  return hashBits(hashBits(term, kind), members);
}
