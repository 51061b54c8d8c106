/** What happens to files of clustered databases while nobody has them open. */
import { readFileSync, writeFileSync } from "node:fs";

/** Flips a byte in the last record but one, as a bad sector would. */
export function damage(path: string): void {
  const bytes = readFileSync(path);
  const last = bytes.lastIndexOf("OVSDB CLUSTER");
  const before = bytes.lastIndexOf("OVSDB CLUSTER", last - 1);
  if (before < 0) throw new Error(`${path} has fewer than two records`);
  const at = bytes.indexOf("\n", before) + 3;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
