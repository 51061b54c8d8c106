/** A cluster of real ovsdb-servers that outlive whoever started them, as services do. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  atExit,
  freePort,
  removeFolder,
  runCommand,
  SCHEMAS,
  serverRow,
  temporaryFolder,
  waitFor,
} from "@ovnha/testkit";
import {
  type Command,
  DATABASE_NAMES,
  type DatabaseKey,
  type DatabaseLayout,
  findProfile,
  type LayoutProfile,
} from "../../src/index.ts";
import type { ClusterDescription, MemberDescription } from "../../src/restore/facts.ts";

export const SERVICE: string = fileURLToPath(new URL("service.sh", import.meta.url));
export const DATABASE = "OVN_Northbound";

/** Names that a shell would take apart. */
const NAMES = ["node-1", "node 2 '$(touch PWNED)' \"q\"", "node\n3;`touch PWNED`&"] as const;

export interface Lab extends AsyncDisposable {
  readonly folder: string;
  readonly cluster: ClusterDescription;
  readonly folders: readonly string[];
  readonly remotes: readonly string[];
  service(verb: "start" | "stop", index: number): Promise<string>;
  connected(): Promise<void>;
  /** The cluster's id, as each member has it. */
  cids(): Promise<(string | undefined)[]>;
}

function layout(base: DatabaseLayout, folder: string, key: DatabaseKey): DatabaseLayout {
  const command = (verb: string): Command => ["sh", SERVICE, verb, folder];
  return {
    ...base,
    file: join(folder, "db.db"),
    companions: [join(folder, "db.hdr")],
    clientSocket: join(folder, "db.sock"),
    controlSocket: join(folder, "ctl"),
    pidFile: join(folder, "pid"),
    schema: key === "nb" ? SCHEMAS.northbound : SCHEMAS.southbound,
    stop: [command("stop")],
    start: [command("start")],
  };
}

/** Three folders; with `source`, a running cluster made of that standalone file. */
export async function startLab(
  source: string | undefined,
  key: DatabaseKey = "nb",
  /** Called with each member's folder before anything is in it. */
  prepare: (home: string) => void = () => {},
): Promise<Lab> {
  const database = DATABASE_NAMES[key];
  const folder = temporaryFolder();
  const profile: LayoutProfile = { ...findProfile("debian"), clients: [] };
  const members: MemberDescription[] = [];
  for (const name of NAMES) {
    const home = join(folder, name);
    mkdirSync(home);
    prepare(home);
    const own = layout(profile.databases[key], home, key);
    members.push({
      name,
      addresses: { [key]: `tcp:127.0.0.1:${await freePort()}` },
      databases: { nb: own, sb: own },
      remotes: {},
      askedAt: "member",
    });
  }
  const folders = NAMES.map((name) => join(folder, name));
  const remotes = folders.map((home) => `unix:${join(home, "db.sock")}`);
  // By where they run: the pid files may be gone before this is called, and a killed executor's servers told us nothing.
  const stopAll = (): void => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        if (readlinkSync(`/proc/${pid}/cwd`).startsWith(`${folder}/`)) process.kill(Number(pid), "SIGKILL");
      } catch {
        // It ended, or is another user's.
      }
    }
  };
  atExit(stopAll);
  const lab: Lab = {
    folder,
    cluster: { profile, members, clientArgs: [] },
    folders,
    remotes,
    service: (verb, index) => runCommand("sh", [SERVICE, verb, folders[index] ?? ""]),
    connected: async () => {
      await waitFor(
        async () => {
          const rows = await Promise.all(remotes.map((remote) => serverRow(remote, database)));
          const indexes = new Set(rows.map((row) => row?.index));
          return (
            rows.every((row) => row?.connected === true) &&
            rows.some((row) => row?.leader === true) &&
            indexes.size === 1
          );
        },
        { what: "all members to be connected", deadlineMs: 60_000 },
      );
    },
    cids: () => Promise.all(remotes.map(async (remote) => (await serverRow(remote, database))?.cid)),
    async [Symbol.asyncDispose]() {
      stopAll();
      removeFolder(folder);
    },
  };
  if (source !== undefined) {
    const [first, ...others] = members;
    const address = (member: MemberDescription | undefined): string => member?.addresses[key] ?? "";
    execFileSync("ovsdb-tool", ["create-cluster", first?.databases[key].file ?? "", source, address(first)]);
    for (const member of others)
      execFileSync("ovsdb-tool", [
        "join-cluster",
        member.databases[key].file,
        database,
        address(member),
        address(first),
      ]);
    for (const index of members.keys()) await lab.service("start", index);
    await lab.connected();
  }
  return lab;
}
