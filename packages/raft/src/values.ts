/** The values that every other file speaks of. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** 8-4-4-4-12 lower-case hex digits. Server ids, cluster ids and entry ids are uuids. */
export type Uuid = string;

/** "None yet", and never a valid id. */
export const ZERO_UUID: Uuid = "00000000-0000-0000-0000-000000000000";

/** A configuration: server id to address, such as `tcp:10.0.0.1:6643` (ovsdb(7), "Clustered Database Service Model"). */
export type Servers = Readonly<Record<Uuid, string>>;

/**
 * One entry of the log. `data` is a command, opaque here; an entry without data has the zero `eid`.
 * `election_timer` is 0 where the entry changes none, otherwise milliseconds.
 */
export type LogEntry = {
  readonly term: number;
  readonly data: Json | undefined;
  readonly eid: Uuid;
  readonly servers: Servers | undefined;
  readonly election_timer: number;
};

export const NO_ENTRIES: readonly LogEntry[] = [];

/**
 * A list that V8 takes for one of objects from the start, not of numbers until the first comes in: what pushes onto lists of
 * two kinds makes a call for it, and this is done a million times a second.
 */
export function listOf<T extends object>(example: T): T[] {
  const list = [example];
  list.pop();
  return list;
}

/** The short name of a server in OVS's logs: the file of a `unix:` address, else the first digits of its id. */
export function nicknameOf(address: string, sid: Uuid): string {
  if (address.startsWith("unix:")) {
    const file = address.slice(address.lastIndexOf("/") + 1).replace(/^unix:/, "");
    const name = file.split(".", 1)[0] ?? "";
    if (name !== "") return name;
  }
  return sid.slice(0, 4);
}
