/** Disk and files. */
import { destructive, type FindingRule, rule } from "./rule.ts";

export type StorageCode =
  | "peer-not-replicating"
  | "write-errors"
  | "commit-beyond-log"
  | "committed-entries-cut"
  | "file-damaged"
  | "file-torn"
  | "storage-inconsistent"
  | "storage-failed"
  | "own-id-missing"
  | "state-went-backwards"
  | "log-growth"
  | "send-backlog"
  | "follower-lagging"
  | "schema-differs"
  | "versions-differ"
  | "uncommitted-in-file"
  | "frozen-entries";

export const STORAGE_RULES: Readonly<Record<StorageCode, FindingRule>> = {
  "peer-not-replicating": destructive(
    "Look at that member's disk, free space and log before anything else; do not restart it yet.",
    "D1",
    "warning",
    "a member is linked but acknowledges nothing",
    ["status"],
    2,
    "rejoin",
    "Free space first, then move its file aside, have its id forgotten and let it join anew: a file with a gap is refused at the next start.",
  ),
  "write-errors": destructive(
    "Free space. Its file may have a gap even if it acknowledges again: check a copy of it (ovsdb-tool check-cluster) before any restart.",
    "D1",
    "critical",
    "a member's writes fail",
    ["log"],
    1,
    "rejoin",
    "Free space before any restart; then move its file aside, have its id forgotten and let it join anew.",
  ),
  "commit-beyond-log": destructive(
    "Keep the file, and see who else has the entries.",
    "D1",
    "critical",
    "the file's commit index is beyond the end of its log: it is refused",
    ["log", "file"],
    1,
    "rejoin",
    "Free space, move the file aside, have its id forgotten and let the server join anew.",
  ),
  "committed-entries-cut": destructive(
    "Keep the file, and rank the files of all members.",
    "A2",
    "critical",
    "the file's log was cut below what was committed: it is refused",
    ["log", "file"],
    1,
    "rejoin",
    "If another file is whole, bring that member up and let this server join anew; if no majority of files is whole, rebuild from the best.",
  ),
  "file-damaged": destructive(
    "Do not start it as the only source: what follows the damage would be forgotten. Keep the file.",
    "D2",
    "critical",
    "a record of the file is damaged",
    ["log", "file"],
    1,
    "rejoin",
    "Move the file aside, have its id forgotten and let the server join anew from healthy members.",
  ),
  "file-torn": rule(
    "D2",
    "info",
    "the last record of the file is torn, as after a power cut",
    ["log", "file"],
    1,
    "wait",
    "Nothing that was acknowledged is missing from a majority; it catches up by itself.",
  ),
  "storage-inconsistent": destructive(
    "Ask all members for their storage status.",
    "D3",
    "critical",
    "a member could not apply a record",
    ["storage"],
    1,
    "rejoin",
    "Let that member join anew; if all say the same, restore.",
  ),
  "storage-failed": destructive(
    "See its disk and its log, and whether the leader still lists it.",
    "D1",
    "critical",
    "a member gave its database up after a failed write",
    ["server", "status"],
    1,
    "rejoin",
    "Free space, then restart it with its file; if the file is refused, move it aside and let it join anew.",
  ),
  "own-id-missing": destructive(
    "Compare with the leader's list.",
    "D4",
    "warning",
    "a server is missing from its own list of members",
    ["status", "file"],
    2,
    "rejoin",
    "Move its file aside, have its id forgotten and let it join anew.",
  ),
  "state-went-backwards": destructive(
    "Keep the file. Compare its term and last entry with what the leader has seen acknowledged.",
    "D6",
    "critical",
    "a member has forgotten entries or a term that it had: an old file was put back",
    ["history", "file"],
    1,
    "rejoin",
    "Stop it: it may vote twice. Move its file aside, have its id forgotten and let it join anew.",
  ),
  "log-growth": rule(
    "D7",
    "warning",
    "the log grows and is not compacted",
    ["status", "history"],
    1,
    "repair",
    "See whether compaction fails or is switched off, and how many objects there are; it comes due by itself at twice the size.",
  ),
  "send-backlog": rule(
    "D8",
    "warning",
    "messages pile up for a slow member",
    ["log", "storage"],
    1,
    "timer",
    "Raise the election timer, mend the slow host; upgrade to 2.15 or newer.",
  ),
  "follower-lagging": rule(
    "E10",
    "warning",
    "a member has applied far less than the leader",
    ["status", "server"],
    2,
    "inspect",
    "Take no backup from it, and nothing down, until it has caught up.",
  ),
  "schema-differs": rule(
    "D9",
    "warning",
    "a server can't read what another one wrote, or columns are missing",
    ["log"],
    1,
    "repair",
    "Bring all members to one release in two phases, and convert the schema on the leader.",
  ),
  "versions-differ": rule(
    "D9",
    "info",
    "members run different releases",
    ["server"],
    1,
    "inspect",
    "Finish the upgrade; use no new file feature before.",
  ),
  "uncommitted-in-file": rule(
    "E1",
    "info",
    "the file holds entries that are not known to be committed",
    ["file"],
    1,
    "inspect",
    "A backup made from this file may contain what was never committed: take it over the protocol, from a connected member.",
  ),
  "frozen-entries": rule(
    "D3",
    "warning",
    "a member does not apply what is committed",
    ["status", "history"],
    2,
    "inspect",
    "See its processor and its log; a large transaction may be at work.",
  ),
};
