import type { FileRecord, Header, Json, Note, Profile, RaftNode, Uuid } from "../../src/index.ts";

export const uuidOf = (kind: number, n: number): Uuid =>
  `${kind.toString(16).padStart(8, "0")}-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;

export type Member = {
  readonly name: string;
  readonly sid: Uuid;
  readonly address: string;
  image: { header: Header; records: FileRecord[] };
  node: RaftNode | undefined;
  profile: Profile;
  /** What its database holds: the data of all applied entries, in order. */
  database: Json[];
  starts: number;
  readonly notes: Note[];
  completed: Map<Uuid, string>;
};
