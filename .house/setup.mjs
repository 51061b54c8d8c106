// Installs what the project needs, once per state of the lock file, with nothing but Node and npm at hand.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PNPM = "pnpm@10.34.8";
const stamp = join(root, "node_modules", ".ovnha-setup");

function manifests() {
  const packages = readdirSync(join(root, "packages"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const files = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "examples/package.json", "bench/package.json"];
  return [...files, ...packages.map(({ name }) => `packages/${name}/package.json`)].map((file) => join(root, file)).filter((file) => existsSync(file));
}

function state() {
  const hash = createHash("sha256").update(process.version);
  for (const file of manifests()) hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.digest("hex");
}

/** Runs a command with the terminal's own input and output; returns its exit status. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error !== undefined) {
    console.error(`${command}: ${error.message}`);
    return 1;
  }
  return status ?? 1;
}

export function setup() {
  const wanted = state();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.log("Installing what the project needs (once) …");
  const frozen = existsSync(join(root, "pnpm-lock.yaml")) ? ["--frozen-lockfile"] : [];
  const status = run("npx", ["--yes", PNPM, "install", "--silent", ...frozen]);
  if (status !== 0) {
    console.error("pnpm install failed; is the npm registry within reach?");
    process.exit(status);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** The path of a tool that the project has installed. */
export function bin(name) {
  return join(root, "node_modules", ".bin", name);
}
