/**
 * An observation and its verdict as Prometheus metrics. The names are those that exporters of Kube-OVN, ovn-kubernetes
 * and others agree on, after the prefix `ovn_`; what they lack is added. Labels are bounded: databases, members, ids of
 * members and codes of findings, never text.
 */
import { Gauge, Registry } from "prom-client";
import { FINDINGS, type FindingCode } from "../judge/catalogue/index.ts";
import { weightOf } from "../judge/context.ts";
import type { DatabaseVerdict, Health, Verdict } from "../judge/types.ts";
import { type DatabaseView, lineOf, type MemberView, viewDatabase } from "../judge/view.ts";
import type { Observation } from "../observe/types.ts";

export type MetricDefinition = { readonly name: string; readonly help: string; readonly labels: readonly string[] };

const DATABASE = ["database"] as const;
const MEMBER = ["database", "member"] as const;
/** A peer is named by its short server id. */
const PEER = ["database", "member", "peer"] as const;

/** Every metric there is. */
export const METRICS: readonly MetricDefinition[] = [
  { name: "ovn_cluster_health", help: "0 ok, 1 warning, 2 critical, 3 cannot tell, 4 not clustered", labels: DATABASE },
  {
    name: "ovn_cluster_quorum",
    help: "1 if a majority of the configured ids is shown or presumed to live, 0 if not; absent if nobody can tell",
    labels: DATABASE,
  },
  { name: "ovn_cluster_voters_configured", help: "Ids that count for the quorum, dead or alive", labels: DATABASE },
  { name: "ovn_cluster_voters_live", help: "Ids that are known to live", labels: DATABASE },
  { name: "ovn_cluster_voters_needed", help: "Votes that an election or a commit takes", labels: DATABASE },
  { name: "ovn_cluster_voters_ghost", help: "Ids that count and can never vote again", labels: DATABASE },
  { name: "ovn_cluster_fault_tolerance", help: "How many members more may fail", labels: DATABASE },
  { name: "ovn_cluster_leaders", help: "Members that say that they lead", labels: DATABASE },
  { name: "ovn_cluster_ids", help: "Different cluster ids among the members", labels: DATABASE },
  { name: "ovn_cluster_members_expected", help: "Members that were asked", labels: DATABASE },
  { name: "ovn_cluster_members_observed", help: "Members that answered", labels: DATABASE },
  {
    name: "ovn_cluster_finding",
    help: "Findings by code and severity: how many there are",
    labels: ["database", "code", "severity"],
  },
  { name: "ovn_cluster_enabled", help: "1 if the database is clustered", labels: MEMBER },
  { name: "ovn_cluster_role", help: "3 leader, 2 candidate, 1 follower, 0 other", labels: MEMBER },
  { name: "ovn_cluster_server_role", help: "1 for the role that the member has", labels: [...MEMBER, "server_role"] },
  { name: "ovn_cluster_status", help: "1 if the member says that it is a cluster member", labels: MEMBER },
  {
    name: "ovn_cluster_server_status",
    help: "1 for the status that the member has",
    labels: [...MEMBER, "server_status"],
  },
  { name: "ovn_cluster_term", help: "Raft term", labels: MEMBER },
  { name: "ovn_cluster_leader_self", help: "1 if the member says that it leads", labels: MEMBER },
  { name: "ovn_cluster_vote_self", help: "1 if the member voted for itself in this term", labels: MEMBER },
  { name: "ovn_cluster_election_timer", help: "Election timer in milliseconds", labels: MEMBER },
  { name: "ovn_cluster_log_index_start", help: "First entry in the log", labels: MEMBER },
  { name: "ovn_cluster_log_index_next", help: "Where the next entry of the log goes", labels: MEMBER },
  { name: "ovn_cluster_log_not_committed", help: "Entries not yet committed", labels: MEMBER },
  { name: "ovn_cluster_log_not_applied", help: "Entries not yet applied", labels: MEMBER },
  { name: "ovn_cluster_inbound_connections_total", help: "Incoming links", labels: MEMBER },
  { name: "ovn_cluster_outbound_connections_total", help: "Outgoing links", labels: MEMBER },
  { name: "ovn_cluster_inbound_connections_error_total", help: "Incoming links that do not stand", labels: MEMBER },
  { name: "ovn_cluster_outbound_connections_error_total", help: "Outgoing links that do not stand", labels: MEMBER },
  { name: "ovn_cluster_disconnections", help: "Links that the member closed or lost", labels: MEMBER },
  { name: "ovn_cluster_peer_count", help: "Other members that the member lists", labels: MEMBER },
  { name: "ovn_cluster_peer_next_index", help: "The leader's next_index of a peer", labels: PEER },
  { name: "ovn_cluster_peer_match_index", help: "The leader's match_index of a peer", labels: PEER },
  {
    name: "ovn_cluster_peer_lag_entries",
    help: "Entries of the leader's log that a peer has not acknowledged",
    labels: PEER,
  },
  { name: "ovn_cluster_peer_last_message_seconds", help: "Since the leader heard a peer", labels: PEER },
  { name: "ovn_cluster_member_up", help: "1 if the member answered", labels: MEMBER },
  { name: "ovn_cluster_member_connected", help: "_Server: connected", labels: MEMBER },
  { name: "ovn_cluster_member_leader", help: "_Server: leader", labels: MEMBER },
  { name: "ovn_cluster_member_index", help: "_Server: index, the last entry applied", labels: MEMBER },
  {
    name: "ovn_cluster_member_info",
    help: "1, with the ids as labels",
    labels: [...MEMBER, "cluster_id", "server_id"],
  },
  { name: "ovn_db_status", help: "1 if the storage status is ok", labels: MEMBER },
  { name: "ovn_cluster_observe_seconds", help: "How long the whole look took", labels: [] },
  { name: "ovn_cluster_observed_timestamp_seconds", help: "When the look ended (Unix time)", labels: [] },
  {
    name: "ovn_cluster_probe_success",
    help: "1 if the last write that changes nothing was committed",
    labels: DATABASE,
  },
  { name: "ovn_cluster_probe_seconds", help: "How long it took to be committed", labels: DATABASE },
];

