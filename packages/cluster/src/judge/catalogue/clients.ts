/** Clients, certificates, and what could not be seen. */
import { type FindingRule, rule } from "./rule.ts";

export type ClientCode =
  | "not-clustered"
  | "cluster-command-on-standalone"
  | "clients-see-stale-data"
  | "clients-disconnected"
  | "client-reconnects"
  | "tls-error"
  | "client-port-silent"
  | "control-silent"
  | "forced-compaction"
  | "prerequisite-storm"
  | "partial-capture"
  | "bad-answer"
  | "database-missing";

export const CLIENT_RULES: Readonly<Record<ClientCode, FindingRule>> = {
  "not-clustered": rule(
    "E5",
    "info",
    "the database is not clustered",
    ["status", "server"],
    1,
    "none",
    "Nothing here applies to it.",
  ),
  "cluster-command-on-standalone": rule(
    "E5",
    "warning",
    "a script calls commands of a cluster on a standalone database",
    ["log"],
    1,
    "repair",
    "Ask `ovsdb-tool db-is-clustered` first, and mend the script.",
  ),
  "clients-see-stale-data": rule(
    "E6",
    "warning",
    "clients refuse the servers as stale",
    ["log"],
    1,
    "repair",
    "After a rebuild the index begins anew: reset the clients' memory (sb-cluster-state-reset, nb-cluster-state-reset), or restart them.",
  ),
  "clients-disconnected": rule(
    "F1",
    "warning",
    "clients find their server disconnected from the cluster",
    ["log"],
    1,
    "inspect",
    "Give clients all members as remotes, and see why that member is disconnected.",
  ),
  "client-reconnects": rule(
    "E7",
    "warning",
    "clients of many hosts are dropped because they answer no probe",
    ["log"],
    1,
    "repair",
    "Raise the inactivity probes on both ends (ovn-remote-probe-interval, Connection.inactivity_probe), and let the clients come back in waves or through relays: each one fetches the whole database.",
  ),
  "tls-error": rule(
    "F7",
    "warning",
    "TLS connections fail",
    ["log"],
    1,
    "repair",
    "See the certificates' dates and issuers on Raft and client ports; ovsdb-server reads changed files by itself.",
  ),
  "client-port-silent": rule(
    "F1",
    "warning",
    "a member lives and does not serve its clients",
    ["observer"],
    2,
    "repair",
    "See the remotes that the server listens on (ovsdb-server/list-remotes), its certificates, and the firewall before that port.",
  ),
  "control-silent": rule(
    "F9",
    "info",
    "a member serves its clients, but its control socket gives no answer",
    ["observer"],
    2,
    "inspect",
    "See the path of the socket and who may open it. Without it the member's view of the others is missing.",
  ),
  "forced-compaction": rule(
    "F9",
    "warning",
    "somebody has the database compacted again and again",
    ["log"],
    1,
    "repair",
    "Find what calls `ovsdb-server/compact`, a health check or a timer, and let the server decide: before 3.1 each one on the leader costs an election.",
  ),
  "prerequisite-storm": rule(
    "F4",
    "warning",
    "a follower forwards more transactions than it can",
    ["log"],
    1,
    "repair",
    "Let writers use the leader; upgrade to 3.4 or newer.",
  ),
  "partial-capture": rule(
    "F9",
    "warning",
    "a status lacks lines: it can't be judged by itself",
    ["status"],
    1,
    "inspect",
    "Ask that member again, for the whole text.",
  ),
  "bad-answer": rule(
    "F9",
    "warning",
    "a member's answer could not be understood",
    ["observer"],
    1,
    "inspect",
    "See what answers at that socket; keep its answer for a report.",
  ),
  "database-missing": rule(
    "B7",
    "warning",
    "a server does not serve this database",
    ["server"],
    1,
    "inspect",
    "See which databases it serves, and whether its file was found at its start.",
  ),
};
