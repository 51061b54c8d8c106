/** `quorum-sim plan --from-status`: what an operator is told of the cluster that there is. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runQuorumSim } from "../../src/edge/cli/quorum-sim.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ovnha-plan-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const IDS = { aaaa: 1, bbbb: 2, cccc: 3 } as const;
type Id = keyof typeof IDS;

/** What a member prints; `aaaa` leads. */
function status(
  id: Id,
  more: {
    readonly role?: string;
    readonly leader?: string;
    readonly ghost?: boolean;
    readonly term?: number;
    readonly database?: string;
  } = {},
): string {
  const role = more.role ?? (id === "aaaa" ? "leader" : "follower");
  const others = (Object.keys(IDS) as Id[]).filter((other) => other !== id);
  const servers = (Object.keys(IDS) as Id[]).map((each) => `    ${each} (${each} at tcp:10.0.0.${IDS[each]}:6643)`);
  if (more.ghost === true) servers.push("    9f9f (9f9f at tcp:10.0.0.3:6643)");
  const text = `${id}
Name: ${more.database ?? "OVN_Northbound"}
Cluster ID: d8b5 (d8b5a1d6-0000-4000-8000-000000000000)
Server ID: ${id} (${id}0000-0000-4000-8000-000000000000)
Address: tcp:10.0.0.${IDS[id]}:6643
Status: cluster member
Role: ${role}
Term: ${more.term ?? 7}
Leader: ${more.leader ?? (role === "leader" ? "self" : "aaaa")}
Vote: unknown

Election timer: 2000
Log: [2, 30]
Connections: ${others.map((other) => `->${other} <-${other}`).join(" ")}
Servers:
${servers.join("\n")}
`;
  const path = join(folder, `${id}-${Math.random()}.txt`);
  writeFileSync(path, text);
  return path;
}

async function plan(...args: readonly string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const code = await runQuorumSim(["plan", "--seeds", "5", "--down", "2s", ...args], {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    isTerminal: false,
    columns: 100,
    signal: new AbortController().signal,
    writeFile: () => {},
  });
  return { status: code, out, err };
}

test("the leader goes last though only a follower was asked, and steps name ids and addresses", async () => {
  const { status: code, out } = await plan("--from-status", status("bbbb"));
  expect(code).toBe(0);
  expect(out).toContain("m1 = aaaa, m2 = bbbb, m3 = cccc; leader m1; 0 configured and silent; timer 2000 ms");
  expect(out).toContain("m2, m3, m1 by terminate");
  expect(out).toContain("1. on m2 (bbbb at tcp:10.0.0.2:6643): kill -TERM");
});

test("while a member takes no part, nobody else is to be restarted", async () => {
  const files = [status("aaaa"), status("bbbb"), status("cccc", { role: "candidate", leader: "unknown" })];
  const { status: code, out } = await plan("--from-status", ...files);
  expect(code).toBe(1);
  expect(out).toContain("blocked  restart nobody else: m3 (cccc at tcp:10.0.0.3:6643) takes no part now");
  expect(out).toContain("2 of 3 take part and 2 are needed: with one more that stops, writes stop");
  expect(out).not.toContain("kill -TERM");
  const json = JSON.parse((await plan("--json", "--from-status", ...files)).out) as Record<string, unknown>;
  expect(json).toMatchObject({
    ...{ version: 1, live: { apart: [{ member: "m3", id: "cccc" }] }, meetsTarget: false, steps: [] },
    why: "2 of 3 take part and 2 are needed: with one more that stops, writes stop",
  });
});

test("a leader of an older term takes no part, though it does not know", async () => {
  const files = [status("aaaa", { term: 5 }), status("bbbb", { term: 6, leader: "cccc" })];
  const { status: code, out } = await plan("--order", "bbbb,aaaa,cccc", "--from-status", ...files);
  expect(code).toBe(1);
  expect(out).toContain(
    "aaaa at tcp:10.0.0.1:6643): it takes itself for the leader of term 5, and cccc leads in term 6",
  );
  expect(out).not.toContain("kill -TERM");
  const behind = await plan("--from-status", status("cccc", { term: 5 }), status("aaaa"));
  expect(behind.out).toContain("it is in term 5, and others are in term 7");
});

