/** Real files from random histories: servers that are written to, converted, compacted, killed, cut off, kicked and rejoined. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import {
  type OvsdbCluster,
  ovsdbClient,
  ovsHas,
  rawCall,
  type RawJson,
  startCluster,
  startStandalone,
  waitFor,
} from "@ovnha/testkit";
import { LAB, LAB_2, type Operations, operations } from "./lab.ts";
import { type Rows, servedRows } from "./oracle.ts";

export type StandaloneStep =
  | { readonly type: "write"; readonly operations: Operations }
  | { readonly type: "convert" | "compact" | "kill" | "diffs" };

export type ClusterStep =
  | { readonly type: "write"; readonly operations: Operations }
  | { readonly type: "convert" | "compact" | "kill" | "lose-leader" | "cut-off" | "kick" | "leave" };

const write = fc.record({ type: fc.constant("write" as const), operations });

/** Conversions and the like among ten times as many transactions. */
function mixed<T extends string>(types: readonly T[], most: number) {
  const rare = fc.record({ type: fc.constantFrom(...types) });
  return fc.array(fc.oneof({ weight: 12, arbitrary: write }, { weight: 1, arbitrary: rare }), {
    minLength: 5,
    maxLength: most,
    size: "max",
  });
}

export const standaloneHistory: fc.Arbitrary<readonly StandaloneStep[]> = mixed(
  ["convert", "compact", "kill", "diffs"],
  60,
);

/** One after the other in a random order, with writes between them, so that few histories see all of them. */
export const clusterHistory: fc.Arbitrary<readonly ClusterStep[]> = fc
  .tuple(
    fc.shuffledSubarray<Exclude<ClusterStep["type"], "write">>(
      ["convert", "compact", "kill", "lose-leader", "cut-off"],
      { minLength: 5 },
    ),
    fc.array(fc.array(write, { minLength: 2, maxLength: 8, size: "max" }), { minLength: 6, maxLength: 6, size: "max" }),
    fc.constantFrom<"kick" | "leave">("kick", "leave"),
  )
  .map(([events, writes, last]) => [
    ...events.flatMap((type, at) => [...(writes[at] ?? []), { type }]),
    ...(writes[5] ?? []),
    { type: last },
  ]);

export type Made = {
  /** Paths of copies; the members' ones in the order of the members. */
  readonly files: readonly string[];
  /** What the servers served before they were stopped. */
  readonly rows: Rows;
};

const send = (remote: string, list: Operations, timeoutMs?: number): Promise<RawJson> =>
  rawCall(remote, "transact", ["Lab", ...list], timeoutMs);

/** Plays a history on a standalone server; the file that is left was killed in the middle of life. */
export async function playStandalone(history: readonly StandaloneStep[], folder: string): Promise<Made> {
  // Before that, rows are written as they become.
  const hasDiffs = ovsHas("2.15.0");
  await using server = await startStandalone({
    schemas: [LAB],
    listen: "unix",
    extraArgs: hasDiffs ? ["--disable-file-column-diff"] : [],
  });
  let converted = false;
  for (const step of history) {
    if (step.type === "write") await send(server.unix, step.operations);
    else if (step.type === "compact") await server.appctl("ovsdb-server/compact", "Lab");
    else if (step.type === "diffs") {
      if (hasDiffs) await server.appctl("ovsdb/file/column-diff-enable");
    } else if (step.type === "kill") {
      await server.kill("SIGKILL");
      await server.start();
    } else if (!converted) {
      await convert(server.unix, folder);
      converted = true;
    }
  }
  const rows = await servedRows(server.unix, "Lab");
  await server.kill("SIGKILL");
  const file = join(folder, "standalone.db");
  copyFileSync(server.spec.databases[0] ?? "", file);
  return { files: [file], rows };
}

async function convert(remote: string, folder: string): Promise<void> {
  const schema = join(folder, "lab2.ovsschema");
  writeFileSync(schema, JSON.stringify(LAB_2));
  await ovsdbClient(["convert", remote, schema]);
}

/** What a history on a cluster leaves: files of stopped members, and older ones that were copied on the way. */
export type MadeCluster = Made & {
  /** A leader's file, as it was when the leader died, and the name of a node in it that no other member had heard of. */
  readonly cutOff: { readonly file: string; readonly name: string } | undefined;
  /** The file of the member that was kicked or has left, and which of the two; not among `files`. */
  readonly gone: { readonly file: string; readonly how: "kick" | "leave" } | undefined;
};

export async function playCluster(history: readonly ClusterStep[], folder: string, members = 3): Promise<MadeCluster> {
  await using cluster = await startCluster({ schema: LAB, members });
  const play = new ClusterPlay(cluster, folder);
  for (const step of history) await play.step(step);
  return await play.end();
}

class ClusterPlay {
  readonly #cluster: OvsdbCluster;
  readonly #folder: string;
  #converted = false;
  #cutOff: MadeCluster["cutOff"];
  #gone: { readonly member: number; readonly how: "kick" | "leave" } | undefined;

  constructor(cluster: OvsdbCluster, folder: string) {
    this.#cluster = cluster;
    this.#folder = folder;
  }

