/** `ovn-ha plan … --execute` on real clusters of both databases: what it is for is done, and nothing else. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rawCall, realOvs, waitFor } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runOvnHa } from "../../src/edge/cli/ovn-ha.ts";
import { acquireOperationLock } from "../../src/index.ts";
import { type Both, startBoth } from "../support/both.ts";
import { type Hands, startHands } from "../support/hands.ts";
import { fakeTerminal } from "../support/terminal.ts";

const [NB, SB] = ["OVN_Northbound", "OVN_Southbound"];

describe.skipIf(realOvs() === "skip").sequential("ovn-ha plan --execute", () => {
  let both: Both;
  let hands: Hands;
  let file: string;
  let history: string;

  beforeAll(async () => {
    both = await startBoth();
    hands = await startHands(both.nb.dir, { [NB]: both.nb, [SB]: both.sb });
    file = join(both.nb.dir, "members.json");
    history = join(both.nb.dir, "history.json");
    writeFileSync(file, JSON.stringify({ members: both.members.map(toJson), expected: { members: 3 } }));
  });
  afterAll(async () => {
    await hands?.[Symbol.asyncDispose]();
    await both?.[Symbol.asyncDispose]();
  });

  const toJson = ({ name, nb, sb }: Both["members"][number]): object => ({
    name,
    nb: { remote: nb?.remote, control: nb?.control, file: nb?.file },
    sb: { remote: sb?.remote, control: sb?.control, file: sb?.file },
  });

  async function run(
    args: readonly string[],
    answer?: (question: string) => boolean,
  ): Promise<{ code: number; out: string; err: string }> {
    const terminal = fakeTerminal(answer === undefined ? {} : { answer });
    const words = [...args, "-m", file, "--timeout", "1", ...(args[0] === "plan" ? hands.options : [])];
    const code = await runOvnHa(words, terminal);
    return { code, out: terminal.text(), err: terminal.errors() };
  }

  it("restart: every member once, leaders last, and no acknowledged write is lost", async () => {
    const acknowledged: string[] = [];
    const stop = new AbortController();
    const writing = (async () => {
      for (let number = 0; !stop.signal.aborted; number++) {
        const row = { name: `w${number}` };
        const { unix } = both.sb.member(number % 3);
        const insert = { op: "insert", table: "RBAC_Role", row };
        const reply = await rawCall(unix, "transact", [SB, insert], 1_000).catch(() => undefined);
        const isDone =
          Array.isArray(reply) && reply.every((one) => (one as { error?: string } | null)?.error === undefined);
        if (isDone) acknowledged.push(row.name);
      }
    })();
    const { code, err } = await run(["plan", "restart", "--settle", "1", "--execute", "--yes", "--history", history]);
    stop.abort();
    await writing;
    expect({ code, err }).toMatchObject({
      code: 0,
      err: expect.stringMatching(/\nrestarted: node\d, node\d, node\d\n$/),
    });
    expect([...hands.deeds].sort()).toEqual(["restart node0", "restart node1", "restart node2"]);
    expect(err).toContain("waiting for the gate before ");
    const { unix } = both.sb.member(await both.sb.waitForLeader());
    const select = { op: "select", table: "RBAC_Role", where: [], columns: ["name"] };
    const [result] = (await rawCall(unix, "transact", [SB, select])) as unknown as [{ rows: { name: string }[] }];
    const names = new Set(result.rows.map(({ name }) => name));
    expect(acknowledged.length).toBeGreaterThan(20);
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
  }, 60_000);

  it("restart: asks before it does; nobody to ask, or somebody else at work, and nothing is done", async () => {
    hands.deeds.length = 0;
    const asked: string[] = [];
    const no = await run(["plan", "restart", "--settle", "1", "--execute"], (question) => asked.push(question) === 0);
    expect(no).toMatchObject({
      code: 130,
      err: expect.stringMatching(/stopped: the restart of node\d was not wanted; rest/),
    });
    expect(asked).toEqual([expect.stringMatching(/^Restart node\d\?$/)]);
    await using other = await acquireOperationLock({ remotes: { [NB]: both.nb.members.map(({ remote }) => remote) } });
    const [silent, locked] = await Promise.all([
      run(["plan", "restart", "--execute"]),
      run(["plan", "restart", "--execute", "--yes"]),
    ]);
    expect(silent).toMatchObject({ code: 3, err: expect.stringContaining("--yes") });
    expect(locked).toMatchObject({
      code: 2,
      err: expect.stringContaining("another operation is under way on OVN_North"),
    });
    expect(other.isHeld).toBe(true);
    expect(hands.deeds).toEqual([]);
  }, 60_000);

  it("kick and leave: done step by step", async () => {
    // The whole id of the dead one is in the history alone.
    await run(["plan", "recovery", "nb", "--history", history]);
    const [dead = 0, other = 0] = await both.nb.followers();
    const sid = await both.nb.sid(dead);
    await both.nb.member(dead).kill("SIGKILL");
    const quiet = async (): Promise<boolean> =>
      (await run(["plan", "kick", "nb", `node${dead}`, "--history", history])).code <= 1;
    await waitFor(quiet, { what: "the dead one to be silent to all", deadlineMs: 30_000 });
    const kick = await run(["plan", "kick", "nb", `node${dead}`, "--history", history, "--execute", "--yes"]);
    expect({ code: kick.code, err: kick.err, out: kick.out }).toMatchObject({ code: 0 });
    expect(kick.out).toContain(sid);
    expect(await both.nb.status(await both.nb.waitForLeader())).not.toContain(sid.slice(0, 4));

    const leave = await run(["plan", "leave", "nb", `node${other}`, "--execute", "--yes", "--expect", "1"]);
    expect({ code: leave.code, err: leave.err }).toMatchObject({ code: 0 });
    expect(await both.nb.status(await both.nb.waitForLeader())).not.toContain((await both.nb.sid(other)).slice(0, 4));
  }, 60_000);

  it("recovery without a quorum: the lock is held by those who are left, and the dead are started", async () => {
    hands.deeds.length = 0;
    const [one = 0, two = 0] = await both.sb.followers();
    await Promise.all([both.sb.member(one).kill("SIGKILL"), both.sb.member(two).kill("SIGKILL")]);
    const down = async (): Promise<boolean> => (await run(["status", "--db", "sb"])).code === 2;
    await waitFor(down, { what: "a critical verdict" });
    const db = ["--db", "sb"];
    const { code, err, out } = await run(["plan", "recovery", "sb", ...db, "--execute", "--yes", "--history", history]);
    expect({ code, err, out }).toMatchObject({ code: 0 });
    expect(err).toMatch(/the operation lock is held at 1 members only: see that nobody else works on this cluster/);
    expect([...hands.deeds].sort()).toEqual([one, two].sort().map((index) => `start node${index} ${SB}`));
    await both.sb.waitConnected();
    expect(JSON.parse(readFileSync(history, "utf8"))).toMatchObject({ version: 1 });
  }, 60_000);
});
