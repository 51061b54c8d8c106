import { realOvs } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runOvnHa } from "../../src/edge/cli/ovn-ha.ts";
import { type Both, startBoth } from "../support/both.ts";

describe.skipIf(realOvs() === "skip").sequential("the commands that judge and propose", () => {
  let both: Both;

  beforeAll(async () => {
    both = await startBoth();
  }, 60_000);
  afterAll(() => both?.[Symbol.asyncDispose]());

  async function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
    const out: string[] = [];
    const err: string[] = [];
    const members = both.members.flatMap(({ name, nb, sb }) => [
      "--member",
      `name=${name},nb=${String(nb?.remote)},sb=${String(sb?.remote)},nb-ctl=${nb?.control},sb-ctl=${sb?.control}`,
    ]);
    const code = await runOvnHa([...args, ...members, "--timeout", "2"], {
      out: (text) => void out.push(text),
      err: (text) => void err.push(text),
      isTerminal: false,
      columns: 120,
      rows: 24,
      signal: new AbortController().signal,
      environment: {},
      ask: undefined,
      screen: () => ({ show: () => {}, done: () => {} }),
    });
    return { code, out: out.join(""), err: err.join("") };
  }

  it("a healthy cluster: nothing is wrong, the gate opens, the timer changes when told", async () => {
    const [doctor, shown, book, plan] = await Promise.all([
      run("doctor", "--content"),
      run("metrics"),
      run("runbook", "--format", "markdown"),
      run("plan", "restart"),
    ]);
    expect(doctor).toMatchObject({ code: 0, err: "" });
    expect(doctor.out).toContain("Nothing is wrong");
    expect(doctor.out).toContain("content equal");
    expect(shown.code).toBe(0);
    expect(shown.out).toContain('ovn_cluster_quorum{database="OVN_Northbound"} 1');
    expect(book).toMatchObject({ code: 0, out: expect.stringContaining("# Nothing is wrong") });
    expect(plan).toMatchObject({ code: 0, out: expect.stringContaining("systemctl restart") });
    expect((await run("gate", "node1", "--json")).out).toContain('"isOpen": true');
    expect(await run("plan", "timer", "sb", "1500", "--execute", "--yes")).toMatchObject({ code: 0 });
    expect(await both.sb.status(0)).toContain("Election timer: 1500");
  }, 40_000);

  it("with a member down: a warning, a shut gate, a plan that starts it", async () => {
    const [follower = 0] = await both.nb.followers();
    await both.nb.member(follower).kill();
    const [doctor, gate, recovery] = await Promise.all([
      run("doctor"),
      run("gate"),
      run("plan", "recovery", "nb", "--json"),
    ]);
    expect(doctor.code).toBe(1);
    expect(doctor.out).toContain("peer-down");
    expect(gate).toMatchObject({ code: 1, out: expect.stringContaining("must not go down") });
    expect(JSON.parse(recovery.out)).toMatchObject({ decision: "start" });
    // What could be written was written; whoever wants the verdict's code asks for it.
    const [metrics, told] = await Promise.all([run("metrics"), run("metrics", "--exit-code")]);
    expect([metrics.code, told.code]).toEqual([0, 1]);
    expect(metrics.out).toContain('ovn_cluster_health{database="OVN_Northbound"} 1');
    expect((await run("plan", "restart")).code).toBe(2);
  }, 40_000);
});
