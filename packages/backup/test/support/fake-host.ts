/**
 * A host for tests: the dozen programs that a restore uses, on real files and without a process, an ovsdb-server that serves
 * what its file says, and a plug that can be pulled before any command.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  copyFileSync,
  chmodSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import type { Runner, RunOptions, RunResult } from "@ovnha/runner";
import { createCluster, type FileRow, inspect, joinCluster, replay } from "@ovnha/dbfile";

/** What all hosts of one world share. */
export interface World {
  /** Commands until the plug is pulled: then nothing answers any more. Infinity: never. */
  left: number;
  /** Called when it is pulled. */
  pulled: () => void;
  /** Whether the controllers were told to stop. */
  isFrozen: boolean;
  /** Files that a server runs on, with the ids in them. */
  readonly running: Map<string, { readonly cid: string | undefined; readonly sid: string }>;
  readonly commands: string[][];
  /** Whoever waits for an answer that never comes; kept, as a process that was stopped keeps its files open. */
  readonly waiting: unknown[];
}

export function makeWorld(): World {
  return {
    left: Number.POSITIVE_INFINITY,
    pulled: () => {},
    isFrozen: false,
    running: new Map(),
    commands: [],
    waiting: [],
  };
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
      if (last === "/proc/locks") return ok(locks(world));
      if (!existsSync(last)) return fail(`cat: ${last}: No such file or directory`);
      if (options?.onStdout === undefined) return ok(readFileSync(last, "utf8"));
      for (const half of halves(readFileSync(last))) options.onStdout(half);
      return ok();
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
    case "ln":
      if (existsSync(last)) return fail(`ln: failed to create hard link '${last}': File exists`);
      linkSync(args.at(-2) ?? "", last);
      return ok();
    case "rm":
      for (const path of args.slice(args.indexOf("--") + 1)) rmSync(path, { force: true });
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
    case "controllers":
      world.isFrozen = last === "0";
      return ok();
    case "scale":
      return scale(world, args[0] ?? "", args.slice(1));
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

function halves(bytes: Uint8Array): Uint8Array[] {
  const middle = Math.floor(bytes.length / 2);
  return [bytes.subarray(0, middle), bytes.subarray(middle)];
}

/**
 * A platform that starts and stops all members at once, as Kube-OVN does: the first one's start script makes a cluster of a
 * standalone file, the others' make files that join where there are none; each saves its header beside the file.
 */
async function scale(world: World, replicas: string, files: readonly string[]): Promise<RunResult> {
  if (replicas === "0") {
    for (const file of files) world.running.delete(file);
    return ok();
  }
  const address = (index: number): string => `tcp:10.0.0.${index}:6643`;
  for (const [index, file] of files.entries()) {
    if (index === 0 && existsSync(file) && (await inspect(file)).format === "standalone")
      await makeCluster(file, address(0));
    if (index > 0 && !existsSync(file)) {
      const first = await inspect(files[0] ?? "");
      if (first.format === "standalone") return fail("nobody leads");
      const of = { name: first.name, localAddress: address(index), remotes: [address(0)], clusterId: first.clusterId };
      await joinCluster({ path: file, ...of });
    }
    if (!existsSync(`${file}.hdr`))
      writeFileSync(`${file}.hdr`, JSON.stringify(await inspect(file), ["clusterId", "serverId"]));
    await service(world, "start", file);
  }
  return ok();
}

async function makeCluster(file: string, localAddress: string): Promise<void> {
  const { content } = await replay(file);
  const rows = [...content.tables.values()].flatMap((table) =>
    [...table.uuids()].map((uuid): FileRow => ({ table: table.name, uuid, columns: table.json(uuid) ?? {} })),
  );
  renameSync(file, `${file}.was`);
  await createCluster({ path: file, localAddress, schema: content.schema, rows });
}

/** Sockets are named after the files: `unix:FILE.sock`. The first of the running servers leads. */
async function query(world: World, args: readonly string[]): Promise<RunResult> {
  const remote = args[args.length - 2] ?? "";
  const file = remote.slice("unix:".length, -".sock".length);
  const server = world.running.get(file);
  if (server === undefined) return fail(`${remote}: failed to connect`);
  const [database, ...operations] = JSON.parse(args.at(-1) ?? "") as [string, ...{ readonly table: string }[]];
  if (database !== "_Server") {
    const { tables } = (await replay(file)).content;
    const uuids = operations.map(({ table }) => [...(tables.get(table)?.uuids() ?? [])]);
    return ok(JSON.stringify(uuids.map((all) => ({ rows: all.map((uuid) => ({ _uuid: ["uuid", uuid] })) }))));
  }
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
