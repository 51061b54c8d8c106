/** The reference client of Open vSwitch, as an oracle. */
import { runCommand } from "./processes.ts";
import type { TlsFiles } from "./server.ts";

export type OvsdbClientOptions = {
  /** Milliseconds until it is ended and the promise rejects; default 15,000. */
  readonly timeoutMs?: number;
  readonly tls?: TlsFiles;
};

/** Runs `ovsdb-client` with these arguments, such as `["list-dbs", remote]`. @returns what it wrote. */
export function ovsdbClient(
  args: readonly string[],
  { timeoutMs = 15_000, tls }: OvsdbClientOptions = {},
): Promise<string> {
  const files =
    tls === undefined ? [] : [`--ca-cert=${tls.ca}`, `--certificate=${tls.cert}`, `--private-key=${tls.key}`];
  return runCommand("ovsdb-client", [...files, ...args], timeoutMs);
}

/** The results of one `transact`, in the form of the wire. An operation that failed is a result, not a rejection. */
export async function ovsdbTransact(
  remote: string,
  database: string,
  operations: readonly object[],
  options: OvsdbClientOptions = {},
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const answer = await ovsdbClient(["transact", remote, JSON.stringify([database, ...operations])], options);
  return JSON.parse(answer) as Record<string, unknown>[];
}
