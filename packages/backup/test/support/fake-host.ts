/**
 * A host for tests: the dozen programs that a restore uses, on real files and without a process, an ovsdb-server that serves
 * what its file says, and a plug that can be pulled before any command.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  copyFileSync,
  chmodSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import type { Runner, RunOptions, RunResult } from "@ovnha/runner";
import { inspect } from "@ovnha/dbfile";

/** What all hosts of one world share. */
export interface World {
  /** Commands until the plug is pulled: then nothing answers any more. Infinity: never. */
  left: number;
  /** Called when it is pulled. */
  pulled: () => void;
  /** Files that a server runs on, with the ids in them. */
  readonly running: Map<string, { readonly cid: string | undefined; readonly sid: string }>;
  readonly commands: string[][];
  /** Whoever waits for an answer that never comes; kept, as a process that was stopped keeps its files open. */
  readonly waiting: unknown[];
}

export function makeWorld(): World {
  return { left: Number.POSITIVE_INFINITY, pulled: () => {}, running: new Map(), commands: [], waiting: [] };
}

export function fakeRunner(world: World, name: string): Runner {
  return {
    name,
    async run(command, args, options): Promise<RunResult> {
      if (world.left-- <= 0) {
        world.pulled();
        return new Promise<never>((_resolve, reject) => world.waiting.push(reject));
      }
      const line = [command, ...args];
      world.commands.push(line);
      return answer(world, command === "env" ? line.slice(2) : line, options);
    },
  };
}

const ok = (stdout = ""): RunResult => ({ exitCode: 0, signal: undefined, stdout, stderr: "", durationMs: 0 });
const fail = (stderr: string, exitCode = 1): RunResult => ({
  exitCode,
  signal: undefined,
  stdout: "",
  stderr,
  durationMs: 0,
});

async function answer(
  world: World,
  [program = "", ...args]: readonly string[],
  options: RunOptions | undefined,
): Promise<RunResult> {
  const last = args.at(-1) ?? "";
  if (last === "--version") return ok();
  switch (program) {
    case "true":
      return ok();
    case "stat":
      if (args.includes("-f")) return ok("1000000|4096|1000|2000\n");
      return existsSync(last) ? ok(statLine(last)) : fail(`stat: cannot statx '${last}': No such file or directory`);
    case "sha256sum":
      return ok(`${createHash("sha256").update(readFileSync(last)).digest("hex")}  ${last}\n`);
    case "readlink":
      return ok(`${last}\n`);
    case "cat":
      return last === "/proc/locks" ? ok(locks(world)) : ok(readFileSync(last, "utf8"));
    case "test":
    case "sync":
    case "chown":
      return ok();
    case "mkdir":
      mkdirSync(last);
      return ok();
    case "cp":
      copyFileSync(args.at(-2) ?? "", last);
      return ok();
    case "mv":
      if (!existsSync(last)) renameSync(args.at(-2) ?? "", last);
      return ok();
    case "dd": {
      const chunks: Uint8Array[] = [];
      const input = (options?.input ?? []) as AsyncIterable<Uint8Array>;
      for await (const chunk of input) chunks.push(chunk);
      writeFileSync((args[0] ?? "").slice(3), Buffer.concat(chunks));
      return ok();
    }
    case "chmod":
      chmodSync(last, Number.parseInt(args[0] ?? "", 8));
      return ok();
    case "service":
      return service(world, args[0] ?? "", last);
    case "ovsdb-client":
      return query(world, args);
    default:
      return fail(`${program}: command not found`, 127);
  }
}

function statLine(path: string): string {
  const { mode, size, uid, gid, mtimeMs, ino, dev } = lstatSync(path);
  return `${[mode.toString(16), size, uid, gid, "root", "root", Math.floor(mtimeMs / 1000), ino, dev].join("|")}\n`;
}

/** A server holds the lock of the file that it was started on. */
function locks(world: World): string {
  const held = [...world.running.keys()].flatMap((file) => {
    const lock = `${dirname(file)}/.${basename(file)}.~lock~`;
    if (!existsSync(lock)) return [];
    const { ino, dev } = lstatSync(lock);
    const device = BigInt(dev);
    const [major, minor] = [(device >> 8n) & 0xfffn, (device & 0xffn) | ((device >> 12n) & ~0xffn)];
    return [`1: POSIX  ADVISORY  WRITE 4711 ${major.toString(16)}:${minor.toString(16)}:${ino} 0 EOF\n`];
  });
  return held.join("");
}

async function service(world: World, verb: string, file: string): Promise<RunResult> {
  if (verb === "stop") {
    world.running.delete(file);
    return ok();
  }
  if (world.running.has(file)) return ok();
  if (!existsSync(file)) return fail(`${file}: no such file`);
  const found = await inspect(file);
  writeFileSync(`${dirname(file)}/.${basename(file)}.~lock~`, "");
  if (found.format === "standalone") return fail(`${file}: not a cluster's`);
  world.running.set(file, { cid: found.clusterId, sid: found.serverId });
  return ok();
}

/** Sockets are named after the files: `unix:FILE.sock`. The first of the running servers leads. */
function query(world: World, args: readonly string[]): RunResult {
  const remote = args[args.length - 2] ?? "";
  const file = remote.slice("unix:".length, -".sock".length);
  const server = world.running.get(file);
  if (server === undefined) return fail(`${remote}: failed to connect`);
  const [database, ...operations] = JSON.parse(args.at(-1) ?? "") as [string, ...{ readonly table: string }[]];
  if (database !== "_Server") return ok(JSON.stringify(operations.map(() => ({ rows: [] }))));
  const uuid = (id: string | undefined): unknown => (id === undefined ? ["set", []] : ["uuid", id]);
  const row = {
    model: "clustered",
    connected: true,
    leader: [...world.running.keys()][0] === file,
    cid: uuid(server.cid),
    sid: uuid(server.sid),
    index: 7,
  };
  return ok(JSON.stringify([{ rows: [row] }]));
}
