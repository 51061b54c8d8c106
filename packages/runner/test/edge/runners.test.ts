import { chmodSync, createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execute } from "../../src/edge/execute.ts";
import { kubectlRunner, localRunner, sshRunner } from "../../src/edge/runners.ts";
import type { RunResult } from "../../src/types.ts";

const NASTY = ["it's", "$(touch never)", "a b\nc", "-n", "", "ü"];
const PRINT = ["-e", "process.stdout.write(JSON.stringify(process.argv.slice(1)))", "--"];
let folder: string;

/** A stand-in that finds the program as the real one does: kubectl behind --, ssh by a shell over its joined arguments. */
function standIn(name: string, script: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ovnha-runner-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the local runner", () => {
  const here = localRunner();
  it("hands arguments over as they are", async () => {
    const { stdout, exitCode } = await here.run(process.execPath, [...PRINT, ...NASTY]);
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, NASTY]);
  });

  it("resolves for a command that failed, with what it said", async () => {
    const result = await here.run("sh", ["-c", "echo out; echo err >&2; exit 3"]);
    expect(result).toMatchObject({ exitCode: 3, signal: undefined, stdout: "out\n", stderr: "err\n" });
    expect(await here.run("sh", ["-c", "kill -9 $$"])).toMatchObject({ exitCode: undefined, signal: "SIGKILL" });
  });

  it("feeds texts, bytes and streams, and an empty input without any", async () => {
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      yield Buffer.from("b");
    }
    const file = join(folder, "input");
    writeFileSync(file, "ab");
    for (const input of ["ab", Buffer.from("ab"), stream(), createReadStream(file)])
      expect((await here.run("cat", [], { input })).stdout).toBe("ab");
    expect((await here.run("cat", [])).stdout).toBe("");
  });

  it("does not wait for a program that reads nothing of a large input", async () => {
    expect(await here.run("true", [], { input: "x".repeat(4_000_000) })).toMatchObject({ exitCode: 0 });
  });

  it("hands output on as it comes, more than it would keep", async () => {
    let bytes = 0;
    const onStdout = (chunk: Uint8Array): void => {
      bytes += chunk.length;
    };
    const result = await here.run("head", ["-c", "3000000", "/dev/zero"], { onStdout, outputBytesMax: 10 });
    expect([bytes, result.stdout]).toEqual([3_000_000, ""]);
  });

  it("passes on what the taker of the output throws, and kills the program", async () => {
    const onStdout = (): void => {
      throw new RangeError("full");
    };
    await expect(here.run("yes", [], { onStdout })).rejects.toThrow(RangeError);
  });

  it.each([
    ["NOT_FOUND", () => here.run("no-such-program", [])],
    ["NOT_STARTED", () => here.run(folder, [])],
    ["TIMED_OUT", () => here.run("sleep", ["60"], { timeoutMs: 50 })],
    ["TOO_MUCH_OUTPUT", () => here.run("yes", [], { outputBytesMax: 1000 })],
    ["CANCELED", () => here.run("sleep", ["60"], { signal: AbortSignal.timeout(50) })],
    ["CANCELED", () => here.run("sleep", ["60"], { signal: AbortSignal.abort() })],
    ["BAD_ARGUMENT", () => here.run("printf", ["\0"])],
  ])("says %s", async (code, run) => {
    await expect(run()).rejects.toMatchObject({ name: "RunnerError", code });
  });

  it("does not wait for what the program leaves behind with its outputs", async () => {
    const daemon = "sleep 30 & echo started";
    expect(await here.run("sh", ["-c", daemon], { timeoutMs: 20_000 })).toMatchObject({
      exitCode: 0,
      stdout: "started\n",
    });
    await expect(here.run("sh", ["-c", "yes & wait"], { outputBytesMax: 1000 })).rejects.toMatchObject({
      code: "TOO_MUCH_OUTPUT",
    });
    await expect(here.run("sh", ["-c", "sleep 30 & wait"], { timeoutMs: 100 })).rejects.toMatchObject({
      code: "TIMED_OUT",
    });
  });

  describe("in a group of its own", () => {
    /** Whether a process runs; one that has ended and that nobody has waited for does not. */
    const runs = (pid: number): boolean => {
      try {
        return !/^\d+ \(.*\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
      } catch {
        return false;
      }
    };
    const pidsIn = (file: string): number[] => readFileSync(file, "utf8").trim().split("\n").map(Number);
    const until = (isSo: () => boolean): Promise<unknown> =>
      waitFor(isSo, { what: "the processes", deadlineMs: 20_000 });
    /** A shell and what it has started, and neither listens to a request to end. */
    const deaf = (file: string): string[] => [
      "-c",
      `trap "" TERM; sleep 600 & echo $$ > "${file}.new"; echo $! >> "${file}.new"; mv "${file}.new" "${file}"; wait; sleep 600`,
    ];

    it("has the terminal's signals pass by, and only then", async () => {
      const groupOf = async (ownGroup: boolean): Promise<string[]> => {
        const { stdout } = await here.run("sh", ["-c", 'read a b c d group rest < /proc/$$/stat; echo $$ "$group"'], {
          ownGroup,
        });
        return stdout.trim().split(" ");
      };
      const [pid, group] = await groupOf(true);
      expect(group).toBe(pid);
      const [other, foreground] = await groupOf(false);
      expect(foreground).not.toBe(other);
    });

    it("nobody of it is left when its time is up, and when it is given up", async () => {
      const file = join(folder, "pids-time");
      for (let timeoutMs = 250; !existsSync(file); timeoutMs *= 2)
        await expect(here.run("sh", deaf(file), { ownGroup: true, timeoutMs })).rejects.toMatchObject({
          code: "TIMED_OUT",
        });
      const other = join(folder, "pids-abort");
      const abort = new AbortController();
      const run = here.run("sh", deaf(other), { ownGroup: true, signal: abort.signal });
      await Promise.all([
        expect(run).rejects.toMatchObject({ code: "CANCELED" }),
        until(() => existsSync(other)).then(() => abort.abort()),
      ]);
      for (const pid of [...pidsIn(file), ...pidsIn(other)]) await until(() => !runs(pid));
    }, 60_000);

    it("what it leaves behind in good order is left alone", async () => {
      const { stdout } = await here.run("sh", ["-c", "sleep 600 >/dev/null 2>&1 & echo $!"], { ownGroup: true });
      expect(runs(Number(stdout))).toBe(true);
      process.kill(Number(stdout), "SIGKILL");
    });

    it("has its time to clean up, all of it and not only the first one", async () => {
      const [ready, cleaned] = [join(folder, "ready"), join(folder, "cleaned")];
      const inner = `trap 'sleep 0.2; echo > "$1"; exit' TERM; echo > "$0"; while :; do sleep 0.05; done`;
      const abort = new AbortController();
      // The outer one ends at once when it is asked to, and holds no outputs open.
      const outer = ["sh", "-c", 'sh -c "$@" >/dev/null 2>&1 & wait', "outer", inner, ready, cleaned] as const;
      const run = execute(outer, { ownGroup: true, signal: abort.signal }, {}, 20_000);
      await Promise.all([
        expect(run).rejects.toMatchObject({ code: "CANCELED" }),
        until(() => existsSync(ready)).then(() => abort.abort()),
      ]);
      expect(existsSync(cleaned)).toBe(true);
    }, 60_000);

    /** What becomes of a process that runs this script, in which `here` is the runner. */
    const runHere = (script: string): Promise<RunResult> => {
      const source = new URL("../../src/index.ts", import.meta.url).href;
      const head = `import { existsSync, writeFileSync } from "node:fs"; import { localRunner } from ${JSON.stringify(source)};
        const here = localRunner();\n`;
      const args = ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", head + script];
      return here.run(process.execPath, args, { timeoutMs: 60_000 });
    };
    const BESIDE = 'here.run("sleep", ["600"]).catch(() => {});';

    it.each([
      ["process.exit", "process.exit(7)", "", { exitCode: 7, signal: undefined, stderr: "" }],
      ["SIGTERM", 'process.kill(process.pid, "SIGTERM")', "", { signal: "SIGTERM" }],
      ["SIGHUP", 'process.kill(process.pid, "SIGHUP")', "", { signal: "SIGHUP" }],
      ["SIGINT", 'process.kill(process.pid, "SIGINT")', "", { signal: "SIGINT" }],
      ["SIGTERM, with another program beside", 'process.kill(process.pid, "SIGTERM")', BESIDE, { signal: "SIGTERM" }],
    ])(
      "ends with the process that runs it, deaf as it may be: by %s",
      async (name, end, beside, expected) => {
        const file = join(folder, `pids-end-${name.replaceAll(/\W/g, "-")}`);
        const script = `here.run("sh", ${JSON.stringify(deaf(file))}, { ownGroup: true }).catch(() => {});
        ${beside}
        const timer = setInterval(() => { if (existsSync(${JSON.stringify(file)})) { clearInterval(timer); ${end}; } }, 20);
        setTimeout(() => {}, 50_000);`;
        expect(await runHere(script)).toMatchObject(expected);
        for (const pid of pidsIn(file)) await until(() => !runs(pid));
      },
      90_000,
    );

    it("goes on when the program listens to a signal itself, be it once; and nobody listens when it is over", async () => {
      const [ready, go] = [join(folder, "ready-once"), join(folder, "go-once")];
      const command = ["-c", `echo > "${ready}"; until [ -e "${go}" ]; do sleep 0.05; done; echo done`];
      const script = `process.once("SIGTERM", () => writeFileSync(${JSON.stringify(go)}, ""));
        const timer = setInterval(() => {
          if (!existsSync(${JSON.stringify(ready)})) return;
          clearInterval(timer);
          process.kill(process.pid, "SIGTERM");
        }, 20);
        const { stdout } = await here.run("sh", ${JSON.stringify(command)}, { ownGroup: true, timeoutMs: 50_000 });
        const left = ["SIGTERM", "SIGHUP", "SIGINT"].map((name) => process.listenerCount(name));
        console.log(stdout.trim(), ...left);`;
      expect(await runHere(script)).toMatchObject({ exitCode: 0, stdout: "done 0 0 0\n" });
    }, 90_000);
  });

  it("keeps exactly as much as it may", async () => {
    expect((await here.run("printf", ["12345"], { outputBytesMax: 5 })).stdout).toBe("12345");
    await expect(here.run("printf", ["123456"], { outputBytesMax: 5 })).rejects.toMatchObject({
      code: "TOO_MUCH_OUTPUT",
    });
  });
});

