/** What a file is, in one answer. */
import type { Servers } from "./clustered.ts";
import type { Damage } from "./record.ts";
import type { ClusterSurvey, JoiningSurvey, StandaloneSurvey, Survey } from "./survey.ts";

type Common = {
  readonly path: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  /** Of the schema. */
  readonly name: string;
  /** Records that are whole, the first one included. */
  readonly records: number;
  /** What a crash or a bad disk has left at the end; ovsdb-server passes over it, and its next write cuts it off. */
  readonly damage: Damage | undefined;
  /** Why ovsdb-server would refuse the whole file; undefined if it takes it, as far as one look can tell. */
  readonly refusal: string | undefined;
};

export type SchemaFacts = {
  readonly schemaVersion: string | undefined;
  /** As the schema itself says. */
  readonly schemaCksum: string | undefined;
};

export type StandaloneInspection = Common &
  SchemaFacts & {
    readonly format: "standalone";
    readonly transactions: number;
    readonly firstDateMs: number | undefined;
    readonly lastDateMs: number | undefined;
  };

export type JoiningInspection = Common & {
  readonly format: "joining";
  readonly serverId: string;
  readonly clusterId: string | undefined;
  readonly localAddress: string;
  readonly remoteAddresses: readonly string[];
};

export type ClusterInspection = Common &
  SchemaFacts & {
    readonly format: "clustered";
    readonly serverId: string;
    readonly clusterId: string;
    readonly localAddress: string;
    /** The newest configuration, committed or not. */
    readonly members: Servers;
    /** Whether this server is in it; ovsdb-server does not start otherwise. */
    readonly isMember: boolean;
    readonly term: number;
    readonly vote: string | undefined;
    readonly leader: { readonly sid: string; readonly term: number } | undefined;
    readonly electionTimerMs: number;
    readonly snapshot: {
      readonly index: number;
      readonly term: number;
      readonly eid: string;
      readonly bytes: number;
      readonly dateMs: number | undefined;
    };
    /** Index of the first entry behind the snapshot. */
    readonly logStart: number;
    /** One past the index of the last entry. */
    readonly logEnd: number;
    readonly lastTerm: number;
    readonly lastEid: string;
    readonly commitIndex: number;
    /** Entries behind the commit index: this file alone cannot tell whether they are committed. */
    readonly uncommitted: number;
    /** Entries that a later leader has overwritten. */
    readonly overwritten: number;
    /** The server has left its cluster for good. */
    readonly left: boolean;
    readonly lastDateMs: number | undefined;
  };

export type Inspection = StandaloneInspection | JoiningInspection | ClusterInspection;

export type FileFacts = { readonly path: string; readonly sizeBytes: number; readonly modifiedMs: number };

export function describe(survey: Survey, file: FileFacts, schema: SchemaFacts & { readonly name: string }): Inspection {
  const { records, damage } = survey;
  const common = { ...file, records, damage, refusal: refusalOf(survey) };
  switch (survey.format) {
    case "standalone":
      return describeStandalone(survey, { ...common, ...schema });
    case "joining":
      return describeJoining(survey, common);
    case "clustered":
      return describeCluster(survey, { ...common, ...schema });
  }
}

function describeStandalone(survey: StandaloneSurvey, common: Common & SchemaFacts): StandaloneInspection {
  const { format, transactions, firstDateMs, lastDateMs } = survey;
  return { format, ...common, transactions, firstDateMs, lastDateMs };
}

function describeJoining({ format, header }: JoiningSurvey, common: Omit<Common, "name">): JoiningInspection {
  return {
    format,
    ...common,
    name: header.name,
    serverId: header.server_id,
    clusterId: header.cluster_id,
    localAddress: header.local_address,
    remoteAddresses: header.remote_addresses,
  };
}

function describeCluster(survey: ClusterSurvey, common: Common & SchemaFacts): ClusterInspection {
  const { header, snapshot, format, term, vote, leader, electionTimerMs, servers } = survey;
  const { logStart, logEnd, lastTerm, lastEid, commitIndex, overwritten, left, lastDateMs } = survey;
  return {
    format,
    ...common,
    name: header.name,
    serverId: header.server_id,
    clusterId: header.cluster_id,
    localAddress: header.local_address,
    members: servers,
    isMember: Object.hasOwn(servers, header.server_id),
    term,
    vote,
    leader,
    electionTimerMs,
    snapshot: {
      index: header.prev_index,
      term: header.prev_term,
      eid: header.prev_eid,
      bytes: snapshot === undefined ? 0 : snapshot.span.end - snapshot.span.start,
      dateMs: snapshot?.transaction?.dateMs,
    },
    logStart,
    logEnd,
    lastTerm,
    lastEid,
    commitIndex,
    uncommitted: logEnd - 1 - commitIndex,
    overwritten,
    left,
    lastDateMs,
  };
}

function refusalOf(survey: Survey): string | undefined {
  if (survey.refusal !== undefined) return survey.refusal.message;
  if (survey.format !== "clustered") return undefined;
  if (survey.left) return "the server has left its cluster, and cannot be added back under its server id";
  if (!Object.hasOwn(survey.servers, survey.header.server_id))
    return "the server is not in the newest configuration of its own log";
  return undefined;
}
