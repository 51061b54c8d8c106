/** Failure modes that a log, or a file, tells. */
import type { Expected, FindingCode } from "../../src/index.ts";
import { type Built, idOf } from "./build.ts";

export type Case = {
  readonly code: FindingCode;
  readonly make: (built: Built) => void;
  readonly size?: number;
  readonly expected?: Expected;
};

const log = (text: string, times = 1): string =>
  Array.from({ length: times }, () => `2023-11-14T22:10:00.000Z|00012|raft|WARN|${text}\n`).join("");
const logs = (code: FindingCode, text: string, times = 1): Case => ({
  code,
  make: (built) => void Object.assign(built.at(2), { logText: log(text, times) }),
});

export const LOG_CASES: readonly Case[] = [
  {
    code: "kicked-file",
    make: (built) =>
      void Object.assign(built.kill(2).at(2), {
        logText: log(
          "ovsdb-server: /var/lib/ovn/ovnsb_db.db: record 9 indicates server has left the cluster; it cannot be added back",
        ),
      }),
  },
  logs("commit-beyond-log", "record 63 advances commit index to 49 but last log index is 24"),
  logs(
    "committed-entries-cut",
    "record 9 attempts to truncate log from 20 to 7 entries, but commit index is already 18",
  ),
  logs("file-damaged", "120 bytes starting at offset 900 have SHA-1 hash aa but should have hash bb"),
  logs("file-torn", "error reading 300 bytes starting at offset 9000: End of file"),
  logs("write-errors", "write failed (No space left on device)"),
  logs(
    "vote-deferred",
    "deferred vote_request message completed but not ready to send because message index 7 is past last synced index 0",
  ),
  logs("misrouted-messages", "misrouted message (addressed to 1111 but we're 2222)", 2),
  logs("foreign-server-at-address", "tcp:10.0.0.3:6643: wrong cluster 2222 (expected 1111)", 2),
  logs("zero-cluster-id", "missing or zero cluster ID"),
  logs("host-not-in-list", "host ip 10.0.0.9 not in env NODE_IPS"),
  logs("unreadable-address", "ovn-0.svc: name resolution failed"),
  logs("cluster-command-on-standalone", "ovsdb-tool: /etc/ovn/ovnnb_db.db: not a clustered database"),
  logs("clients-see-stale-data", "tcp:10.0.0.1:6642: clustered database server has stale data; trying another server"),
  logs("clients-disconnected", "clustered database server is disconnected from cluster; trying another server", 3),
  logs("tls-error", "SSL_accept: error:0A000415:SSL routines::sslv3 alert certificate expired"),
  logs("schema-differs", "unknown column in table"),
  logs("prerequisite-storm", "current entry eid 11aa does not match prerequisite 22bb in execute_command_request", 120),
  logs("forced-compaction", "compacting OVN_Southbound database by user request", 4),
  {
    code: "client-reconnects",
    make: (built) =>
      void Object.assign(built.at(2), {
        logText: Array.from({ length: 12 }, (_, index) =>
          log(`ssl:10.1.0.${index}:4${index}000: no response to inactivity probe after 5 seconds, disconnecting`),
        ).join(""),
      }),
  },
  logs("compaction-elections", "Transferring leadership to write a snapshot.", 4),
  {
    code: "frequent-elections",
    make: (built) =>
      void Object.assign(built.at(2), {
        logText: Array.from({ length: 5 }, (_, index) =>
          [
            log(`term ${index}: 1200 ms timeout expired, starting election`),
            log(
              index % 2 === 0 ? `term ${index}: elected leader by 2+ of 3 servers` : `server 1111 is leader for term 9`,
            ),
          ].join(""),
        ).join(""),
      }),
  },
  logs("joiner-disconnects", "joining: connection dropped (Connection reset by peer)", 3),
  logs("slow-poll", "Unreasonably long 2300ms poll interval (100ms user, 20ms system)"),
  {
    code: "successor-compacting",
    make: (built) =>
      void Object.assign(built.at(2), {
        logText: `${log("received leadership transfer from 1111 in term 7")}${log("OVN_Southbound: Database compaction took 4200ms")}${log("term 8: elected leader by 2+ of 3 servers")}`,
      }),
  },
  {
    code: "uncommitted-in-file",
    make: (built) =>
      void Object.assign(built.at(2), { file: { path: "/f", serverId: idOf(2), commitIndex: 90, logEnd: 101 } }),
  },
];
