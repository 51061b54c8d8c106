/**
 * Which member of a cluster to read a backup from. A member that is cut off, or lags behind, serves old rows without a word;
 * one view can lie, so the views of all members are laid beside one another first.
 */

/** What one member says of itself (`_Server`, table Database), or why it says nothing. */
export type MemberView = {
  readonly remote: string;
  readonly row?:
    | {
        readonly model: "standalone" | "clustered" | "relay";
        readonly connected: boolean;
        readonly leader: boolean;
        /** False while the server has not joined. */
        readonly hasSchema: boolean;
        readonly cid: string | undefined;
        readonly sid: string | undefined;
        readonly index: number | undefined;
      }
    | undefined;
  /** Why there is no row. */
  readonly problem?: string | undefined;
  /** It answers, and does not serve this database. */
  readonly isAbsent?: boolean | undefined;
};

export type ChooseOptions = {
  /** The cluster that it must be. */
  readonly cid?: string | undefined;
  /** Default `follower`: the leader has enough to do. */
  readonly prefer?: "follower" | "leader" | undefined;
  /**
   * `current`: only what is provably not old. `any`: the best there is, with warnings; for the hour in which the quorum is
   * lost and any copy is better than none. Default `current`.
   */
  readonly accept?: "current" | "any" | undefined;
};

export type Candidate = {
  readonly view: MemberView;
  /** The member must have applied this much before its rows count; undefined where nothing is to be compared. */
  readonly leastIndex: number | undefined;
};

export type Choice = {
  /** Best first. */
  readonly candidates: readonly Candidate[];
  readonly refused: readonly { readonly remote: string; readonly reason: string }[];
  /** Members that answered and are connected. */
  readonly answered: number;
  readonly warnings: readonly string[];
};

type Row = NonNullable<MemberView["row"]>;
type Answer = { readonly view: MemberView; readonly row: Row };

export function chooseMembers(views: readonly MemberView[], options: ChooseOptions = {}): Choice {
  const { accept = "current", prefer = "follower" } = options;
  const refused: { remote: string; reason: string }[] = [];
  const warnings: string[] = [];
  const answers: Answer[] = [];
  for (const view of views) {
    const reason = unfit(view, options.cid, accept);
    if (reason !== undefined) refused.push({ remote: view.remote, reason });
    else if (view.row !== undefined) answers.push({ view, row: view.row });
  }
  const connected = answers.filter(({ row }) => row.connected);
  const none = (reason: string): Choice => ({
    candidates: [],
    refused: [...refused, ...answers.map(({ view }) => ({ remote: view.remote, reason }))],
    answered: connected.length,
    warnings,
  });

  const cids = [...new Set(answers.map(({ row }) => row.cid ?? "none"))];
  if (cids.length > 1)
    return none(
      `the members belong to different clusters (${cids.join(", ")}): name the right one with its cluster id`,
    );
  const isClustered = answers.some(({ row }) => row.model === "clustered");
  const majority = Math.floor(views.length / 2) + 1;
  if (isClustered && views.length > 2 && connected.length < majority) {
    const what = `only ${connected.length} of ${views.length} members answer and are connected, so whether one of them is current can't be told`;
    if (accept === "current") return none(what);
    warnings.push(what);
  }
  if (isClustered && views.length === 1) warnings.push("one member was asked, so nobody could contradict it");
  for (const { view, row } of answers)
    if (!row.connected) warnings.push(`${view.remote} is disconnected from its cluster: its rows may be old`);
  for (const { view, row } of answers)
    if (row.model === "relay") warnings.push(`${view.remote} is a relay: how far it is behind can't be told`);

  const leastIndex = isClustered ? Math.max(0, ...answers.map(({ row }) => row.index ?? 0)) : undefined;
  const rank = ({ row }: Answer): number =>
    (row.connected ? 0 : 4) + (row.model === "relay" ? 2 : 0) + (row.leader === (prefer === "leader") ? 0 : 1);
  const ordered = answers.toSorted((a, b) => rank(a) - rank(b) || (b.row.index ?? 0) - (a.row.index ?? 0));
  return {
    candidates: ordered.map(({ view, row }) => ({
      view,
      leastIndex: accept === "any" || row.model !== "clustered" ? undefined : leastIndex,
    })),
    refused,
    answered: connected.length,
    warnings,
  };
}

function unfit({ row, problem }: MemberView, cid: string | undefined, accept: "current" | "any"): string | undefined {
  if (row === undefined) return problem ?? "it says nothing of the database";
  if (!row.hasSchema) return "it has not joined its cluster yet";
  if (cid !== undefined && row.cid !== cid) return `it belongs to cluster ${row.cid ?? "(none)"}, not ${cid}`;
  if (accept === "any") return undefined;
  if (row.model === "relay") return "it is a relay: how far it is behind can't be told";
  if (!row.connected) return "it is disconnected from its cluster: its rows may be old";
  return undefined;
}
