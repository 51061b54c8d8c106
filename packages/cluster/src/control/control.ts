/** The control commands of ovsdb-server with types, over whatever reaches the server. */
import { ClusterError } from "../error.ts";
import type { StorageStatus } from "../observe/types.ts";
import { readStatusAnswer } from "../status/parse.ts";
import type { StatusAnswer } from "../status/types.ts";
import {
  type CoverageCounter,
  readCommands,
  readCoverage,
  readLines,
  readMemory,
  readStorageStatus,
  readSyncStatus,
} from "./answers.ts";
import type { ControlCaller, ControlCallOptions, JsonAnswer } from "./types.ts";

/** The election timer that ovsdb-server accepts, in ms (ovsdb-server(1), cluster/change-election-timer). */
export const ELECTION_TIMER_MIN_MS = 100;
export const ELECTION_TIMER_MAX_MS = 600_000;

type Options = ControlCallOptions;

/**
 * One server's control socket. Every method is one command; its errors are those of {@link ControlCaller.call}. A method
 * that changes something throws OUTCOME_UNKNOWN if the command may have arrived and no answer came.
 */
export class Control {
  readonly #caller: ControlCaller;

  constructor(caller: ControlCaller) {
    this.#caller = caller;
  }

  /** For people: the socket, and where it is. */
  get name(): string {
    return this.#caller.name;
  }

  /** Any command, as ovs-appctl would give it. */
  call(command: string, args: readonly string[] = [], options: Options = {}): Promise<string> {
    return this.#caller.call(command, args, options);
  }

  /** Any command in JSON mode; servers before 3.4 answer with text all the same. */
  callJson(command: string, args: readonly string[] = [], options: Options = {}): Promise<JsonAnswer> {
    return this.#caller.callJson(command, args, options);
  }

  /** `cluster/status`; that the server has no such cluster is a value. */
  async status(database: string, options: Options = {}): Promise<StatusAnswer> {
    try {
      return readStatusAnswer(await this.call("cluster/status", [database], options));
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      if (error.code === "UNKNOWN_CLUSTER") return { type: "unknown-cluster" };
      if (error.code === "UNKNOWN_COMMAND") return { type: "unknown-command" };
      throw error;
    }
  }

  /** The cluster's id; undefined while a joining member does not know it. */
  async clusterId(database: string, options: Options = {}): Promise<string | undefined> {
    try {
      return (await this.call("cluster/cid", [database], options)).trim();
    } catch (error) {
      if (error instanceof ClusterError && error.text === "cluster id not yet known") return undefined;
      throw error;
    }
  }

  /** This server's id in the cluster. */
  async serverId(database: string, options: Options = {}): Promise<string> {
    return (await this.call("cluster/sid", [database], options)).trim();
  }

  /**
   * Has a server removed from the cluster. `server`: its whole id or its whole address; the server would take an
   * abbreviated id too, and with it perhaps another member.
   * @returns whether this server is the leader and began, or told the leader; either way it is not done yet.
   */
  async kick(database: string, server: string, options: Options = {}): Promise<"started" | "sent-to-leader"> {
    const words = await this.call("cluster/kick", [database, server], options);
    return words.includes("sent removal request") ? "sent-to-leader" : "started";
  }

  /** Has this server leave the cluster. Accepted without a quorum too, and then never done. */
  async leave(database: string, options: Options = {}): Promise<void> {
    await this.call("cluster/leave", [database], options);
  }

  /**
   * On the leader: begins to change the election timer, by at most a factor of 2. @returns the server's words.
   * @throws ClusterError INVALID_VALUE outside 100 to 600,000 ms; REFUSED in the server's words.
   */
  async changeElectionTimer(database: string, milliseconds: number, options: Options = {}): Promise<string> {
    inRange("the election timer", milliseconds, ELECTION_TIMER_MIN_MS, ELECTION_TIMER_MAX_MS);
    return this.call("cluster/change-election-timer", [database, String(milliseconds)], options);
  }

  /** Beyond how many messages (at least 50) and bytes waiting for one peer its link is dropped and made anew. */
  async setBacklogThreshold(database: string, messages: number, bytes: number, options: Options = {}): Promise<void> {
    inRange("the number of messages", messages, 50, Number.MAX_SAFE_INTEGER);
    inRange("the number of bytes", bytes, 0, Number.MAX_SAFE_INTEGER);
    await this.call("cluster/set-backlog-threshold", [database, String(messages), String(bytes)], options);
  }

  /** Makes the server fail in the way that is named, such as "crash-before-sending-append-request". For tests. */
  failureTest(scenario: string, options: Options = {}): Promise<string> {
    return this.call("cluster/failure-test", [scenario], options);
  }