  async step(step: ClusterStep): Promise<void> {
    const cluster = this.#cluster;
    const leader = await cluster.waitForLeader();
    const { unix } = cluster.member(leader);
    switch (step.type) {
      case "write":
        await send(unix, step.operations);
        return;
      case "convert":
        if (!this.#converted) await convert(unix, this.#folder);
        this.#converted = true;
        return;
      case "compact":
        await cluster.member((leader + 1) % cluster.members.length).appctl("ovsdb-server/compact", "Lab");
        return;
      case "kill":
        await this.#kill((leader + 1) % cluster.members.length);
        return;
      case "lose-leader":
        await this.#kill(leader);
        return;
      case "cut-off":
        await this.#cutLeaderOff(leader);
        return;
      case "kick":
      case "leave":
        await this.#remove(step.type, (leader + 2) % cluster.members.length, leader);
    }
  }

  async #kill(member: number): Promise<void> {
    await this.#cluster.member(member).kill("SIGKILL");
    await this.#cluster.member(member).start();
    await this.#cluster.waitConnected();
  }

  /** A leader writes entries that no follower hears of, dies, and comes back to a cluster that went on. */
  async #cutLeaderOff(first: number): Promise<void> {
    const cluster = this.#cluster;
    if (cluster.members.length < 3) return;
    let leader = first;
    // On a busy machine it may have stepped down before it got the write; then it has written none, and another one is asked.
    for (let tries = 1; ; tries++) {
      const name = `never-committed-${tries}`;
      const file = (await this.#wroteAlone(leader, name)) ? this.#copy(leader, "cut-off") : undefined;
      if (file !== undefined) {
        this.#cutOff = { file, name };
        break;
      }
      if (tries === 5) throw new Error("no leader wrote alone");
      leader = await cluster.waitForLeader();
    }
    const others = [...cluster.members.keys()].filter((member) => member !== leader);
    for (const other of others) cluster.member(other).resume();
    const next = await cluster.waitForLeader({ not: leader });
    await send(cluster.member(next).unix, [{ op: "insert", table: "Node", row: { name: "after" } }]);
    await cluster.member(leader).start();
    await cluster.waitConnected();
  }

  /**
   * Freezes the others, has the leader write, and kills it; the others stay frozen. False, and all run, if it did not write
   * within the time in which a leader notices that nobody hears it.
   */
  async #wroteAlone(leader: number, name: string): Promise<boolean> {
    const cluster = this.#cluster;
    const others = [...cluster.members.keys()].filter((member) => member !== leader);
    for (const other of others) cluster.member(other).pause();
    const lost: Operations = [{ op: "insert", table: "Node", row: { name } }];
    const unheard = send(cluster.member(leader).unix, lost, 30_000).catch(() => "as it should be");
    const isOnDisk = (): boolean => readFileSync(cluster.file(leader)).includes(name);
    const wrote = await waitFor(isOnDisk, { what: "an uncommitted entry on the disk", deadlineMs: 5_000 }).catch(
      () => false,
    );
    await cluster.member(leader).kill("SIGKILL");
    await unheard;
    if (wrote) return true;
    for (const other of others) cluster.member(other).resume();
    await cluster.member(leader).start();
    await cluster.waitConnected();
    return false;
  }

  async #remove(how: "kick" | "leave", member: number, leader: number): Promise<void> {
    const cluster = this.#cluster;
    const sid = await cluster.sid(member);
    if (how === "leave") await cluster.member(member).appctl("cluster/leave", "Lab");
    else {
      // One that is away hears nothing of its removal: its file does not say so.
      await cluster.member(member).kill("SIGKILL");
      await cluster.member(leader).appctl("cluster/kick", "Lab", sid);
    }
    const away = async (): Promise<boolean> => !(await cluster.status(leader)).includes(` (${sid.slice(0, 4)} at `);
    await waitFor(away, { what: `member ${member} to be removed` });
    // The leader's list tells what it proposes. What is written afterwards is committed only if that is.
    await send(cluster.member(leader).unix, [{ op: "insert", table: "Node", row: { name: "after the removal" } }]);
    // Whoever leaves notes it when the leader has told that it may.
    const noted = (): boolean => readFileSync(cluster.file(member)).includes('"note":"left"');
    if (how === "leave") await waitFor(noted, { what: `member ${member} to note that it has left` });
    await cluster.member(member).kill("SIGKILL");
    this.#gone = { member, how };
  }

  async end(): Promise<MadeCluster> {
    const cluster = this.#cluster;
    await cluster.waitConnected();
    const rows = await servedRows(cluster.member(await cluster.waitForLeader()).unix, "Lab");
    for (const member of cluster.members) await member.kill("SIGTERM");
    const present = [...cluster.members.keys()].filter((member) => member !== this.#gone?.member);
    const files = present.map((member) => this.#copy(member, "end"));
    const gone =
      this.#gone === undefined ? undefined : { file: this.#copy(this.#gone.member, "gone"), how: this.#gone.how };
    return { files, rows, cutOff: this.#cutOff, gone };
  }

  #copy(member: number, what: string): string {
    const copy = join(this.#folder, `${what}${member}.db`);
    copyFileSync(this.#cluster.file(member), copy);
    return copy;
  }
}
