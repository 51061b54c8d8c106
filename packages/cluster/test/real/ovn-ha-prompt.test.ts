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

  it("Ctrl-C in the middle of a step ends it there: nobody else is touched, and it is said who was", async () => {
    const begun = join(cluster.dir, "begun");
    const program = join(cluster.dir, "restart");
    // It would never end by itself; the terminal gives Ctrl-C to it as well.
    writeFileSync(program, `#!/bin/sh\necho "$1" >> ${begun}\nexec tail -f /dev/null\n`, { mode: 0o755 });
    const restart = ["--settle", "1", "--restart-command", `here:${program} {member}`];
    const session = new Session(["plan", "restart", ...restart, ...target]);
    await session.until(/Restart node\d\? \[y\/N\] $/);
    session.press("y\n");
    await waitFor(() => existsSync(begun) && readFileSync(begun, "utf8") !== "", { what: "the restart to begin" });
    session.press(CTRL_C);
    expect(await session.ended).not.toBe(0);
    const [first = ""] = readFileSync(begun, "utf8").split("\n");
    expect(readFileSync(begun, "utf8")).toBe(`${first}\n`);
    expect(session.text).toMatch(
      new RegExp(
        `stopped: ${first}: .*was ended by SIGINT: [\\s\\S]*may have taken effect[\\s\\S]*not touched: node\\d, node\\d`,
      ),
    );
    expect(session.text).not.toContain("fault of ovn-ha");
  });
});
