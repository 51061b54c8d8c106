/** `ovn-ha plan --execute` as a process on a terminal, by script(1): somebody answers, or presses Ctrl-C. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type OvsdbCluster, realOvs, SCHEMAS, startCluster, waitFor } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const BIN = fileURLToPath(new URL("../../src/edge/cli/ovn-ha.ts", import.meta.url));
const TSX = import.meta.resolve("tsx");
const CTRL_C = "\u0003";

class Session {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  text = "";

  constructor(args: readonly string[]) {
    const words = [process.execPath, "--conditions=ovnha-source", "--import", TSX, BIN, ...args];
    const line = words.map((word) => `'${word}'`).join(" ");
    this.#child = spawn("script", ["-qec", `stty cols 100 rows 30; exec ${line}`, "/dev/null"]);
    this.#child.stdout?.on("data", (bytes) => {
      this.text += String(bytes);
    });
    // What is typed after the end is lost.
    this.#child.stdin?.on("error", () => {});
    this.ended = new Promise((resolve) => this.#child.once("close", resolve));
  }

  async until(words: RegExp): Promise<void> {
    await waitFor(() => words.test(this.text), { what: String(words), deadlineMs: 30_000 }).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; it said: ${this.text}`);
    });
  }

  press(keys: string): void {
    this.#child.stdin?.write(keys);
  }
}

describe.skipIf(realOvs() === "skip").sequential("ovn-ha plan --execute on a terminal", () => {
  let cluster: OvsdbCluster;
  let target: string[];

  beforeAll(async () => {
    cluster = await startCluster({ members: 3, schema: SCHEMAS.northbound });
    const file = join(cluster.dir, "members.json");
    const members = cluster.members.map(({ remote, dir }, index) => ({
      name: `node${index}`,
      nb: { remote, control: join(dir, "ctl") },
    }));
    writeFileSync(file, JSON.stringify({ members }));
    target = ["-m", file, "--timeout", "1", "--execute"];
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it("a yes does one step, and Ctrl-C is a no to the next", async () => {
    const session = new Session(["plan", "timer", "nb", "4000", ...target]);
    await session.until(/Step 1 of 2: .*\? \[y\/N\] $/);
    session.press("yes\n");
    await session.until(/Step 2 of 2: .*\? \[y\/N\] $/);
    session.press(CTRL_C);
    expect(await session.ended).toBe(130);
    expect(session.text).toMatch(/1\/2 [\s\S]*done in [\s\S]*left out: it was not wanted/);
    expect(await cluster.status(0)).toContain("Election timer: 2000");
    expect(session.text).not.toContain("fault of ovn-ha");
  });

  /** A program that restarts nobody: what it is given comes after its own beginning, which is in `begun`. */
  const program = (name: string, script: string): { begun: string; restart: string[] } => {
    const begun = join(cluster.dir, `${name}-begun`);
    const file = join(cluster.dir, name);
    writeFileSync(file, `#!/bin/sh\necho "$1 $$" >> ${begun}\n${script}\n`, { mode: 0o755 });
    return { begun, restart: ["--settle", "1", "--restart-command", `here:${file} {member}`] };
  };
  const read = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
  /** Up to where the first command of a restart runs. */
  const begin = async (restart: readonly string[], begun: string): Promise<{ session: Session; first: string }> => {
    const session = new Session(["plan", "restart", ...restart, ...target]);
    await session.until(/Restart node\d\? \[y\/N\] $/);
    session.press("y\n");
    await waitFor(() => read(begun) !== "", { what: "the restart to begin" });
    return { session, first: read(begun).split(" ")[0] ?? "" };
  };

  it("Ctrl-C in the middle of a command lets it finish: it does not reach it, and nobody else is touched", async () => {
    const [go, finished] = [join(cluster.dir, "go"), join(cluster.dir, "finished")];
    const { begun, restart } = program("slow", `until [ -e ${go} ]; do sleep 0.05; done\necho "$1" >> ${finished}`);
    const { session, first } = await begin(restart, begun);
    session.press(CTRL_C);
    await session.until(/what runs is finished first/);
    writeFileSync(go, "");
    expect(await session.ended).toBe(130);
    expect(read(finished)).toBe(`${first}\n`);
    expect(read(begun).trim().split("\n")).toHaveLength(1);
    expect(session.text).toMatch(/stopped: interrupted[\s\S]*; not touched: node\d, node\d/);
    expect(session.text).not.toContain("fault of ovn-ha");
  });

  it("a second Ctrl-C ends both, with all that the command has started", async () => {
    const { begun, restart } = program("endless", `sleep 600 & echo "child $!" >> "$0-begun"; wait`);
    const { session } = await begin(restart, begun);
    await waitFor(() => read(begun).includes("child"), { what: "its child" });
    session.press(CTRL_C);
    await session.until(/what runs is finished first/);
    let isOver = false;
    const ended = session.ended.finally(() => {
      isOver = true;
    });
    const pressed = (): boolean => {
      if (!isOver) session.press(CTRL_C);
      return isOver;
    };
    await waitFor(pressed, { what: "the end", deadlineMs: 30_000 });
    expect(await ended).toBe(130);
    const pids = read(begun)
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[1]);
    expect(pids).toHaveLength(2);
    const runs = (pid: string | undefined): boolean => {
      try {
        return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
      } catch {
        return false;
      }
    };
    await waitFor(() => !pids.some(runs), { what: "nobody to be left", deadlineMs: 20_000 });
  });
});
