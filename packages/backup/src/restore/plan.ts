/** The restore of a whole cluster: every server stopped, one begun anew from the source, the others joined to it. */
import { DATABASE_NAMES, type DatabaseKey } from "../layout/profile.ts";
import type { ClusterDescription, RestoreFacts } from "./facts.ts";
import { Findings, judgeMembers, judgeSources, judgeVersions } from "./findings.ts";
import { judgeCluster } from "./judge-cluster.ts";
import { newIds, type PlanContext } from "./steps.ts";
import type { PlanCode, RestorePlan } from "./types.ts";
import { wholeSteps } from "./whole-steps.ts";

export interface PlanOptions {
  /** 8 hexadecimal digits that no other restore of these hosts has. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Draws a uuid, for the ids of the new cluster and its servers. */
  readonly drawUuid: () => string;
  /** On the operator's machine, absolute: for the journal and the files that are made. */
  readonly workFolder: string;
  /** A source older than this is refused, in ms; 24 hours unless told. */
  readonly sourceAgeMsMax?: number | undefined;
  /** Refusals that are accepted, by code. */
  readonly accept?: readonly PlanCode[] | undefined;
  /** Copy the old files before moving them; true unless told. Without copies, less room is needed. */
  readonly copies?: boolean | undefined;
  /** How long one member may take to be connected, in ms; 180,000 unless told. */
  readonly connectMs?: number | undefined;
  /** Of the new cluster, in ms; the server's own default of 1,000 unless told. */
  readonly electionTimerMs?: number | undefined;
  /** Stop the layout's controllers while it lasts; true unless told. */
  readonly freeze?: boolean | undefined;
  /**
   * Take in the entries of a member's file that it does not know to be committed; true unless told. A crash loses the note
   * that an entry is committed more easily than the entry, so clients may have been told that these are.
   */
  readonly includeUncommitted?: boolean | undefined;
  /** Move the southbound database away without a backup of it, so that the platform and northd make it anew. */
  readonly rebuildSouthbound?: boolean | undefined;
}

const DAY_MS = 24 * 3_600_000;

/**
 * The plan for a cluster that is lost, or that shall go back to a backup. Pure: a function of what was described and found.
 * A plan with findings of severity `refuse` is complete, can be printed, and cannot be carried out.
 */
export function planRestore(cluster: ClusterDescription, facts: RestoreFacts, options: PlanOptions): RestorePlan {
  const { id, nowMs, workFolder, sourceAgeMsMax = DAY_MS, accept = [], copies = true, connectMs = 180_000 } = options;
  const restored = (["nb", "sb"] as const).filter((key) => facts.sources.some(({ database }) => database === key));
  const cleared: DatabaseKey[] = options.rebuildSouthbound === true && !restored.includes("sb") ? ["sb"] : [];
  const databases = [...restored, ...cleared];
  const context: PlanContext = {
    id,
    cluster,
    members: facts.members,
    workFolder,
    copies,
    connectMs,
    ids: newIds(options.drawUuid),
  };
  const findings = new Findings(accept);
  const { includeUncommitted = true } = options;
  const judging = { nowMs, sourceAgeMsMax, accept, databases, copies, includeUncommitted };
  judgeSources(facts.sources, findings, judging);
  judgeMembers(cluster, facts, findings, judging);
  judgeCluster(context, facts, findings, restored, cleared);
  const [first] = cluster.members;
  if (first !== undefined) judgeVersions(facts, first.name, findings);
  const clients = cluster.profile.clients;
  return {
    format: "ovnha-restore",
    formatVersion: 1,
    id,
    createdMs: nowMs,
    kind: "whole-cluster",
    title: `Restore ${restored.map((key) => DATABASE_NAMES[key]).join(" and ")} on ${cluster.members.length} members from ${facts.sources.map(({ path }) => path).join(" and ")}`,
    profile: cluster.profile.name,
    workFolder,
    members: cluster.members.map(({ name, addresses }, index) => ({
      name,
      where: facts.members.find((member) => member.name === name)?.where ?? "",
      addresses,
      bootstraps: index === 0,
    })),
    databases,
    sources: facts.sources.map((source) => ({
      database: source.database,
      at: source.at,
      path: source.path,
      what: `${source.kind}, schema ${source.schemaVersion ?? "without a version"}, of ${new Date(source.takenMs).toISOString()}`,
      sha256: source.sha256,
    })),
    findings: findings.list,
    steps: first === undefined ? [] : wholeSteps(context, facts.sources, options, databases, cleared, first),
    clients,
  };
}
