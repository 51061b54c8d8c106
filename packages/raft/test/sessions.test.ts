/** What a leader forgets with a session (raft_conn_run). */
import { expect, test } from "vitest";
import {
  clusterKick,
  EffectList,
  type Input,
  joinCluster,
  type Message,
  openNode,
  profileOf,
  stepInto,
} from "../src/index.ts";

const [A, B, C] = [1, 2, 3].map((n) => `0000000${n}-0000-4000-8000-000000000000`) as [string, string, string];
const CID = "c1000000-0000-4000-8000-000000000000";

/** Server A of three, elected with the vote of B, which has dialled it: session 1. Its log begins behind index 10. */
function leader(): { readonly node: ReturnType<typeof openNode>; step(input: Input): readonly Message[] } {
  const fx = new EffectList();
  const node = openNode(
    {
      header: {
        server_id: A,
        cluster_id: CID,
        local_address: "tcp:10.0.0.1:6643",
        name: "OVN_Northbound",
        remote_addresses: undefined,
        prev_servers: { [A]: "tcp:10.0.0.1:6643", [B]: "tcp:10.0.0.2:6643", [C]: "tcp:10.0.0.3:6643" },
        prev_index: 10,
        prev_term: 1,
        prev_data: "rows",
        prev_eid: "0000000e-0000-4000-8000-000000000001",
        prev_election_timer: 1000,
      },
      records: [{ type: "term", term: 1, comment: undefined }],
    },
    { profile: profileOf("3.1.0"), seed: 1, nowMs: 0 },
    fx,
  );
  const step = (input: Input, nowMs = node.nowMs): readonly Message[] => {
    const from = fx.list.length;
    stepInto(node, nowMs, input, fx);
    stepInto(node, nowMs, { type: "synced", ticket: node.ticket }, fx);
    return fx.list.slice(from).flatMap((effect) => (effect.type === "send" ? [effect.message] : []));
  };
  step({ type: "session_up", session: 1, address: undefined });
  step({ type: "receive", session: 1, message: hello });
  step({ type: "tick" }, 5000);
  step({
    type: "receive",
    session: 1,
    message: { ...common, type: "vote_reply", term: 2, vote: A, is_prevote: false },
  });
  return { node, step };
}

const common = { from: B, to: A, cluster: CID, comment: undefined } as const;
const hello: Message = { ...common, type: "hello_request", address: "tcp:10.0.0.2:6643" };
/** B's log ends before A's begins: only a snapshot helps. */
const behind: Message = {
  ...common,
  type: "append_reply",
  term: 2,
  log_end: 2,
  prev_log_index: 10,
  prev_log_term: 1,
  n_entries: 0,
  result: "inconsistency",
};

test("a snapshot on its way is not sent twice, but again once the session that carried it is gone", () => {
  const { node, step } = leader();
  expect(node.role).toBe("leader");
  const snapshots = (session: number): number =>
    step({ type: "receive", session, message: behind }).filter(({ type }) => type === "install_snapshot_request")
      .length;
  expect(snapshots(1)).toBe(1);
  expect(snapshots(1)).toBe(0);
  // B had dialled: for A this session is an incoming one, and just as much the snapshot's way.
  step({ type: "session_down", session: 1 });
  step({ type: "session_up", session: 3, address: undefined });
  step({ type: "receive", session: 3, message: hello });
  expect(snapshots(3)).toBe(1);
});

test("cluster/kick of a member that is being removed is refused in ovsdb-server's words", () => {
  const { node } = leader();
  const kick = (sid: string) => clusterKick(node, node.nowMs, sid.slice(0, 8), new EffectList());
  expect(kick(C)).toEqual({ ok: true, text: "started removal" });
  // One change at a time: that of B waits for that of C, and is in progress already.
  expect(kick(B)).toEqual({ ok: true, text: "started removal" });
  expect(kick(B)).toEqual({
    ok: false,
    text: "request via unixctl to remove 0000 from cluster c100 failed (in progress)",
  });
});

test("cluster/kick takes any beginning of a server id, if it fits one member, and no upper case", () => {
  const { node } = leader();
  const kick = (text: string): string => clusterKick(node, node.nowMs, text, new EffectList()).text;
  expect(kick("0000")).toBe("unknown server");
  expect(kick("ABCD")).toBe("unknown server");
  expect(kick("")).toBe("unknown server");
  expect(kick("00000002-")).toBe("started removal");
  const one = openNode(
    {
      header: joinCluster({
        sid: "abcdef01-0000-4000-8000-000000000001",
        name: "Lab",
        address: "unix:a",
        remotes: ["unix:b"],
      }).header,
      records: [],
    },
    { profile: profileOf("3.1.0"), seed: 1, nowMs: 0 },
    new EffectList(),
  );
  one.joining = false;
  one.servers = [
    { ...node.servers[0]!, sid: "b1000000-0000-4000-8000-000000000000" },
    { ...node.servers[0]!, sid: "a1000000-0000-4000-8000-000000000000" },
  ];
  // One digit is enough where one member has it: as a follower without a leader it cannot pass the request on.
  expect(clusterKick(one, 0, "a", new EffectList()).text).toBe("failed to send removal request");
  expect(clusterKick(one, 0, "A", new EffectList()).text).toBe("unknown server");
});

test("a server that joins learns its cluster from a message that was meant for the one before it", () => {
  const fx = new EffectList();
  const header = joinCluster({ sid: C, name: "Lab", address: "tcp:10.0.0.3:6643", remotes: ["tcp:10.0.0.1:6643"] });
  const node = openNode(header, { profile: profileOf("3.1.0"), seed: 1, nowMs: 0 }, fx);
  stepInto(node, 0, { type: "session_up", session: 1, address: undefined }, fx);
  const dialled = { ...common, to: "0000000f-0000-4000-8000-000000000000" };
  stepInto(node, 0, { type: "receive", session: 1, message: { ...hello, ...dialled } as Message }, fx);
  expect(node.cid).toBe(CID);
  expect(fx.list.some(({ type }) => type === "reset")).toBe(false);
});

test("a server whose committed entries a new leader has truncated aborts, as ovsdb-server does", () => {
  const { node, step } = leader();
  const fx = new EffectList();
  // B's answer commits the entry of term 2; then C, with an older disk than it had, leads term 3 from index 10 on.
  step({ type: "receive", session: 1, message: { ...behind, log_end: 12, n_entries: 1, result: "OK" } });
  expect(node.commitIndex).toBe(11);
  const append = (prev_log_index: number, term: number): Message => ({
    ...common,
    type: "append_request",
    term: 3,
    prev_log_index,
    prev_log_term: 1,
    leader_commit: 10,
    log: [
      { term, data: undefined, eid: "00000000-0000-0000-0000-000000000000", servers: undefined, election_timer: 0 },
    ],
  });
  node.commitIndex = 12;
  node.log.push({ ...node.log[0]! });
  stepInto(node, node.nowMs, { type: "receive", session: 1, message: append(10, 3) }, fx);
  expect(fx.list.at(-1)).toEqual({ type: "crash", point: "assertion commit_index < log_end" });
});
