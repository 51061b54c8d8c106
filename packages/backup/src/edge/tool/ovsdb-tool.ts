/** ovsdb-tool(1) as typed calls: roles have names, exit status and result are both looked at, no half file stays behind. */
import { BackupError } from "../../error.ts";
import { makeFile } from "./new-file.ts";
import { ToolRunner } from "./run-tool.ts";
import type { CallOptions, CheckResult, OfflineTransaction, OvsdbTool, ToolOptions } from "./types.ts";

const LEFT = /^(.*): record \d+ (?:shows that the server left the cluster|indicates server has left the cluster)/;

export function programTool(options: ToolOptions): OvsdbTool {
  const tool = new ToolRunner(options);
  const optional = async (args: readonly string[], call?: CallOptions): Promise<string | undefined> =>
    (await tool.text(args, call)) || undefined;

  /** A new file that must be a database of this name and kind, whatever the exit status says. */
  const newDatabase = <T>(
    target: string,
    kind: "standalone" | "clustered",
    call: CallOptions | undefined,
    make: (partial: string) => Promise<T>,
    name?: string,
  ): Promise<T> =>
    makeFile(tool, target, async (partial) => {
      const made = await make(partial);
      const is = await tool.attempt([`db-is-${kind}`, partial], call);
      const found = is.exitCode === 0 ? await tool.text(["db-name", partial], call) : undefined;
      if (found === undefined || found === "" || (name !== undefined && found !== name))
        throw new BackupError(
          "TOOL_FAILED",
          `ovsdb-tool said that it made ${target}, and that is no ${kind} database${name === undefined ? "" : ` ${name}`}`,
          {
            remedy: "the source may be the file of a server that never joined its cluster",
          },
        );
      return made;
    });

  const transaction = async (
    subcommand: "query" | "transact",
    { file, database, operations, rbacRole }: OfflineTransaction,
    call?: CallOptions,
  ): Promise<readonly unknown[]> => {
    const role = rbacRole === undefined ? [] : [`--rbac-role=${rbacRole}`];
    const text = await tool.text([...role, subcommand, file, JSON.stringify([database, ...operations])], call);
    const results = JSON.parse(text) as unknown[];
    const wrong = results.findIndex((result) => typeof result === "object" && result !== null && "error" in result);
    if (wrong === -1) return results;
    const { error, details } = results[wrong] as { error: unknown; details?: unknown };
    const where = wrong < operations.length ? `operation ${wrong}` : "the commit";
    throw new BackupError(
      "TOOL_FAILED",
      `${file}: ${where} failed: ${String(error)}${details === undefined ? "" : `: ${String(details)}`}`,
      {
        path: file,
      },
    );
  };

  return {
    engine: "ovsdb-tool",
    version: (call) => tool.version(call),

    create: ({ target, schema }, call) =>
      newDatabase(
        target,
        "standalone",
        call,
        async (partial) => void (await tool.text(["create", partial, schema], call)),
      ),

    createCluster: ({ target, contents, localAddress, electionTimerMs }, call) =>
      newDatabase(target, "clustered", call, async (partial) => {
        const timer = electionTimerMs === undefined ? [] : [`--election-timer=${electionTimerMs}`];
        await tool.text([...timer, "create-cluster", partial, contents, localAddress], call);
      }),

    joinCluster: ({ target, database, localAddress, remoteAddresses, clusterId, serverId }, call) =>
      newDatabase(
        target,
        "clustered",
        call,
        async (partial) => {
          if (remoteAddresses.length === 0)
            throw new BackupError("ARGUMENT", "a server that joins needs an address to join at");
          const ids = [
            ...(clusterId === undefined ? [] : [`--cid=${clusterId}`]),
            ...(serverId === undefined ? [] : [`--sid=${serverId}`]),
          ];
          await tool.text([...ids, "join-cluster", partial, database, localAddress, ...remoteAddresses], call);
        },
        database,
      ),

    compact: ({ target, source }, call) =>
      newDatabase(
        target,
        "standalone",
        call,
        async (partial) => void (await tool.text(["compact", source, partial], call)),
      ),

    convert: ({ target, source, schema }, call) =>
      newDatabase(
        target,
        "standalone",
        call,
        async (partial) => void (await tool.text(["convert", source, schema, partial], call)),
      ),

    clusterToStandalone: async ({ target, source }, call) => {
      await tool.needs("cluster-to-standalone", call);
      const name = await tool.text(["db-name", source], call);
      const cid = await tool.attempt(["db-cid", source], call);
      if (cid.exitCode === 2)
        throw new BackupError(
          "TOOL_FAILED",
          `${source} is the file of a server that never joined its cluster: there is nothing in it`,
          {
            path: source,
            remedy: "take the file of another member",
          },
        );
      await newDatabase(
        target,
        "standalone",
        call,
        async (partial) => void (await tool.text(["cluster-to-standalone", partial, source], call)),
        name,
      );
      const { removed, notices } = checked(await tool.attempt(["check-cluster", source], call));
      return { notices: removed.length === 0 ? [] : notices };
    },

    needsConversion: async ({ file, schema }, call) => {
      const answer = await tool.text(["needs-conversion", file, schema], call);
      if (answer === "yes" || answer === "no") return answer === "yes";
      throw new BackupError("TOOL_FAILED", `ovsdb-tool needs-conversion answers ${JSON.stringify(answer)}`);
    },
    databaseName: (file, call) => tool.text(["db-name", file], call),
    databaseVersion: (file, call) => optional(["db-version", file], call),
    databaseCksum: (file, call) => optional(["db-cksum", file], call),
    clusterId: async (file, call) => {
      const result = await tool.attempt(["db-cid", file], call);
      if (result.exitCode === 0) return result.stdout.trim();
      if (result.exitCode === 2) return undefined;
      throw tool.failed(["db-cid"], result);
    },
    serverId: (file, call) => tool.text(["db-sid", file], call),
    localAddress: (file, call) => tool.text(["db-local-address", file], call),
    isClustered: (file, call) => tool.question(["db-is-clustered", file], call),
    isStandalone: (file, call) => tool.question(["db-is-standalone", file], call),
    schemaName: (schema, call) => tool.text(["schema-name", schema], call),
    schemaVersion: (schema, call) => optional(["schema-version", schema], call),
    schemaCksum: (schema, call) => optional(["schema-cksum", schema], call),
    checkCluster: async (files, call) => {
      if (files.length === 0) throw new BackupError("ARGUMENT", "no file was named");
      return checked(await tool.attempt(["check-cluster", ...files], call));
    },
    showLog: ({ file, more = 0 }, call) => tool.text([...Array<string>(more).fill("-m"), "show-log", file], call),
    compareVersions: ({ left, operator, right }, call) =>
      tool.question(["compare-versions", left, operator, right], call),
    query: (asked, call) => transaction("query", asked, call),
    transact: (asked, call) => transaction("transact", asked, call),

    fixCluster: async (files, call) => {
      await tool.needs("fix-cluster", call);
      return tool.text(["fix-cluster", ...files], call);
    },
    raftHeader: async (file, call) => {
      await tool.needs("db-raft-header", call);
      return tool.text(["db-raft-header", file], call);
    },
    rejoinCluster: async ({ target, header, localAddress, remoteAddresses }, call) => {
      await tool.needs("rejoin-cluster", call);
      await newDatabase(target, "clustered", call, async (partial) => {
        await tool.text(["rejoin-cluster", partial, header, localAddress, ...remoteAddresses], call);
      });
    },
  };
}

/** What check-cluster found; its notices come with exit status 0, the one of a removed member among them. */
function checked({
  exitCode,
  stdout,
  stderr,
}: {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}): CheckResult {
  const notices = stdout.split("\n").filter((line) => line !== "");
  const removed = [...new Set(notices.flatMap((line) => LEFT.exec(line)?.[1] ?? []))];
  if (exitCode === 0) return { ok: true, notices, removed };
  const problem = stderr.replace(/^ovsdb-tool: /gm, "").trim() || `exit status ${exitCode ?? "none"}`;
  return { ok: false, problem, notices, removed };
}
