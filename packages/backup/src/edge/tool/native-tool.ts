/** The work of ovsdb-tool without ovsdb-tool: `@ovnha/dbfile` reads and writes the files. */
import { open, readFile } from "node:fs/promises";
import {
  checkCluster,
  clusterToStandalone,
  compact,
  createCluster,
  createStandalone,
  type DatabaseContent,
  type FileRow,
  type Inspection,
  inspect,
  joinCluster,
  replay,
} from "@ovnha/dbfile";
import {
  type DatabaseSchema,
  formatSchema,
  type Json,
  parseJsonExact,
  parseSchema,
  stringifyJson,
} from "@ovnha/ovsdb/core";
import { BackupError } from "../../error.ts";
import { compareVersions } from "../../tool/compare-versions.ts";
import { VERSION } from "../../version.ts";
import { runPaced } from "../pace.ts";
import { fromDbFile } from "../take/from-file.ts";
import { ioError } from "../take/io-error.ts";
import { showRecords } from "./show-records.ts";
import type { CallOptions, OvsdbTool } from "./types.ts";

/** What the native engine can do; `query` and `transact` need a database engine, `fix-cluster` only Kube-OVN's build has. */
export const NATIVE_COMMANDS: ReadonlySet<string> = new Set([
  ..."create create-cluster join-cluster compact convert needs-conversion cluster-to-standalone".split(" "),
  ..."db-name db-version db-cksum db-cid db-sid db-local-address db-is-clustered db-is-standalone".split(" "),
  ..."schema-name schema-version schema-cksum check-cluster show-log compare-versions".split(" "),
  ..."db-raft-header rejoin-cluster".split(" "),
]);

export function nativeTool(): OvsdbTool {
  return {
    engine: "native",
    version: async () => ({ version: VERSION, commands: NATIVE_COMMANDS }),

    create: ({ target, schema }) =>
      translated(target, async () => void (await createStandalone({ path: target, schema: await schemaOf(schema) }))),

    createCluster: ({ target, contents, localAddress, electionTimerMs }, call) =>
      translated(contents, async () => {
        const member = { path: target, localAddress, electionTimerMs, signal: call?.signal };
        const isDatabase = (await firstBytes(contents)).startsWith("OVSDB ");
        await createCluster(
          isDatabase ? { ...member, source: contents } : { ...member, schema: await schemaOf(contents) },
        );
      }),

    joinCluster: ({ target, database, localAddress, remoteAddresses, clusterId, serverId }) =>
      translated(target, async () => {
        await joinCluster({
          path: target,
          name: database,
          localAddress,
          remotes: remoteAddresses,
          clusterId,
          serverId,
        });
      }),

    compact: ({ target, source }, call) =>
      translated(source, async () => {
        await standalone(source, call);
        await compact({ target, source, signal: call?.signal });
      }),

    convert: ({ target, source, schema }, call) =>
      translated(source, async () => {
        await standalone(source, call);
        const { content } = await replay(source, { signal: call?.signal });
        const converted = await runPaced(content.convert(formatSchema(await schemaOf(schema))), call?.signal);
        const comment = `converted from ${content.schema.version ?? "no version"} to ${converted.schema.version ?? "no version"}`;
        await createStandalone({ path: target, schema: converted.schema, rows: rowsOf(converted), comment });
      }),

    clusterToStandalone: ({ target, source }, call) =>
      translated(source, async () => {
        const about = await inspect(source, call);
        const made = await clusterToStandalone(source, target, { signal: call?.signal });
        const notices: string[] = [];
        if (about.format === "clustered" && about.left) notices.push(`${source}: the server left the cluster`);
        if (made.uncommitted > 0)
          notices.push(`${source}: ${made.uncommitted} entries that it does not know to be committed were left out`);
        if (made.overwritten > 0)
          notices.push(`${source}: ${made.overwritten} entries that a later leader replaced were left out`);
        if (made.damage !== undefined)
          notices.push(`${source}: damaged at offset ${made.damage.offset}: ${made.damage.message}`);
        return { notices };
      }),

    needsConversion: ({ file, schema }, call) =>
      translated(file, async () => {
        await standalone(file, call);
        const text = (of: DatabaseSchema): string => stringifyJson(formatSchema(of));
        return (
          text((await replay(file, { index: 0, signal: call?.signal })).content.schema) !== text(await schemaOf(schema))
        );
      }),
    databaseName: async (file, call) => (await about(file, call)).name,
    databaseVersion: async (file, call) => (await standalone(file, call)).schemaVersion,
    databaseCksum: async (file, call) => (await standalone(file, call)).schemaCksum,
    clusterId: async (file, call) => (await clustered(file, call)).clusterId,
    serverId: async (file, call) => (await clustered(file, call)).serverId,
    localAddress: async (file, call) => (await clustered(file, call)).localAddress,
    isClustered: async (file, call) => (await about(file, call)).format !== "standalone",
    isStandalone: async (file, call) => (await about(file, call)).format === "standalone",
    schemaName: async (schema) => (await schemaOf(schema)).name,
    schemaVersion: async (schema) => (await schemaOf(schema)).version,
    schemaCksum: async (schema) => (await schemaOf(schema)).cksum,

    checkCluster: async (files, call) => {
      if (files.length === 0) throw new BackupError("ARGUMENT", "no file was named");
      return translated(files[0] ?? "", async () => {
        const { findings, sound, files: checked } = await checkCluster(files, call);
        const errors = findings.filter(({ severity }) => severity === "error");
        const lines = (of: typeof findings): string[] => of.map(({ file, message }) => `${file}: ${message}`);
        return {
          ok: sound,
          ...(sound ? {} : { problem: lines(errors).join("\n") }),
          notices: lines(findings.filter((finding) => !errors.includes(finding))),
          removed: checked.filter(({ left }) => left).map(({ path }) => path),
        };
      });
    },
    showLog: ({ file, more = 0 }, call) => translated(file, () => showRecords(file, more, call?.signal)),
    compareVersions: async ({ left, operator, right }) => compareVersions(left, operator, right),

    query: () => unsupported("query"),
    transact: () => unsupported("transact"),
    fixCluster: () => unsupported("fix-cluster"),
    raftHeader: async (file, call) => {
      const { serverId, clusterId, name, localAddress } = await clustered(file, call);
      return JSON.stringify({ server_id: serverId, cluster_id: clusterId, name, local_address: localAddress });
    },
    rejoinCluster: ({ target, header, localAddress, remoteAddresses }) =>
      translated(header, async () => {
        const { server_id, cluster_id, name } = JSON.parse(await readFile(header, "utf8")) as {
          [member: string]: unknown;
        };
        if (
          typeof server_id !== "string" ||
          typeof cluster_id !== "string" ||
          typeof name !== "string" ||
          /^[0-]+$/.test(cluster_id)
        )
          throw new BackupError("ARGUMENT", `${header} names no server id, cluster id and database`, { path: header });
        const ids = { serverId: server_id, clusterId: cluster_id };
        await joinCluster({ path: target, name, localAddress, remotes: remoteAddresses, ...ids });
      }),
  };
}

