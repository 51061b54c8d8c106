/** The rules that hold between the files of one cluster (thesis Figure 3.2 and §4.1), and who is who among them. */
import type { Servers } from "../clustered.ts";
import { type Finding, finding } from "./finding.ts";
import { compareLogs, type SameEntry } from "./log-matching.ts";
import type { MemberLog } from "./member-log.ts";

/** Orders logs as voters do: the term of the last entry counts before the length (thesis §3.6.1). */
export function compareLastLog(a: MemberLog, b: MemberLog): number {
  return a.lastTerm - b.lastTerm || a.lastIndex - b.lastIndex;
}

/** All findings that concern more than one file. Logs come in the order in which they were given. */
export function checkTogether(logs: readonly MemberLog[], sameEntry: SameEntry): Finding[] {
  const members = logs.filter((log) => log.member !== undefined);
  const [first] = members;
  const findings: Finding[] = [...checkIdentities(members)];
  if (first !== undefined && members.every((log) => log.minTerm === undefined)) {
    findings.push(finding("NO_RECORDS", first.path, "no file has any record behind its header"));
  }
  // Of other clusters, and of a server's second file, the rules below say nothing.
  const cluster = members.filter(
    (log, at) => isOf(log, first) && members.findIndex((other) => sidOf(other) === sidOf(log)) === at,
  );
  findings.push(...checkLeaders(cluster));
  for (const [at, log] of cluster.entries()) {
    for (const other of cluster.slice(at + 1)) findings.push(...compareLogs(log, other, sameEntry));
  }
  findings.push(...checkMembership(cluster), ...checkJoining(logs, cluster));
  return findings;
}

const sidOf = (log: MemberLog): string => log.member?.server_id ?? "";

function isOf(log: MemberLog, first: MemberLog | undefined): boolean {
  return log.member?.cluster_id === first?.member?.cluster_id && log.member?.name === first?.member?.name;
}

function checkIdentities(members: readonly MemberLog[]): Finding[] {
  const findings: Finding[] = [];
  const [first] = members;
  for (const [at, log] of members.entries()) {
    const place = { otherFile: first?.path };
    const twin = members.slice(0, at).find((other) => sidOf(other) === sidOf(log));
    if (twin !== undefined) {
      const message = `${log.path} and ${twin.path} are both of server ${sidOf(log)}`;
      findings.push(finding("DUPLICATE_SERVER", log.path, message, { otherFile: twin.path }));
    }
    if (first === undefined) continue;
    const [mine, theirs] = [log.member, first.member];
    if (mine?.cluster_id !== theirs?.cluster_id)
      findings.push(
        finding(
          "CLUSTER_ID_MISMATCH",
          log.path,
          `its cluster id is ${mine?.cluster_id}, that of ${first.path} is ${theirs?.cluster_id}`,
          place,
        ),
      );
    if (mine?.name !== theirs?.name)
      findings.push(
        finding(
          "NAME_MISMATCH",
          log.path,
          `its database is ${mine?.name}, that of ${first.path} is ${theirs?.name}`,
          place,
        ),
      );
  }
  return findings;
}

type Elected = { readonly leader: string; readonly said: MemberLog; logEnd: number; elected: MemberLog | undefined };

/** Election Safety and Leader Completeness. */
function checkLeaders(cluster: readonly MemberLog[]): Finding[] {
  const findings: Finding[] = [];
  const byTerm = new Map<number, Elected>();
  for (const log of cluster) {
    for (const { term, leader, logEnd, seen } of log.leaders) {
      const elected = byTerm.get(term) ?? { leader, said: log, logEnd: 0, elected: undefined };
      byTerm.set(term, elected);
      if (elected.leader !== leader) {
        const message = `term ${term} has two leaders: ${elected.said.path} says ${elected.leader}, ${log.path} says ${leader}`;
        const place = { otherFile: elected.said.path, term, record: seen.ordinal, offset: seen.offset };
        findings.push(finding("TWO_LEADERS", log.path, message, place));
      } else if (sidOf(log) === leader && logEnd > elected.logEnd) {
        elected.logEnd = logEnd;
        elected.elected = log;
      }
    }
  }
  return [...findings, ...checkCompleteness(cluster, byTerm)];
}

function checkCompleteness(cluster: readonly MemberLog[], byTerm: ReadonlyMap<number, Elected>): Finding[] {
  const findings: Finding[] = [];
  const commits = cluster.flatMap((log) => log.commits.map(({ term, index }) => ({ term, index, log })));
  commits.sort((a, b) => a.term - b.term);
  let next = 0;
  let most: (typeof commits)[number] | undefined;
  for (const [term, { logEnd, elected }] of [...byTerm].sort(([a], [b]) => a - b)) {
    for (; next < commits.length && (commits[next]?.term ?? 0) < term; next++) {
      const commit = commits[next];
      if (commit !== undefined && (most === undefined || commit.index > most.index)) most = commit;
    }
    if (elected === undefined || most === undefined || most.index < logEnd) continue;
    const message = `the leader of term ${term} had entries through ${logEnd - 1} as it was elected, but ${most.log.path} committed ${most.index} in term ${most.term}`;
    findings.push(
      finding("INCOMPLETE_LEADER", elected.path, message, { otherFile: most.log.path, term, index: most.index }),
    );
  }
  return findings;
}

