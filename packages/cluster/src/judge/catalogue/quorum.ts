/** Quorum and elections. */
import { type FindingRule, rule } from "./rule.ts";

export type QuorumCode =
  | "no-quorum"
  | "no-leader"
  | "quorum-lost-to-dead-ids"
  | "stale-leader"
  | "connected-without-quorum"
  | "peer-hung"
  | "stuck-candidate"
  | "frequent-elections"
  | "slow-poll"
  | "compaction-elections"
  | "successor-compacting"
  | "term-ahead"
  | "even-members"
  | "single-member"
  | "no-fault-tolerance"
  | "leaving-stuck"
  | "leaving"
  | "vote-deferred"
  | "leader-silent"
  | "two-leaders"
  | "timer-differs"
  | "election-timer-changing"
  | "timer-change-stuck"
  | "replication-stalled"
  | "nobody-answered";

export const QUORUM_RULES: Readonly<Record<QuorumCode, FindingRule>> = {
  "no-quorum": rule(
    "A1",
    "critical",
    "fewer live voters than a majority of the configured ids",
    ["status", "server"],
    1,
    "start",
    "Start a member that is down, with the file that it has; wipe nothing. Its vote is all that is missing.",
  ),
  "no-leader": rule(
    "A1",
    "critical",
    "no member knows a leader",
    ["status", "server"],
    2,
    "wait",
    "An election takes one to two election timers. If it does not end, see why: votes, links, disks.",
  ),
  "quorum-lost-to-dead-ids": rule(
    "A3",
    "critical",
    "the processes that live would be enough, but dead ids still count",
    ["status"],
    1,
    "start",
    "Bring one of the dead ids back with its old file. Without a leader nothing can be kicked; if no old file is left, rebuild from the best one.",
  ),
  "stale-leader": rule(
    "A4",
    "critical",
    "a leader that a majority does not hear",
    ["status", "server"],
    1,
    "wait",
    "Wait one election timer: it steps down by itself. Until then do not write to it and take no backup from it.",
  ),
  "connected-without-quorum": rule(
    "A5",
    "critical",
    "a member says that it is connected although it knows no leader",
    ["status", "server"],
    2,
    "start",
    "Do not believe `connected`: bring back the members that are missing, as for a lost quorum.",
  ),
  "peer-hung": rule(
    "A6",
    "warning",
    "a member is linked and answers nothing",
    ["status", "observer"],
    2,
    "repair",
    "Treat it as down: find the stopped process, the dead disk or the stalled host. Do not restart another member meanwhile.",
  ),
  "stuck-candidate": rule(
    "A7",
    "warning",
    "a candidate, while the others follow a leader",
    ["status"],
    2,
    "restart",
    "Restart that member; if it comes again, upgrade to 2.14 or newer.",
  ),
  "frequent-elections": rule(
    "A8",
    "warning",
    "elections again and again",
    ["history"],
    1,
    "timer",
    "Raise the election timer on the leader in steps of two, and look for the slow disk or the starved processor.",
  ),
  "slow-poll": rule(
    "A8",
    "warning",
    "the server is away for longer than its election timer allows",
    ["log"],
    1,
    "timer",
    "Raise the election timer above the longest pause, and find out what takes so long: processor, disk, size of the database.",
  ),
  "compaction-elections": rule(
    "A9",
    "warning",
    "the leadership changes for compaction, again and again",
    ["log", "history"],
    1,
    "repair",
    "Switch off whatever forces compaction, let the server decide; upgrade to 3.1 or newer.",
  ),
  "successor-compacting": rule(
    "A10",
    "warning",
    "the chosen successor was compacting: the cluster had no leader meanwhile",
    ["log"],
    1,
    "repair",
    "Upgrade to 2.17 or newer; raise the election timer until then.",
  ),
  "term-ahead": rule(
    "A11",
    "warning",
    "a member's term runs ahead of the leader's: it will force an election when it is heard",
    ["status"],
    2,
    "repair",
    "Mend that member's network, or keep it stopped until then; 3.3 and newer ask before they raise the term.",
  ),
  "even-members": rule(
    "A12",
    "warning",
    "an even number of members tolerates no more than one fewer, and ties",
    ["status"],
    1,
    "resize",
    "Add a member, or remove one on purpose; do not stay at an even number.",
  ),
  "single-member": rule(
    "A12",
    "warning",
    "one member only",
    ["status"],
    1,
    "resize",
    "Add two members, unless one is what you want; then say so with the expected number.",
  ),
  "no-fault-tolerance": rule(
    "A12",
    "warning",
    "the next failure stops the database",
    ["status"],
    1,
    "inspect",
    "Take nothing down. Bring back what is missing, or add a member, first.",
  ),
  "leaving-stuck": rule(
    "A13",
    "critical",
    "a member has been leaving for too long: without a leader it can't",
    ["status"],
    2,
    "start",
    "Bring its peers back; ask no other member to leave. Restarting the member takes its wish to leave back.",
  ),
  leaving: rule(
    "A13",
    "info",
    "a member is leaving",
    ["status"],
    1,
    "wait",
    "Wait until it is gone from every member's list before the next step.",
  ),
  "vote-deferred": rule(
    "A14",
    "critical",
    "votes are put off for a log that was never synced",
    ["log"],
    1,
    "repair",
    "Upgrade to 2.13 or newer: older servers cannot elect right after a compaction.",
  ),
  "leader-silent": rule(
    "A5",
    "warning",
    "a follower has not heard its leader for longer than an election timer",
    ["status"],
    2,
    "inspect",
    "Ask the leader itself, and the other members, before anything else.",
  ),
  "two-leaders": rule(
    "C6",
    "critical",
    "two leaders of the same cluster",
    ["status", "server"],
    3,
    "inspect",
    "Restart neither. The one with the higher term and more members is right; the other must give up within two election timers.",
  ),
  "timer-differs": rule(
    "A8",
    "info",
    "the election timer is not the one that is wanted",
    ["status", "expected"],
    1,
    "timer",
    "Change it on the leader, at most by a factor of two at a time.",
  ),
  "election-timer-changing": rule(
    "B10",
    "info",
    "a change of the election timer is not committed yet",
    ["status"],
    1,
    "wait",
    "Wait until it is committed; do not repeat it.",
  ),
  "timer-change-stuck": rule(
    "B10",
    "warning",
    "a change of the election timer is not committed for too long",
    ["status", "history"],
    2,
    "inspect",
    "See which member does not acknowledge; do not repeat the change.",
  ),
  "replication-stalled": rule(
    "A4",
    "warning",
    "entries wait for acknowledgements of a majority",
    ["status"],
    2,
    "inspect",
    "See which members are slow: disk, processor, network. Take nothing down meanwhile.",
  ),
  "nobody-answered": rule(
    "A2",
    "critical",
    "no member answered",
    ["observer"],
    1,
    "inspect",
    "Find out whether the processes run, and whether they can be reached from here.",
  ),
};
