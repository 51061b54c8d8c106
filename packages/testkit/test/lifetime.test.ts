import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { canNetns, Hopeless, ovsVersion, realOvs, removeFolder, removeStale, waitFor } from "../src/index.ts";

const PROGRAM = fileURLToPath(new URL("leave-behind.ts", import.meta.url));
const skip = realOvs() === "skip";
const withSetpriv = spawnSync("setpriv", ["--pdeathsig", "KILL", "true"]).status === 0;

type Left = { readonly dir: string; readonly pids: readonly number[]; readonly namespaces: readonly string[] };

/** A program that starts servers, says which, and then does what `end` says. */
async function program(
  end: "exit" | "throw" | "wait",
  kind: "loopback" | "netns",
): Promise<{ child: ChildProcess; left: Left }> {
  const child = spawn(process.execPath, ["--import", "tsx", PROGRAM, end, kind], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  child.stdout?.on("data", (piece) => {
    text += piece;
  });
  await waitFor(() => text.endsWith("\n"), { what: "the program to have started its servers" });
  return { child, left: JSON.parse(text) as Left };
}

/** A process that has ended and that nobody has asked about yet is none. */
function runs(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && !/\) [ZX] /.test(readFileSync(file, "utf8"));
}

async function expectNoneRuns({ pids }: Left): Promise<void> {
  expect(pids).toHaveLength(4);
  await waitFor(() => !pids.some(runs), { what: "all servers to be gone", deadlineMs: 5_000 });
}

describe.skipIf(skip)("servers end with the process that started them", () => {
  test.each(["exit", "throw"] as const)("when it ends by %s", async (end) => {
    const { child, left } = await program(end, "loopback");
    if (child.exitCode === null) await once(child, "exit");
    await expectNoneRuns(left);
    expect(existsSync(left.dir)).toBe(false);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("when it gets %s", async (signal) => {
    const { child, left } = await program("wait", "loopback");
    expect(left.pids.every(runs)).toBe(true);
    child.kill(signal);
    await once(child, "exit");
    await expectNoneRuns(left);
    expect(existsSync(left.dir)).toBe(false);
  });

  test.skipIf(!withSetpriv)("even when it is killed outright, and one of them is frozen", async () => {
    const { child, left } = await program("wait", "loopback");
    child.kill("SIGKILL");
    await once(child, "exit");
    await expectNoneRuns(left);
    removeFolder(left.dir);
  });

  test.skipIf(!canNetns())("and so do their namespaces", async () => {
    const { child, left } = await program("wait", "netns");
    const listed = () => spawnSync("ip", ["netns", "list"], { encoding: "utf8" }).stdout;
    expect(left.namespaces).toHaveLength(4);
    expect(listed()).toContain(left.namespaces[0]);
    child.kill("SIGTERM");
    await once(child, "exit");
    await expectNoneRuns(left);
    for (const name of left.namespaces) expect(listed()).not.toContain(name);
  });

  test.skipIf(!canNetns() || !withSetpriv)(
    "the next run removes the namespaces of one that was killed outright",
    async () => {
      const { child, left } = await program("wait", "netns");
      child.kill("SIGKILL");
      await once(child, "exit");
      await removeStale();
      const listed = spawnSync("ip", ["netns", "list"], { encoding: "utf8" }).stdout;
      for (const name of left.namespaces) expect(listed).not.toContain(name);
      removeFolder(left.dir);
    },
  );
});

describe("what is there", () => {
  test.skipIf(skip)("is told by its version", () => expect(ovsVersion()).toMatch(/^\d+\.\d+\.\d+$/));

  test("absence is a reason to skip, and a failure where it is required", () => {
    const ask = (required: string) => {
      const code = `const { realOvs } = await import(${JSON.stringify(new URL("../src/environment.ts", import.meta.url).href)}); console.log(realOvs());`;
      const env = { PATH: "/nonexistent", OVNHA_REQUIRE_OVS: required };
      return spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], {
        encoding: "utf8",
        env,
      });
    };
    expect(ask("0").stdout).toBe("skip\n");
    const { status, stderr } = ask("1");
    expect(status).toBe(1);
    expect(stderr).toContain("OVNHA_REQUIRE_OVS=1, and ovsdb-server is not installed");
  });
});

describe("waitFor", () => {
  test("gives what it waited for; errors and falsehood count as not yet", async () => {
    let calls = 0;
    const answer = () => {
      calls++;
      if (calls === 1) throw new Error("not yet");
      return calls < 3 ? false : calls;
    };
    expect(await waitFor(answer, { what: "the third call" })).toBe(3);
  });

  test("names what it waited for, and why it is not there", async () => {
    const waiting = waitFor(() => Promise.reject(new Error("cold")), { what: "spring", deadlineMs: 20 });
    await expect(waiting).rejects.toMatchObject({
      message: "waited 20 ms in vain for spring",
      cause: { message: "cold" },
    });
  });

  test("ends at once when there is no hope", async () => {
    let calls = 0;
    const waiting = waitFor(
      () => {
        calls++;
        throw new Hopeless("gone");
      },
      { what: "it" },
    );
    await expect(waiting).rejects.toThrow("gone");
    expect(calls).toBe(1);
  });
});
