/** Reads the members of a JSON object as strictly as ovsdb_parser does: each one asked for, none left over. */
import { RaftError, type RaftErrorCode } from "../error.ts";
import { type Json, type Servers, type Uuid, ZERO_UUID } from "../values.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export class Members {
  readonly #object: { readonly [name: string]: Json };
  readonly #where: string;
  readonly #code: RaftErrorCode;
  readonly #read = new Set<string>();

  constructor(json: Json | undefined, where: string, code: RaftErrorCode) {
    this.#where = where;
    this.#code = code;
    if (!isObject(json)) throw this.error("an object is expected");
    this.#object = json;
  }

  error(what: string): RaftError {
    return new RaftError(this.#code, `${this.#where}: ${what}`);
  }

  get(name: string): Json | undefined {
    this.#read.add(name);
    return Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
  }

  required(name: string): Json {
    const value = this.get(name);
    if (value === undefined) throw this.error(`required "${name}" member is missing`);
    return value;
  }

  /** uint64 travels as int64; numbers that a double cannot hold exactly are refused. */
  optionalNumber(name: string): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !Number.isInteger(value)) throw this.error(`"${name}" must be an integer`);
    if (!Number.isSafeInteger(value) || value < 0) throw this.error(`"${name}" is ${value}, beyond 2^53 - 1`);
    return value;
  }

  number(name: string): number {
    const value = this.optionalNumber(name);
    if (value === undefined) throw this.error(`required "${name}" member is missing`);
    return value;
  }

  optionalUuid(name: string): Uuid | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== "string" || !UUID.test(value)) throw this.error(`"${name}" must be a UUID`);
    return value.toLowerCase();
  }

  uuid(name: string): Uuid {
    const value = this.optionalUuid(name);
    if (value === undefined) throw this.error(`required "${name}" member is missing`);
    return value;
  }

  optionalText(name: string): string | undefined {
    const value = this.get(name);
    if (value !== undefined && typeof value !== "string") throw this.error(`"${name}" must be a string`);
    return value;
  }

  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw this.error(`required "${name}" member is missing`);
    return value;
  }

  boolean(name: string): boolean {
    const value = this.required(name);
    if (typeof value !== "boolean") throw this.error(`"${name}" must be true or false`);
    return value;
  }

  flag(name: string): boolean {
    return this.get(name) === undefined ? false : this.boolean(name);
  }

  /** Data of an entry: an object or an array. */
  optionalData(name: string): Json | undefined {
    const value = this.get(name);
    if (value !== undefined && (typeof value !== "object" || value === null))
      throw this.error(`"${name}" must be an object or an array`);
    return value;
  }

  /** Server ids to addresses (raft_servers_validate_json). */
  optionalServers(name: string): Servers | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw this.error(`"${name}" must be an object`);
    const servers: Record<Uuid, string> = {};
    for (const [sid, address] of Object.entries(value)) {
      if (!UUID.test(sid)) throw this.error(`"${name}": ${sid} is not a UUID`);
      if (typeof address !== "string" || !isAddress(address))
        throw this.error(`"${name}": ${JSON.stringify(address)} is no address`);
      servers[sid.toLowerCase()] = address;
    }
    if (Object.keys(servers).length === 0) throw this.error(`"${name}" must have at least one server`);
    return servers;
  }

  /** A non-empty list of addresses. */
  addresses(name: string): readonly string[] {
    const value = this.get(name);
    if (!Array.isArray(value) || value.length === 0) throw this.error(`"${name}" must be a non-empty array`);
    for (const address of value as readonly Json[])
      if (typeof address !== "string" || !isAddress(address))
        throw this.error(`"${name}": ${JSON.stringify(address)} is no address`);
    return value as readonly string[];
  }

  /** Refuses what was not asked for. */
  finish(): void {
    for (const name of Object.keys(this.#object))
      if (!this.#read.has(name)) throw this.error(`unexpected "${name}" member; a newer ovsdb-server may have sent it`);
  }
}

function isObject(json: Json | undefined): json is { readonly [name: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** As raft_address_validate: an IPv6 address in brackets, a port that fits, and any path at all behind `unix:`. */
function isAddress(text: string): boolean {
  if (text.startsWith("unix:")) return true;
  const found = /^(?:tcp|ssl):(?:\[[^\]]+\]|[^:]+):[ ]*(\d+)$/.exec(text);
  return found !== null && Number(found[1]) <= 65_535;
}

export function known(uuid: Uuid): Uuid | undefined {
  return uuid === ZERO_UUID ? undefined : uuid;
}

/** Leaves out what is undefined. */
export function members(object: Readonly<Record<string, Json | undefined>>): { [name: string]: Json } {
  const out: { [name: string]: Json } = {};
  for (const [name, value] of Object.entries(object)) if (value !== undefined) out[name] = value;
  return out;
}