/** What a probe of a database gave: see `probeWrite`. */
export type ProbeSample = { readonly database: string; readonly isCommitted: boolean; readonly latencyMs?: number };

export type ExpositionInput = {
  readonly observation: Observation;
  readonly verdict: Verdict;
  readonly probes?: readonly ProbeSample[] | undefined;
};

const HEALTH: Readonly<Record<Health, number>> = { ok: 0, warning: 1, critical: 2, unknown: 3, "not-applicable": 4 };
const ROLES: readonly string[] = ["follower", "candidate", "leader"];

type Labels = Readonly<Record<string, string>>;
type Put = (name: string, labels: Labels, value: number | undefined) => void;

/** A registry of its own, filled once; nothing global is touched. */
export function fillRegistry({ observation, verdict, probes = [] }: ExpositionInput): Registry {
  const registry = new Registry();
  const gauges = new Map(
    METRICS.map(({ name, help, labels }) => [
      name,
      new Gauge({ name, help, labelNames: [...labels], registers: [registry] }),
    ]),
  );
  const put: Put = (name, labels, value) => {
    if (value !== undefined) gauges.get(name)?.set(labels, value);
  };
  put("ovn_cluster_observe_seconds", {}, (observation.endedMs - observation.startedMs) / 1_000);
  put("ovn_cluster_observed_timestamp_seconds", {}, observation.endedMs / 1_000);
  for (const seen of observation.databases) {
    const judged = verdict.databases.find(({ database }) => database === seen.database);
    const view = viewDatabase(seen, { clusterId: judged?.clusterId });
    if (judged !== undefined) putDatabase(put, view, judged);
    for (const member of view.members) putMember(put, view, member);
    putPeers(put, view);
  }
  for (const { database, isCommitted, latencyMs } of probes) {
    put("ovn_cluster_probe_success", { database }, isCommitted ? 1 : 0);
    put("ovn_cluster_probe_seconds", { database }, latencyMs === undefined ? undefined : latencyMs / 1_000);
  }
  return registry;
}

/** The text that Prometheus reads. */
export function expose(input: ExpositionInput): Promise<string> {
  return fillRegistry(input).metrics();
}

