/** A twin that is ended in the middle: it tells what it has, and none of its servers or files is left. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { realOvs, removeFolder, temporaryFolder, waitFor } from "@ovnha/testkit";
import { describe, expect, test } from "vitest";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** m2 is frozen and another is down while the last step is waited for: the hardest to clear. */
const SCHEDULE = `version: 1
name: long-twin
cluster: { members: 3, timer: 500ms }
schedule:
  - { at: 100ms, expect: { leader: true } }
  - { at: 1s, restart: m3, how: kill, down: 2m }
  - { at: 1s, pause: m2 }
  - { at: 2s, mark: here }
  - { at: 3m, mark: never }
run: { for: 4m }
`;

/** Processes whose command line names the folder, without us. */
function processesOf(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return line.includes("ovsdb-server") && line.includes(folder) ? [line] : [];
      } catch {
        return [];
      }
    });
}

/** Sends `signal` once `steps` were told of; the command's temporary folder is one of the test's. */
async function ended(signal: NodeJS.Signals, afterTold: number, more: readonly string[] = []) {
  const folder = temporaryFolder();
  const [tmp, file] = [join(folder, "tmp"), join(folder, "long.yaml")];
  mkdirSync(tmp);
  writeFileSync(file, SCHEDULE);
  const args = ["--conditions=ovnha-source", "--import", "tsx", path("../support/interrupted.ts")];
  const child = spawn(process.execPath, [...args, "twin", file, "--seeds", "10", ...more], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    env: { ...process.env, TMPDIR: tmp },
  });
  let out = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  let told = 0;
  let wereRunning = 0;
  child.on("message", () => {
    if (++told !== afterTold) return;
    wereRunning = processesOf(tmp).length;
    child.kill(signal);
  });
  const status = await new Promise((resolve) => child.on("close", (code, by) => resolve(code ?? by)));
  return { status, out, tmp, wereRunning, clear: () => removeFolder(folder) };
}

/** Forms; expect, restart and pause begin; the mark after which nothing happens for long. */
const AT_THE_MARK = 5;

describe.skipIf(realOvs() === "skip")("a twin that is ended", () => {
  test.concurrent.each(["SIGINT", "SIGHUP"] as const)(
    "by %s tells how far it came, and leaves nothing",
    {
      timeout: 120_000,
    },
    async (signal) => {
      const { status, out, tmp, wereRunning, clear } = await ended(signal, AT_THE_MARK);
      expect(status).toBe(130);
      expect(wereRunning).toBe(2);
      expect(processesOf(tmp)).toEqual([]);
      expect(readdirSync(tmp).filter((name) => name.startsWith("quorum-twin-"))).toEqual([]);
      expect(out).toMatch(/^long-twin {2}interrupted\n {2}interrupted \d+m?s into its schedule, 4 of 5 steps begun/);
      expect(out).toContain('the last "mark"');
      expect(out).toMatch(/by then \d+ writes were acknowledged/);
      expect(out).toMatch(/leader at 0 s +(yes|no) +yes +(agrees|differs)/);
      clear();
    },
  );

  test.concurrent("by SIGTERM while its cluster is formed, as JSON", { timeout: 120_000 }, async () => {
    const { status, out, tmp, clear } = await ended("SIGTERM", 1, ["--json"]);
    expect(status).toBe(130);
    const { results } = JSON.parse(out) as { results: unknown[] };
    expect(results).toMatchObject([{ scenario: "long-twin", interrupted: { during: "forming", acked: 0 }, rows: [] }]);
    expect(processesOf(tmp)).toEqual([]);
    expect(readdirSync(tmp).filter((name) => name.startsWith("quorum-twin-"))).toEqual([]);
    clear();
  });

  const canDieTogether = spawnSync("setpriv", ["--pdeathsig", "KILL", "true"]).status === 0;
  test
    .skipIf(!canDieTogether && process.env["OVNHA_REQUIRE_OVS"] !== "1")
    .concurrent("by SIGKILL takes its servers along, those that are frozen too", { timeout: 120_000 }, async () => {
      const { status, tmp, wereRunning, clear } = await ended("SIGKILL", AT_THE_MARK);
      expect(status).toBe("SIGKILL");
      expect(wereRunning).toBe(2);
      await waitFor(() => processesOf(tmp).length === 0, { what: "the servers to end with their parent" });
      clear();
    });
});
