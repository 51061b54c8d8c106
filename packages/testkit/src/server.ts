/** One real ovsdb-server process, owned by the test. */
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, removeFolder, runCommand, startProcess, temporaryFolder } from "./processes.ts";
import { rawCall } from "./raw.ts";
import { Hopeless, waitFor } from "./wait-for.ts";

export type TlsFiles = { readonly ca: string; readonly cert: string; readonly key: string };

export type ServerSpec = {
  readonly dir: string;
  /** Database files, or `relay:DB:REMOTES`. */
  readonly databases: readonly string[];
  /** Listeners beside the Unix socket, as `ptcp:PORT:IP`. */
  readonly listen: readonly string[];
  readonly extraArgs: readonly string[];
  readonly tls: TlsFiles | undefined;
  /** A command to run it in another place, such as `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
};

/** ovsdb-server itself starts all the same, and whoever has the port would be taken for it. */
export class PortTaken extends Hopeless {}

/** Tries again, with what is then hopefully another port. */
export async function retryTaken<T>(attempt: () => Promise<T>): Promise<T> {
  for (let triesLeft = 2; ; triesLeft--) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof PortTaken) || triesLeft === 0) throw error;
    }
  }
}

export class OvsdbServer implements AsyncDisposable {
  readonly spec: ServerSpec;
  readonly dir: string;
  /** Local socket, as a remote. */
  readonly unix: string;
  readonly tcp: string | undefined;
  readonly ssl: string | undefined;
  #child: ChildProcess | undefined;
  #owned = false;
  #paused = false;

  constructor(spec: ServerSpec) {
    this.spec = spec;
    this.dir = spec.dir;
    this.unix = `unix:${join(spec.dir, "db.sock")}`;
    const find = (kind: string): string | undefined => {
      const [, port, ip] =
        spec.listen
          .map((remote) => new RegExp(`^p${kind}:(\\d+):(.+)$`).exec(remote))
          .find((match) => match !== null) ?? [];
      return port === undefined ? undefined : `${kind}:${ip}:${port}`;
    };
    this.tcp = find("tcp");
    this.ssl = find("ssl");
  }

  /** The address for clients. */
  get remote(): string {
    return this.tcp ?? this.ssl ?? this.unix;
  }

  get pid(): number | undefined {
    return this.#child?.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined;
  }

  /** Between {@link pause} and {@link resume}. */
  get paused(): boolean {
    return this.#paused && this.pid !== undefined;
  }

  /** The folder goes with the server. */
  ownFolder(): this {
    this.#owned = true;
    return this;
  }

