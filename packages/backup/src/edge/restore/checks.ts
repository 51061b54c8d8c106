/** Whether what a plan demands holds now. */
import type { ServerFacts } from "../../restore/facts.ts";
import type { Check, ServerRef } from "../../restore/types.ts";
import type { Context } from "./context.ts";
import { askServer, configuredServers } from "./servers.ts";

/** Undefined: it holds; otherwise why not, in a sentence. */
export type Verdict = string | undefined;

/** The first of several checks that does not hold. */
export async function firstFailure(checks: readonly Check[], context: Context): Promise<Verdict> {
  for (const check of checks) {
    const verdict = await verify(check, context);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

/** Never rejects because a host or a server fails: that is an answer. Rejects if the caller's signal was raised. */
export async function verify(check: Check, context: Context): Promise<Verdict> {
  try {
    return await look(check, context);
  } catch (error) {
    context.signal?.throwIfAborted();
    return (error as Error).message;
  }
}

async function look(check: Check, context: Context): Promise<Verdict> {
  switch (check.kind) {
    case "reachable": {
      const { exitCode } = await context.host(check.at).run(["true"]);
      return exitCode === 0 ? undefined : `${check.at}: commands do not run: exit code ${exitCode}`;
    }
    case "present":
      return (await context.host(check.at).exists(check.path)) ? undefined : `${check.at}: ${check.path} is not there`;
    case "absent":
      return (await context.host(check.at).exists(check.path)) ? `${check.at}: ${check.path} is there` : undefined;
    case "hash": {
      const host = context.host(check.at);
      if (!(await host.exists(check.path))) return `${check.at}: ${check.path} is not there`;
      const [now, wanted] = [await host.hash(check.path), context.fact(check.sha256)];
      return now === wanted ? undefined : `${check.at}: ${check.path} has the SHA-256 ${now}, not ${wanted}`;
    }
    case "space": {
      const free = await context.host(check.at).freeBytes(check.path);
      return free >= check.bytes
        ? undefined
        : `${check.at}: ${check.path} has ${free} bytes free, and ${check.bytes} are needed`;
    }
    case "writable":
      return (await context.host(check.at).isWritable(check.path))
        ? undefined
        : `${check.at}: ${check.path} cannot be written`;
    case "unlocked": {
      const lock = await context.host(check.at).lock(check.path);
      if (lock === "free") return undefined;
      return lock === "held"
        ? `${check.at}: a server has ${check.path} open`
        : `${check.at}: whether a server has ${check.path} open cannot be found out`;
    }
    case "silent":
      return (await answers(check.server, context))
        ? `${check.server.member}: a server still answers at ${check.server.remote}`
        : undefined;
    case "connected":
      return judgeConnected(check.server, await askServer(context.host(check.server.at), check.server), check.cid);
    case "together":
      return lookTogether(check.servers, check.cid, context);
    case "forgotten": {
      const listed = await configuredServers(context.host(check.server.at), check.server);
      if (listed.length === 0) return `${check.server.member} lists no servers`;
      const still = listed.find(({ shortId }) => check.sid.startsWith(shortId));
      return still === undefined
        ? undefined
        : `${check.server.member} still lists server ${check.sid} at ${still.address}`;
    }
    default:
      return check satisfies never;
  }
}

async function answers(server: ServerRef, context: Context): Promise<boolean> {
  try {
    return (await askServer(context.host(server.at), server)) !== undefined;
  } catch {
    context.signal?.throwIfAborted();
    return false;
  }
}

function judgeConnected(server: ServerRef, facts: ServerFacts | undefined, cid: string | undefined): Verdict {
  const who = `${server.member}'s ${server.databaseName}`;
  if (facts === undefined) return `${who} is not served at ${server.remote}`;
  if (facts.model !== "clustered") return `${who} is ${facts.model}, not clustered`;
  if (!facts.connected) return `${who} is not connected to its cluster`;
  if (cid !== undefined && facts.cid !== cid) return `${who} is of cluster ${facts.cid ?? "(none)"}, not of ${cid}`;
  return undefined;
}

async function lookTogether(
  servers: readonly ServerRef[],
  cid: string | undefined,
  context: Context,
): Promise<Verdict> {
  const first = await Promise.all(servers.map((server) => askServer(context.host(server.at), server)));
  for (const [index, server] of servers.entries()) {
    const verdict = judgeConnected(server, first[index], cid);
    if (verdict !== undefined) return verdict;
  }
  const cids = new Set(first.map((facts) => facts?.cid));
  if (cids.size > 1) return `the members are of ${cids.size} clusters: ${[...cids].join(", ")}`;
  if (new Set(first.map((facts) => facts?.sid)).size < servers.length) return "two members have the same server id";
  const leaders = servers.filter((_server, index) => first[index]?.leader === true);
  if (leaders.length !== 1)
    return leaders.length === 0
      ? "nobody leads"
      : `${leaders.map(({ member }) => member).join(" and ")} both say that they lead`;
  // What the leader had applied before the others are asked again, they have to reach; clients may go on writing.
  const index = Math.max(...first.map((facts) => facts?.index ?? 0));
  for (const server of servers) {
    const facts = await askServer(context.host(server.at), server);
    if ((facts?.index ?? 0) < index)
      return `${server.member} has applied index ${facts?.index ?? 0}, and another ${index}`;
  }
  return undefined;
}
