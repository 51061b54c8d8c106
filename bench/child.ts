/** Programs measured from outside: each in a process of its own, as its users run it. */
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("children/", import.meta.url));

/** Runs one of `bench/children` and reads the JSON of its last line. */
export function runChild<Answer>(file: string, args: readonly string[]): Answer {
  const command = file.endsWith(".py") ? "/usr/bin/python3" : process.execPath;
  const { stdout, stderr, status } = spawnSync(command, [`${folder}${file}`, ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${file}: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "null") as Answer;
}

export type Usage = { readonly wallMs: number; readonly cpuMs: number; readonly rssMiB: number };

/** Runs any command under time(1); undefined if it is not installed. Its own exit status does not matter. */
export function timed(command: string, args: readonly string[]): Usage | undefined {
  const { stderr, error } = spawnSync("/usr/bin/time", ["-f", "\n@ %e %U %S %M", command, ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  if (error !== undefined || /No such file/.test(stderr)) return undefined;
  const [, wall, user, system, kib] = /@ ([\d.]+) ([\d.]+) ([\d.]+) (\d+)/.exec(stderr) ?? [];
  if (wall === undefined) throw new Error(`${command}: ${stderr}`);
  return { wallMs: Number(wall) * 1000, cpuMs: (Number(user) + Number(system)) * 1000, rssMiB: Number(kib) / 1024 };
}

/** A child that says "ready", goes on, and ends with a line of JSON. */
export function startChild<Answer>(
  file: string,
  args: readonly string[],
): { ready: Promise<void>; answer: Promise<Answer> } {
  const command = file.endsWith(".py") ? "/usr/bin/python3" : process.execPath;
  const child = spawn(command, [`${folder}${file}`, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  let isReady = (): void => {};
  const ready = new Promise<void>((resolve, reject) => {
    isReady = resolve;
    child.once("exit", () => reject(new Error(`${file} ended before it was ready: ${err}`)));
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  child.stdout.on("data", (chunk) => {
    out += chunk;
    if (out.startsWith("ready")) isReady();
  });
  const answer = new Promise<Answer>((resolve, reject) => {
    child.once("close", (status) =>
      status === 0
        ? resolve(JSON.parse(out.trim().split("\n").at(-1) ?? "null") as Answer)
        : reject(new Error(`${file}: ${err}`)),
    );
  });
  answer.catch(() => {});
  return { ready, answer };
}
