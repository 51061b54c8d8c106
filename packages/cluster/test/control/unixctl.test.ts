import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Runner, RunResult } from "@ovnha/runner";
import { afterEach, describe, expect, it } from "vitest";
import {
  readCommands,
  readCoverage,
  readMemory,
  readStorageStatus,
  readSyncStatus,
} from "../../src/control/answers.ts";
import { unixctl, unixctlThrough } from "../../src/index.ts";

type Request = { readonly id: number; readonly method: string; readonly params: readonly string[] };
type Reply =
  | { readonly result: unknown }
  | { readonly error: string }
  | "hang up"
  | "silence"
  | { readonly raw: string };

const open: { server: Server; dir: string }[] = [];
afterEach(() => {
  for (const { server, dir } of open.splice(0)) {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

/** A server that answers as a release would; every connection begins in text mode. */
async function serve(answer: (request: Request, isJson: boolean) => Reply): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "ovnha-ctl-"));
  const path = join(dir, "a,tcp:b.ctl");
  const server = createServer((socket) => {
    let isJson = false;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      for (const line of bytes.toString("utf8").replaceAll('}{"', '}\n{"').split("\n")) {
        const request = JSON.parse(line) as Request;
        const reply = answer(request, isJson);
        if (request.method === "set-options" && typeof reply === "object" && "result" in reply) isJson = true;
        if (reply === "hang up") socket.end();
        else if (reply === "silence") continue;
        else if ("raw" in reply) socket.write(reply.raw);
        else socket.write(JSON.stringify({ id: request.id, result: null, error: null, ...reply }));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  open.push({ server, dir });
  return path;
}

const OLD = ({ method }: Request): Reply =>
  method === "set-options"
    ? { error: '"set-options" is not a valid command (use "list-commands" to see a list of valid commands)\n' }
    : { result: "f32e5d2d\n" };
const NEW = ({ method }: Request, isJson: boolean): Reply => {
  if (method === "set-options") return { result: "" };
  if (method === "list-commands" && isJson) return { result: { exit: "", "cluster/sid": "DB" } };
  return { result: isJson ? { "reply-format": "plain", reply: "f32e5d2d" } : "f32e5d2d" };
};

describe("unixctl", () => {
  it.each([
    ["3.3 and earlier", OLD],
    ["3.4 and later", NEW],
  ])("gives the same text of %s, in text and in JSON mode", async (_release, answer) => {
    const control = unixctl(await serve(answer));
    expect(await control.call("cluster/sid", ["DB"])).toBe("f32e5d2d");
    expect(await control.serverId("DB")).toBe("f32e5d2d");
    expect(await control.callJson("cluster/sid", ["DB"])).toEqual({ type: "text", text: "f32e5d2d" });
  });

  it("gives the JSON of commands that have some", async () => {
    const control = unixctl(await serve(NEW));
    expect(await control.callJson("list-commands")).toEqual({ type: "json", value: { exit: "", "cluster/sid": "DB" } });
  });

  it.each<[string, Reply, string, string]>([
    ["hangs up", "hang up", "PROTOCOL", "PROTOCOL"],
    ["is silent", "silence", "TIMEOUT", "TIMEOUT"],
    ["does not speak JSON", { raw: "hello" }, "PROTOCOL", "PROTOCOL"],
    ["has too much to say", { result: "x".repeat(5_000) }, "LIMIT", "LIMIT"],
  ])("tells that a server %s; of a change it does not know what became", async (_what, reply, code, cause) => {
    const control = unixctl(await serve(() => reply), { timeoutMs: 300, answerBytesMax: 2_000 });
    await expect(control.status("DB")).rejects.toMatchObject({ code });
    await expect(control.leave("DB")).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN", cause: { code: cause } });
  });

  it("takes it as done if a server that is told to exit hangs up, and as nothing else", async () => {
    const control = unixctl(await serve(() => "hang up"));
    await control.exit();
    const silent = unixctl(await serve(() => "silence"), { timeoutMs: 200 });
    await expect(silent.exit()).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
  });

  it("ends by its signal", async () => {
    const abort = new AbortController();
    const path = await serve(() => {
      abort.abort();
      return "silence";
    });
    const control = unixctl(path);
    await expect(control.version({ signal: abort.signal })).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("gives the server what was asked, and refuses what makes no sense before it is sent", async () => {
    const asked: Request[] = [];
    const control = unixctl(
      await serve((request) => {
        asked.push(request);
        return { result: "sent removal request to leader" };
      }),
    );
    expect(await control.kick("DB", "f32e5d2d-0000-4000-8000-000000000000")).toBe("sent-to-leader");
    await control.setBacklogThreshold("DB", 50, 0);
    await control.trimMemoryOnCompaction(false);
    await control.setTransactionLog("DB", "Port", true);
    await expect(control.setBacklogThreshold("DB", 49, 0)).rejects.toMatchObject({ code: "INVALID_VALUE" });
    await expect(control.changeElectionTimer("DB", 600_001)).rejects.toMatchObject({ code: "INVALID_VALUE" });
    expect(asked.map(({ method, params }) => [method, ...params])).toEqual([
      ["cluster/kick", "DB", "f32e5d2d-0000-4000-8000-000000000000"],
      ["cluster/set-backlog-threshold", "DB", "50", "0"],
      ["ovsdb-server/memory-trim-on-compaction", "off"],
      ["ovsdb-server/tlog-set", "DB:Port", "on"],
    ]);
  });
});

describe("unixctl through a runner", () => {
  const through = (result: Partial<RunResult>, lines: string[][] = []): ReturnType<typeof unixctlThrough> => {
    const runner: Runner = {
      name: "pod x",
      run: async (command, args) => {
        lines.push([command, ...args]);
        return { exitCode: 0, signal: undefined, stdout: "", stderr: "", durationMs: 1, ...result };
      },
    };
    return unixctlThrough(runner, "/run/ovn/nb.ctl", { appctl: ["sudo", "ovn-appctl"], timeoutMs: 1_500 });
  };

  it("calls ovs-appctl with its own limit", async () => {
    const lines: string[][] = [];
    await through({ stdout: "ok\n" }, lines).call("cluster/kick", ["DB", "f32e; rm -rf /"]);
    expect(lines).toEqual([
      ["sudo", "ovn-appctl", "-t", "/run/ovn/nb.ctl", "--timeout=2", "cluster/kick", "DB", "f32e; rm -rf /"],
    ]);
  });

  it.each<[Partial<RunResult>, string, string | undefined]>([
    [
      {
        exitCode: 2,
        stderr:
          "unknown cluster\novn-appctl: /run/ovn/nb.ctl: server returned an error\ncommand terminated with exit code 2\n",
      },
      "UNKNOWN_CLUSTER",
      undefined,
    ],
    [
      {
        exitCode: 2,
        stderr:
          '"cluster/status" is not a valid command (use "list-commands" to see a list of valid commands)\novs-appctl: x: server returned an error\n',
      },
      "UNKNOWN_COMMAND",
      undefined,
    ],
    [
      {
        exitCode: 1,
        stderr:
          '2026-01-01T00:00:00Z|00001|unixctl|WARN|failed to connect to x\novs-appctl: cannot connect to "x" (No such file or directory)\n',
      },
      "UNREACHABLE",
      undefined,
    ],
    [{ exitCode: 1, stderr: "ovs-appctl: x: transaction error (End of file)\n" }, "PROTOCOL", "OUTCOME_UNKNOWN"],
    [{ exitCode: 142, stderr: "" }, "TIMEOUT", "OUTCOME_UNKNOWN"],
    [{ exitCode: 127, stderr: "sh: ovs-appctl: not found\n" }, "RUNNER", "RUNNER"],
  ])("reads %j as %s", async (result, code, changing) => {
    await expect(through(result).call("cluster/sid", ["DB"])).rejects.toMatchObject({ code });
    await expect(through(result).leave("DB")).rejects.toMatchObject({ code: changing ?? code });
  });

  it("uses JSON mode where there is one", async () => {
    expect(await through({ stdout: '{"reply-format":"plain","reply":"x\\n"}\n' }).callJson("version")).toEqual({
      type: "text",
      text: "x",
    });
    expect(await through({ stdout: '{"exit":""}\n' }).callJson("list-commands")).toEqual({
      type: "json",
      value: { exit: "" },
    });
  });
});

describe("answers of control commands", () => {
  it("reads them as data", () => {
    expect(readStorageStatus("status: ok\n")).toEqual({ ok: true, text: "ok" });
    expect(readStorageStatus("status: inconsistent data")).toEqual({ ok: false, text: "inconsistent data" });
    expect(readMemory("atoms:36 cells:43 raft-log:3\nidl-cells-Open_vSwitch:12\n")).toEqual({
      atoms: 36,
      cells: 43,
      "raft-log": 3,
      "idl-cells-Open_vSwitch": 12,
    });
    expect(
      readCoverage(
        "Event coverage, avg rate over last: 5 seconds, last minute, last hour,  hash=ec10ea6c:\nraft_entry_serialize       0.2/sec     0.017/sec        0.0022/sec   total: 8\n89 events never hit\n",
      ),
    ).toEqual({ raft_entry_serialize: { perSecond: [0.2, 0.017, 0.0022], total: 8 } });
    expect(
      readCommands("The available commands are:\n  cluster/kick            DB SERVER\n  exit                    \n"),
    ).toEqual([
      { name: "cluster/kick", usage: "DB SERVER" },
      { name: "exit", usage: "" },
    ]);
    expect(readSyncStatus("state: backup\nreplicating: tcp:127.0.0.1:6641\n")).toEqual({
      state: "backup",
      replicating: "tcp:127.0.0.1:6641",
    });
  });
});
