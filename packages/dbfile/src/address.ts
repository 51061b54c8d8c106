/** The address of a member of a cluster, where its peers reach it (ovsdb(7), "Creating a Clustered Database"). */

const FORMS = "tcp:HOST:PORT, ssl:HOST:PORT (an IPv6 address in brackets) or unix:PATH";

/**
 * Why ovsdb-server would refuse a text as the address of a member, as the rest of a sentence; undefined for a good one.
 * The port is mandatory, because it is not the port that clients use. A host name is taken here without asking DNS;
 * `ovsdb-tool` before 3.0 refuses it where it cannot be resolved.
 */
export function addressFault(address: string): string | undefined {
  if (address.startsWith("unix:")) return address.length > 5 ? undefined : "names no path after unix:";
  const match = /^(?:tcp|ssl):(\[[0-9A-Fa-f:.]+(?:%[^\]\s]+)?\]|[^:[\]\s]+):(\d{1,5})$/.exec(address);
  if (match === null) return `is not of the form ${FORMS}`;
  const [, host = "", digits = ""] = match;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return `has port ${digits}; ports are 1 to 65535`;
  const inner = host.startsWith("[") ? host.slice(1, -1) : undefined;
  // Kube-OVN writes IPv4 in brackets too, and ovsdb-server takes it.
  if (inner !== undefined && !isIpv6(inner) && !isIpv4(inner)) return `has ${host}, which is not an IP address`;
  if (/^[0-9.]+$/.test(host) && !isIpv4(host)) return `has ${host}, which is not an IPv4 address`;
  return undefined;
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

/** RFC 4291 §2.2: eight groups, one `::` for any number of zero groups, perhaps an IPv4 address at the end. */
function isIpv6(text: string): boolean {
  const [address = "", zone] = text.split("%");
  if (zone === "") return false;
  const halves = address.split("::");
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [half, part] of halves.entries()) {
    if (part === "") continue;
    const words = part.split(":");
    for (const [position, word] of words.entries()) {
      const last = half === halves.length - 1 && position === words.length - 1;
      if (last && word.includes(".")) {
        if (!isIpv4(word)) return false;
        groups += 2;
      } else if (/^[0-9A-Fa-f]{1,4}$/.test(word)) groups++;
      else return false;
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}