  async start(): Promise<this> {
    const { dir, databases, listen, extraArgs, tls, prefix = [] } = this.spec;
    // ovsdb-server would open the database of this machine.
    if (databases.length === 0) throw new Error("an ovsdb-server needs a database");
    const args = [
      ...databases,
      `--remote=p${this.unix}`,
      ...listen.map((remote) => `--remote=${remote}`),
      `--unixctl=${join(dir, "ctl")}`,
      `--log-file=${join(dir, "log")}`,
      "--no-chdir",
      "-vconsole:off",
      "-vfile:info",
      ...(tls === undefined ? [] : [`--ca-cert=${tls.ca}`, `--certificate=${tls.cert}`, `--private-key=${tls.key}`]),
      ...extraArgs,
    ];
    const [command = "ovsdb-server", ...before] = [...prefix, "ovsdb-server"];
    const logged = this.log().length;
    const child = startProcess(command, [...before, ...args], join(dir, "output"));
    this.#child = child;
    this.#paused = false;
    try {
      await waitFor(() => this.#answers(child, logged), { what: `ovsdb-server in ${dir}` });
    } catch (error) {
      await this.kill();
      throw error;
    }
    return this;
  }

  /** Whether it answers, on its own ports. `logged`: where its log begins, in characters. */
  async #answers(child: ChildProcess, logged: number): Promise<true> {
    const log = (): string => this.log().slice(logged);
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      const output = readFileSync(join(this.dir, "output"), "utf8");
      const end = child.pid === undefined ? "did not start" : `ended with ${child.exitCode ?? child.signalCode}`;
      throw new Hopeless(`ovsdb-server in ${this.dir} ${end}: ${`${log()}${output}`.slice(-4_000)}`);
    }
    await rawCall(this.unix, "list_dbs", [], 1_000);
    const failed = /^.*listen failed.*$/m.exec(log())?.[0];
    if (failed !== undefined) throw new PortTaken(`ovsdb-server in ${this.dir}: ${failed}`);
    return true;
  }

  log(): string {
    const file = join(this.dir, "log");
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  appctl(...args: readonly string[]): Promise<string> {
    return runCommand("ovs-appctl", ["-t", join(this.dir, "ctl"), ...args]);
  }

  /** SIGSTOP: connections stay open and are taken by the kernel, and nothing is answered. */
  pause(): void {
    this.#paused = true;
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#paused = false;
    this.#child?.kill("SIGCONT");
  }

  /** Sends a signal and waits until the process is gone. */
  async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined || this.pid === undefined) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    if (signal === "SIGTERM") child.kill("SIGCONT");
    await gone;
  }

  /** `ovs-appctl exit`: a leader hands its leadership over first. */
  async exitGracefully(): Promise<void> {
    const child = this.#child;
    if (child === undefined || this.pid === undefined) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    await this.appctl("exit");
    await gone;
  }

  async restart(): Promise<this> {
    await this.kill("SIGTERM");
    return this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGKILL");
    if (this.#owned) removeFolder(this.dir);
  }
}

export type StandaloneOptions = {
  /** Schema files, or schemas as JSON. */
  readonly schemas?: readonly (string | object)[];
  readonly relayOf?: { readonly database: string; readonly remotes: string };
  /** Standalone database files that exist; served in place, after those of `schemas`. */
  readonly databaseFiles?: readonly string[];
  /** Further values of `--remote`, such as `db:DB,TABLE,COLUMN`. */
  readonly remotes?: readonly string[];
  /** A folder of the caller's, which stays; default: a temporary one. */
  readonly dir?: string;
  /** Listen on TCP, TLS, or only the Unix socket. */
  readonly listen?: "tcp" | "ssl" | "unix";
  readonly tls?: TlsFiles;
  readonly extraArgs?: readonly string[];
};

/** Starts a server of standalone databases, or a relay, or both. */
export async function startStandalone(options: StandaloneOptions): Promise<OvsdbServer> {
  const { schemas = [], databaseFiles = [], remotes = [], relayOf, listen = "tcp", extraArgs = [], tls } = options;
  const dir = options.dir ?? temporaryFolder();
  const databases: string[] = [];
  try {
    for (const [index, schema] of schemas.entries()) {
      const database = join(dir, `db${index}.db`);
      await runCommand("ovsdb-tool", ["create", database, schemaPath(dir, schema, index)]);
      databases.push(database);
    }
    databases.push(...databaseFiles);
    if (relayOf !== undefined) databases.push(`relay:${relayOf.database}:${relayOf.remotes}`);
    const further = [...remotes.map((remote) => `--remote=${remote}`), ...extraArgs];
    const server = await retryTaken(async () => {
      const listeners = listen === "unix" ? [] : [`p${listen}:${await freePort()}:127.0.0.1`];
      return new OvsdbServer({ dir, databases, listen: listeners, extraArgs: further, tls }).start();
    });
    return options.dir === undefined ? server.ownFolder() : server;
  } catch (error) {
    if (options.dir === undefined) removeFolder(dir);
    throw error;
  }
}

/** The path of a schema, written to the folder if it is given as JSON. */
export function schemaPath(dir: string, schema: string | object, index = 0): string {
  if (typeof schema === "string") return schema;
  const path = join(dir, `schema${index}.ovsschema`);
  writeFileSync(path, JSON.stringify(schema));
  return path;
}
