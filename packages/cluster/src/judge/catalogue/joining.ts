/** Joining. */
import { type FindingRule, rule } from "./rule.ts";

export type JoiningCode =
  | "joining"
  | "joining-stuck"
  | "remotes-unreachable"
  | "zero-cluster-id"
  | "join-in-progress"
  | "catchup-stuck"
  | "leader-while-joining"
  | "joiner-disconnects"
  | "unreadable-address";

export const JOINING_RULES: Readonly<Record<JoiningCode, FindingRule>> = {
  joining: rule(
    "C1",
    "warning",
    "a server is joining",
    ["status", "server"],
    2,
    "wait",
    "Wait; a large database takes minutes. Look again after a few election timers: if nobody is adding it then, see its remotes.",
  ),
  "joining-stuck": rule(
    "C1",
    "warning",
    "a server has been joining for too long",
    ["history"],
    1,
    "repair",
    "Look at remotes, ports (a client port answers nothing), TLS and firewall. Make its join file anew with the live members as remotes.",
  ),
  "remotes-unreachable": rule(
    "C1",
    "warning",
    "a joining server reaches none of its remotes",
    ["status"],
    2,
    "repair",
    "Look at addresses, ports, TLS and firewall between it and the members that it asks.",
  ),
  "zero-cluster-id": rule(
    "C2",
    "critical",
    "a remembered identity lacks its cluster id",
    ["log", "file"],
    1,
    "repair",
    "Move the remembered header aside and let the server join the live cluster.",
  ),
  "join-in-progress": rule(
    "C3",
    "info",
    "the leader is adding a server",
    ["status"],
    1,
    "wait",
    "Wait until it is a member. Take nothing down meanwhile.",
  ),
  "catchup-stuck": rule(
    "C3",
    "warning",
    "the leader has been adding a server for too long",
    ["history"],
    1,
    "restart",
    "Restart the server that joins. If that fails, and all others are well, let another member lead. Fixed in 3.4 and in backports.",
  ),
  "leader-while-joining": rule(
    "C4",
    "critical",
    "the leader itself is still joining: nothing is committed",
    ["status"],
    1,
    "restart",
    "Restart that server, so that another one leads; fixed in 3.4 and in backports.",
  ),
  "joiner-disconnects": rule(
    "C5",
    "warning",
    "a joining server loses its connection again and again",
    ["log", "history"],
    1,
    "repair",
    "The first snapshot takes longer than its probe allows: compact first, join in a quiet hour; fixed in 3.4 and in backports.",
  ),
  "unreadable-address": rule(
    "C7",
    "warning",
    "the file holds a host name that this release can't read",
    ["log"],
    1,
    "repair",
    "Use tools of 3.0 or newer.",
  ),
};
