/** A database's content as one text, whoever sends it and in whatever order: the input of a hash. */

type Json = unknown;

/** Sets and maps of OVSDB have no order (RFC 7047 §5.1); objects have none either. */
export function canonical(json: Json): string {
  if (Array.isArray(json)) {
    const [kind, items] = json as Json[];
    if ((kind === "set" || kind === "map") && Array.isArray(items) && json.length === 2) {
      const sorted = items.map(canonical).sort();
      // A set of one is written as the atom itself.
      if (kind === "set" && sorted.length === 1) return sorted[0] ?? "";
      return `["${kind}",[${sorted.join(",")}]]`;
    }
    return `[${json.map(canonical).join(",")}]`;
  }
  if (typeof json === "object" && json !== null) {
    const members = Object.entries(json).sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
    return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${canonical(value)}`).join(",")}}`;
  }
  return JSON.stringify(json) ?? "null";
}
