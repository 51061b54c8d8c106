/**
 * `npm start -- --real`: the founding story on three real ovsdb-servers. A client follows them and writes all the time while
 * two are restarted too fast, one loses its disk and leaves a ghost, and all three are restarted as it should be done. In the
 * end the rows are counted: nothing that was acknowledged is lost, and nothing is there twice.
 */
import { renameSync } from "node:fs";
import { type Database, openDatabase, OutcomeUnknownError } from "@ovnha/ovsdb";
import {
  dumpRows,
  type OvsdbCluster,
  ovsVersion,
  realOvs,
  runCommand,
  SCHEMAS,
  startCluster,
  waitFor,
} from "@ovnha/testkit";
import { INSTALL_HINT } from "./lab.ts";
import { OVN_Northbound } from "./northbound.ts";

const EVERY_MS = 50;
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
  tell(`three ovsdb-server ${ovsVersion()} serve OVN_Northbound; member ${await cluster.waitForLeader()} leads`);
  await using db = await openDatabase(OVN_Northbound, { remote: cluster.remote });
  await using nb = await db.replicate({ Logical_Switch: ["name"] });
  const events = db.lifecycle();
  const following = (async () => {
    for await (const event of events) {
      if (event.type === "disconnected") tell(`  client: the connection to ${event.endpoint} is gone`);
      if (event.type === "connected") tell(`  client: connected to the leader at ${event.endpoint}`);
      if (event.type === "resumed") tell("  client: the replica goes on where it was; only what it missed was sent");
    }
  })();
  const writer = new Writer(db);
  await tooFast(cluster, writer);
  await ghost(cluster, writer);
  await wellDone(cluster, writer);
  await writer.stop();
  await nb.synced();
  const lead = await cluster.waitForLeader();
  const rows = [
    ...((await dumpRows(cluster.member(lead).unix, "OVN_Northbound")).get("Logical_Switch")?.values() ?? []),
  ];
  const names = rows.map((row) => String(row["name"])).sort();
  const isExact = JSON.stringify(names) === JSON.stringify([...writer.acknowledged].sort());
  const isEqual = nb.diffAgainst({ Logical_Switch: rows as never }).length === 0;
  tell(
    `member ${lead} holds ${names.length} switches: ${isExact ? "every acknowledged write, once, and nothing else" : "NOT what was acknowledged"}`,
  );
  tell(`the replica ${isEqual ? "is equal to the server, row by row" : "DIFFERS from the server"}`);
  await events.return();
  await following;
  return isExact && isEqual ? 0 : 1;
}

/** Writes one switch after another; what is lost on the way is asked for, and never written twice. */
class Writer {
  readonly acknowledged: string[] = [];
  /** Since the last `pause`: the longest time between two acknowledgements. */
  #longestMs = 0;
  #lastMs = performance.now();
  #isOver = false;
  readonly #done: Promise<void>;

  constructor(db: Database<typeof OVN_Northbound>) {
    this.#done = this.#run(db);
  }

  /** Resolves to the longest pause in seconds since it was asked the last time, once writes flow again. */
  async pause(): Promise<string> {
    const count = this.acknowledged.length;
    await waitFor(() => (this.acknowledged.length > count + 2 ? true : undefined), {
      what: "writes",
      deadlineMs: 60_000,
    });
    const longest = (this.#longestMs / 1000).toFixed(2);
    this.#longestMs = 0;
    return longest;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#done;
  }

  async #run(db: Database<typeof OVN_Northbound>): Promise<void> {
    for (let count = 1; !this.#isOver; count++) {
      const name = `switch-${count}`;
      try {
        await db.transact((tx) => void tx.insert("Logical_Switch", { name }), { once: true });
        this.acknowledged.push(name);
      } catch (error) {
        if (!(error instanceof OutcomeUnknownError)) throw error;
        const outcome = await error.resolve?.();
        const was = outcome?.committed === true ? "it was committed" : "it was not committed";
        tell(`  client: the reply to "${name}" was lost; asked afterwards: ${was}`);
        if (outcome?.committed === true) this.acknowledged.push(name);
      }
      const nowMs = performance.now();
      this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
      this.#lastMs = nowMs;
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}

async function tooFast(cluster: OvsdbCluster, writer: Writer): Promise<void> {
  await writer.pause();
  const leader = await cluster.waitForLeader();
  const [second = 0, last = 0] = await cluster.followers();
  tell("");
  tell(
    `1. two masters too fast: member ${leader} leads and is killed; before it is back, member ${second} is killed too`,
  );
  await cluster.member(leader).kill("SIGKILL");
  await cluster.member(second).kill("SIGKILL");
  await waitFor(async () => (/^Role: candidate$/m.test(await cluster.status(last)) ? true : undefined), {
    what: "the last member to miss its leader",
  });
  tell(
    `one of three runs and two must agree: member ${last} is a candidate that nobody can elect, and nothing is written`,
  );
  await cluster.member(leader).start();
  await cluster.member(second).start();
  const heir = await cluster.waitForLeader();
  tell(
    `both are back with their disks; member ${heir} leads: it healed by itself, after ${await writer.pause()} s without writes`,
  );
}

async function ghost(cluster: OvsdbCluster, writer: Writer): Promise<void> {
  await cluster.waitConnected();
  const [victim = 0] = await cluster.followers();
  const leader = await cluster.waitForLeader();
  const old = await cluster.sid(victim);
  const addressOf = async (member: number): Promise<string> =>
    /^Address: (.*)$/m.exec(await cluster.status(member))?.[1] ?? "";
  const [own, other] = [await addressOf(victim), await addressOf(leader)];
  tell("");
  tell(`2. member ${victim} is restarted, and its directory is wiped on boot: it joins anew`);
  await cluster.member(victim).kill("SIGKILL");
  const file = cluster.file(victim);
  renameSync(file, `${file}.wiped`);
  await runCommand("ovsdb-tool", ["join-cluster", file, cluster.database, own, other]);
  await cluster.member(victim).start();
  await cluster.waitConnected();
  const configured = async (): Promise<number> =>
    ((await cluster.status(await cluster.waitForLeader())).split("\nServers:\n")[1] ?? "").match(/^ {4}\S/gm)?.length ??
    0;
  const count = await configured();
  tell(`it is back under a new id, and the old one, ${old.slice(0, 4)}, is still configured: a ghost`);
  tell(`${count} are counted, ${Math.floor(count / 2) + 1} must agree, and three run: not one more may be lost`);
  tell(`ovs-appctl cluster/kick OVN_Northbound ${old.slice(0, 4)}`);
  await cluster.member(await cluster.waitForLeader()).appctl("cluster/kick", cluster.database, old);
  await waitFor(async () => ((await configured()) === count - 1 ? true : undefined), { what: "the ghost to be gone" });
  tell(`${count - 1} are counted again; the longest pause of the client was ${await writer.pause()} s`);
}

async function wellDone(cluster: OvsdbCluster, writer: Writer): Promise<void> {
  tell("");
  tell("3. all three as it should be done: followers first, the leader last, each exits in good order");
  const leader = await cluster.waitForLeader();
  for (const member of [...(await cluster.followers()), leader]) {
    await cluster.waitConnected();
    await cluster.member(member).exitGracefully();
    await cluster.member(member).start();
    await cluster.waitConnected();
    tell(`member ${member} was restarted and is connected again, as all are: now the next one may go`);
  }
  tell(`the longest pause of the client was ${await writer.pause()} s`);
  tell("");
}
