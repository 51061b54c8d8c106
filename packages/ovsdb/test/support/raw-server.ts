/** A real ovsdb-server behind the barest possible client, so that codecs can be held against it without the rest of us. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Json, type JsonObject, parseJsonExact, stringifyJson } from "../../src/json.ts";

const isInstalled = spawnSync("ovsdb-server", ["--version"]).status === 0 && spawnSync("ovsdb-tool", ["--version"]).status === 0;

/** True where tests against real OVS run. With OVNHA_REQUIRE_OVS=1 they run, and fail, also where it is not installed. */
export const withOvs: boolean = isInstalled || process.env["OVNHA_REQUIRE_OVS"] === "1";

/** What `ovsdb-tool create` says about a schema: undefined if it takes it, else its complaint. */
export function toolVerdict(schema: Json): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "ovnha-schema-"));
  try {
    writeFileSync(join(folder, "schema"), stringifyJson(schema));
    const { status, stderr } = spawnSync("ovsdb-tool", ["create", join(folder, "db"), join(folder, "schema")], { encoding: "utf8" });
    if (status === null) throw new Error("ovsdb-tool did not run");
    return status === 0 ? undefined : stderr.trim();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export class RawServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #process: ReturnType<typeof spawn>;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (reply: JsonObject) => void>();
  readonly remote: string;
  #nextId = 1;
  #text = "";

  private constructor(folder: string, process: ReturnType<typeof spawn>, socket: Socket) {
    this.#folder = folder;
    this.#process = process;
    this.#socket = socket;
    this.remote = `unix:${join(folder, "sock")}`;
    socket.setEncoding("utf8").on("data", (chunk) => this.#receive(String(chunk)));
  }

  static async start(schema: Json): Promise<RawServer> {
    const folder = mkdtempSync(join(tmpdir(), "ovnha-raw-"));
    writeFileSync(join(folder, "schema"), stringifyJson(schema));
    const created = spawnSync("ovsdb-tool", ["create", join(folder, "db"), join(folder, "schema")], { encoding: "utf8" });
    if (created.status !== 0) throw new Error(`ovsdb-tool refused the schema: ${created.stderr}`);
    const path = join(folder, "sock");
    const server = spawn("ovsdb-server", [`--remote=punix:${path}`, `--unixctl=${join(folder, "ctl")}`, "--no-chdir", join(folder, "db")], { stdio: "ignore" });
    return new RawServer(folder, server, await dial(path, Date.now() + 10_000));
  }

  /** The result of a call; an error reply is thrown as it came. */
  async call(method: string, params: readonly Json[]): Promise<Json> {
    const id = this.#nextId++;
    const reply = await new Promise<JsonObject>((resolve, reject) => {
      this.#waiting.set(id, resolve);
      this.#socket.once("close", () => reject(new Error(`the server hung up during ${stringifyJson([method, ...params])}`)));
      this.#socket.write(stringifyJson({ method, params, id }));
    });
    this.#socket.removeAllListeners("close");
    if (reply["error"] !== null && reply["error"] !== undefined) throw new Error(stringifyJson(reply["error"]));
    return reply["result"] as Json;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async stop(): Promise<void> {
    this.#socket.destroy();
    const exited = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #receive(chunk: string): void {
    this.#text += chunk;
    for (let end = frameEnd(this.#text); end > 0; end = frameEnd(this.#text)) {
      const message = parseJsonExact(this.#text.slice(0, end)) as JsonObject;
      this.#text = this.#text.slice(end);
      if (message["method"] === "echo") this.#socket.write(stringifyJson({ id: message["id"] as Json, result: message["params"] as Json, error: null }));
      else this.#waiting.get(message["id"] as number)?.(message);
    }
  }
}

function frameEnd(text: string): number {
  let depth = 0;
  let isString = false;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (isString) {
      if (char === "\\") index++;
      else if (char === '"') isString = false;
    } else if (char === '"') isString = true;
    else if (char === "{" || char === "[") depth++;
    else if ((char === "}" || char === "]") && --depth === 0) return index + 1;
  }
  return 0;
}

async function dial(path: string, deadlineMs: number): Promise<Socket> {
  for (;;) {
    const socket = connect(path);
    const isOpen = await new Promise<boolean>((resolve) => socket.once("connect", () => resolve(true)).once("error", () => resolve(false)));
    if (isOpen) return socket;
    if (Date.now() > deadlineMs) throw new Error("ovsdb-server did not open its socket within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
