/** An observation of one database, made comparable: who is who, whose list counts, and what each hears of the others. */
import {
  type Answer,
  type DatabaseObservation,
  type MemberObservation,
  type ServerRow,
  serverRowOf,
  statusOf,
} from "../observe/types.ts";
import type { ClusterStatus, MembershipChange, ServerLine } from "../status/types.ts";

/** One member, as it describes itself. */
export type MemberView = {
  readonly member: string;
  readonly seen: MemberObservation;
  readonly status: ClusterStatus | undefined;
  readonly row: ServerRow | undefined;
  /** It said something about this database, if only that it does not have it. */
  readonly hasAnswered: boolean;
  /** Something was asked, and nothing came: nobody there, or it hangs. */
  readonly isUnreachable: boolean;
  /** Why the first question failed, if all did. */
  readonly failure: string | undefined;
  readonly isStandalone: boolean;
  /** It answers, and has no such clustered database open. */
  readonly isUnknownCluster: boolean;
  /** The whole server id. */
  readonly serverId: string | undefined;
  readonly short: string | undefined;
  readonly address: string | undefined;
  readonly clusterId: string | undefined;
};

/** One line of the list of members that counts. */
export type ConfiguredServer = {
  readonly key: string;
  readonly nickname: string;
  readonly short: string;
  readonly address: string;
  readonly serverId: string | undefined;
  readonly view: MemberView | undefined;
};

export type DatabaseView = {
  readonly database: string;
  readonly members: readonly MemberView[];
  /** Those of the cluster that is judged, with a status that can be read. */
  readonly voices: readonly MemberView[];
  /** Those of other clusters. */
  readonly foreign: readonly MemberView[];
  readonly clusterId: string | undefined;
  /** Claims to lead, has the highest term of all who do. */
  readonly leader: MemberView | undefined;
  /** Whose list of members counts. */
  readonly authority: MemberView | undefined;
  readonly configured: readonly ConfiguredServer[];
  readonly timerMs: number;
};

const DEFAULT_TIMER_MS = 1_000;

export function keyOf({ short, address }: { readonly short: string; readonly address: string }): string {
  return `${short}@${address}`;
}

function isWhole(uuid: string | undefined): uuid is string {
  return uuid !== undefined && uuid.length === 36;
}

function viewOf(seen: MemberObservation): MemberView {
  const status = statusOf(seen);
  const row = serverRowOf(seen);
  const answers = [seen.status, seen.server].filter((answer) => answer !== undefined);
  const failed = answers.find((answer) => !answer.ok);
  const hasAnswered = answers.some(({ ok }) => ok);
  const answer = seen.status?.ok === true ? seen.status.value : undefined;
  const printed = status?.serverId;
  const serverId = isWhole(printed?.uuid) ? printed.uuid : row?.sid;
  const own = status?.servers?.find(({ isSelf }) => isSelf);
  const clusterId = status?.clusterId;
  return {
    member: seen.member,
    seen,
    status,
    row,
    hasAnswered,
    isUnreachable: answers.length > 0 && !hasAnswered,
    failure: hasAnswered || failed?.ok !== false ? undefined : failureText(failed),
    isStandalone:
      row !== undefined ? row.model !== "clustered" : answer?.type === "unknown-command" && seen.server === undefined,
    isUnknownCluster: answer?.type === "unknown-cluster" || (answer?.type === "unknown-command" && row === undefined),
    serverId,
    short: printed?.short ?? own?.short ?? serverId?.slice(0, 4),
    address: status?.address ?? own?.address,
    clusterId: clusterId === "not yet known" ? undefined : (clusterId?.uuid ?? row?.cid),
  };
}

/** Who did not answer, and why; most errors name the place themselves. */
export function failureText({ via, error }: Extract<Answer<unknown>, { readonly ok: false }>): string {
  return error.message.startsWith(via) ? error.message : `${via}: ${error.message}`;
}

