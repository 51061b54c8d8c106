/** Liveness after the faults have ended: the check has bugs planted for it, and says nothing where a majority cannot return. */
import { expect, test } from "vitest";
import { broken } from "../../src/expectation.ts";
import { finish, parseScenario, prepareWorld, type Run } from "../../src/index.ts";
import type { World } from "../../src/world/world.ts";

const HEALED = parseScenario(`
version: 1
name: healed
cluster: { members: 3, timer: 1s }
schedule:
  - { at: 5s, isolate: m1, for: 10s }
  - { at: 20s, stop: leader }
  - { at: 25s, heal: all }
  - { at: 25s, start: m1, boot: same-disk }
  - { at: 25s, start: m2, boot: same-disk }
  - { at: 25s, start: m3, boot: same-disk }
run: { for: 3m }
`);

function run(plant: (world: World) => void): Run {
  const world = prepareWorld(HEALED, { seed: 1 });
  plant(world);
  world.run(world.trace.zeroUs + HEALED.forMs * 1000);
  return finish(world);
}

const complaints = (plant: (world: World) => void): string => broken(run(plant)).join("\n");

test("without a bug nothing is said", () => expect(complaints(() => {})).toBe(""));

test("servers that never stand for election are caught", () => {
  // Their election timer never ends: whoever leads when it begins is the last.
  const bug = (world: World): void =>
    world.later(19_000, () => {
      const never = (): void => {
        for (const { server } of world.hosts)
          if (server !== undefined && server.node.role !== "leader")
            server.node.electionTimeoutMs = Number.MAX_SAFE_INTEGER;
        world.later(50, never);
      };
      never();
    });
  expect(complaints(bug)).toContain("liveness");
});

test("links that stay cut though they were healed are caught", () => {
  const bug = (world: World): void => {
    world.later(26_000, () => {
      for (const a of world.hosts) for (const b of world.hosts) if (a !== b) world.net.block(a.index, b.index);
    });
  };
  expect(complaints(bug)).toContain("liveness");
});

test("a majority that has lost its disks is no matter of liveness: it is told as permanent", () => {
  const r = run((world) =>
    world.later(30_000, () => {
      for (const host of world.hosts.slice(0, 2)) {
        world.stop(host, "kill");
        host.disk.wipe("all");
      }
    }),
  );
  expect(r.verdict.word).toBe("permanent");
  expect(broken(r).join()).not.toContain("liveness");
});
