/** Every finding there is, as data: what shows it, how bad it is, and what to do. */
import { type ClientCode, CLIENT_RULES } from "./clients.ts";
import { type JoiningCode, JOINING_RULES } from "./joining.ts";
import { type MembershipCode, MEMBERSHIP_RULES } from "./membership.ts";
import { type QuorumCode, QUORUM_RULES } from "./quorum.ts";
import type { FindingRule } from "./rule.ts";
import { type StorageCode, STORAGE_RULES } from "./storage.ts";

export type { FindingRule, Sight } from "./rule.ts";

export type FindingCode = QuorumCode | MembershipCode | JoiningCode | StorageCode | ClientCode;

export const FINDINGS: Readonly<Record<FindingCode, FindingRule>> = {
  ...QUORUM_RULES,
  ...MEMBERSHIP_RULES,
  ...JOINING_RULES,
  ...STORAGE_RULES,
  ...CLIENT_RULES,
};
