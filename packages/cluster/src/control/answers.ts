/** The texts that control commands answer, as data. What is not understood is left out or undefined, never guessed. */
import type { StorageStatus } from "../observe/types.ts";

/** `status: ok`, or `status: ` and what is wrong. */
export function readStorageStatus(text: string): StorageStatus {
  const words = text.trim();
  const status = words.replace(/^status:\s*/, "");
  return { ok: status === "ok", text: status };
}

/** `memory/show`: `atoms:36 cells:43 raft-log:3`; one line, or several. */
export function readMemory(text: string): Record<string, number> {
  const counters: Record<string, number> = {};
  for (const word of text.split(/\s+/)) {
    const colon = word.lastIndexOf(":");
    const count = word.slice(colon + 1);
    if (colon > 0 && /^[0-9]{1,15}$/.test(count)) counters[word.slice(0, colon)] = Number(count);
  }
  return counters;
}

/** One event of `coverage/show`. */
export type CoverageCounter = {
  /** Events per second over the last 5 seconds, minute and hour. */
  readonly perSecond: readonly [fiveSeconds: number, minute: number, hour: number];
  readonly total: number;
};

/** `coverage/show`: `raft_entry_serialize    0.0/sec     0.017/sec        0.0022/sec   total: 8`. */
export function readCoverage(text: string): Record<string, CoverageCounter> {
  const found: Record<string, CoverageCounter> = {};
  for (const line of text.split("\n")) {
    const match = /^(\S+)\s+([0-9.]+)\/sec\s+([0-9.]+)\/sec\s+([0-9.]+)\/sec\s+total: ([0-9]{1,15})\s*$/.exec(line);
    if (match === null) continue;
    const [, name = "", five, minute, hour, total] = match;
    found[name] = { perSecond: [Number(five), Number(minute), Number(hour)], total: Number(total) };
  }
  return found;
}

/** `list-commands`: name and usage of each, below a heading. */
export function readCommands(text: string): { readonly name: string; readonly usage: string }[] {
  const found: { name: string; usage: string }[] = [];
  for (const line of text.split("\n")) {
    const match = /^\s+(\S+)\s*(.*)$/.exec(line);
    if (match !== null) found.push({ name: match[1] ?? "", usage: (match[2] ?? "").trimEnd() });
  }
  return found;
}

/** One thing a line: databases, remotes. */
export function readLines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** `version`: `ovsdb-server (Open vSwitch) 3.1.0`; undefined if there is no number in it. */
export function readVersion(text: string): string | undefined {
  return /\b(\d+\.\d+(?:\.\d+)?)\b/.exec(text)?.[1];
}

/** `ovsdb-server/sync-status` of the active-backup mode: `state: backup`, `replicating: tcp:…`, … */
export function readSyncStatus(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) found[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
  }
  return found;
}
