/**
 * Restarts all members of both databases, one after another, each only when the gate opens: everybody back, caught up and
 * agreed on one leader for a settle time. Meanwhile a client writes; the longest pause that it sees is printed.
 */
import { openDatabase } from "@ovnha/ovsdb";
import { acquireOperationLock, assess, observe, planRollingRestart, runRollingRestart } from "@ovnha/cluster";
import type { Runner } from "@ovnha/runner";
import { writeSurely } from "./lab.ts";
import { inPair, type Pair } from "./pair.ts";

/** How a member is restarted is yours to say: `localRunner()`, `kubectlRunner()`, `sshRunner()`, or anything with a `run`. */
function runnerOf(own: NonNullable<Pair["own"]>, index: number): Runner {
  return {
    name: `master${index + 1}`,
    async run() {
      const startMs = performance.now();
      for (const cluster of [own.nb, own.sb]) await cluster.member(index).exitGracefully();
      for (const cluster of [own.nb, own.sb]) await cluster.member(index).start();
      const durationMs = performance.now() - startMs;
      return { exitCode: 0, signal: undefined, stdout: "", stderr: "", durationMs };
    },
  };
}

await inPair(
  "rolling-restart",
  "Restarts every member of both databases under load, through the gate.",
  async (pair) => {
    const look = (): ReturnType<typeof observe> => observe({ members: pair.members, timeoutMs: 3000 });
    const expected = { members: pair.members.length };
    const seen = await look();
    const plan = planRollingRestart(seen, { expected });
    console.log(
      `${plan.title}: ${plan.order.map(({ member, leads }) => (leads.length > 0 ? `${member} (leads ${leads.join(", ")})` : member)).join(", then ")}`,
    );
    if (pair.own === undefined)
      return console.log("Somebody else's databases: the plan is all that is made of them here.");

    const { remotes, own } = pair;
    // A majority of all who count, so that another operator, whomever he names, is kept out.
    const { databases } = assess(seen, { expected });
    await using lock = await acquireOperationLock({
      remotes: { OVN_Northbound: remotes.nb, OVN_Southbound: remotes.sb },
      voters: Object.fromEntries(databases.map(({ database, quorum }) => [database, quorum.configured])),
    });
    await using db = await openDatabase("OVN_Northbound", { remote: remotes.nb.join(",") });
    const stop = new AbortController();
    let acknowledged = 0;
    let longestMs = 0;
    const writing = (async () => {
      while (!stop.signal.aborted) {
        const startMs = performance.now();
        const name = `sw${acknowledged}`;
        await writeSurely(() => db.transact((tx) => void tx.insert("Logical_Switch", { name }), { once: true }));
        acknowledged++;
        longestMs = Math.max(longestMs, performance.now() - startMs);
      }
    })();
    const report = await runRollingRestart(plan, {
      runners: Object.fromEntries(pair.members.map(({ name }, index) => [name, runnerOf(own, index)])),
      observe: look,
      confirm: true,
      expected,
      signal: lock.signal,
      onEvent: (event) => {
        if (event.type === "restarting") console.log(`${event.member} restarts`);
        if (event.type === "back") console.log(`${event.member} is back and caught up`);
      },
    });
    stop.abort();
    await writing;
    const rows = await db.select("Logical_Switch", { columns: ["name"] });
    const names = new Set(rows.map(({ name }) => name));
    const lost = Array.from({ length: acknowledged }, (_, i) => `sw${i}`).filter((name) => !names.has(name)).length;
    console.log(
      report.isComplete ? `All ${report.restarted.length} were restarted.` : `Stopped: ${report.abortedBecause}`,
    );
    console.log(
      `${acknowledged} writes acknowledged meanwhile, ${lost} lost; the longest took ${(longestMs / 1000).toFixed(2)} s`,
    );
    if (!report.isComplete || lost > 0 || rows.length !== acknowledged) process.exitCode = 1;
  },
);
