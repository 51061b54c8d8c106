/**
 * Remotes: where a database server is found, as text and as data (ovsdb(7), "Connection Methods").
 *
 *     tcp:HOST[:PORT]  ssl:HOST[:PORT]  unix:PATH             we connect
 *     ptcp:[PORT][:HOST]  pssl:[PORT][:HOST]  punix:PATH      the server connects to us
 *     cid:UUID                                                in a list: only this cluster will do
 */
import { ValueError } from "./error.ts";
import { isUuid } from "./uuid.ts";

/** A host is a name, an IPv4 or an IPv6 address; the latter without brackets, perhaps with a zone (`fe80::1%eth0`). */
export type ActiveEndpoint =
  | { readonly kind: "tcp" | "ssl"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Where we wait for a server to connect. Port 0 lets the system choose one; without a host, all IPv4 addresses. */
export type PassiveEndpoint =
  | { readonly kind: "ptcp" | "pssl"; readonly port: number; readonly host?: string }
  | { readonly kind: "punix"; readonly path: string };

export type Endpoint = ActiveEndpoint | PassiveEndpoint;

export type Remotes = {
  /** In the order given, without repetitions. */
  readonly endpoints: readonly Endpoint[];
  /** The cluster that the servers must belong to. */
  readonly cid?: string;
};

/** The port that IANA gave OVSDB. */
export const DEFAULT_PORT = 6640;

const KINDS = "tcp:HOST:PORT, ssl:HOST:PORT, unix:PATH, ptcp:PORT:HOST, pssl:PORT:HOST or punix:PATH";

/**
 * Parses a list of remotes: text with commas between, or an array of such. A comma separates only if blanks, lower-case
 * letters and a colon follow, so that a path may hold one.
 *
 * @throws ValueError naming the element that is wrong and what to write instead.
 */
export function parseRemotes(remotes: string | readonly string[]): Remotes {
  const endpoints = new Map<string, Endpoint>();
  let cid: string | undefined;
  for (const text of typeof remotes === "string" ? [remotes] : remotes) {
    for (const part of text.split(/,(?=[ \t]*[a-z]+:)/)) {
      const element = part.trim();
      if (element === "") continue;
      if (!element.startsWith("cid:")) {
        const endpoint = parseEndpoint(element);
        endpoints.set(formatEndpoint(endpoint), endpoint);
        continue;
      }
      const uuid = element.slice(4);
      if (!isUuid(uuid))
        refuse(element, "it is not a cluster id; write cid: and the UUID that cluster/status prints as Cluster ID");
      if (cid !== undefined && cid !== uuid) refuse(element, `another cluster id (${cid}) was given before; keep one`);
      cid = uuid;
    }
  }
  if (endpoints.size === 0) refuse(String(remotes), `it names no server; give at least one of ${KINDS}`);
  return { endpoints: [...endpoints.values()], ...(cid === undefined ? {} : { cid }) };
}

/**
 * Parses one remote.
 *
 * @throws ValueError
 */
export function parseEndpoint(element: string): Endpoint {
  const colon = element.indexOf(":");
  const kind = colon === -1 ? "" : element.slice(0, colon);
  const rest = element.slice(colon + 1);
  switch (kind) {
    case "tcp":
    case "ssl":
      return { kind, ...parseActive(element, rest) };
    case "ptcp":
    case "pssl":
      return { kind, ...parsePassive(element, rest) };
    case "unix":
    case "punix":
      if (rest === "") refuse(element, `the path is missing; write ${kind}:/path/of/the/socket`);
      return { kind, path: rest };
    default:
      if (element.startsWith("/")) return refuse(element, `it has no kind; write unix:${element}`);
      if (/^[A-Z]+$/.test(kind))
        return refuse(element, `kinds are written in lower case; write ${kind.toLowerCase()}:${rest}`);
      return refuse(element, `it is none of ${KINDS}`);
  }
}

/** The remote as text: the inverse of {@link parseEndpoint}. */
export function formatEndpoint(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case "unix":
    case "punix":
      return `${endpoint.kind}:${endpoint.path}`;
    case "tcp":
    case "ssl":
      return `${endpoint.kind}:${bracketed(endpoint.host)}:${endpoint.port}`;
    default:
      return `${endpoint.kind}:${endpoint.port}${endpoint.host === undefined ? "" : `:${bracketed(endpoint.host)}`}`;
  }
}