test("no majority takes part: that is said", async () => {
  const alone = { role: "candidate", leader: "unknown" };
  const { out } = await plan("--from-status", status("aaaa", alone), status("bbbb", alone), status("cccc", alone));
  expect(out).toContain("0 of 3 take part and 2 are needed: writes have stopped already");
});

test("a ghost is kicked by its id, in a step of its own that no gate for whole clusters holds up", async () => {
  const files = (["aaaa", "bbbb", "cccc"] as const).map((id) => status(id, { ghost: true }));
  const { status: code, out } = await plan("--from-status", ...files);
  expect(code).toBe(1);
  const [before, kick] = [out.indexOf("before step 1:"), out.indexOf("cluster/kick OVN_Northbound 9f9f")];
  const [each, first] = [out.indexOf("before each:"), out.indexOf("  2. on m2")];
  expect([before, kick, each, first].every((at) => at > 0)).toBe(true);
  expect([before, kick, each, first]).toEqual([before, kick, each, first].toSorted((a, b) => a - b));
});

test("without the leader's own answer no id is named for a kick", async () => {
  const files = (["bbbb", "cccc"] as const).map((id) => status(id, { ghost: true }));
  const { out } = await plan("--from-status", ...files);
  expect(out).toContain("cluster/kick OVN_Northbound ID    # for every id that no machine has");
  expect(out).not.toContain("cluster/kick OVN_Northbound 9f9f");
});

test("commands are those of the database that was asked; of two, the question is refused", async () => {
  const files = (["aaaa", "bbbb", "cccc"] as const).map((id) =>
    status(id, { ghost: true, database: "OVN_Southbound" }),
  );
  const { out } = await plan("--from-status", ...files);
  expect(out).toContain("ovs-appctl -t /var/run/ovn/ovnsb_db.ctl cluster/kick OVN_Southbound 9f9f");
  expect(out).toContain('kill -TERM "$(cat /var/run/ovn/ovnsb_db.pid)"\n');
  expect(out).not.toContain("ovnnb_db");
  const { status: code, err } = await plan("--from-status", ...files.slice(1), status("aaaa"));
  expect(code).toBe(2);
  expect(err).toContain("different databases (OVN_Southbound, OVN_Northbound)");
});

test("members may be named by their ids; what contradicts the answers is refused, another timer is told", async () => {
  const files = [status("aaaa"), status("bbbb"), status("cccc")];
  const named = await plan("--order", "cccc,bbbb,aaaa", "--timer", "1s", "--from-status", ...files);
  expect(named.out).toContain("m3, m2, m1 by terminate");
  expect(named.out).toContain("timer 2000 ms, of which --timer makes 1000 ms");
  for (const [option, value, said] of [
    ["--members", "5", "3"],
    ["--ghosts", "1", "0"],
  ] as const) {
    const { status: code, err } = await plan(option, value, "--from-status", ...files);
    expect(code).toBe(2);
    expect(err).toContain(`${option}: the answers say ${said}`);
  }
});

test("a file that is not there is named", async () => {
  const { status: code, err } = await plan("--from-status", "nope.txt");
  expect(code).toBe(2);
  expect(err).toContain("--from-status nope.txt: there is no such file");
});

test("a wipe that goes well is still told what it costs, and one restart needs no wait", async () => {
  const wiped = await plan("--wipe", "--kick", "--how", "exit");
  expect(wiped.out).toContain("keep the disks");
  expect(wiped.out).toContain("4 ids are configured, 3 are needed and 3 live: none may fail");
  const one = await plan("--order", "m1");
  expect(one.out).not.toContain("smallest wait");
  expect(one.out).toContain("1. on m1: ");
});