  /** Compacts one database, or all. @returns false if there was nothing new to compact. */
  async compact(database?: string, options: Options = {}): Promise<boolean> {
    try {
      await this.call("ovsdb-server/compact", database === undefined ? [] : [database], options);
      return true;
    } catch (error) {
      if (error instanceof ClusterError && error.text?.includes("not storing a duplicate snapshot")) return false;
      throw error;
    }
  }

  /** Whether memory is given back to the system after each compaction; on since 3.0. */
  async trimMemoryOnCompaction(on: boolean, options: Options = {}): Promise<void> {
    await this.call("ovsdb-server/memory-trim-on-compaction", [on ? "on" : "off"], options);
  }

  /** `get-db-storage-status`: for a clustered database it tells of inconsistent data, and not of failed writes. */
  async storageStatus(database: string, options: Options = {}): Promise<StorageStatus> {
    return readStorageStatus(await this.call("ovsdb-server/get-db-storage-status", [database], options));
  }

  async listDatabases(options: Options = {}): Promise<string[]> {
    return readLines(await this.call("ovsdb-server/list-dbs", [], options));
  }

  async addDatabase(file: string, options: Options = {}): Promise<void> {
    await this.call("ovsdb-server/add-db", [file], options);
  }

  async removeDatabase(database: string, options: Options = {}): Promise<void> {
    await this.call("ovsdb-server/remove-db", [database], options);
  }

  async listRemotes(options: Options = {}): Promise<string[]> {
    return readLines(await this.call("ovsdb-server/list-remotes", [], options));
  }

  async addRemote(remote: string, options: Options = {}): Promise<void> {
    await this.call("ovsdb-server/add-remote", [remote], options);
  }

  async removeRemote(remote: string, options: Options = {}): Promise<void> {
    await this.call("ovsdb-server/remove-remote", [remote], options);
  }

  /** Drops every client's connection; they come back. */
  async reconnectClients(options: Options = {}): Promise<void> {
    await this.call("ovsdb-server/reconnect", [], options);
  }

  /** Reads the file of `--config-file` again. 3.3 and later. */
  async reload(options: Options = {}): Promise<void> {
    await this.call("ovsdb-server/reload", [], options);
  }

  /** The active-backup mode: `state` and what it replicates. */
  async syncStatus(options: Options = {}): Promise<Record<string, string>> {
    return readSyncStatus(await this.call("ovsdb-server/sync-status", [], options));
  }

  /** Milliseconds between the probes of a relay to its sources. 3.2 and later. */
  async setRelayProbeInterval(milliseconds: number, options: Options = {}): Promise<void> {
    inRange("the probe interval", milliseconds, 0, Number.MAX_SAFE_INTEGER);
    await this.call("ovsdb-server/set-relay-source-probe-interval", [String(milliseconds)], options);
  }

  /** Logs the transactions of a table, or no longer. 3.0 and later. */
  async setTransactionLog(database: string, table: string, on: boolean, options: Options = {}): Promise<void> {
    await this.call("ovsdb-server/tlog-set", [`${database}:${table}`, on ? "on" : "off"], options);
  }

  /** Counters of what is held in memory, such as "raft-log", "raft-connections", "cells", "sessions". */
  async memory(options: Options = {}): Promise<Record<string, number>> {
    return readMemory(await this.call("memory/show", [], options));
  }

  async coverage(options: Options = {}): Promise<Record<string, CoverageCounter>> {
    return readCoverage(await this.call("coverage/show", [], options));
  }

  /** How often one event of `coverage/show` happened. @throws ClusterError REFUSED if there is no such event. */
  async coverageCounter(event: string, options: Options = {}): Promise<number> {
    return Number((await this.call("coverage/read-counter", [event], options)).trim());
  }

  async listCommands(options: Options = {}): Promise<{ readonly name: string; readonly usage: string }[]> {
    return readCommands(await this.call("list-commands", [], options));
  }

  /** As in `ovsdb-server (Open vSwitch) 3.1.0`. */
  version(options: Options = {}): Promise<string> {
    return this.call("version", [], options);
  }

  /** Changes what is logged, as in `raft:file:dbg` (ovs-appctl(8), vlog/set). */
  async setLogLevel(specification: string, options: Options = {}): Promise<void> {
    await this.call("vlog/set", [specification], options);
  }

  /** Opens the log file anew, after it was moved away. */
  async reopenLog(options: Options = {}): Promise<void> {
    await this.call("vlog/reopen", [], options);
  }

  /** Ends the server: a leader hands its leadership over first. That it hangs up instead of answering is fine. */
  async exit(options: Options = {}): Promise<void> {
    try {
      await this.call("exit", [], options);
    } catch (error) {
      const cause = error instanceof ClusterError && error.code === "OUTCOME_UNKNOWN" ? error.cause : undefined;
      if (!(cause instanceof ClusterError && cause.code === "PROTOCOL")) throw error;
    }
  }
}

function inRange(what: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `from ${min} to ${max}`;
  throw new ClusterError("INVALID_VALUE", `${what} must be ${range}, not ${value}`);
}
