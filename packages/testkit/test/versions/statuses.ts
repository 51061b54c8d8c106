/** `cluster/status` of real servers in every state that can be brought about on one machine. */
import { join } from "node:path";
import { freePort, type OvsdbCluster, OvsdbServer, runCommand, waitFor } from "../../src/index.ts";
import { LOG_MESSAGES } from "./exchange.ts";
import { fill, statusOf } from "./lab.ts";

/** What is known of a status without reading it. */
export type StatusFacts = {
  readonly sid: string;
  readonly cid: string | null;
  readonly address: string;
  readonly role: "leader" | "follower" | "candidate";
  /** Addresses of the members, sorted. */
  readonly members: readonly string[];
};

export type Recorded = { readonly text: string; readonly facts: StatusFacts | null };

const role = (text: string): string | undefined => /^Role: (.*)$/m.exec(text)?.[1];
const NO_SUCH_COMMAND = /not a valid command|requires|unknown/;

export class StatusRecorder {
  readonly cluster: OvsdbCluster;
  readonly found: Map<string, Recorded> = new Map();
  /** Of servers that are no members of the cluster as it was made. */
  readonly logs: string[] = [];

  constructor(cluster: OvsdbCluster) {
    this.cluster = cluster;
  }

  /** All states. The cluster has three members afterwards, the last of which is gone for good. */
  async record(): Promise<void> {
    const { cluster } = this;
    await fill(cluster.member(await cluster.waitForLeader()).unix);
    await cluster.waitConnected();
    await this.#healthy();
    await this.#timerChange();
    await this.#joiningInVain();
    await this.#addAndKick();
    await this.#transfer();
    await this.#oneDown();
    await this.#withoutQuorum();
    await this.#leave();
  }

