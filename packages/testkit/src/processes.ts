/** Child processes and folders that do not outlive their test. */
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const children = new Set<ChildProcess>();
const folders = new Set<string>();

process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
  if (process.env["OVNHA_KEEP"] !== "1") for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => process.exit(signal === "SIGINT" ? 130 : 143));

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ovnha-"));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  if (process.env["OVNHA_KEEP"] === "1") return;
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** Calls this as the process ends, after its children were killed: for what no child takes along. Must be synchronous. */
export function atExit(clean: () => void): void {
  process.on("exit", clean);
}

let wrapper: readonly string[] | undefined;

/** What makes the kernel kill a child with us, even if we are killed ourselves (prctl(2), PR_SET_PDEATHSIG). */
function withParent(): readonly string[] {
  const command = ["setpriv", "--pdeathsig", "KILL"];
  wrapper ??= spawnSync("setpriv", [...command.slice(1), "true"]).status === 0 ? command : [];
  return wrapper;
}

/** Starts a process whose output goes to a file. It ends with this process, however that ends where `setpriv` exists. */
export function startProcess(command: string, args: readonly string[], outputFile: string): ChildProcess {
  const output = openSync(outputFile, "a");
  const [first = command, ...rest] = [...withParent(), command, ...args];
  const child = spawn(first, rest, { stdio: ["ignore", output, output] });
  closeSync(output);
  children.add(child);
  child.once("exit", () => children.delete(child));
  child.once("error", () => children.delete(child));
  return child;
}

/** Runs a command to its end; rejects with its error output if it fails or takes longer than `timeoutMs`. */
export function runCommand(command: string, args: readonly string[], timeoutMs = 15_000): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { timeout: timeoutMs, maxBuffer: 2 ** 30, encoding: "utf8" }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command} ${args.join(" ")}: ${stderr.trim() || error.message}`, { cause: error }));
    });
  });
}

/** Below the ports that Linux gives to outgoing connections, so that none takes the port of a server that is down. */
const PORTS = { from: 10_000, to: 32_000 } as const;
const given = new Set<number>();

/**
 * A TCP port of 127.0.0.1 that was free a moment ago, and that nobody else of this test run gets: not the worker beside this
 * one, which has the other ports, nor this process again, whose server may be down for a while.
 */
export async function freePort(): Promise<number> {
  const parity = Number(process.env["VITEST_POOL_ID"] ?? 0) % 2;
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(PORTS.from / 2, PORTS.to / 2) * 2 + parity;
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port found between ${PORTS.from} and ${PORTS.to}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
