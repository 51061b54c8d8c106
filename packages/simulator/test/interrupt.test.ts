/** Ctrl-C, as a terminal sends it: what there is by then is printed, and the status says that it was interrupted. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";

// A bound against hanging, and no measure: a machine that is busy with other things takes its time.
vi.setConfig({ testTimeout: 300_000 });

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** Interrupts the process, or its whole group as a terminal does, as soon as the command has said that it runs. */
function interrupted(
  args: readonly string[],
  whom: "process" | "group" = "process",
): Promise<{ status: number | null; out: string; err: string }> {
  const child = spawn(
    process.execPath,
    ["--conditions=ovnha-source", "--import", "tsx", path("./support/interrupted.ts"), ...args],
    { stdio: ["ignore", "pipe", "pipe", "ipc"], detached: whom === "group" },
  );
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  // The command says over the channel that it is under way: no clock is guessed at.
  child.once("message", () => {
    if (whom === "process") child.kill("SIGINT");
    else process.kill(-child.pid!, "SIGINT");
  });
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, out, err })));
}

describe("SIGINT", () => {
  test("a sweep prints what its seeds said by then", async () => {
    const { status, out } = await interrupted(["sweep", "s1", "--seeds", "1000000", "--workers", "1"]);
    expect(status).toBe(130);
    expect(out).toMatch(/outage \d+ {3}of \d+ seeds/);
    expect(out).toMatch(/interrupted: this is what \d+ seeds said by then/);
  });

  test("and as JSON, which is whole", async () => {
    const { status, out } = await interrupted(["sweep", "s1", "--seeds", "1000000", "--workers", "1", "--json"]);
    expect(status).toBe(130);
    const result = JSON.parse(out) as { version: number; seeds: number };
    expect(result.version).toBe(1);
    expect(result.seeds).toBeGreaterThan(0);
    expect(result.seeds).toBeLessThan(1_000_000);
  });

  test("random faults, pairs and states too", async () => {
    const all = await Promise.all([
      interrupted(["sweep", "--seeds", "1000000"]),
      interrupted(["diff", "s1", "s1@3.1.0", "--seeds", "1000000"]),
      interrupted(["explore", "--states", "20000000", "--depth", "100"]),
    ]);
    expect(all.map(({ status }) => status)).toEqual([130, 130, 130]);
    expect(all[0]?.out).toMatch(/nothing broke.* in \d+ random schedules/);
    expect(all[1]?.out).toContain("pairs");
    expect(all[2]?.out).toMatch(/\d+ states.*interrupted/);
  });

  test("to the whole group of processes, workers among them, as a terminal sends it", async () => {
    const workers = ["--workers", "2"];
    const [swept, mapped] = [
      await interrupted(["sweep", "s1", "--seeds", "1000000", ...workers], "group"),
      await interrupted(["map", "--seeds", "4000", ...workers], "group"),
    ];
    expect(swept).toMatchObject({ status: 130, err: "" });
    expect(swept.out).toMatch(/interrupted: this is what \d+ seeds said by then/);
    expect(mapped).toMatchObject({ status: 130, err: "" });
    expect(mapped.out).toMatch(/interrupted: this is what \d+ of 192000 runs said by then/);
  });

  test("a map is there, coarse as it is", async () => {
    const { status, out } = await interrupted(["map", "--seeds", "4000", "--workers", "1"]);
    expect(status).toBe(130);
    expect(out).toMatch(/\nenough[\s\S]*interrupted: this is what \d+ of 192000 runs said by then/);
  });
});
