/** Identity and membership. */
import { destructive, type FindingRule, rule } from "./rule.ts";

export type MembershipCode =
  | "peer-down"
  | "peer-link-down"
  | "one-way-link"
  | "link-flapping"
  | "member-unreachable"
  | "member-silent"
  | "disconnected"
  | "duplicate-address"
  | "cluster-id-mismatch"
  | "unexpected-cluster-id"
  | "split-suspect"
  | "foreign-inbound"
  | "misrouted-messages"
  | "foreign-server-at-address"
  | "unexpected-members"
  | "missing-members"
  | "host-not-in-list"
  | "views-differ"
  | "not-a-member"
  | "kicked-file"
  | "removed-while-down"
  | "removing-live-member"
  | "believes-removed"
  | "removing"
  | "removal-stuck"
  | "mixed-protocols"
  | "identity-changed";

export const MEMBERSHIP_RULES: Readonly<Record<MembershipCode, FindingRule>> = {
  "peer-down": rule(
    "A1",
    "warning",
    "a member is down",
    ["status", "observer"],
    2,
    "start",
    "Start it, with the file that it has. If its file is gone or refused, have its id forgotten first, then let it join anew.",
  ),
  "peer-link-down": rule(
    "A6",
    "warning",
    "a link between two members is down",
    ["status"],
    2,
    "repair",
    "See whether the process at the far end runs, then the network and the certificates between the two.",
  ),
  "one-way-link": rule(
    "A6",
    "warning",
    "two members are linked in one direction only",
    ["status"],
    2,
    "repair",
    "Look for a firewall, a wrong address or a listener that does not stand, at the end that is not reached.",
  ),
  "link-flapping": rule(
    "A11",
    "warning",
    "links are made and lost again and again",
    ["history"],
    1,
    "repair",
    "Look for packet loss, a short probe interval, or a member that restarts.",
  ),
  "member-unreachable": rule(
    "A1",
    "info",
    "a member did not answer the asker, while the others hear it",
    ["observer"],
    2,
    "inspect",
    "The database may be well: see what lies between the asker and that member. It can't be judged as long as it is silent.",
  ),
  "member-silent": rule(
    "A1",
    "warning",
    "a member did not answer, and nobody who did can tell whether it lives",
    ["observer"],
    2,
    "inspect",
    "See whether its process runs, and ask the control sockets of the others: a status says whom they hear.",
  ),
  disconnected: rule(
    "A4",
    "warning",
    "a member says that it is cut off from the cluster",
    ["server"],
    2,
    "inspect",
    "Ask its control socket and the leader's for their links; then mend the network or the process between the two.",
  ),
  "duplicate-address": destructive(
    "See both ids and their silence on the leader first, and ask another member.",
    "B1",
    "warning",
    "two ids at one address: one is a former life that still counts",
    ["status"],
    1,
    "kick",
    "While there is a leader, have the silent id forgotten: by its full id, after seeing address and silence on the leader.",
  ),
  "cluster-id-mismatch": destructive(
    "Find out which cluster is the old one before anything else; stop no server on the word of one.",
    "B2",
    "critical",
    "members belong to different clusters",
    ["status", "server"],
    1,
    "stop",
    "Stop the server of the new cluster first. If the old cluster has a quorum, have the old id forgotten and let that server join anew. Never merge.",
  ),
  "unexpected-cluster-id": rule(
    "B2",
    "critical",
    "the cluster id is not the one that is expected",
    ["status", "server", "expected"],
    1,
    "inspect",
    "Find out who created this cluster, and where the members of the expected one are, before clients write to it. If it was rebuilt on purpose, reset what clients remember (sb-cluster-state-reset, nb-cluster-state-reset) and begin a new history.",
  ),
  "split-suspect": rule(
    "B2",
    "critical",
    "alone, while others knock: this may be a second cluster",
    ["status", "expected"],
    1,
    "inspect",
    "Ask the other members for their cluster id. If it is another one, stop this server first: it lost its file and made a cluster of its own.",
  ),
  "foreign-inbound": rule(
    "B4",
    "warning",
    "somebody connects and is no member",
    ["status"],
    2,
    "inspect",
    "Find the process that connects: a member that was removed, one that lost its file, or one of another cluster.",
  ),
  "misrouted-messages": rule(
    "B3",
    "critical",
    "members send to an id that no longer lives at its address",
    ["log"],
    1,
    "inspect",
    "Put the ids at each address side by side. Rank the files by term, commit and length before choosing one.",
  ),
  "foreign-server-at-address": rule(
    "B4",
    "warning",
    "a server of another identity answers at a member's address",
    ["status", "server", "log"],
    2,
    "repair",
    "Wait for names to settle, see who listens at that address, then reset the connections; 3.7 and newer do it by themselves.",
  ),
  "unexpected-members": rule(
    "B5",
    "warning",
    "more members than are expected, or others",
    ["status", "expected"],
    1,
    "inspect",
    "Find out who they are. If the expectation is old, correct it; remove nobody because of a list.",
  ),
  "missing-members": rule(
    "B5",
    "warning",
    "fewer members than are expected",
    ["status", "expected"],
    1,
    "resize",
    "If it was planned, correct the expectation. Otherwise let the missing ones join, with fresh files.",
  ),
  "host-not-in-list": rule(
    "B5",
    "warning",
    "a start script refuses its own address: its list of members is old",
    ["log"],
    1,
    "repair",
    "Correct the list (NODE_IPS, OVN_DB_IPS) wherever it is rendered, then start the member.",
  ),
  "views-differ": rule(
    "B6",
    "warning",
    "members disagree on who is a member",
    ["status"],
    2,
    "wait",
    "A change may be under way: look again. If it lasts, believe the leader's list.",
  ),
  "not-a-member": destructive(
    "See in the leader's list, and in the end of its log and file, whether it was removed.",
    "B7",
    "warning",
    "a server does not serve the database any more: it left, was removed, or failed",
    ["status", "server"],
    1,
    "rejoin",
    "If it was removed, its file can never be used again: move it aside and let the server join anew, with a new id.",
  ),
  "kicked-file": destructive(
    "See in the leader's list whether that id is gone; keep the file.",
    "B7",
    "critical",
    "the file says that its server has left the cluster",
    ["log", "file"],
    1,
    "rejoin",
    "Move the file aside, never delete it, and join anew with a new id.",
  ),
  "removed-while-down": destructive(
    "See in the leader's list whether the id is gone.",
    "B7",
    "warning",
    "a server runs with an id that the leader no longer lists",
    ["status"],
    2,
    "rejoin",
    "Ask it to leave, move its file aside, and let it join anew, with a new id.",
  ),
  "removing-live-member": rule(
    "B8",
    "warning",
    "a member that is alive is being removed",
    ["status"],
    1,
    "inspect",
    "Find out who asked for it. If it was a mistake, let it join anew, with a fresh file, once the removal is through.",
  ),
  "believes-removed": rule(
    "B9",
    "warning",
    "a member believes that it left, yet the leader lists it",
    ["status"],
    2,
    "restart",
    "Restart that member; upgrade to 2.11 or newer.",
  ),
  removing: rule(
    "B10",
    "info",
    "a removal is not committed yet",
    ["status"],
    1,
    "wait",
    "Wait until it is committed; do not repeat it.",
  ),
  "removal-stuck": rule(
    "B10",
    "warning",
    "a removal is not committed for too long",
    ["status", "history"],
    2,
    "inspect",
    "Mend the quorum that must commit it; do not repeat it.",
  ),
  "mixed-protocols": rule(
    "B11",
    "warning",
    "members have addresses of different protocols",
    ["status"],
    1,
    "rejoin",
    "Replace the members one at a time with ones whose address has the right protocol: an address can't be changed.",
  ),
  "identity-changed": rule(
    "D5",
    "warning",
    "another server id than before at the same place",
    ["history", "file"],
    1,
    "inspect",
    "Find out what replaced the directory, and mend that first; then have the old id forgotten.",
  ),
};
