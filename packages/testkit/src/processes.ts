/** Child processes and folders that do not outlive their test. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, openSync, rmSync } from "node:fs";
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

/** Starts a process whose output goes to a file. */
export function startProcess(command: string, args: readonly string[], outputFile: string): ChildProcess {
  const output = openSync(outputFile, "a");
  const child = spawn(command, args, { stdio: ["ignore", output, output] });
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

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
