/** A cluster and what was found on it, as values, for tests of planning. */
import {
  type ClusterDescription,
  type DatabaseKey,
  findProfile,
  type LayoutProfile,
  type MemberDatabaseFacts,
  type PlanOptions,
  type RestoreFacts,
  type SourceFacts,
} from "../../src/index.ts";

export const NOW_MS: number = Date.UTC(2026, 10, 25, 20);
export const CID = "c0000000-0000-4000-8000-000000000000";
const NAMES = ["n1", "n2", "n3"] as const;
export const sidOf = (member: string): string => `${member}000000-0000-4000-8000-000000000000`.replace("n", "a");

export function makeCluster(
  profile: LayoutProfile = findProfile("debian"),
  names: readonly string[] = NAMES,
): ClusterDescription {
  return {
    profile,
    clientArgs: [],
    members: names.map((name, index) => ({
      name,
      addresses: { nb: `tcp:10.0.0.${index + 1}:6643`, sb: `tcp:10.0.0.${index + 1}:6644` },
      databases: profile.databases,
      remotes: {},
      askedAt: "member",
    })),
  };
}

export const DOWN: MemberDatabaseFacts = {
  file: { sizeBytes: 1000, modifiedMs: 0, mode: 0o600, owner: { user: "ovn", group: "ovn" } },
  fileSid: undefined,
  lock: "free",
  folder: "writable",
  freeBytes: 1e9,
  server: undefined,
  configured: [],
  schemaVersion: "7.0.0",
};

/** A member that is connected; `n1` leads. */
export function up(name: string, configured: readonly string[] = NAMES): MemberDatabaseFacts {
  return {
    ...DOWN,
    lock: "held",
    fileSid: sidOf(name),
    server: { model: "clustered", connected: true, leader: name === "n1", cid: CID, sid: sidOf(name), index: 50 },
    configured: configured.map((of, index) => ({
      shortId: sidOf(of).slice(0, 4),
      address: `tcp:10.0.0.${index + 1}:6643`,
      self: of === name,
    })),
  };
}

export const SOURCE: SourceFacts = {
  database: "nb",
  at: "here",
  path: "/backup/nb.db",
  kind: "backup",
  databaseName: "OVN_Northbound",
  schemaVersion: "7.0.0",
  sizeBytes: 500,
  contentBytes: 1000,
  sha256: "5".repeat(64),
  takenMs: NOW_MS - 60_000,
  rows: { Logical_Switch: 2 },
  verifiedMs: NOW_MS,
  problems: [],
  cid: CID,
  index: 40,
  term: 3,
  uncommitted: 0,
  left: false,
  setId: "set",
};

export function makeFacts(
  of: (name: string, key: DatabaseKey) => MemberDatabaseFacts = () => DOWN,
  sources: readonly SourceFacts[] = [SOURCE],
  names: readonly string[] = NAMES,
): RestoreFacts {
  return {
    workFreeBytes: 1e9,
    sources,
    members: names.map((name) => ({
      name,
      where: `ssh ${name}`,
      reachable: true,
      missingTools: [],
      databases: { nb: of(name, "nb"), sb: of(name, "sb") },
    })),
  };
}

export function makeOptions(more: Partial<PlanOptions> = {}): PlanOptions {
  let drawn = 0;
  return {
    id: "0a0b0c0d",
    nowMs: NOW_MS,
    drawUuid: () => `d0000000-0000-4000-8000-${String(drawn++).padStart(12, "0")}`,
    workFolder: "/work dir",
    ...more,
  };
}