describe("far runners", () => {
  it("reach a pod", async () => {
    const kubectl = standIn("kubectl", `while [ "$1" != -- ]; do shift; done; shift; exec "$@"`);
    const runner = kubectlRunner({ pod: "p", namespace: "n", kubectl });
    expect(runner.name).toBe("pod n/p");
    expect(JSON.parse((await runner.run(process.execPath, [...PRINT, ...NASTY])).stdout)).toEqual(NASTY);
    expect(await runner.run("false", [])).toMatchObject({ exitCode: 1 });
  });

  it("tell a pod that is not there from a program that failed", async () => {
    const kubectl = standIn("kubectl-refuses", `echo 'Error from server (NotFound): pods "p" not found' >&2; exit 1`);
    const run = kubectlRunner({ pod: "p", kubectl }).run("true", []);
    await expect(run).rejects.toMatchObject({ code: "UNREACHABLE", message: expect.stringContaining("not found") });
  });

  it("reach a host through its shell", async () => {
    const seen = join(folder, "seen");
    const ssh = standIn("ssh", `echo "$@" > '${seen}'; while [ "$1" != -- ]; do shift; done; shift 2; exec sh -c "$*"`);
    const runner = sshRunner({ host: "h", user: "root", ssh });
    expect(runner.name).toBe("ssh root@h");
    expect(JSON.parse((await runner.run(process.execPath, [...PRINT, ...NASTY])).stdout)).toEqual(NASTY);
    expect(readFileSync(seen, "utf8")).toMatch(/-o BatchMode=yes .*-l root -- h /);
    expect((await runner.run("cat", [], { input: "in" })).stdout).toBe("in");
  });

  it("tell a host that is not there", async () => {
    const ssh = standIn("ssh-refuses", `echo "connect to host h port 22: Connection refused" >&2; exit 255`);
    await expect(sshRunner({ host: "h", ssh }).run("true", [])).rejects.toMatchObject({ code: "UNREACHABLE" });
    await expect(sshRunner({ host: "h", ssh: "no-such-ssh" }).run("true", [])).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });
});
