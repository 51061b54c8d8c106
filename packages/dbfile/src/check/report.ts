/** One file of a cluster in a few numbers, for people and for {@link rank}. */
import { ZERO_UUID } from "@ovnha/ovsdb/core";
import type { Servers } from "../clustered.ts";
import type { Damage } from "../record.ts";
import type { MemberLog } from "./member-log.ts";

export type CheckedFile = {
  readonly path: string;
  readonly sizeBytes: number;
  /** `unreadable` if not even the header could be understood; then most of the rest is undefined or empty. */
  readonly kind: "member" | "joining" | "unreadable";
  readonly serverId: string | undefined;
  readonly clusterId: string | undefined;
  readonly name: string | undefined;
  readonly localAddress: string | undefined;
  /** The newest list of members, committed or not. */
  readonly servers: Servers;
  /** The newest term that this server knew, and for whom it voted in it. */
  readonly term: number;
  readonly vote: string | undefined;
  /** Index of the last entry that the snapshot contains. */
  readonly snapshotIndex: number;
  /** Index and term of the last entry; those of the snapshot if there is none behind it. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The newest that was written down; entries behind it may be committed too. */
  readonly commitIndex: number;
  readonly electionTimerMs: number;
  /** Records behind the header that could be read. */
  readonly records: number;
  /** The server has left the cluster for good. */
  readonly left: boolean;
  readonly damage: Damage | undefined;
};

export function describeFile(log: MemberLog): CheckedFile {
  const { header, member } = log;
  return {
    path: log.path,
    sizeBytes: log.sizeBytes,
    kind: header?.kind ?? "unreadable",
    serverId: header?.server_id,
    clusterId: header?.cluster_id,
    name: header?.name,
    localAddress: header?.local_address,
    servers: log.servers,
    term: log.term,
    vote: log.vote === ZERO_UUID ? undefined : log.vote,
    snapshotIndex: member?.prev_index ?? 0,
    lastIndex: log.lastIndex,
    lastTerm: log.lastTerm,
    commitIndex: log.commitIndex,
    electionTimerMs: log.electionTimerMs,
    records: log.records,
    left: log.left,
    damage: log.damage,
  };
}
