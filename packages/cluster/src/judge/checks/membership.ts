/** Who is a member, and of what. */
import { type Context, PASSES } from "../context.ts";
import type { Evidence } from "../types.ts";
import { arrivalsOf, isSameId, keyOf, lineOf, type MemberView, nameOf } from "../view.ts";
import { groupBy } from "../group.ts";
import { printLinks } from "./leadership.ts";

export function checkMembership(context: Context): void {
  checkClusterIds(context);
  checkDuplicates(context);
  checkExpectedMembers(context);
  checkChanges(context);
  checkLists(context);
  checkInbound(context);
  checkProtocols(context);
  for (const view of context.view.members) checkGone(context, view);
}

function checkClusterIds({ view, quorum, expected, history, found }: Context): void {
  const say = (one: MemberView): Evidence => {
    const listed = one.status?.servers?.length;
    const size =
      listed === undefined ? "" : `, lists ${listed}, log [${one.status?.log?.start}, ${one.status?.log?.end}]`;
    return {
      source: one.status === undefined ? "server" : "status",
      member: one.member,
      text: `cluster id ${one.clusterId}${size}`,
    };
  };
  const own = view.members.filter((one) => one.clusterId !== undefined && !view.foreign.includes(one));
  if (view.foreign.length > 0) {
    found.push({
      code: "cluster-id-mismatch",
      members: view.foreign.map(({ member }) => member),
      evidence: [...own, ...view.foreign].map(say),
      // By heads alone the new cluster may be the larger one. Which is the old one the operator tells, or what was seen
      // before, if more than one still say so.
      isAgreed:
        isKnownId(view.clusterId, expected.clusterId ?? history?.clusterId) &&
        // Known, and at work: a rebuilt one that works is not taken down for what is left of the old one.
        view.leader !== undefined &&
        (quorum.state === "yes" || quorum.state === "presumed") &&
        own.length >= (expected.clusterId === undefined ? 2 : 1),
    });
  }
  const wanted = expected.clusterId ?? history?.clusterId;
  if (wanted === undefined || own.length === 0) return;
  const isTold = expected.clusterId !== undefined;
  const others = own.filter(
    (one) => one.clusterId !== undefined && !wanted.startsWith(one.clusterId) && !one.clusterId.startsWith(wanted),
  );
  if (others.length > 0 && view.foreign.length === 0)
    found.push({
      code: "unexpected-cluster-id",
      members: others.map(({ member }) => member),
      evidence: [
        ...others.map(say),
        { source: isTold ? "expected" : "history", text: `cluster id ${wanted}${isTold ? "" : " before"}` },
      ],
      // What was seen before may have been replaced on purpose; what the operator says may not.
      ...(isTold ? {} : { severity: "warning" as const }),
    });
}

function isKnownId(id: string | undefined, known: string | undefined): boolean {
  return id !== undefined && known !== undefined && isSameId(id, known);
}

function checkDuplicates({ view, quorum, found }: Context): void {
  const byAddress = groupBy(view.configured, ({ address }) => address);
  for (const [address, servers] of byAddress) {
    if (servers.length < 2) continue;
    const ghosts = servers.filter(({ key }) => quorum.voters.some((voter) => voter.key === key && voter.isGhost));
    const evidence: Evidence[] = [];
    for (const voice of view.voices) {
      const ages = servers.map((server) => {
        const line = lineOf(voice, server);
        if (line === undefined) return `${server.short} not listed`;
        if (line.isSelf) return `${server.short} is this one`;
        return `${server.short} ${line.lastMessageMs === undefined ? "never heard" : `heard ${line.lastMessageMs} ms ago`}`;
      });
      // Followers hear nothing of each other; only the leader and whoever lives there know.
      const knows = voice === view.leader || servers.some(({ view: own }) => own === voice);
      if (knows) evidence.push({ source: "status", member: voice.member, text: `${address}: ${ages.join(", ")}` });
    }
    if (evidence.length === 0)
      evidence.push({
        source: "status",
        ...(view.authority === undefined ? {} : { member: view.authority.member }),
        text: `${address}: ${servers.map(({ short }) => short).join(", ")}`,
      });
    found.push({
      code: "duplicate-address",
      members: (ghosts.length > 0 ? ghosts : servers).map(({ short }) => `${short} (${address})`),
      servers: (ghosts.length > 0 ? ghosts : servers).map(({ key }) => key),
      evidence,
      isAgreed: ghosts.length === 1 && evidence.length >= 2,
    });
  }
}

/** Kube-OVN writes brackets around IPv4, others do not. */
export function comparable(address: string): string {
  return address.replace(/\[(\d+\.\d+\.\d+\.\d+)\]/, "$1");
}