/** Two printed ids of one cluster: one of them may be cut short. */
export function isSameId(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

/** Whether a member's words about others count: it is in, or says at least who it thinks is. */
function isVoice(view: MemberView): boolean {
  return view.status !== undefined && (view.status.servers?.length ?? 0) > 0;
}

/** The cluster that is meant: the expected one, else the one that most of the asked members belong to, then the larger. */
function chooseCluster(views: readonly MemberView[], expected: string | undefined): string | undefined {
  const weigh = (id: string): number => {
    const own = views.filter((view) => view.clusterId !== undefined && isSameId(view.clusterId, id));
    const listed = Math.max(0, ...own.map(({ status }) => status?.servers?.length ?? 0));
    return own.length * 1_000 + listed;
  };
  const ids = [...new Set(views.map(({ clusterId }) => clusterId).filter((id) => id !== undefined))];
  const wanted = ids.find((id) => expected !== undefined && isSameId(id, expected));
  if (wanted !== undefined) return wanted;
  return ids.reduce<string | undefined>(
    (best, id) => (best === undefined || weigh(id) > weigh(best) ? id : best),
    undefined,
  );
}

function lastIndex({ status }: MemberView): number {
  return (status?.log?.end ?? 0) - 1;
}

/** What is known from before: whoever does not answer can't say who it is. */
export type Known = {
  readonly clusterId?: string | undefined;
  /** Whole ids by `short@address`. */
  readonly serverIds?: Readonly<Record<string, string>> | undefined;
  /** The last whole id of each member. */
  readonly idOfMember?: Readonly<Record<string, string>> | undefined;
};

export function viewDatabase(seen: DatabaseObservation, known: Known = {}): DatabaseView {
  const members = seen.members.map(viewOf);
  const clusterId = chooseCluster(members, known.clusterId);
  const isForeign = (view: MemberView): boolean =>
    clusterId !== undefined && view.clusterId !== undefined && !isSameId(view.clusterId, clusterId);
  const foreign = members.filter(isForeign);
  const voices = members.filter((view) => isVoice(view) && !isForeign(view));
  const byTerm = [...voices].sort(
    (one, other) => (other.status?.term ?? 0) - (one.status?.term ?? 0) || lastIndex(other) - lastIndex(one),
  );
  const leader = byTerm.find(({ status }) => status?.role === "leader");
  const authority = leader ?? byTerm[0];
  const timerMs =
    authority?.status?.electionTimer?.ms ??
    members.find(({ status }) => status?.electionTimer !== undefined)?.status?.electionTimer?.ms ??
    DEFAULT_TIMER_MS;
  const listed = (authority?.status?.servers ?? []).map((line) => configuredServer(line, members, isForeign));
  const configured = nameSilent(listed, members, known);
  return { database: seen.database, members, voices, foreign, clusterId, leader, authority, configured, timerMs };
}

function configuredServer(
  line: ServerLine,
  members: readonly MemberView[],
  isForeign: (view: MemberView) => boolean,
): ConfiguredServer {
  const view = members.find(
    (member) =>
      member.short === line.short &&
      !isForeign(member) &&
      (member.address === undefined || member.address === line.address),
  );
  const { nickname, short, address } = line;
  return { key: keyOf(line), nickname, short, address, serverId: view?.serverId, view };
}

/** `10.0.0.1` of `tcp:10.0.0.1:6641` and of `ssl:[10.0.0.1]:6643`; undefined for sockets. */
export function hostOf(address: string): string | undefined {
  return /^(?:tcp|ssl):\[?(.+?)\]?:\d+$/.exec(address)?.[1]?.toLowerCase();
}

/** Where clients go for this member; empty for sockets, as through kubectl. */
function clientHosts({ seen }: MemberView): string[] {
  return seen.asked.remote?.split(",").flatMap((remote) => hostOf(remote) ?? []) ?? [];
}

/** Finds the processes behind ids that nobody speaks for: by what is remembered, by their host, or as the last ones left. */
function nameSilent(
  listed: readonly ConfiguredServer[],
  members: readonly MemberView[],
  { serverIds = {}, idOfMember = {} }: Known,
): ConfiguredServer[] {
  const free = new Set(members.filter((member) => member.isUnreachable));
  const take = (server: ConfiguredServer, candidates: readonly MemberView[]): ConfiguredServer => {
    const [view] = candidates;
    if (view === undefined || candidates.length > 1) return server;
    free.delete(view);
    return { ...server, view, serverId: server.serverId ?? serverIds[server.key] };
  };
  const nameless = (): MemberView[] => [...free];
  const remembered = listed.map((server) => {
    if (server.view !== undefined) return server;
    const id = serverIds[server.key];
    return take(server, id === undefined ? [] : nameless().filter(({ member }) => idOfMember[member] === id));
  });
  const byHost = remembered.map((server) => {
    const host = hostOf(server.address);
    if (server.view !== undefined || host === undefined) return server;
    // Those of that host who speak for themselves are told apart; of two ids at one address, one is a former life.
    const there = remembered.filter(({ address, view }) => view === undefined && hostOf(address) === host);
    const isOnly = there.length === 1 && listed.filter(({ address }) => address === server.address).length === 1;
    const asked = nameless().filter((member) => clientHosts(member).includes(host));
    return isOnly ? take(server, asked) : server;
  });
  const left = byHost.filter((server) => server.view === undefined);
  const [last] = left;
  const [only] = free;
  const isPair = left.length === 1 && free.size === 1 && last !== undefined && only !== undefined;
  return isPair && !isApart(last, only, byHost, idOfMember[only.member])
    ? byHost.map((server) => (server === last ? take(server, [only]) : server))
    : byHost;
}

/** What speaks against the last id left being that of the last member left: another id before, or another host. */
function isApart(
  server: ConfiguredServer,
  member: MemberView,
  listed: readonly ConfiguredServer[],
  formerId: string | undefined,
): boolean {
  if (formerId !== undefined && !formerId.startsWith(server.short)) return true;
  const host = hostOf(server.address);
  const asked = clientHosts(member);
  if (host === undefined || asked.length === 0 || asked.includes(host)) return false;
  // Clients may have a network of their own; if others are asked where they are listed, they have not.
  return listed.some(({ address, view }) => {
    const own = hostOf(address);
    return view !== undefined && own !== undefined && clientHosts(view).includes(own);
  });
}

export type Arrival = MembershipChange & { readonly saidBy: string };

/**
 * Those whom somebody who speaks for the cluster is adding: before they are listed, by an "Adding server" line, and in the
 * list as long as their entry is not committed, where they count already (thesis §4.1: the newest list in the log).
 */
export function arrivalsOf(voices: readonly MemberView[]): ReadonlyMap<string, Arrival> {
  const arrivals = new Map<string, Arrival>();
  for (const { member, status } of voices) {
    const listed = (status?.servers ?? []).filter(({ phase }) => phase?.startsWith("adding") === true);
    for (const { nickname, short, address, phase = "" } of [...(status?.adding ?? []), ...listed])
      arrivals.set(keyOf({ short, address }), { nickname, short, address, phase, saidBy: member });
  }
  return arrivals;
}

/** What one member's list says of another. */
export function lineOf(view: MemberView, { short, address }: ConfiguredServer): ServerLine | undefined {
  return view.status?.servers?.find((line) => line.short === short && line.address === address);
}

export type LinkState = "up" | "down" | "unknown";

/** How the member sees its links to another, either way. An outgoing link whose far end is not known says nothing. */
export function linkState(view: MemberView, server: ConfiguredServer): LinkState {
  const nickname = lineOf(view, server)?.nickname ?? server.nickname;
  const links = view.status?.connections?.filter((link) => link.nickname === nickname) ?? [];
  if (links.some(({ isConnected }) => isConnected)) return "up";
  if (links.length > 0) return "down";
  // Links made while joining keep the name 0000: one that is up may be this one's, none that is up can't be.
  const nameless =
    view.status?.connections?.filter((link) => link.direction === "out" && link.nickname === "0000") ?? [];
  return nameless.length > 0 && nameless.every(({ isConnected }) => !isConnected) ? "down" : "unknown";
}

/** Ages are printed since 2.15, together with `Disconnections`. */
export function printsAges({ status }: MemberView): boolean {
  return (
    status?.disconnections !== undefined || status?.servers?.some((line) => line.lastMessageMs !== undefined) === true
  );
}

/** For people: the operator's name, and the id. */
export function nameOf(server: ConfiguredServer): string {
  return server.view?.member ?? `${server.short} (${server.address})`;
}
