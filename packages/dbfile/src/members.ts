/** Reads the members of a JSON object as strictly as ovsdb_parser does: each one asked for, none left over. */
import { isUuid, type Json, type JsonObject } from "@ovnha/ovsdb/core";
import { DbFileError } from "./error.ts";

/** Server ids, in lower case, to addresses. */
export type Servers = { readonly [sid: string]: string };

export class Members {
  readonly #object: JsonObject;
  readonly #where: string;
  readonly #read = new Set<string>();

  constructor(json: Json, where: string) {
    this.#where = where;
    if (!isObject(json)) throw this.error("an object is expected");
    this.#object = json;
  }

  error(what: string): DbFileError {
    return new DbFileError("BAD_RECORD", `${this.#where}: ${what}`);
  }

  get(name: string): Json | undefined {
    this.#read.add(name);
    return Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
  }

  required(name: string): Json {
    const value = this.get(name);
    if (value === undefined) throw this.error(`the member "${name}" is missing`);
    return value;
  }

  /** uint64; one that a double cannot hold exactly is refused rather than rounded. */
  optionalNumber(name: string): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value))) {
      if (typeof value === "number" && value >= 0 && Number.isSafeInteger(value)) return value;
      throw this.error(`"${name}" is ${value}, outside of 0 to 2^53 - 1`);
    }
    throw this.error(`"${name}" must be an integer`);
  }

  number(name: string): number {
    const value = this.optionalNumber(name);
    if (value === undefined) throw this.error(`the member "${name}" is missing`);
    return value;
  }

  optionalUuid(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== "string" || !isUuid(value)) throw this.error(`"${name}" must be a UUID`);
    return value.toLowerCase();
  }

  uuid(name: string): string {
    const value = this.optionalUuid(name);
    if (value === undefined) throw this.error(`the member "${name}" is missing`);
    return value;
  }

  optionalText(name: string): string | undefined {
    const value = this.get(name);
    if (value !== undefined && typeof value !== "string") throw this.error(`"${name}" must be a string`);
    return value;
  }

  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw this.error(`the member "${name}" is missing`);
    return value;
  }

  /** Data of an entry: an object or an array. */
  optionalData(name: string): Json | undefined {
    const value = this.get(name);
    if (value !== undefined && (typeof value !== "object" || value === null))
      throw this.error(`"${name}" must be an object or an array`);
    return value;
  }

  /** At least one server (raft_servers_validate_json). */
  optionalServers(name: string): Servers | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw this.error(`"${name}" must be an object`);
    const servers: Record<string, string> = {};
    for (const [sid, address] of Object.entries(value)) {
      if (!isUuid(sid)) throw this.error(`"${name}": ${JSON.stringify(sid)} is not a UUID`);
      servers[sid.toLowerCase()] = this.#address(name, address);
    }
    if (Object.keys(servers).length === 0) throw this.error(`"${name}" must name at least one server`);
    return servers;
  }

  addresses(name: string): readonly string[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.length === 0)
      throw this.error(`"${name}" must be a list of addresses, not empty`);
    return (value as readonly Json[]).map((address) => this.#address(name, address));
  }

  /** Refuses what was not asked for. */
  finish(): void {
    for (const name of Object.keys(this.#object))
      if (!this.#read.has(name)) throw this.error(`the member ${JSON.stringify(name)} is not known`);
  }

  #address(name: string, address: Json): string {
    if (typeof address === "string" && isServerAddress(address)) return address;
    throw this.error(
      `"${name}": ${stringifyShort(address)} is no address; tcp:HOST:PORT, ssl:HOST:PORT or unix:FILE is`,
    );
  }
}

/** `tcp:HOST:PORT`, `ssl:HOST:PORT` or `unix:FILE`, as clustered files name servers; ovsdb-server takes an empty file too. */
export function isServerAddress(text: string): boolean {
  return /^(tcp|ssl):.+:\d+$/.test(text) || text.startsWith("unix:");
}

function stringifyShort(json: Json): string {
  return typeof json === "bigint" ? json.toString() : JSON.stringify(json).slice(0, 80);
}

export function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** Leaves out what is undefined. */
export function presentMembers(object: Readonly<Record<string, Json | undefined>>): JsonObject {
  const out: Record<string, Json> = {};
  for (const [name, value] of Object.entries(object)) if (value !== undefined) out[name] = value;
  return out;
}