function checkExpectedMembers({ view, quorum, expected, found }: Context): void {
  const { authority, configured } = view;
  if (authority === undefined || configured.length === 0) return;
  // Who is on the way in makes it more, and is missing no longer, once he is there; how long that takes is watched elsewhere.
  const arrivals = arrivalsOf([authority]);
  const isArriving = (key: string): boolean => arrivals.has(key);
  const said = (text: string): Evidence[] => [
    { source: "status", member: authority.member, text },
    { source: "expected", text: expected.addresses?.join(", ") ?? `${expected.members} members` },
  ];
  if (expected.addresses !== undefined) {
    const wanted = new Set(expected.addresses.map(comparable));
    const listed = new Set(configured.map(({ address }) => comparable(address)));
    const extra = configured.filter(({ address }) => !wanted.has(comparable(address)));
    const missing = expected.addresses.filter((address) => !listed.has(comparable(address)));
    if (extra.length > 0)
      found.push({
        code: "unexpected-members",
        members: extra.map(nameOf),
        servers: extra.map(({ key }) => key),
        evidence: said(configured.map(nameOf).join(", ")),
        ...(extra.every(({ key }) => isArriving(key)) ? PASSES : {}),
      });
    const onTheWay = new Set([...arrivals.values()].map(({ address }) => comparable(address)));
    if (missing.length > 0)
      found.push({
        code: "missing-members",
        members: missing,
        evidence: said(configured.map(nameOf).join(", ")),
        ...(missing.every((address) => onTheWay.has(comparable(address))) ? PASSES : {}),
      });
    return;
  }
  if (expected.members === undefined) return;
  const surplus = configured.length - quorum.ghosts - expected.members;
  const listed = configured.filter(({ key }) => isArriving(key)).length;
  const evidence = said(`${configured.length} configured: ${configured.map(nameOf).join(", ")}`);
  if (surplus > 0)
    found.push({ code: "unexpected-members", members: [], evidence, ...(surplus <= listed ? PASSES : {}) });
  if (surplus < 0) {
    const isMadeUp = -surplus <= arrivals.size - listed;
    found.push({ code: "missing-members", members: [], evidence, ...(isMadeUp ? PASSES : {}) });
  }
}

function checkChanges({ view, quorum, found }: Context): void {
  for (const [key, { short, address, phase, saidBy }] of arrivalsOf(view.voices)) {
    const text = `Adding server ${short} at ${address} (${phase})`;
    found.push({
      code: "join-in-progress",
      members: [`${short} (${address})`],
      servers: [key],
      evidence: [{ source: "status", member: saidBy, text }],
    });
  }
  for (const { member, status } of view.voices) {
    if (status?.removing !== undefined) {
      const { short, address, phase } = status.removing;
      const key = keyOf(status.removing);
      const text = `Removing server ${short} at ${address} (${phase}), ${status.uncommitted ?? 0} entries not committed`;
      const about = {
        members: [`${short} (${address})`],
        servers: [key],
        evidence: [{ source: "status", member, text }] as const,
      };
      found.push({ ...about, code: "removing" });
      const target = view.members.find((one) => one.short === short && one.address === address);
      if (target?.status !== undefined && target.status.state !== "leaving cluster" && quorum.live > 0)
        found.push({ ...about, code: "removing-live-member", severity: "info" });
    }
    const timer = status?.electionTimer;
    if (timer?.changingToMs !== undefined) {
      const text = `${timer.ms} ms, changing to ${timer.changingToMs} ms`;
      found.push({ code: "election-timer-changing", members: [], evidence: [{ source: "status", member, text }] });
    }
    if (status?.state === "leaving cluster") {
      const isStuck = status.leader === "unknown" && view.leader === undefined;
      const text = `leaving, leader ${status.leader}, links ${printLinks({ status } as MemberView)}`;
      found.push({
        code: isStuck ? "leaving-stuck" : "leaving",
        members: [member],
        evidence: [{ source: "status", member, text }],
      });
    }
  }
}

/** Shorts that come or go, and so may be in one list and not in another. */
function inMotion({ view }: Context): Set<string> {
  const motion = new Set(arrivalsOf(view.voices).keys());
  for (const { status } of view.voices) if (status?.removing !== undefined) motion.add(keyOf(status.removing));
  return motion;
}

function checkLists(context: Context): void {
  const { view, found } = context;
  const { authority } = view;
  if (authority === undefined) return;
  const motion = inMotion(context);
  const listed = new Set(view.configured.map(({ key }) => key));
  for (const voice of view.voices) {
    if (voice === authority) continue;
    const own = (voice.status?.servers ?? []).map(keyOf).filter((key) => !motion.has(key));
    const self = voice.status?.servers?.find(({ isSelf }) => isSelf);
    const isListed = self === undefined || listed.has(keyOf(self)) || motion.has(keyOf(self));
    if (!isListed && view.leader !== undefined) {
      found.push({
        code: "removed-while-down",
        members: [voice.member],
        servers: [keyOf(self)],
        evidence: [
          {
            source: "status",
            member: view.leader.member,
            text: `does not list ${self.short}: ${view.configured.map(({ short }) => short).join(", ")}`,
          },
          {
            source: "status",
            member: voice.member,
            text: `runs as ${self.short}, ${voice.status?.role}, leader ${voice.status?.leader}`,
          },
        ],
      });
      continue;
    }
    const extra = own.filter((key) => !listed.has(key));
    const missing = [...listed].filter((key) => !own.includes(key) && !motion.has(key));
    if (extra.length + missing.length > 0) {
      const text = `${extra.length > 0 ? `lists also ${extra.join(", ")}` : ""}${extra.length * missing.length > 0 ? "; " : ""}${missing.length > 0 ? `does not list ${missing.join(", ")}` : ""}`;
      found.push({
        code: "views-differ",
        members: [voice.member],
        evidence: [{ source: "status", member: voice.member, text }],
      });
    }
    if (
      self === undefined &&
      voice.status?.state === "cluster member" &&
      voice.status.servers !== undefined &&
      !isAbbreviated(voice)
    ) {
      const text = `lists ${voice.status.servers.map(({ short }) => short).join(", ")} and not itself, ${voice.short}`;
      found.push({
        code: "own-id-missing",
        members: [voice.member],
        evidence: [{ source: "status", member: voice.member, text }],
      });
    }
  }
}

