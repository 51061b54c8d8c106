/** What ovsdb-tool can do, with names for the roles that it tells apart by position. */
import type { Runner } from "@ovnha/runner";

export type ToolOptions = {
  /**
   * `ovsdb-tool` runs the program. `native` reads and writes files by itself, so nothing need be installed; it works on
   * files of this machine. `auto`, the default: native where there is a native way and no runner is given, else the program.
   */
  readonly engine?: "auto" | "native" | "ovsdb-tool" | undefined;
  /** Where the program runs; by default, here. */
  readonly runner?: Runner | undefined;
  /** Default `ovsdb-tool`, as PATH has it. */
  readonly command?: string | undefined;
  /** Milliseconds for one command. Default 600,000. */
  readonly timeoutMs?: number | undefined;
  /** Bytes of what one command prints. Default 256 MiB. */
  readonly outputBytesMax?: number | undefined;
};

export type CallOptions = { readonly signal?: AbortSignal | undefined };

/** A file that is made. It must not exist; a failure leaves none behind. */
type Target = { readonly target: string };

export type ToolVersion = {
  /** Such as `3.1.0`; of the native engine, the version of this package. */
  readonly version: string;
  /** Names of the subcommands, as `list-commands` gives them. */
  readonly commands: ReadonlySet<string>;
};

export type ClusterToStandaloneResult = {
  /** What an operator should know although it went well: the file is one of a member that was removed from its cluster. */
  readonly notices: readonly string[];
};

export type CheckResult = {
  /** False where a rule of Raft is broken, or a file is damaged; `problem` says which. */
  readonly ok: boolean;
  readonly problem?: string | undefined;
  /** Files that were left out for not having joined, and members that have left, which is no error to ovsdb-tool. */
  readonly notices: readonly string[];
  /** The files whose server was removed from its cluster: a recovery must not start from them without a thought. */
  readonly removed: readonly string[];
};

export type CompareOperator = "<" | "<=" | "==" | ">=" | ">" | "!=";

/** A transaction of RFC 7047 §5.2: operations, and what came of each. */
export type OfflineTransaction = {
  readonly file: string;
  readonly database: string;
  readonly operations: readonly object[];
  /** Rights as of this role (ovsdb-server(7), "Role-Based Access Control"). */
  readonly rbacRole?: string | undefined;
};

export interface OvsdbTool {
  readonly engine: "native" | "ovsdb-tool" | "auto";
  version(options?: CallOptions): Promise<ToolVersion>;

  create(roles: Target & { readonly schema: string }, options?: CallOptions): Promise<void>;
  /** The first server of a new cluster; `contents` is a schema file or a standalone database file. */
  createCluster(
    roles: Target & {
      readonly contents: string;
      readonly localAddress: string;
      readonly electionTimerMs?: number | undefined;
    },
    options?: CallOptions,
  ): Promise<void>;
  /** A server that will join a cluster. `serverId` only with Kube-OVN's build, or natively. */
  joinCluster(
    roles: Target & {
      readonly database: string;
      readonly localAddress: string;
      readonly remoteAddresses: readonly string[];
      readonly clusterId?: string | undefined;
      readonly serverId?: string | undefined;
    },
    options?: CallOptions,
  ): Promise<void>;
  compact(roles: Target & { readonly source: string }, options?: CallOptions): Promise<void>;
  convert(roles: Target & { readonly source: string; readonly schema: string }, options?: CallOptions): Promise<void>;
  clusterToStandalone(
    roles: Target & { readonly source: string },
    options?: CallOptions,
  ): Promise<ClusterToStandaloneResult>;

  needsConversion(roles: { readonly file: string; readonly schema: string }, options?: CallOptions): Promise<boolean>;
  databaseName(file: string, options?: CallOptions): Promise<string>;
  /** Of a standalone file. Undefined where the schema has no version. */
  databaseVersion(file: string, options?: CallOptions): Promise<string | undefined>;
  databaseCksum(file: string, options?: CallOptions): Promise<string | undefined>;
  /** Undefined while a server that joins doesn't know it. */
  clusterId(file: string, options?: CallOptions): Promise<string | undefined>;
  serverId(file: string, options?: CallOptions): Promise<string>;
  localAddress(file: string, options?: CallOptions): Promise<string>;
  isClustered(file: string, options?: CallOptions): Promise<boolean>;
  isStandalone(file: string, options?: CallOptions): Promise<boolean>;
  schemaName(schema: string, options?: CallOptions): Promise<string>;
  schemaVersion(schema: string, options?: CallOptions): Promise<string | undefined>;
  schemaCksum(schema: string, options?: CallOptions): Promise<string | undefined>;
  /** Never rejects for a broken rule: that is its answer. */
  checkCluster(files: readonly string[], options?: CallOptions): Promise<CheckResult>;
  showLog(
    roles: { readonly file: string; readonly more?: 0 | 1 | 2 | undefined },
    options?: CallOptions,
  ): Promise<string>;
  compareVersions(
    roles: { readonly left: string; readonly operator: CompareOperator; readonly right: string },
    options?: CallOptions,
  ): Promise<boolean>;
  /** Results of all operations. @throws BackupError `TOOL_FAILED` if one of them is an error, which the program's exit status hides. */
  query(transaction: OfflineTransaction, options?: CallOptions): Promise<readonly unknown[]>;
  transact(transaction: OfflineTransaction, options?: CallOptions): Promise<readonly unknown[]>;

  /** Kube-OVN's build: cuts logs after the last record that is consistent. Changes the files. */
  fixCluster(files: readonly string[], options?: CallOptions): Promise<string>;
  /** Kube-OVN's build: the identity of a member, as JSON text. */
  raftHeader(file: string, options?: CallOptions): Promise<string>;
  /** Kube-OVN's build: a member that lost its file joins again under its old server id, from a remembered header. */
  rejoinCluster(
    roles: Target & {
      readonly header: string;
      readonly localAddress: string;
      readonly remoteAddresses: readonly string[];
    },
    options?: CallOptions,
  ): Promise<void>;
}
