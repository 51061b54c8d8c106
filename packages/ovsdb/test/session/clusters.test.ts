/** Which server is taken, kept, left and refused, told on a fake clock. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deadlineMs } from "../../src/session/index.ts";
import { World, ZERO } from "./fake-servers.ts";

const HOST = { Host: { columns: ["name"] } };

describe("finding a server", () => {
  it("takes the leader, and watches no one else then", () => {
    const world = new World(3).start();
    expect(world.active).toBe(0);
    expect(world.links.size).toBe(1);
    expect(world.state.status).toMatchObject({ state: "ready", endpoint: "tcp:10.0.0.1:6641", index: 10 });
  });

  it("tries servers side by side, a stagger apart, when the first does not answer", () => {
    const world = new World(4, { parallel: 2 });
    for (const server of [0, 1, 2, 3]) world.fake(server).mode = "black-hole";
    world.start().advance(1_000);
    expect(world.dials).toEqual([
      { server: 0, atMs: 0 },
      { server: 1, atMs: 250 },
    ]);
    world.fake(2).mode = "up";
    world.tell(2, { leader: true });
    world.advance(4_100);
    expect(world.active).toBe(2);
  });

  it("hears of the new leader from a follower it watches, in the same moment", () => {
    const world = new World(3).start().kill(0);
    expect(world.active).toBeUndefined();
    expect([...world.links.values()].map(({ server }) => server).sort()).toEqual([1, 2]);
    expect(world.state.status).toMatchObject({ state: "waiting" });
    world.advance(1_300).tell(2, { leader: true, index: 12 });
    expect(world.active).toBe(2);
    expect(world.links.size).toBe(1);
  });

  it("leaves a leader that has lost its office, at once and without a pause, and asks it last", () => {
    const world = new World(3).start();
    world.tell(1, { leader: true }).tell(0, { leader: false });
    expect(world.active).toBe(1);
    expect(world.dials.map(({ server, atMs }) => [server, atMs])).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  it.each([
    ["disconnected from its cluster", { connected: false }, "partitioned"],
    ["not joined yet", { schema: undefined }, "not-joined"],
    ["a follower", { leader: false }, "refused-follower"],
  ] as const)("refuses a server that is %s, and says why", (_what, row, reason) => {
    const world = new World(1).start();
    world.tell(0, row);
    world.advance(0);
    expect(world.state.status.reasons.map((entry) => entry.reason)).toEqual([reason]);
    expect(world.active).toBeUndefined();
    world.tell(0, { connected: true, leader: true, schema: '{"name":"Lab","tables":{}}' });
    expect(world.active).toBe(0);
  });

  it("refuses a server that has fallen behind what was seen, and counts it", () => {
    const world = new World(2, { server: "any" }).start();
    world.tell(0, { index: 500 });
    world.tell(1, { index: 499 }).kill(0);
    expect(world.state.status.reasons.map(({ reason }) => reason)).toContain("stale");
    expect(world.state.status.staleRefusals).toBe(1);
    world.tell(1, { index: 500 });
    expect(world.active).toBe(1);
  });

  it("takes a rebuilt cluster by itself once the old one is gone, and forgets its index", () => {
    const world = new World(2).start();
    world.feed({ type: "monitor", monitor: 1, tables: HOST });
    world.tell(0, { index: 900 });
    const cid = "c0000000-0000-4000-8000-000000000002";
    world.tell(1, { cid, leader: true, index: 3 }).kill(0);
    expect(world.active).toBe(1);
    expect(world.events).toContain("cluster-changed");
    expect(world.asked("monitor_cond_since").at(-1)?.params[3]).toBe(ZERO);
  });

  it("does not take another cluster while a member of the known one is there", () => {
    const world = new World(3).start();
    world.tell(1, { cid: "c0000000-0000-4000-8000-000000000002", leader: true }).kill(0);
    expect(world.active).toBeUndefined();
    expect(world.state.status.reasons.map(({ reason }) => reason)).toContain("wrong-cluster");
  });

  it("holds on to a pinned cluster id", () => {
    const world = new World(1, { cid: "c0000000-0000-4000-8000-00000000000f" }).start();
    expect(world.active).toBeUndefined();
    expect(world.state.status.reasons[0]?.reason).toBe("wrong-cluster");
  });
});

describe("time", () => {
  it("never storms: ten minutes of refusals stay within the pauses", () => {
    const world = new World(3);
    for (const server of [0, 1, 2]) world.fake(server).mode = "refuses";
    world.start().advance(600_000);
    for (const server of [0, 1, 2]) {
      const dials = world.dials.filter((dial) => dial.server === server);
      const pauses = dials.slice(1).map(({ atMs }, index) => atMs - (dials[index]?.atMs ?? 0));
      expect(pauses.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 8_000, 8_000]);
      expect(dials.length).toBeLessThan(80);
    }
  });

  it("starts over with short pauses after a server that had served", () => {
    const world = new World(1).start().advance(60_000).kill(0);
    expect(world.dials.map(({ atMs }) => atMs)).toEqual([0, 60_000]);
    world.advance(3_500);
    expect(world.dials.map(({ atMs }) => atMs)).toEqual([0, 60_000, 61_000, 63_000]);
  });

  it("asks a silent server, then gives it up", () => {
    const world = new World(1).start();
    world.fake(0).mode = "silent";
    world.advance(5_000);
    expect(world.requests.at(-1)).toMatchObject({ method: "echo", atMs: 5_000 });
    world.advance(4_999);
    expect(world.active).toBe(0);
    world.advance(1);
    expect(world.active).toBeUndefined();
    expect(world.state.status.reasons[0]).toMatchObject({ reason: "timeout" });
  });

  it("is satisfied by any byte", () => {
    const world = new World(1).start();
    world.fake(0).mode = "silent";
    for (let second = 0; second < 60; second++) {
      world.advance(4_000);
      world.feed({ type: "bytes", link: world.state.active ?? 0 });
    }
    expect(world.active).toBe(0);
    expect(world.asked("echo")).toEqual([]);
  });

  it("does not take its own long sleep for the server's silence", () => {
    const world = new World(1).start().advance(4_000).sleep(3_600_000);
    expect(world.active).toBe(0);
    world.advance(5_000);
    expect(world.active).toBe(0);
  });

  it("gives up a connection attempt and a greeting at their limits", () => {
    const world = new World(1);
    world.fake(0).mode = "black-hole";
    world.start().advance(5_000);
    expect(world.links.size).toBe(0);
    world.fake(0).mode = "silent";
    world.advance(1_000);
    expect(world.requests).not.toEqual([]);
    world.advance(5_000);
    expect(world.links.size).toBe(0);
    expect(world.state.status.reasons[0]?.reason).toBe("timeout");
  });

  it("gives a snapshot longer each time it was cut, and never cuts one that is arriving", () => {
    const world = new World(1, { probeMs: 0 });
    world.fake(0).mute.add("monitor_cond_since");
    world.start();
    world.feed({ type: "monitor", monitor: 1, tables: HOST });
    for (let minute = 0; minute < 5; minute++) {
      world.advance(59_000);
      world.feed({ type: "bytes", link: world.state.active ?? 0 });
    }
    expect(world.dials).toHaveLength(1);
    world.advance(60_000);
    expect(world.dials).toHaveLength(2);
    world.advance(119_000);
    expect(world.dials).toHaveLength(2);
    world.advance(2_000);
    expect(world.dials).toHaveLength(3);
  });

  it("wants nothing any more after close", () => {
    const world = new World(3).start();
    world.feed({ type: "call", token: 1, method: "transact", params: ["Lab"] });
    world.feed({ type: "close" });
    expect(deadlineMs(world.state)).toBe(Number.POSITIVE_INFINITY);
    expect(world.links.size).toBe(0);
    expect(world.effects.filter((effect) => effect.type === "callLost")).toHaveLength(1);
  });
});

describe("whatever happens, in any order", () => {
  type Act = { readonly act: string; readonly server: number; readonly ms: number };
  const acts = fc.array(
    fc.record({
      act: fc.constantFrom(
        "kill",
        "revive",
        "hole",
        "silent",
        "lead",
        "split",
        "advance",
        "call",
        "lock",
        "unlock",
        "reconnect",
        "conditions",
        "sleep",
      ),
      server: fc.nat(2),
      ms: fc.nat(20_000),
    }),
    { maxLength: 60 },
  );

  function live(world: World, story: readonly Act[]): { tokens: number } {
    let tokens = 0;
    world.start();
    world.feed({ type: "monitor", monitor: 1, tables: HOST });
    for (const { act, server, ms } of story) {
      const fake = world.fake(server);
      if (act === "kill") world.kill(server);
      else if (act === "revive") fake.mode = "up";
      else if (act === "hole") fake.mode = "black-hole";
      else if (act === "silent") fake.mode = "silent";
      else if (act === "lead")
        for (const other of [0, 1, 2]) world.tell(other, { leader: other === server, connected: true });
      else if (act === "split") world.tell(server, { connected: false });
      else if (act === "advance") world.advance(ms);
      else if (act === "sleep") world.sleep(ms * 10);
      else if (act === "call") world.feed({ type: "call", token: ++tokens, method: "transact", params: ["Lab"] });
      else if (act === "lock") world.feed({ type: "lock", name: "l", steal: false });
      else if (act === "unlock") world.feed({ type: "unlock", name: "l" });
      else if (act === "reconnect") world.feed({ type: "reconnect", reason: "test" });
      else world.feed({ type: "conditions", monitor: 1, conditions: { Host: [["name", "==", String(ms % 3)]] } });
      check(world);
    }
    return { tokens };
  }

  function check(world: World): void {
    const phases = [...world.state.links.values()].map(({ phase }) => phase);
    expect(phases.filter((phase) => phase === "active").length).toBeLessThanOrEqual(1);
    expect(phases.filter((phase) => phase === "dialing" || phase === "greeting").length).toBeLessThanOrEqual(3);
    const servers = [...world.links.values()].map(({ server }) => server);
    expect(new Set(servers).size).toBe(servers.length);
    expect([...world.state.links.keys()].sort()).toEqual([...world.links.keys()].sort());
    const ids = world.requests.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  }

  it("links are few, calls end once, and the machine finds the leader when there is one", () => {
    fc.assert(
      fc.property(acts, (story) => {
        const world = new World(3);
        const { tokens } = live(world, story);
        for (const server of [0, 1, 2]) {
          world.fake(server).mode = "up";
          world.tell(server, { connected: true, leader: server === 1, index: 1_000 });
        }
        world.advance(60_000);
        expect(world.active).toBe(1);
        expect(world.state.status.state).toBe("ready");
        world.feed({ type: "close" });
        const ends = world.effects.flatMap((effect) =>
          effect.type === "reply" ||
          effect.type === "replyError" ||
          effect.type === "callLost" ||
          effect.type === "notReady"
            ? [effect.token]
            : [],
        );
        expect(ends.sort((a, b) => a - b)).toEqual(Array.from({ length: tokens }, (_none, index) => index + 1));
      }),
      { numRuns: 400 },
    );
  });

  it("the checker catches a machine that dials an endpoint twice", () => {
    const world = new World(3).start();
    world.links.set(99, { server: 0, open: true });
    expect(() => check(world)).toThrow();
  });
});