function isAbbreviated({ status }: MemberView): boolean {
  return status?.unknownLines.length !== 0;
}

/** Links from somebody who is nobody. */
function checkInbound(context: Context): void {
  const { view, quorum, found } = context;
  if (quorum.state === "own" || quorum.ghosts > 0) return;
  // Whoever joins calls all whom it asks; only the leader says who it is.
  const arriving = [...arrivalsOf(view.voices).values()].flatMap(({ nickname, short }) => [nickname, short]);
  for (const voice of view.voices) {
    const known = new Set((voice.status?.servers ?? []).flatMap(({ nickname, short }) => [nickname, short]));
    for (const name of arriving) known.add(name);
    const { removing } = voice.status ?? {};
    if (removing !== undefined) known.add(removing.nickname).add(removing.short);
    const strangers = (voice.status?.connections ?? []).filter(
      ({ direction, isConnected, nickname }) => direction === "in" && isConnected && !known.has(nickname),
    );
    if (strangers.length === 0) continue;
    // Whoever is known to be it has a finding of its own.
    const names = new Set(strangers.map(({ nickname }) => nickname));
    const isExplained = view.members.some(
      ({ short, status }) => short !== undefined && names.has(short) && status !== undefined,
    );
    if (isExplained || view.foreign.length > 0) continue;
    found.push({
      code: "foreign-inbound",
      members: [voice.member],
      evidence: [{ source: "status", member: voice.member, text: `links ${printLinks(voice)}` }],
    });
  }
}

function checkProtocols({ view, found }: Context): void {
  const kinds = groupBy(view.configured, ({ address }) => address.split(":")[0] ?? "");
  kinds.delete("unix");
  if (kinds.size < 2 || view.authority === undefined) return;
  const text = view.configured.map(({ address }) => address).join(", ");
  found.push({
    code: "mixed-protocols",
    members: [],
    evidence: [{ source: "status", member: view.authority.member, text }],
  });
}

/** Servers that answer and do not have the database. */
function checkGone({ view, history, found }: Context, gone: MemberView): void {
  const { member, seen, row } = gone;
  if (gone.isStandalone) {
    const text = row === undefined ? "the process has never opened a clustered database" : `model ${row.model}`;
    // A server of its own among members of a cluster is another database under the same name.
    const isAlone = view.members.some((one) => one.row?.model === "clustered" || one.status !== undefined);
    found.push({
      code: "not-clustered",
      members: [member],
      ...(isAlone && row?.model === "standalone" ? { severity: "critical" as const } : {}),
      evidence: [{ source: row === undefined ? "status" : "server", member, text }],
    });
    return;
  }
  const servesNot = seen.server?.ok === true && seen.server.value === undefined;
  if (!gone.isUnknownCluster && !servesNot) return;
  const severity = view.leader === undefined ? "critical" : "warning";
  if (row?.model === "clustered" && !row.connected) {
    const text = "_Server has the database, disconnected; cluster/status does not know it";
    found.push({ code: "storage-failed", members: [member], evidence: [{ source: "server", member, text }] });
    return;
  }
  if (!gone.isUnknownCluster) {
    found.push({
      code: "database-missing",
      members: [member],
      evidence: [{ source: "server", member, text: "_Server has no row of this database" }],
    });
    return;
  }
  const evidence: Evidence[] = [{ source: "status", member, text: "unknown cluster" }];
  const id = history?.idOfMember[member];
  const former =
    id === undefined
      ? undefined
      : view.configured.find(({ short, key }) => short === id.slice(0, 4) && (history?.serverIds[key] ?? id) === id);
  const { leader } = view;
  if (former !== undefined && leader !== undefined) {
    evidence.push({
      source: "status",
      member: leader.member,
      text: `still lists ${former.short} at ${former.address}`,
    });
    found.push({ code: "believes-removed", members: [member], servers: [former.key], evidence });
    return;
  }
  if (id !== undefined && leader !== undefined)
    evidence.push({ source: "status", member: leader.member, text: `does not list ${id} any more` });
  found.push({ code: "not-a-member", members: [member], severity, evidence });
}