async function unsupported(subcommand: string): Promise<never> {
  throw new BackupError("UNSUPPORTED", `the native engine has no ${subcommand}`, { remedy: "use engine ovsdb-tool" });
}

async function translated<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromDbFile(error, path);
  }
}

function about(file: string, call: CallOptions | undefined): Promise<Inspection> {
  return translated(file, () => inspect(file, { signal: call?.signal }));
}

async function standalone(
  file: string,
  call: CallOptions | undefined,
): Promise<Extract<Inspection, { format: "standalone" }>> {
  const found = await about(file, call);
  if (found.format === "standalone") return found;
  throw new BackupError("ARGUMENT", `${file} is a clustered file, and this works on standalone ones`, { path: file });
}

async function clustered(
  file: string,
  call: CallOptions | undefined,
): Promise<Exclude<Inspection, { format: "standalone" }>> {
  const found = await about(file, call);
  if (found.format !== "standalone") return found;
  throw new BackupError("ARGUMENT", `${file} is a standalone file, and this works on clustered ones`, { path: file });
}

async function schemaOf(path: string): Promise<DatabaseSchema> {
  let json: Json;
  try {
    json = parseJsonExact(await readFile(path, "utf8"));
    return parseSchema(json);
  } catch (cause) {
    if (cause instanceof Error && "syscall" in cause) throw ioError(cause, path);
    throw new BackupError("ARGUMENT", `${path} is no schema: ${(cause as Error).message}`, { path, cause });
  }
}

async function firstBytes(path: string): Promise<string> {
  const handle = await open(path, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(6), 0, 6, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function* rowsOf(content: DatabaseContent): AsyncGenerator<FileRow> {
  for (const table of content.tables.values())
    for (const uuid of table.uuids()) yield { table: table.name, uuid, columns: table.json(uuid) ?? {} };
}