/** True if the server connects to us. */
export function isPassive(endpoint: Endpoint): endpoint is PassiveEndpoint {
  return endpoint.kind === "ptcp" || endpoint.kind === "pssl" || endpoint.kind === "punix";
}

/** True for the text of an IPv6 address, with or without a zone (RFC 4291 §2.2, RFC 4007 §11). */
export function isIpv6(text: string): boolean {
  const [address = "", zone] = text.split("%", 2);
  if (zone === "" || !/^[0-9a-fA-F:.]+$/.test(address)) return false;
  const halves = address.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  let count = groups.length;
  for (const [index, group] of groups.entries()) {
    // An IPv4 address may stand for the last two groups, at the very end: not before a "::".
    if (index === groups.length - 1 && group.includes(".") && address.endsWith(group)) {
      if (!isIpv4(group)) return false;
      count++;
    } else if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return false;
  }
  return halves.length === 2 ? count < 8 : count === 8;
}

/** True for the text of an IPv4 address: four decimal numbers. */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
}

function parseActive(element: string, rest: string): { host: string; port: number } {
  const bracket = /^\[([^\]]*)\](?::(.*))?$/.exec(rest);
  if (bracket !== null) {
    const host = bracket[1] ?? "";
    if (!isIpv6(host)) refuse(element, `"${host}" in brackets is not an IPv6 address`);
    return { host, port: bracket[2] === undefined ? DEFAULT_PORT : parsePort(element, bracket[2], 1) };
  }
  // Two colons and more without brackets are an IPv6 address without a port, as in Open vSwitch.
  if (rest.split(":").length > 2) {
    if (isIpv6(rest)) return { host: rest, port: DEFAULT_PORT };
    return refuse(element, "an IPv6 address with a port needs brackets; write tcp:[ADDRESS]:PORT");
  }
  const [host = "", port] = rest.split(":");
  return { host: parseHost(element, host), port: port === undefined ? DEFAULT_PORT : parsePort(element, port, 1) };
}

function parsePassive(element: string, rest: string): { port: number; host?: string } {
  const colon = rest.indexOf(":");
  const portText = colon === -1 ? rest : rest.slice(0, colon);
  const port = portText === "" ? DEFAULT_PORT : parsePort(element, portText, 0);
  if (colon === -1) return { port };
  const text = rest.slice(colon + 1);
  const host = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (isIpv6(host) || isIpv4(host)) return { port, host };
  return refuse(
    element,
    `"${host}" is not an IP address; a listener needs one of this machine's own, as in ptcp:6640:127.0.0.1`,
  );
}

function parsePort(element: string, text: string, min: number): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port >= min && port <= 65535) return port;
  const remedy = text.includes(",") ? "; after a comma, the next remote must start with its kind, as in tcp:" : "";
  return refuse(element, `"${text}" is not a port from ${min} to 65535${remedy}`);
}

function parseHost(element: string, host: string): string {
  if (host === "") return refuse(element, "the host is missing; write tcp:HOST:PORT");
  if (/^[0-9.]+$/.test(host) && !isIpv4(host)) return refuse(element, `"${host}" is not an IPv4 address`);
  if (/[\s[\]/,%"']/.test(host)) return refuse(element, `"${host}" is not a host name`);
  return host;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function refuse(element: string, reason: string): never {
  throw new ValueError(undefined, undefined, `remote "${element}": ${reason}`);
}
