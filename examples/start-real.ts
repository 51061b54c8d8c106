/**
 * `npm start -- --real`: three real ovsdb-servers, a client that follows and writes them, and a leader that is killed in the
 * middle. Nothing is lost, nothing is invented, and the rows are counted to prove it.
 */
import { openDatabase, OutcomeUnknownError } from "@ovnha/ovsdb";
import { dumpRows, ovsVersion, realOvs, SCHEMAS, startCluster } from "@ovnha/testkit";
import { INSTALL_HINT } from "./lab.ts";
import { OVN_Northbound } from "./northbound.ts";

const WRITES = 200;
const KILL_AFTER = 80;

const startedMs = performance.now();
const tell = (text: string): void =>
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s  ${text}`);

/** Gives the exit status: 0 all is as it was acknowledged, 1 it is not, 2 there is no ovsdb-server. */
export async function startReal(): Promise<number> {
  try {
    return await story();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

async function story(): Promise<number> {
  if (realOvs() === "skip") {
    console.error(INSTALL_HINT);
    return 2;
  }
  await using cluster = await startCluster({ schema: SCHEMAS.northbound });
  const leader = await cluster.waitForLeader();
  tell(`three ovsdb-server ${ovsVersion()} serve OVN_Northbound; member ${leader} leads`);

  await using db = await openDatabase(OVN_Northbound, { remote: cluster.remote });
  await using nb = await db.replicate({ Logical_Switch: ["name"] });
  tell(`connected to the leader at ${db.status.endpoint}, replica live`);
  const events = db.lifecycle();
  const following = (async () => {
    for await (const event of events) {
      if (event.type === "disconnected") tell(`the connection to ${event.endpoint} is gone`);
      if (event.type === "connected") tell(`connected to the new leader at ${event.endpoint}`);
      if (event.type === "resumed") tell("the replica goes on where it was: only what it missed was sent");
    }
  })();

  const acknowledged: string[] = [];
  let unknown = 0;
  let longestMs = 0;
  for (let count = 1; count <= WRITES; count++) {
    if (count === KILL_AFTER) {
      tell(`${acknowledged.length} writes acknowledged; now the leader is killed (SIGKILL), and the writing goes on`);
      await cluster.member(leader).kill("SIGKILL");
    }
    const beforeMs = performance.now();
    const name = `switch-${count}`;
    try {
      await db.transact(
        (tx) => {
          tx.insert("Logical_Switch", { name });
        },
        { once: true },
      );
      acknowledged.push(name);
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError)) throw error;
      unknown++;
      const outcome = await error.resolve?.();
      tell(
        `the reply to "${name}" was lost; asked afterwards: ${outcome?.committed === true ? "it was committed" : "it was not committed"}`,
      );
      if (outcome?.committed === true) acknowledged.push(name);
    }
    longestMs = Math.max(longestMs, performance.now() - beforeMs);
  }
  tell(
    `${acknowledged.length} of ${WRITES} writes acknowledged, ${unknown} replies lost; the longest write took ${(longestMs / 1000).toFixed(2)} s`,
  );

  await nb.synced();
  const now = await cluster.waitForLeader();
  const rows = [
    ...((await dumpRows(cluster.member(now).unix, "OVN_Northbound")).get("Logical_Switch")?.values() ?? []),
  ];
  const names = rows.map((row) => String(row["name"])).sort();
  const isExact = JSON.stringify(names) === JSON.stringify([...acknowledged].sort());
  const isEqual = nb.diffAgainst({ Logical_Switch: rows as never }).length === 0;
  tell(
    `member ${now} holds ${names.length} switches: ${isExact ? "every acknowledged write, once, and nothing else" : "NOT what was acknowledged"}`,
  );
  tell(`the replica ${isEqual ? "is equal to the server, row by row" : "DIFFERS from the server"}`);
  await events.return();
  await following;
  return isExact && isEqual ? 0 : 1;
}
