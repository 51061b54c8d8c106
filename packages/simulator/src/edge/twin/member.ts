/** One real ovsdb-server of a twin: its folder, its process, and what it says of itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StopHow } from "../../scenario/types.ts";
import { withParent } from "./at-exit.ts";
import { command } from "./commands.ts";
import { askOnce } from "./rpc.ts";

export const DATABASE = "Twin";
const SCHEMA = {
  name: DATABASE,
  version: "1.0.0",
  tables: { Write: { columns: { number: { type: "integer" } }, isRoot: true } },
};
const READY_MS = 15_000;

export type MemberStatus = {
  readonly cid: string;
  readonly sid: string;
  readonly role: string;
  readonly term: number;
  readonly leader: string;
  readonly status: string;
  readonly servers: readonly string[];
};

export class RealMember {
  readonly name: string;
  readonly address: string;
  readonly socket: string;
  readonly dir: string;
  process: ChildProcess | undefined;
  isPaused = false;
  isMember = true;
  /** Why it did not start. */
  refusal: string | undefined;
  #identity: { readonly sid: string; readonly cid: string | undefined } | undefined;
  #starts = 0;

  /** What runs a command in the network of this member; nothing on loopback. */
  readonly #prefix: readonly string[];
  readonly #signal: AbortSignal | undefined;

  constructor(dir: string, name: string, address: string, prefix: readonly string[] = [], signal?: AbortSignal) {
    this.dir = join(dir, name);
    this.name = name;
    this.#prefix = prefix;
    this.#signal = signal;
    this.address = address;
    this.socket = join(this.dir, "db.sock");
    mkdirSync(this.dir, { recursive: true });
  }

  get file(): string {
    return join(this.dir, "db");
  }

  get hasFile(): boolean {
    return existsSync(this.file);
  }

  get identity(): { readonly sid: string; readonly cid: string | undefined } | undefined {
    return this.#identity;
  }

  async create(electionTimerMs: number): Promise<void> {
    const schema = join(this.dir, "schema.json");
    writeFileSync(schema, JSON.stringify(SCHEMA));
    const timer = electionTimerMs === 1000 ? [] : [`--election-timer=${electionTimerMs}`];
    await command("ovsdb-tool", [...timer, "create-cluster", this.file, schema, this.address]);
  }

  async join(remotes: readonly string[], identity?: RealMember["identity"]): Promise<void> {
    await command("ovsdb-tool", ["join-cluster", this.file, DATABASE, this.address, ...remotes]);
    if (identity !== undefined) this.#assume(identity);
  }

  /** Writes another server id into a file that has yet to join: what patched tools do. */
  #assume({ sid, cid }: { readonly sid: string; readonly cid: string | undefined }): void {
    const [, json = ""] = readFileSync(this.file, "utf8").split("\n");
    const header = {
      ...(JSON.parse(json) as object),
      server_id: sid,
      ...(cid === undefined ? {} : { cluster_id: cid }),
    };
    const body = `${JSON.stringify(header)}\n`;
    const sum = createHash("sha1").update(body).digest("hex");
    writeFileSync(this.file, `OVSDB CLUSTER ${Buffer.byteLength(body)} ${sum}\n${body}`);
  }

  /** Resolves once it listens, or has refused. */
  async start(): Promise<void> {
    this.#signal?.throwIfAborted();
    if (this.process !== undefined) return;
    const run = ++this.#starts;
    const log = join(this.dir, `log-${run}`);
    const [program = "", ...args] = [...withParent(), ...this.#prefix, "ovsdb-server"];
    const child = spawn(
      program,
      [
        ...args,
        "-vfile:info",
        "-vconsole:off",
        "-vsyslog:off",
        `--log-file=${log}`,
        `--unixctl=${join(this.dir, "ctl")}`,
        `--remote=punix:${this.socket}`,
        this.file,
      ],
      // A group of its own: a terminal sends Ctrl-C to all of ours, and this one is stopped by us.
      { stdio: ["ignore", "ignore", "pipe"], detached: true },
    );
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (complaint.length < 4000) complaint += text;
    });
    this.process = child;
    this.refusal = undefined;
    let isGone = false;
    child.once("exit", () => {
      isGone = true;
      if (this.process === child) this.process = undefined;
    });
    child.once("error", (error) => {
      isGone = true;
      complaint ||= error.message;
      if (child.pid === undefined) this.process = undefined;
    });
    const deadlineMs = performance.now() + READY_MS;
    while (!isGone && performance.now() < deadlineMs) {
      this.#signal?.throwIfAborted();
      const isUp = await this.ctl("version").then(
        () => true,
        () => false,
      );
      if (isUp) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (!isGone) return;
    this.refusal = complaint.trim().split("\n").at(-1) ?? "it ended at once";
  }

  async stop(how: StopHow): Promise<void> {
    const child = this.process;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (how === "exit") await this.ctl("exit").catch(() => child.kill("SIGKILL"));
    else child.kill(how === "terminate" ? "SIGTERM" : "SIGKILL");
    await ended;
    this.isPaused = false;
    this.process = undefined;
  }

  signal(isPaused: boolean): void {
    this.isPaused = isPaused;
    this.process?.kill(isPaused ? "SIGSTOP" : "SIGCONT");
  }

  /** Puts the file aside: nothing is deleted before the end. */
  wipe(what: "all" | "db-only"): void {
    if (!this.hasFile) return;
    renameSync(this.file, `${this.file}.wiped-${this.#starts}-${Date.now()}`);
    if (what === "all") this.#identity = undefined;
  }

  mark(name: string): void {
    if (this.hasFile) copyFileSync(this.file, `${this.file}.${name}`);
  }

  restore(name: string): void {
    if (!existsSync(`${this.file}.${name}`)) return;
    renameSync(this.file, `${this.file}.before-${name}`);
    copyFileSync(`${this.file}.${name}`, this.file);
  }

  ctl(...args: readonly string[]): Promise<string> {
    return command("ovs-appctl", ["--timeout=3", "-t", join(this.dir, "ctl"), ...args], 5000, this.#signal);
  }

  /** Undefined if it is down, frozen, or does not answer. */
  async status(): Promise<MemberStatus | undefined> {
    if (this.process === undefined || this.isPaused) return undefined;
    const text = await this.ctl("cluster/status", DATABASE).catch(() => undefined);
    if (text === undefined) return undefined;
    const line = (name: string): string => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1] ?? "";
    const id = (name: string): string => /\(([0-9a-f-]{36})\)/.exec(line(name))?.[1] ?? "";
    const servers =
      text
        .split("\nServers:\n")[1]
        ?.split("\n")
        .filter((each) => /^ {4}\S/.test(each)) ?? [];
    const status = {
      cid: id("Cluster ID"),
      sid: id("Server ID"),
      role: line("Role"),
      term: Number(line("Term")),
      leader: line("Leader"),
      status: line("Status"),
      servers: servers.map((each) => each.trim().split(" ")[0] ?? ""),
    };
    if (status.sid !== "") this.#identity = { sid: status.sid, cid: status.cid || undefined };
    return status;
  }

  async isConnected(): Promise<boolean> {
    return (await this.connection()) === true;
  }

  /** `_Server.Database.connected`; undefined if it does not answer. */
  async connection(): Promise<boolean | undefined> {
    if (this.process === undefined || this.isPaused) return undefined;
    const query = {
      op: "select",
      table: "Database",
      where: [["name", "==", DATABASE]],
      columns: ["connected", "leader"],
    };
    const answer = (await askOnce(this.socket, "transact", ["_Server", query], 2000).catch(() => undefined)) as
      | [{ readonly rows?: readonly { readonly connected: boolean }[] }]
      | undefined;
    return answer?.[0].rows?.[0]?.connected;
  }
}
