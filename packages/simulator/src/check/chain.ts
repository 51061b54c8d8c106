/**
 * What a file says, as numbers: for each index a hash over all entries through it. Two logs with the same hash at an index
 * are the same through it, so every question about prefixes is one comparison.
 */
import { hash32, type LogEntry } from "@ovnha/raft";
import type { ClusterRecord } from "./cluster.ts";

export class Chain {
  readonly cluster: ClusterRecord;
  /** The index of the snapshot, and the hash through it. */
  readonly base: number;
  readonly baseTerm: number;
  readonly baseHash: number;
  readonly hashes: number[] = [];
  readonly terms: number[] = [];
  readonly eids: string[] = [];

  constructor(cluster: ClusterRecord, base: number, baseTerm: number, baseHash: number) {
    this.cluster = cluster;
    this.base = base;
    this.baseTerm = baseTerm;
    this.baseHash = baseHash;
  }

  /** One past the last index. */
  get end(): number {
    return this.base + 1 + this.hashes.length;
  }

  /** The hash through an index; undefined below the snapshot and behind the end. */
  at(index: number): number | undefined {
    return index === this.base ? this.baseHash : this.hashes[index - this.base - 1];
  }

  termAt(index: number): number | undefined {
    return index === this.base ? this.baseTerm : this.terms[index - this.base - 1];
  }

  put(index: number, entry: LogEntry): void {
    const at = index - this.base - 1;
    if (at < 0) return;
    const before = at === 0 ? this.baseHash : (this.hashes[at - 1] ?? 0);
    if (at !== this.hashes.length) {
      this.hashes.length = at;
      this.terms.length = at;
      this.eids.length = at;
    }
    this.hashes.push(hash32(before, entryHash(entry)));
    this.terms.push(entry.term);
    this.eids.push(entry.eid);
  }
}

function entryHash({ term, eid, data, election_timer, servers }: LogEntry): number {
  // The data of a write is the number that its entry id ends with.
  const kind =
    typeof data === "number" ? data : data !== undefined ? Number.parseInt(eid.slice(-8), 16) : election_timer;
  const members = servers === undefined ? 0 : Object.keys(servers).length;
  return hash32(hash32(term, kind), members);
}