  async #keep(name: string, server: OvsdbServer, text: string, role: StatusFacts["role"], members: readonly string[]) {
    if (text === "") throw new Error(`no status was seen that is ${name}`);
    const file = join(server.dir, "db.db");
    const tool = async (...args: string[]): Promise<string> => (await runCommand("ovsdb-tool", args)).trim();
    const cid = await tool("db-cid", file).catch(() => null);
    const address = await tool("db-local-address", file);
    const facts = { sid: await tool("db-sid", file), cid: cid === "" ? null : cid, address, role };
    this.found.set(name, { text, facts: { ...facts, members: [...members].sort() } });
  }

  #addresses(): Promise<string[]> {
    const local = (index: number): Promise<string> =>
      runCommand("ovsdb-tool", ["db-local-address", this.cluster.file(index)]).then((text) => text.trim());
    return Promise.all(this.cluster.members.map((_member, index) => local(index)));
  }

  async #healthy(): Promise<void> {
    const { cluster } = this;
    const leader = await cluster.waitForLeader();
    const [follower = 0] = await cluster.followers();
    const members = await this.#addresses();
    await this.#keep("leader", cluster.member(leader), await cluster.status(leader), "leader", members);
    await this.#keep("follower", cluster.member(follower), await cluster.status(follower), "follower", members);
  }

  /** While the followers are frozen, what the leader begins stays begun, until it steps down. */
  async #whileFrozen(body: (leader: OvsdbServer) => Promise<void>): Promise<void> {
    const { cluster } = this;
    const leader = await cluster.waitForLeader();
    const followers = await cluster.followers();
    for (const index of followers) cluster.member(index).pause();
    try {
      await body(cluster.member(leader));
    } finally {
      for (const index of followers) cluster.member(index).resume();
    }
    await cluster.waitConnected();
  }

  async #timerChange(): Promise<void> {
    const members = await this.#addresses();
    await this.#whileFrozen(async (leader) => {
      try {
        await leader.appctl("cluster/change-election-timer", "Lab", "2000");
      } catch (error) {
        if (NO_SUCH_COMMAND.test(String(error))) return;
        throw error;
      }
      await this.#keep("timer-change", leader, await statusOf(leader), "leader", members);
    });
  }

  async #newcomer(name: string, remotes: readonly string[]): Promise<OvsdbServer> {
    const dir = join(this.cluster.dir, name);
    await runCommand("mkdir", ["-p", dir]);
    const own = `tcp:127.0.0.1:${await freePort()}`;
    await runCommand("ovsdb-tool", ["join-cluster", join(dir, "db.db"), "Lab", own, ...remotes]);
    return new OvsdbServer({
      dir,
      databases: [join(dir, "db.db")],
      listen: [],
      extraArgs: LOG_MESSAGES,
      tls: undefined,
    });
  }

  async #joiningInVain(): Promise<void> {
    const nobody = [`tcp:127.0.0.1:${await freePort()}`, `tcp:127.0.0.1:${await freePort()}`];
    await using server = await this.#newcomer("in-vain", nobody);
    await server.start();
    await this.#keep("joining", server, await statusOf(server), "follower", []);
  }

  async #addAndKick(): Promise<void> {
    const members = await this.#addresses();
    let server: OvsdbServer | undefined;
    try {
      await this.#whileFrozen(async (leader) => {
        const address = await runCommand("ovsdb-tool", ["db-local-address", join(leader.dir, "db.db")]);
        server = await this.#newcomer("newcomer", [address.trim()]);
        await server.start();
        const text = await this.#until(leader, (text) => text.includes("(adding: "));
        const own = (await runCommand("ovsdb-tool", ["db-local-address", join(server.dir, "db.db")])).trim();
        const isCounted = text.includes("(adding: committing)");
        await this.#keep("adding", leader, text, "leader", isCounted ? [...members, own] : members);
      });
      const newcomer = server;
      if (newcomer === undefined) return;
      await waitFor(
        async () =>
          role(await statusOf(newcomer)) === "follower" && /^Status: cluster member/m.test(await statusOf(newcomer)),
        {
          what: "the newcomer to join",
        },
      );
      const own = (await runCommand("ovsdb-tool", ["db-local-address", join(newcomer.dir, "db.db")])).trim();
      const sid = (await runCommand("ovsdb-tool", ["db-sid", join(newcomer.dir, "db.db")])).trim();
      await this.#keep("joined", newcomer, await statusOf(newcomer), "follower", [...members, own]);
      await this.#whileFrozen(async (leader) => {
        await leader.appctl("cluster/kick", "Lab", sid);
        const text = await this.#until(leader, (text) => /\(removing\)|^Removing server/m.test(text));
        await this.#keep(
          "removing",
          leader,
          text,
          "leader",
          /Servers:[\s\S]*\(removing\)/.test(text) ? [...members, own] : members,
        );
      });
      const text = await waitFor(
        async () => {
          const now = await statusOf(newcomer);
          return now.startsWith("unknown cluster") || !/^Status: cluster member/m.test(now) ? now : undefined;
        },
        { what: "the kicked server to notice" },
      );
      this.found.set("kicked", { text, facts: null });
    } finally {
      await server?.kill();
      this.logs.push(server?.log() ?? "");
    }
  }

  /** The text as soon as it is as wanted; empty if that does not come within a few seconds. */
  async #until(server: OvsdbServer, isWanted: (text: string) => boolean, deadlineMs = 5_000): Promise<string> {
    const asked = waitFor(
      async () => {
        const text = await statusOf(server);
        return isWanted(text) ? text : undefined;
      },
      { what: "a status", deadlineMs },
    );
    return asked.catch(() => "");
  }

  async #transfer(): Promise<void> {
    const { cluster } = this;
    const members = await this.#addresses();
    const old = await cluster.waitForLeader();
    await cluster.member(old).exitGracefully();
    const next = await cluster.waitForLeader();
    await this.#keep("elected-by-transfer", cluster.member(next), await cluster.status(next), "leader", members);
    await cluster.startAll();
    // Since 2.16 a leader may hand over and stay.
    const leader = await cluster.waitForLeader();
    try {
      await cluster.member(leader).appctl("cluster/failure-test", "transfer-leadership");
    } catch (error) {
      if (NO_SUCH_COMMAND.test(String(error))) return;
      throw error;
    }
    const text = await this.#until(cluster.member(leader), (text) => role(text) !== "leader");
    await this.#keep("handed-over", cluster.member(leader), text, "follower", members);
    await cluster.waitConnected();
  }

  async #oneDown(): Promise<void> {
    const { cluster } = this;
    const members = await this.#addresses();
    const leader = await cluster.waitForLeader();
    const [follower = 0] = await cluster.followers();
    await cluster.member(follower).kill();
    const text = await this.#until(cluster.member(leader), (text) => text.includes("(->"));
    await this.#keep("leader-one-down", cluster.member(leader), text, "leader", members);
    await cluster.startAll();
  }

  async #withoutQuorum(): Promise<void> {
    const { cluster } = this;
    const members = await this.#addresses();
    const leader = await cluster.waitForLeader();
    const [first = 0, second = 0] = await cluster.followers();
    await cluster.member(first).kill();
    await cluster.member(leader).kill();
    const lone = await this.#until(cluster.member(second), (text) => role(text) === "candidate", 10_000);
    await this.#keep("candidate", cluster.member(second), lone, "candidate", members);
    const retrying = await this.#until(cluster.member(second), (text) => /^Status: disconnected/m.test(text));
    if (retrying !== "") await this.#keep("disconnected", cluster.member(second), retrying, "candidate", members);
    await cluster.member(second).restart();
    const restarted = await statusOf(cluster.member(second));
    if (role(restarted) === "follower")
      await this.#keep("restarted-alone", cluster.member(second), restarted, "follower", members);
    await cluster.startAll();
    const next = await cluster.waitForLeader();
    const followers = await cluster.followers();
    for (const index of followers) await cluster.member(index).kill();
    // Before 2.12 a leader never steps down.
    const left = await this.#until(cluster.member(next), (text) => role(text) === "candidate", 10_000);
    if (left !== "") await this.#keep("leader-left-alone", cluster.member(next), left, "candidate", members);
    else await this.#keep("leader-left-alone", cluster.member(next), await cluster.status(next), "leader", members);
    await cluster.startAll();
  }

  async #leave(): Promise<void> {
    const { cluster } = this;
    const members = await this.#addresses();
    const leader = await cluster.waitForLeader();
    const [leaving = 0] = await cluster.followers();
    cluster.member(leader).pause();
    try {
      await cluster.member(leaving).appctl("cluster/leave", "Lab");
      const text = await this.#until(cluster.member(leaving), (text) => /^Status: leaving/m.test(text));
      await this.#keep(
        "leaving",
        cluster.member(leaving),
        text,
        role(text) === "candidate" ? "candidate" : "follower",
        members,
      );
    } finally {
      cluster.member(leader).resume();
    }
    const text = await waitFor(
      async () => {
        const now = await statusOf(cluster.member(leaving));
        return /^Status: leaving/m.test(now) ? undefined : now;
      },
      { what: "a member to leave" },
    );
    this.found.set("left", { text, facts: null });
    await cluster.member(leaving).kill();
  }
}
