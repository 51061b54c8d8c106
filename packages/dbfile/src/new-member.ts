/** What the file of a new member of a cluster begins with, checked as ovsdb-tool and ovsdb-server check it. */
import { isUuid, ZERO_UUID } from "@ovnha/ovsdb/core";
import { addressFault } from "./address.ts";
import { DbFileError } from "./error.ts";

/** Milliseconds (ovsdb-server(1), `cluster/change-election-timer`). */
export const ELECTION_TIMER_MS: { readonly min: number; readonly max: number } = { min: 100, max: 600_000 };

/** @throws DbFileError `ARGUMENT` */
export function checkAddress(address: string, what: string): string {
  const fault = addressFault(address);
  if (fault !== undefined) throw new DbFileError("ARGUMENT", `${what} ${JSON.stringify(address)} ${fault}`);
  return address;
}

/** @throws DbFileError `ARGUMENT` */
export function checkElectionTimer(ms: number | undefined): number | undefined {
  if (ms === undefined) return undefined;
  const { min, max } = ELECTION_TIMER_MS;
  if (Number.isInteger(ms) && ms >= min && ms <= max) return ms;
  throw new DbFileError(
    "ARGUMENT",
    `the election timer is ${ms} ms; whole milliseconds from ${min} to ${max} are allowed`,
  );
}

/** @returns the id in lower case. @throws DbFileError `ARGUMENT` */
export function checkId(id: string, what: string): string {
  if (!isUuid(id)) throw new DbFileError("ARGUMENT", `the ${what} ${JSON.stringify(id)} is no UUID`);
  if (id === ZERO_UUID) throw new DbFileError("ARGUMENT", `the ${what} is all zeros, which stands for none`);
  return id.toLowerCase();
}

/** @throws DbFileError `ARGUMENT` */
export function checkName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  const remedy = "give the name of the schema, such as OVN_Northbound";
  throw new DbFileError("ARGUMENT", `${JSON.stringify(name)} is not the name of a database; ${remedy}`);
}

/**
 * Where a new server asks to join: each address once, the server's own among them refused, because ovsdb-server would wait
 * for itself.
 *
 * @throws DbFileError `ARGUMENT`
 */
export function checkRemotes(remotes: readonly string[], localAddress: string): string[] {
  if (remotes.length === 0)
    throw new DbFileError("ARGUMENT", "give the address of at least one member of the cluster to join");
  for (const remote of remotes) {
    checkAddress(remote, "the remote address");
    if (remote === localAddress)
      throw new DbFileError(
        "ARGUMENT",
        `the remote address ${remote} is the new server's own; give those of the others`,
      );
  }
  return [...new Set(remotes)];
}
