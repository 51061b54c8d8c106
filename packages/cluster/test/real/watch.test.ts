import { realOvs } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Change, serverRowOf, statusOf, watch, type WatchUpdate } from "../../src/index.ts";
import { type Both, startBoth } from "../support/both.ts";

const [NB, SB] = ["OVN_Northbound", "OVN_Southbound"] as const;

/** Reads until an update is as wanted; the deadline is the test's. */
async function until(updates: AsyncIterator<WatchUpdate>, wanted: (update: WatchUpdate) => boolean): Promise<Change[]> {
  const changes: Change[] = [];
  for (;;) {
    const { done, value } = await updates.next();
    if (done === true) throw new Error("the watch ended");
    changes.push(...value.changes);
    if (wanted(value)) return changes;
  }
}

function leadersOf({ observation }: WatchUpdate, database: string): (string | undefined)[] {
  const members = observation.databases.find((each) => each.database === database)?.members ?? [];
  return members.filter((member) => statusOf(member)?.role === "leader").map(({ member }) => member);
}

describe.skipIf(realOvs() === "skip").sequential("watching real clusters", () => {
  let both: Both;

  beforeAll(async () => {
    both = await startBoth();
  });
  afterAll(async () => {
    await both?.[Symbol.asyncDispose]();
  });

  it("sees a leader change, a member go, freeze and come back; and ends by its signal", async () => {
    const abort = new AbortController();
    await using updates = watch({
      members: both.members,
      timeoutMs: 1_000,
      pollMs: 300,
      everyMs: 300,
      signal: abort.signal,
    });
    let first: WatchUpdate | undefined;
    await until(updates, (update) => {
      first = update;
      return true;
    });
    if (first === undefined) throw new Error("no first update");
    // Everybody has been asked both ways before the first update.
    for (const { members } of first.observation.databases) {
      for (const member of members)
        expect([serverRowOf(member)?.connected, statusOf(member)?.state]).toEqual([true, "cluster member"]);
    }
    expect([leadersOf(first, NB).length, leadersOf(first, SB).length]).toEqual([1, 1]);
    expect(first.changes.filter(({ from }) => from !== undefined)).toEqual([]);

    const leader = await both.sb.waitForLeader();
    await both.sb.member(leader).exitGracefully();
    const moved = await until(updates, (update) => {
      const [next, ...others] = leadersOf(update, SB);
      return next !== undefined && next !== `node${leader}` && others.length === 0;
    });
    expect(moved.some(({ database, what, to }) => database === SB && what === "role" && to === "leader")).toBe(true);
    expect(moved.every(({ database, what }) => database === SB || what !== "role")).toBe(true);

    await until(updates, ({ observation }) => {
      const member = observation.databases[1]?.members[leader];
      return member?.server?.ok === false && member.status?.ok === false;
    });
    await both.sb.member(leader).start();
    await until(updates, ({ observation }) => {
      const member = observation.databases[1]?.members[leader];
      return member !== undefined && serverRowOf(member)?.connected === true && statusOf(member)?.role === "follower";
    });

    const frozen = both.nb.member((await both.nb.followers())[0] as number);
    frozen.pause();
    const silent = await until(updates, ({ observation }) =>
      (observation.databases[0]?.members ?? []).some(
        ({ server, status }) => server?.ok === false && server.error.code === "TIMEOUT" && status?.ok === false,
      ),
    );
    expect(silent).toContainEqual(
      expect.objectContaining({ database: NB, what: "remote", from: "answers", to: "TIMEOUT" }),
    );
    frozen.resume();
    await until(updates, ({ observation }) =>
      (observation.databases[0]?.members ?? []).every(
        ({ server, status }) => server?.ok === true && status?.ok === true,
      ),
    );

    const next = updates.next();
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await updates.next()).toEqual({ done: true, value: undefined });
  });

  it("keeps one update for a slow reader, with the sum of the changes", async () => {
    await using updates = watch({ members: both.members, pollMs: 100, debounceMs: 0, everyMs: 20 });
    await until(updates, () => true);
    let next = await both.nb.waitForLeader();
    for (const _round of [1, 2, 3]) {
      await both.nb.member(next).appctl("cluster/failure-test", "transfer-leadership");
      next = await both.nb.waitForLeader({ not: next });
    }
    // Nobody has read meanwhile. The watch may hear of it a moment later than this test.
    let merged = 0;
    const changes = await until(updates, (update) => {
      merged += update.merged;
      return leadersOf(update, NB).join() === `node${next}`;
    });
    expect(merged).toBeGreaterThan(0);
    const roles = changes.filter(({ database, what }) => database === NB && what === "role");
    // Three changes of leader came into what was read: the changes are against what was read before.
    expect(roles.filter(({ to }) => to === "leader").length).toBeGreaterThan(0);
    const terms = changes.filter(
      ({ database, member, what }) => database === NB && member === `node${next}` && what === "term",
    );
    expect(Number(terms.at(-1)?.to) - Number(terms[0]?.from)).toBeGreaterThanOrEqual(3);
  });
});
