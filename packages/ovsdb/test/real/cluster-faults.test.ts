import { type OvsdbCluster, realOvs, startCluster } from "@ovnha/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { expectNoStrayRejections, startWork, Work } from "./cluster-work.ts";

describe.skipIf(realOvs() === "skip")("a cluster of three under three writers and a follower", () => {
  let cluster: OvsdbCluster;
  beforeAll(async () => {
    cluster = await startCluster({ schema: Work.literal });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  afterEach(expectNoStrayRejections);
  // A story that fails is not to take the next ones with it.
  afterEach(async () => {
    for (const member of cluster.members) member.resume();
    await cluster.startAll();
  });

  /** Does harm, lets work go on under it, mends, lets work go on, and holds the books against the leader. */
  async function story(
    harm: (leader: number) => Promise<void> | void,
    mend: (leader: number) => Promise<void> | void,
  ): Promise<void> {
    await cluster.waitConnected();
    await using work = await startWork(cluster);
    await work.progress();
    const leader = await cluster.waitForLeader();
    await harm(leader);
    await work.progress();
    await mend(leader);
    await work.progress();
    const { committed } = await work.audit();
    expect(committed).toBeGreaterThanOrEqual(3 * 3 * 8);
  }

  const revive = async (index: number): Promise<void> => void (await cluster.member(index).start());

  test("the leader is killed: nothing is lost, nothing is doubled, nobody is told a lie", () =>
    story((leader) => cluster.member(leader).kill("SIGKILL"), revive));

  test("the leader is frozen and thaws later as a follower", () =>
    story(
      (leader) => cluster.member(leader).pause(),
      (leader) => cluster.member(leader).resume(),
    ));

  test("a follower is frozen: nobody notices", () =>
    story(
      (leader) => cluster.member((leader + 1) % 3).pause(),
      (leader) => cluster.member((leader + 1) % 3).resume(),
    ));

  test("the leader exits and hands over", () => story((leader) => cluster.member(leader).exitGracefully(), revive));

  test("all members are restarted, one after another", () =>
    story(
      async () => {
        for (const member of cluster.members) {
          await member.restart();
          await cluster.waitConnected();
        }
      },
      () => {},
    ));

  test("all members are killed at once and started again", () =>
    story(
      async () => {
        await Promise.all(cluster.members.map((member) => member.kill("SIGKILL")));
        await cluster.startAll();
      },
      () => {},
    ));
});

describe.skipIf(realOvs() === "skip")("a cluster of five under four writers and a follower", () => {
  let cluster: OvsdbCluster;
  beforeAll(async () => {
    cluster = await startCluster({ schema: Work.literal, members: 5 });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  afterEach(expectNoStrayRejections);

  test("the leader and then its successor are killed: three of five go on", async () => {
    await using work = await startWork(cluster, { writers: 4 });
    await work.progress();
    const first = await cluster.waitForLeader();
    await cluster.member(first).kill("SIGKILL");
    await work.progress();
    const second = await cluster.waitForLeader();
    await cluster.member(second).kill("SIGKILL");
    await work.progress();
    for (const index of [first, second]) await cluster.member(index).start();
    await work.progress();
    await work.audit();
  });

  test("all five are killed at once and started again", async () => {
    await using work = await startWork(cluster, { writers: 4 });
    await work.progress();
    await Promise.all(cluster.members.map((member) => member.kill("SIGKILL")));
    await cluster.startAll();
    await work.progress();
    await work.audit();
  });
});
