/** What a plan is made of, gathered: every member asked at the same time, and nothing changed anywhere. */
import { inspect } from "@ovnha/dbfile";
import { BackupError } from "../../error.ts";
import { type DatabaseKey, folderOf } from "../../layout/profile.ts";
import {
  type ClusterDescription,
  type ConfiguredServer,
  type MemberDatabaseFacts,
  type MemberDescription,
  type MemberFacts,
  type RestoreFacts,
  IDENTITY_PATH,
  type ServerFacts,
  serverRef,
  type SourceFacts,
} from "../../restore/facts.ts";
import { HERE } from "../../restore/types.ts";
import type { Runners } from "./context.ts";
import { Host } from "./hosts.ts";
import { askServer, configuredServers } from "./servers.ts";
import { localRunner } from "@ovnha/runner";
import { dirname, resolve } from "node:path";

const TOOLS = [
  "stat",
  "sha256sum",
  "cp",
  "mv",
  "mkdir",
  "dd",
  "chown",
  "chmod",
  "sync",
  "cat",
  "readlink",
  "test",
  "ln",
  "rm",
];

export interface SurveyOptions {
  readonly runners: Runners;
  readonly databases: readonly DatabaseKey[];
  readonly sources: readonly SourceFacts[];
  readonly workFolder: string;
  readonly signal?: AbortSignal | undefined;
}

/** @throws BackupError `ARGUMENT` if a member has no runner. What cannot be reached is a fact, and no error. */
export async function survey(cluster: ClusterDescription, options: SurveyOptions): Promise<RestoreFacts> {
  const { runners, databases, sources, workFolder, signal } = options;
  const here = new Host(HERE, runners[HERE] ?? localRunner(), signal);
  const hosts = cluster.members.map((member) => {
    const runner = Object.hasOwn(runners, member.name) ? runners[member.name] : undefined;
    if (runner === undefined)
      throw new BackupError("ARGUMENT", `there is no runner for ${JSON.stringify(member.name)}`, {
        remedy: "give one per member",
      });
    return new Host(member.name, runner, signal);
  });
  const members = await Promise.all(
    cluster.members.map((member, index) => askMember(cluster, member, hosts[index] as Host, here, databases)),
  );
  if (signal?.aborted === true)
    throw new BackupError("ABORTED", "the look at the hosts was given up", { cause: signal.reason });
  return { members, sources, workFreeBytes: await freeBytesOf(here, workFolder) };
}

/** Of the nearest folder that is there. */
async function freeBytesOf(here: Host, folder: string): Promise<number> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (await here.exists(at)) return here.freeBytes(at);
    if (at === dirname(at)) return 0;
  }
}

async function askMember(
  cluster: ClusterDescription,
  member: MemberDescription,
  host: Host,
  here: Host,
  databases: readonly DatabaseKey[],
): Promise<MemberFacts> {
  const where = host.runner.name;
  try {
    const { exitCode, stderr } = await host.run(["true"]);
    if (exitCode !== 0)
      return { name: member.name, where, reachable: false, reason: stderr.trim() || `exit code ${exitCode}` };
    const missingTools = await missing(host, member, databases);
    const found =
      missingTools.length > 0
        ? []
        : await Promise.all(
            databases.map(async (key) => [key, await askDatabase(cluster, member, key, host, here)] as const),
          );
    const identityPath = cluster.identityPath ?? IDENTITY_PATH;
    const isRemembered = missingTools.length === 0 && (await attempt(() => host.exists(identityPath), false));
    return {
      name: member.name,
      where,
      reachable: true,
      missingTools,
      databases: Object.fromEntries(found),
      ...(isRemembered ? { identity: identityPath } : {}),
    };
  } catch (error) {
    return { name: member.name, where, reachable: false, reason: (error as Error).message };
  }
}

/** Programs that are not there: env(1) has the exit code 127 for those. */
async function missing(host: Host, member: MemberDescription, databases: readonly DatabaseKey[]): Promise<string[]> {
  const prefixes = databases.map((key) => member.databases[key].toolPrefix);
  const asked = member.askedAt === "member" ? prefixes.map((prefix) => [...prefix, "ovsdb-client"]) : [];
  const found: string[] = [];
  for (const command of [...TOOLS.map((tool) => [tool]), ...asked]) {
    const { exitCode } = await host.run([...command, "--version"]);
    if (exitCode === 127) found.push(command.join(" "));
  }
  return [...new Set(found)];
}

async function askDatabase(
  cluster: ClusterDescription,
  member: MemberDescription,
  key: DatabaseKey,
  host: Host,
  here: Host,
): Promise<MemberDatabaseFacts> {
  const layout = member.databases[key];
  const folder = folderOf(layout.file);
  const ref = serverRef(cluster, member, key);
  const asking = ref.at === HERE ? here : host;
  const file = await host.find(layout.file);
  const folderFound = await host.find(folder);
  const isFolder = folderFound?.isFolder === true;
  const writable = isFolder && (await host.isWritable(folder));
  const server = await attempt<ServerFacts | undefined>(() => askServer(asking, ref), undefined);
  const control = { ...ref, at: member.name, control: layout.controlSocket, toolPrefix: layout.toolPrefix };
  const configured =
    server?.model === "clustered"
      ? await attempt<readonly ConfiguredServer[]>(() => configuredServers(host, control), [])
      : [];
  return {
    file:
      file === undefined
        ? undefined
        : { sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs, mode: file.mode, owner: file.owner },
    fileSid:
      file === undefined ? undefined : await attempt(() => fileSid(host, layout.file, layout.toolPrefix), undefined),
    lock: isFolder ? await host.lock(layout.file) : "free",
    folder: !isFolder ? "missing" : writable ? "writable" : "not writable",
    freeBytes: isFolder ? await host.freeBytes(folder) : undefined,
    server,
    configured,
    schemaVersion: await attempt(() => schemaVersion(host, layout.schema), undefined),
  };
}

async function attempt<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work();
  } catch {
    return otherwise;
  }
}

/** Asked of ovsdb-tool where it is installed; this machine's own files are read by us. */
async function fileSid(host: Host, path: string, prefix: readonly string[]): Promise<string | undefined> {
  if (host.runner.name === "local") {
    const found = await inspect(path, { signal: host.signal });
    return found.format === "standalone" ? undefined : found.serverId;
  }
  const { exitCode, stdout } = await host.run([...prefix, "ovsdb-tool", "db-sid", path]);
  const sid = stdout.trim();
  return exitCode === 0 && /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(sid) ? sid : undefined;
}

async function schemaVersion(host: Host, path: string): Promise<string | undefined> {
  const { exitCode, stdout } = await host.run(["cat", "--", path]);
  if (exitCode !== 0) return undefined;
  const { version } = JSON.parse(stdout) as { readonly version?: unknown };
  return typeof version === "string" ? version : undefined;
}
