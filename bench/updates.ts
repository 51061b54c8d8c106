/** 100,000 row changes by a second writer, applied by followers of the whole table. */
import { readFileSync } from "node:fs";
import { type OvsdbCluster, rawCall, SCHEMAS, southboundFlow, waitFor } from "@ovnha/testkit";
import { spawn } from "node:child_process";
import { startChild } from "./child.ts";
import { IDL_FIND } from "./full-sync.ts";
import { absent, type Finding, verdict } from "./table.ts";

const ROWS_PER_TRANSACTION = 1_000;
const TRANSACTIONS = 100;

type Answer = { cpuMs: number; changes: number };

export async function updates(cluster: OvsdbCluster): Promise<Finding[]> {
  const leader = cluster.member(await cluster.waitForLeader());
  const follower = cluster.members.find((member) => member !== leader) ?? leader;
  const ours = await measure(leader.unix, "a", () => startChild<Answer>("updates-ours.mjs", [follower.remote]));
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  const findings: Finding[] = [];
  const compare = async (rival: string, bar: number, run: () => Promise<number>): Promise<void> => {
    const promise = `applying ${TRANSACTIONS * ROWS_PER_TRANSACTION} row changes: client CPU`;
    try {
      const theirs = await run();
      findings.push({
        promise,
        rival,
        ours: seconds(ours.cpuMs),
        theirs: seconds(theirs),
        ratio: (ours.cpuMs / theirs).toFixed(2),
        bar: `≤ ${bar.toFixed(2)}`,
        verdict: verdict(ours.cpuMs <= bar * theirs),
      });
    } catch (error) {
      if (!/ENOENT|No module named/.test(String(error))) throw error;
      findings.push(absent(promise, rival, `≤ ${bar.toFixed(2)}`, seconds(ours.cpuMs)));
    }
  };
  await compare("C IDL (ovn-sbctl)", 1, async () => {
    const idl = followWithIdl(follower.remote);
    const { cpuMs } = await measure(leader.unix, "b", () => idl);
    return cpuMs;
  });
  await compare(
    "python-ovs",
    0.2,
    async () =>
      (
        await measure(leader.unix, "c", () =>
          startChild<Answer>("updates-python.py", [follower.remote, SCHEMAS.southbound, southboundFlow(0)]),
        )
      ).cpuMs,
  );
  return findings;
}

async function measure(
  writer: string,
  tag: string,
  start: () => { ready: Promise<void>; answer: Promise<Answer> },
): Promise<Answer> {
  await write(writer, `idle ${tag}`, 0);
  const { ready, answer } = start();
  await ready;
  for (let transaction = 0; transaction < TRANSACTIONS; transaction++)
    await write(writer, `${tag} ${transaction}`, transaction * ROWS_PER_TRANSACTION);
  await rawCall(writer, "transact", [
    "OVN_Southbound",
    {
      op: "update",
      table: "Logical_Flow",
      where: [["_uuid", "==", ["uuid", southboundFlow(0)]]],
      row: { match: "sentinel" },
    },
  ]);
  return answer;
}

async function write(remote: string, text: string, first: number): Promise<void> {
  const operations = Array.from({ length: ROWS_PER_TRANSACTION }, (_none, offset) => ({
    op: "update",
    table: "Logical_Flow",
    where: [["_uuid", "==", ["uuid", southboundFlow(first + offset)]]],
    row: { match: `ip4.dst == 192.0.2.1 && tcp.dst == ${offset} /* ${text} */`, priority: (first + offset) % 1_000 },
  }));
  await rawCall(remote, "transact", ["OVN_Southbound", ...(operations as never[])], 60_000);
}

/** `wait-until` keeps the IDL following; the `find` beside it makes it follow every column. */
function followWithIdl(remote: string): { ready: Promise<void>; answer: Promise<Answer> } {
  const child = spawn(
    "ovn-sbctl",
    [
      "--no-leader-only",
      `--db=${remote}`,
      "--timeout=600",
      "wait-until",
      "Logical_Flow",
      southboundFlow(0),
      "match=sentinel",
      ...IDL_FIND,
    ],
    { stdio: "ignore" },
  );
  let lastMs = 0;
  const cpuMs = (): number => {
    const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  };
  const failed = new Promise<never>((_resolve, reject) => child.once("error", reject));
  // Its first sync is over when it has used CPU and then none for a second.
  const idle = (async () => {
    let sinceMs = performance.now();
    await waitFor(
      () => {
        const nowMs = cpuMs();
        if (nowMs !== lastMs) [lastMs, sinceMs] = [nowMs, performance.now()];
        return lastMs > 1_000 && performance.now() - sinceMs > 1_000;
      },
      { what: "the C IDL to have synced", deadlineMs: 120_000 },
    );
  })();
  const ready = Promise.race([idle, failed]);
  const answer = (async (): Promise<Answer> => {
    await ready;
    const beforeMs = lastMs;
    // The last reading before the process ends is at most one tick of 20 ms short.
    const watch = setInterval(() => {
      try {
        lastMs = cpuMs();
      } catch {
        /* gone */
      }
    }, 20);
    await new Promise<void>((resolve) => (child.exitCode === null ? child.once("exit", () => resolve()) : resolve()));
    clearInterval(watch);
    return { cpuMs: lastMs - beforeMs, changes: TRANSACTIONS * ROWS_PER_TRANSACTION };
  })();
  answer.catch(() => {});
  return { ready, answer };
}