/** The newest list of members, seen from the log that would win an election. */
export function currentServers(cluster: readonly MemberLog[]): {
  readonly servers: Servers;
  readonly by: MemberLog | undefined;
} {
  let by: MemberLog | undefined;
  for (const log of cluster) if (by === undefined || compareLastLog(log, by) > 0) by = log;
  return { servers: by?.servers ?? {}, by };
}

function checkMembership(cluster: readonly MemberLog[]): Finding[] {
  const findings: Finding[] = [];
  const { servers, by } = currentServers(cluster);
  if (by === undefined) return findings;
  for (const log of cluster) {
    const sid = sidOf(log);
    const saysSo = log === by || log.left || log.servers[sid] === undefined;
    if (servers[sid] !== undefined || saysSo) continue;
    const message = `server ${sid} is not in the newest list of members, which ${by.path} has`;
    findings.push(finding("REMOVED", log.path, message, { otherFile: by.path }));
  }
  for (const [at, log] of cluster.entries()) {
    const address = log.member?.local_address;
    const other = cluster.slice(0, at).find((each) => each.member?.local_address === address);
    if (other === undefined) continue;
    const message = `${log.path} and ${other.path} are two servers with the same address ${address}`;
    findings.push(finding("SERVER_ADDRESS_SHARED", log.path, message, { otherFile: other.path }));
  }
  return [...findings, ...checkMajority(cluster, servers)];
}

/** Whatever is committed is on the disks of a majority (thesis §3.5), as far as the files are of one moment. */
function checkMajority(cluster: readonly MemberLog[], servers: Servers): Finding[] {
  let most: MemberLog | undefined;
  for (const log of cluster) if (most === undefined || log.commitIndex > most.commitIndex) most = log;
  if (most === undefined) return [];
  const { commitIndex } = most;
  const sids = Object.keys(servers);
  const lacking = cluster.filter(
    (log) => sids.includes(sidOf(log)) && !holds(log, commitIndex, most.termAt(commitIndex)),
  );
  const majority = Math.floor(sids.length / 2) + 1;
  if (sids.length - lacking.length >= majority) return [];
  const message = `entry ${commitIndex} is committed, but ${lacking.map(({ path }) => path).join(", ")} lack it: fewer than ${majority} of ${sids.length} members can have it`;
  return [finding("COMMITTED_LOST", most.path, message, { otherFile: lacking[0]?.path, index: commitIndex })];
}

/** Whether a log has a committed entry, in the snapshot or behind it. */
export function holds(log: MemberLog, index: number, term: number | undefined): boolean {
  if (index < log.logStart - 1) return true;
  const own = log.termAt(index);
  return own !== undefined && (term === undefined || own === term);
}

function checkJoining(logs: readonly MemberLog[], cluster: readonly MemberLog[]): Finding[] {
  const findings: Finding[] = [];
  const { servers, by } = currentServers(cluster);
  const addresses = Object.values(servers);
  for (const log of logs) {
    const { header } = log;
    if (header?.kind !== "joining") continue;
    findings.push(finding("JOINING", log.path, `server ${header.server_id} has not joined the cluster yet`));
    if (by === undefined) continue;
    const place = { otherFile: by.path };
    const clusterId = by.member?.cluster_id;
    if (header.name !== by.member?.name || (header.cluster_id !== undefined && header.cluster_id !== clusterId)) {
      const message = `it wants to join ${header.name} ${header.cluster_id ?? ""}, these are members of ${by.member?.name} ${clusterId}`;
      findings.push(finding("JOIN_WRONG_CLUSTER", log.path, message, place));
      continue;
    }
    const holder = Object.entries(servers).find(
      ([sid, address]) => address === header.local_address && sid !== header.server_id,
    );
    if (holder !== undefined)
      findings.push(
        finding(
          "JOIN_ADDRESS_TAKEN",
          log.path,
          `its address ${header.local_address} is that of member ${holder[0]}`,
          place,
        ),
      );
    if (!header.remote_addresses.some((address) => addresses.includes(address)))
      findings.push(
        finding(
          "JOIN_NO_MEMBER",
          log.path,
          `no member has one of its remote addresses ${header.remote_addresses.join(", ")}`,
          place,
        ),
      );
  }
  return findings;
}
