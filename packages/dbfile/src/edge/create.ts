/** New database files: standalone, the first of a cluster, and one that will join. */
import { randomBytes } from "node:crypto";
import { type DatabaseSchema, randomUuid, stringifyJson, type Json, ZERO_UUID } from "@ovnha/ovsdb/core";
import { encodeClusterHeader, encodeClusterRecord } from "../clustered.ts";
import type { LeftOut } from "../content-rules.ts";
import { type Content, readSchema, RowCounts, schemaText, transactionText, withoutEphemeral } from "../content.ts";
import { checkAddress, checkElectionTimer, checkId, checkName, checkRemotes } from "../new-member.ts";
import type { Damage } from "../record.ts";
import { readContent } from "./content-of.ts";
import { Pace } from "./pace.ts";
import { placeNew, refuseTaken } from "./place.ts";
import { RecordWriter } from "./record-writer.ts";

export type Created = {
  readonly path: string;
  readonly sizeBytes: number;
  /** Rows that were written, for each table that has any. */
  readonly rows: ReadonlyMap<string, number>;
  /** What ovsdb-server leaves out as it reads the file; undefined if that was not looked at. */
  readonly leftOut?: LeftOut | undefined;
};

export type CreateStandaloneOptions = Content & {
  readonly path: string;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Makes a standalone database file: the schema, and if there are rows, one transaction that inserts them. Values and the
 * number of rows are held against the schema; references and indexes too, see {@link ContentCheck}.
 *
 * @throws DbFileError `EXISTS`, `LOCKED`, `BAD_SCHEMA`, `BAD_TRANSACTION` naming row and column, `IO`, `ABORTED`; then no
 * file is there.
 */
export async function createStandalone(options: CreateStandaloneOptions): Promise<Created> {
  const schema = readSchema(options.schema);
  const rows = new RowCounts();
  let sizeBytes = 0;
  const path = await placeNew(options.path, async (file) => {
    const writer = new RecordWriter(file, "JSON");
    await writer.write(schemaText(schema));
    if (options.rows !== undefined || options.comment !== undefined)
      await writer.write(paced(contentText(schema, options, rows), options.signal));
    sizeBytes = writer.sizeBytes;
  });
  return { path, sizeBytes, rows, leftOut: rows.leftOut };
}

export type MemberOptions = {
  readonly path: string;
  /** Where the other members will reach this one: `tcp:HOST:PORT`, `ssl:HOST:PORT` or `unix:PATH`. Never the clients' port. */
  readonly localAddress: string;
  /** Default: drawn by chance, as it should be. A server id must never be used twice. */
  readonly serverId?: string | undefined;
  readonly clusterId?: string | undefined;
};

export type CreateClusterOptions = MemberOptions & {
  /** Milliseconds, 100 to 600,000; default: ovsdb-server's own, 1,000. */
  readonly electionTimerMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
} & (Content | FromFile);

/** The content of another file, as ovsdb-server would have it after reading that file. Row uuids are kept. */
export type FromFile = {
  /** A standalone file, or a clustered one, of which only what the file knows to be committed counts. */
  readonly source: string;
  /**
   * Takes the entries behind the commit index of a clustered file too. In a recovery from the best file (see `rank`) that is
   * right: a crash may have lost the note that they are committed, and a leader with this log would have committed them.
   */
  readonly includeUncommitted?: boolean | undefined;
};

export type CreatedMember = Created & {
  readonly serverId: string;
  /** Undefined for a server that will learn it as it joins. */
  readonly clusterId: string | undefined;
  /** What could not be read at the end of a {@link FromFile.source}, and was passed over, as ovsdb-server does. */
  readonly damage?: Damage | undefined;
};

/**
 * Makes the file of the first server of a new cluster. All other servers join it, see {@link joinCluster}.
 *
 * @throws DbFileError `ARGUMENT`, `EXISTS`, `LOCKED`, `BAD_SCHEMA`, `BAD_TRANSACTION`, `IO`; then no file is there.
 */
export async function createCluster(options: CreateClusterOptions): Promise<CreatedMember> {
  const localAddress = checkAddress(options.localAddress, "the local address");
  const electionTimerMs = checkElectionTimer(options.electionTimerMs);
  const serverId = options.serverId === undefined ? drawUuid() : checkId(options.serverId, "server id");
  const clusterId = options.clusterId === undefined ? drawUuid() : checkId(options.clusterId, "cluster id");
  // What takes long comes after what is refused quickly.
  await refuseTaken(options.path);
  const read = "source" in options ? await readContent(options, options.signal) : undefined;
  const content = read ?? (options as Content);
  const schema = readSchema(content.schema);
  const rows = new RowCounts();
  const header = encodeClusterHeader({
    kind: "member",
    server_id: serverId,
    cluster_id: clusterId,
    local_address: localAddress,
    name: schema.name,
    prev_servers: { [serverId]: localAddress },
    prev_index: 1,
    prev_term: 1,
    prev_eid: drawUuid(),
    prev_data: null,
    prev_election_timer: undefined,
  });
  let sizeBytes = 0;
  const path = await placeNew(options.path, async (file) => {
    const writer = new RecordWriter(file, "CLUSTER");
    await writer.write(paced(headerText(header, schema, content, rows), options.signal));
    if (electionTimerMs !== undefined) await writer.write(electionTimerText(electionTimerMs));
    sizeBytes = writer.sizeBytes;
  });
  return { path, sizeBytes, rows, leftOut: rows.leftOut, serverId, clusterId, damage: read?.damage };
}

export type JoinClusterOptions = MemberOptions & {
  /** Of the database, which is the name of its schema. */
  readonly name: string;
  /** Addresses of members; one that is reachable is enough. */
  readonly remotes: readonly string[];
};

/**
 * Makes the file of a server that will join a cluster as it is first started. Nothing is asked of the cluster now. With a
 * `clusterId`, the server will join no other cluster.
 *
 * @throws DbFileError `ARGUMENT`, `EXISTS`, `LOCKED`, `IO`; then no file is there.
 */
export async function joinCluster(options: JoinClusterOptions): Promise<CreatedMember> {
  const localAddress = checkAddress(options.localAddress, "the local address");
  const serverId = options.serverId === undefined ? drawUuid() : checkId(options.serverId, "server id");
  const clusterId = options.clusterId === undefined ? undefined : checkId(options.clusterId, "cluster id");
  const header = encodeClusterHeader({
    kind: "joining",
    server_id: serverId,
    cluster_id: clusterId,
    local_address: localAddress,
    name: checkName(options.name),
    remote_addresses: checkRemotes(options.remotes, localAddress),
  });
  let sizeBytes = 0;
  const path = await placeNew(options.path, async (file) => {
    const writer = new RecordWriter(file, "CLUSTER");
    await writer.write(stringifyJson(header));
    sizeBytes = writer.sizeBytes;
  });
  return { path, sizeBytes, rows: new Map(), serverId, clusterId };
}

async function* headerText(
  header: Json,
  schema: DatabaseSchema,
  content: Content,
  rows: RowCounts,
): AsyncGenerator<string> {
  const hasContent = content.rows !== undefined || content.comment !== undefined;
  const transaction = hasContent ? contentText(schema, content, rows) : ["{}"];
  yield* snapshotText(header, schemaText(withoutEphemeral(schema)), transaction);
}

/** A header whose `prev_data` is null, with the snapshot put in as it comes. */
export async function* snapshotText(
  header: Json,
  schema: string,
  transaction: Iterable<string> | AsyncIterable<string>,
): AsyncGenerator<string> {
  const marker = '"prev_data":null';
  const text = stringifyJson(header);
  const at = text.indexOf(marker);
  yield `${text.slice(0, at)}"prev_data":[${schema},`;
  yield* transaction;
  yield `]${text.slice(at + marker.length)}`;
}

function contentText(schema: DatabaseSchema, content: Content, rows: RowCounts): AsyncGenerator<string> {
  const annotations = { comment: content.comment, dateMs: content.dateMs ?? Date.now() };
  return transactionText(schema, content.rows ?? [], annotations, rows, content.check);
}

/** Gives way to others between pieces. */
export async function* paced(pieces: AsyncIterable<string>, signal: AbortSignal | undefined): AsyncGenerator<string> {
  const pace = new Pace(signal);
  for await (const piece of pieces) {
    yield piece;
    if (pace.isDue) await pace.rest();
  }
}

/** The entry that `ovsdb-tool create-cluster --election-timer` writes. */
function electionTimerText(electionTimerMs: number): string {
  return stringifyJson(
    encodeClusterRecord({
      type: "entry",
      term: 1,
      index: 2,
      data: undefined,
      eid: ZERO_UUID,
      servers: undefined,
      election_timer: electionTimerMs,
      comment: undefined,
    }),
  );
}

function drawUuid(): string {
  return randomUuid(randomBytes(16));
}