function putDatabase(
  put: Put,
  view: DatabaseView,
  { database, health, quorum, findings, asked, answered }: DatabaseVerdict,
): void {
  const labels = { database };
  const works = ["yes", "presumed", "at-risk"].includes(quorum.state);
  const isKnown = quorum.state !== "unknown" && quorum.state !== "not-applicable";
  put("ovn_cluster_health", labels, HEALTH[health]);
  put("ovn_cluster_quorum", labels, isKnown ? Number(works) : undefined);
  put("ovn_cluster_voters_configured", labels, quorum.configured);
  put("ovn_cluster_voters_live", labels, quorum.live);
  put("ovn_cluster_voters_needed", labels, quorum.needed);
  put("ovn_cluster_voters_ghost", labels, quorum.ghosts);
  put("ovn_cluster_fault_tolerance", labels, quorum.toleranceLeft);
  put(
    "ovn_cluster_leaders",
    labels,
    view.members.filter(
      ({ status, row }) =>
        status?.role === "leader" || (status === undefined && row?.leader === true && row.model === "clustered"),
    ).length,
  );
  put(
    "ovn_cluster_ids",
    labels,
    new Set(view.members.map(({ clusterId }) => clusterId).filter((id) => id !== undefined)).size,
  );
  put("ovn_cluster_members_expected", labels, asked);
  put("ovn_cluster_members_observed", labels, answered);
  // Every code is there at all times, with every severity that it may have, so that a finding that goes away becomes 0 and not stale.
  for (const code of Object.keys(FINDINGS) as FindingCode[]) {
    const own = findings.filter((finding) => finding.code === code && weightOf(finding) !== "info");
    for (const severity of new Set([FINDINGS[code].severity, "warning", "critical"]))
      put("ovn_cluster_finding", { database, code, severity }, own.filter((one) => one.severity === severity).length);
  }
}

function flag(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

function putMember(
  put: Put,
  { database }: DatabaseView,
  { member, status, row, hasAnswered, seen, clusterId, serverId, isStandalone }: MemberView,
): void {
  const labels = { database, member };
  put("ovn_cluster_member_up", labels, Number(hasAnswered));
  if (hasAnswered) put("ovn_cluster_enabled", labels, Number(!isStandalone));
  put("ovn_cluster_member_connected", labels, flag(row?.connected));
  put("ovn_cluster_member_leader", labels, flag(row?.leader));
  put("ovn_cluster_member_index", labels, row?.index);
  if (seen.storage?.ok === true) put("ovn_db_status", labels, Number(seen.storage.value.ok));
  if (clusterId !== undefined || serverId !== undefined)
    put("ovn_cluster_member_info", { ...labels, cluster_id: clusterId ?? "", server_id: serverId ?? "" }, 1);
  if (status === undefined) return;
  const { role, state, connections = [] } = status;
  if (role !== undefined) {
    put("ovn_cluster_role", labels, ROLES.indexOf(role) + 1);
    put("ovn_cluster_server_role", { ...labels, server_role: role }, 1);
    put("ovn_cluster_leader_self", labels, Number(role === "leader"));
  }
  if (state !== undefined) {
    put("ovn_cluster_status", labels, Number(state === "cluster member"));
    put("ovn_cluster_server_status", { ...labels, server_status: state }, 1);
  }
  put("ovn_cluster_term", labels, status.term);
  put("ovn_cluster_vote_self", labels, status.vote === undefined ? undefined : Number(status.vote === "self"));
  put("ovn_cluster_election_timer", labels, status.electionTimer?.ms);
  put("ovn_cluster_log_index_start", labels, status.log?.start);
  put("ovn_cluster_log_index_next", labels, status.log?.end);
  put("ovn_cluster_log_not_committed", labels, status.uncommitted);
  put("ovn_cluster_log_not_applied", labels, status.unapplied);
  put("ovn_cluster_disconnections", labels, status.disconnections);
  put("ovn_cluster_peer_count", labels, status.servers?.filter(({ isSelf }) => !isSelf).length);
  if (status.connections === undefined) return;
  const count = (direction: "in" | "out", isConnected: boolean): number =>
    connections.filter((link) => link.direction === direction && link.isConnected === isConnected).length;
  put("ovn_cluster_inbound_connections_total", labels, count("in", true));
  put("ovn_cluster_outbound_connections_total", labels, count("out", true));
  put("ovn_cluster_inbound_connections_error_total", labels, count("in", false));
  put("ovn_cluster_outbound_connections_error_total", labels, count("out", false));
}

function putPeers(put: Put, view: DatabaseView): void {
  const { leader, database } = view;
  if (leader?.status === undefined) return;
  const last = (leader.status.log?.end ?? 0) - 1;
  for (const server of view.configured) {
    const line = lineOf(leader, server);
    if (line === undefined || line.isSelf) continue;
    // Its name is known only while it answers; the short id stays, and so does what an alert waits for.
    const labels = { database, member: leader.member, peer: server.short };
    put("ovn_cluster_peer_next_index", labels, line.nextIndex);
    put("ovn_cluster_peer_match_index", labels, line.matchIndex);
    put(
      "ovn_cluster_peer_lag_entries",
      labels,
      line.matchIndex === undefined ? undefined : Math.max(0, last - line.matchIndex),
    );
    put(
      "ovn_cluster_peer_last_message_seconds",
      labels,
      line.lastMessageMs === undefined ? undefined : line.lastMessageMs / 1_000,
    );
  }
}
