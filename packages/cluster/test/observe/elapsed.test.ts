import { describe, expect, it } from "vitest";
import { elapsedBetween, elapsedMs } from "../../src/index.ts";

describe("time between looks", () => {
  it.each([
    ["no monotonic clock", { atMs: 1_000 }, { atMs: 1_050 }, 50],
    ["no monotonic clock, and the wall clock set back", { atMs: 5_000 }, { atMs: 1_050 }, 0],
    ["the wall clock set on by an hour", { atMs: 0, monotonicMs: 7 }, { atMs: 3_600_050, monotonicMs: 57 }, 50],
    ["the wall clock set back", { atMs: 60_000, monotonicMs: 7 }, { atMs: 50, monotonicMs: 57 }, 50],
    ["a reboot in between", { atMs: 0, monotonicMs: 90_000 }, { atMs: 40_000, monotonicMs: 20 }, 40_000],
    ["a reboot long ago", { atMs: 0, monotonicMs: 10 }, { atMs: 40_000, monotonicMs: 90_000 }, 40_000],
    [
      "another machine, whose clock is behind",
      { atMs: 1_000, monotonicMs: 7, boot: "a" },
      { atMs: 0, monotonicMs: 9e9, boot: "b" },
      0,
    ],
    ["another machine", { atMs: 0, monotonicMs: 9e9, boot: "a" }, { atMs: 40_000, monotonicMs: 7, boot: "b" }, 40_000],
    [
      "counted time that is ahead of the clock",
      { atMs: 9e9, wallMs: 0, monotonicMs: 7, boot: "a" },
      { atMs: 50, monotonicMs: 9, boot: "b" },
      50,
    ],
  ])("%s", (_name, from, to, ms) => expect(elapsedMs(from, to)).toBe(ms));

  it("counts from the end of the one to the beginning of the other", () => {
    const look = (startedMs: number, endedMs: number, offsetMs = 0) => ({
      startedMs: startedMs + offsetMs,
      endedMs: endedMs + offsetMs,
      monotonic: { startedMs, endedMs },
      databases: [],
    });
    expect(elapsedBetween(look(0, 100), look(150, 200))).toBe(50);
    expect(elapsedBetween(look(0, 100), look(150, 200, 3_600_000))).toBe(50);
    expect(elapsedBetween(look(0, 100), look(50, 200))).toBe(0);
  });
});
