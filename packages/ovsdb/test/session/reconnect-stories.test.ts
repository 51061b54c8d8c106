/**
 * The thirteen stories that Open vSwitch tells of its reconnect machine (tests/reconnect.at), told of this one, with one
 * endpoint and no jitter. Where the story differs here, it says so.
 */
import { describe, expect, it } from "vitest";
import { deadlineMs } from "../../src/session/index.ts";
import { World } from "./fake-servers.ts";

const dialTimes = (world: World): number[] => world.dials.map(({ atMs }) => atMs);
/** Ends the serving link from the server's side, while the server stays up. */
function drop(world: World): void {
  const link = world.state.active ?? [...world.links.keys()][0];
  if (link === undefined) throw new Error("no link to drop");
  world.links.delete(link);
  world.feed({ type: "lost", link });
}

describe("reconnect", () => {
  it("1. nothing happens before it is started", () => {
    const world = new World(1);
    expect(deadlineMs(world.state)).toBe(Number.POSITIVE_INFINITY);
    expect(world.advance(100_000).dials).toEqual([]);
  });

  it("2. quick connect, then silence: a question after 5 s, the end after 10 s", () => {
    const world = new World(1).start();
    expect(world.active).toBe(0);
    world.fake(0).mode = "silent";
    world.advance(5_000);
    expect(world.requests.at(-1)).toMatchObject({ method: "echo", atMs: 5_000 });
    world.advance(4_999);
    expect(world.active).toBe(0);
    // It had served for longer than its pause, so it is dialled again at once.
    world.advance(1);
    expect(dialTimes(world)).toEqual([0, 10_000]);
  });

  it("3. slow connect, then silence: the clock of silence starts with the connection", () => {
    const world = new World(1);
    world.fake(0).mode = "black-hole";
    world.start().advance(900);
    world.fake(0).mode = "up";
    const [link = 0] = world.links.keys();
    world.links.set(link, { server: 0, open: true });
    world.feed({ type: "opened", link });
    expect(world.active).toBe(0);
    world.fake(0).mode = "silent";
    world.advance(4_999);
    expect(world.asked("echo")).toEqual([]);
    world.advance(1);
    expect(world.asked("echo")).toMatchObject([{ atMs: 5_900 }]);
  });

  it("4. attempts that time out back off: 1, 2, 4, 8, 8 s after each limit of 5 s (the C machine's limit is the pause itself)", () => {
    const world = new World(1);
    world.fake(0).mode = "black-hole";
    world.start().advance(60_000);
    expect(dialTimes(world)).toEqual([0, 6_000, 13_000, 22_000, 35_000, 48_000]);
  });

  it("5. connections on which nothing is ever heard keep backing off", () => {
    const world = new World(1);
    world.fake(0).mode = "silent";
    world.start().advance(30_000);
    expect(dialTimes(world)).toEqual([0, 6_000, 13_000, 22_000]);
  });

  it("6. a brief connection keeps the pause it came with", () => {
    const world = new World(1);
    world.fake(0).mode = "refuses";
    world.start().advance(6_999);
    expect(dialTimes(world)).toEqual([0, 1_000, 3_000]);
    world.fake(0).mode = "up";
    world.advance(1);
    expect(world.active).toBe(0);
    world.advance(500);
    drop(world);
    world.advance(7_999);
    expect(dialTimes(world)).toEqual([0, 1_000, 3_000, 7_000]);
    world.advance(1);
    expect(dialTimes(world).at(-1)).toBe(15_500);
  });

  it("7. also if data came on it", () => {
    const world = new World(1);
    world.fake(0).mode = "refuses";
    world.start().advance(2_999);
    world.fake(0).mode = "up";
    world.advance(1);
    world.feed({ type: "bytes", link: world.state.active ?? 0 });
    world.advance(500);
    drop(world);
    world.advance(3_999);
    expect(dialTimes(world)).toEqual([0, 1_000, 3_000]);
    world.advance(1);
    expect(dialTimes(world).at(-1)).toBe(7_500);
  });

  it("8. a long connection forgets the pause", () => {
    const world = new World(1);
    world.fake(0).mode = "refuses";
    world.start().advance(6_999);
    world.fake(0).mode = "up";
    world.advance(1).advance(60_000);
    drop(world);
    expect(dialTimes(world).at(-1)).toBe(67_000);
    world.kill(0);
    world.advance(1_000);
    expect(dialTimes(world).at(-1)).toBe(68_000);
  });

  it("9. an attempt that fails at once waits out its pause all the same", () => {
    const world = new World(1);
    world.fake(0).mode = "refuses";
    world.start().advance(3_000);
    expect(dialTimes(world)).toEqual([0, 1_000, 3_000]);
  });

  it("10. every endpoint has one try without a pause", () => {
    const world = new World(3);
    for (const server of [0, 1, 2]) world.fake(server).mode = "refuses";
    world.start();
    expect(world.dials).toEqual([
      { server: 0, atMs: 0 },
      { server: 1, atMs: 0 },
      { server: 2, atMs: 0 },
    ]);
    world.advance(999);
    expect(world.dials).toHaveLength(3);
  });

  it("11. one try only: its owner closes it after the first (there is no count of tries here, but `limits.openMs` and `close`)", () => {
    const world = new World(1);
    world.fake(0).mode = "refuses";
    world.start();
    world.feed({ type: "close" });
    expect(world.advance(100_000).dials).toHaveLength(1);
    expect(deadlineMs(world.state)).toBe(Number.POSITIVE_INFINITY);
  });

  it("12. no try at all: closed before it is started", () => {
    const world = new World(1);
    world.feed({ type: "close" });
    world.start();
    expect(world.advance(100_000).dials).toEqual([]);
  });

  it("13. passive: it listens without a limit, and listens again at once after a server that had served", () => {
    const world = new World(1);
    world.feed({ type: "setEndpoints", endpoints: [{ kind: "ptcp", port: 6640, host: "10.0.0.1" }] });
    world.fake(0).mode = "black-hole";
    world.start().advance(3_600_000);
    expect(world.dials).toHaveLength(1);
    const [link = 0] = world.links.keys();
    world.fake(0).mode = "up";
    world.links.set(link, { server: 0, open: true });
    world.feed({ type: "opened", link });
    expect(world.active).toBe(0);
    world.advance(10_000);
    world.fake(0).mode = "black-hole";
    drop(world);
    expect(dialTimes(world)).toEqual([0, 3_610_000]);
  });
});
