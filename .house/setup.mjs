// Installs what the project needs, once per state of the lock file, with nothing but Node and npm at hand.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The one place that says which pnpm: the field that pnpm itself obeys. */
export const pnpm = read("package.json").packageManager;
const stamp = join(root, "node_modules", ".ovnha-setup");

function read(file) {
  return JSON.parse(readFileSync(join(root, file), "utf8"));
}

function packageFolders() {
  const entries = readdirSync(join(root, "packages"), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => `packages/${entry.name}`);
  return folders.filter((folder) => existsSync(join(root, folder, "package.json"))).sort();
}

/** The folders of the packages that are meant for the registry, as absolute paths. */
export function publicPackages() {
  return packageFolders()
    .filter((folder) => read(`${folder}/package.json`).private !== true)
    .map((folder) => join(root, folder));
}

/** A digest of everything an install depends on; the stamp holds the digest of the last good one. */
function state() {
  const top = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "examples/package.json", "bench/package.json"];
  const hash = createHash("sha256").update(process.version);
  for (const file of [...top, ...packageFolders().map((folder) => `${folder}/package.json`)]) {
    if (existsSync(join(root, file))) hash.update(`\n${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex");
}

/** Ctrl-C reaches the command as well: it is its to answer, and this process waits for what it still has to say. */
function leaveToCommand() {}

/** Runs a command with the terminal's own input and output; returns its exit status. */
export function run(command, args, options = {}) {
  if (!process.listeners("SIGINT").includes(leaveToCommand)) process.on("SIGINT", leaveToCommand);
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  // What was interrupted is not followed by the next step.
  if (signal === "SIGINT" || status === 130) process.exit(130);
  if (error !== undefined) console.error(`${command}: ${error.message}`);
  return status ?? 1;
}

export function setup() {
  const wanted = state();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.log(`Installing the project's tools with ${pnpm} (only when they change) …`);
  const args = ["--yes", pnpm, "install", "--frozen-lockfile", "--config.confirmModulesPurge=false"];
  const done = spawnSync("npx", args, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (done.status !== 0) {
    process.stderr.write(`${done.stdout ?? ""}${done.stderr ?? ""}${done.error?.message ?? ""}\n`);
    console.error(
      "The install failed. It needs the npm registry within reach, and a lock file that fits the manifests.",
    );
    process.exit(done.status || 1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** The path of a tool that the project has installed. */
export function bin(name) {
  return join(root, "node_modules", ".bin", name);
}
