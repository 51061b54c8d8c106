/** A real ovsdb-server behind the barest possible client with exact integers, so that codecs can be held against it. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { dialRemote, type OvsdbServer, realOvs, removeFolder, startStandalone, temporaryFolder } from "@ovnha/testkit";
import { type Json, type JsonObject, parseJsonExact, stringifyJson } from "../../src/json.ts";

/** True where tests against real OVS run. */
export const withOvs: boolean = realOvs() === "present";

/** What `ovsdb-tool create` says about a schema: undefined if it takes it, else its complaint. */
export function toolVerdict(schema: Json): string | undefined {
  const folder = temporaryFolder();
  try {
    const file = schemaFile(folder, schema);
    const { status, stderr } = spawnSync("ovsdb-tool", ["create", join(folder, "db"), file], { encoding: "utf8" });
    if (status === null) throw new Error("ovsdb-tool did not run");
    return status === 0 ? undefined : stderr.trim();
  } finally {
    removeFolder(folder);
  }
}

function schemaFile(folder: string, schema: Json): string {
  const file = join(folder, "lab.ovsschema");
  writeFileSync(file, stringifyJson(schema));
  return file;
}

/** One server with one database, and one connection to it. */
export class RawServer implements AsyncDisposable {
  readonly remote: string;
  readonly #server: OvsdbServer;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, PromiseWithResolve>();
  #nextId = 1;
  #text = "";

  private constructor(server: OvsdbServer) {
    this.#server = server;
    this.remote = server.unix;
    this.#socket = dialRemote(server.unix);
    this.#socket.setEncoding("utf8").on("data", (chunk) => this.#receive(String(chunk)));
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      for (const { reject, what } of this.#waiting.values()) reject(new Error(`the server hung up during ${what}`));
    });
  }

  static async start(schema: Json): Promise<RawServer> {
    const folder = temporaryFolder();
    try {
      return new RawServer(await startStandalone({ schemas: [schemaFile(folder, schema)], listen: "unix" }));
    } finally {
      removeFolder(folder);
    }
  }

  /** The result of a call; an error reply is thrown as it came. */
  async call(method: string, params: readonly Json[]): Promise<Json> {
    const id = this.#nextId++;
    const reply = await new Promise<JsonObject>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, what: stringifyJson([method, ...params]) });
      this.#socket.write(stringifyJson({ method, params, id }));
    });
    this.#waiting.delete(id);
    if (reply["error"] !== null && reply["error"] !== undefined) throw new Error(stringifyJson(reply["error"]));
    return reply["result"] as Json;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.#server[Symbol.asyncDispose]();
  }

  #receive(chunk: string): void {
    this.#text += chunk;
    for (let end = frameEnd(this.#text); end > 0; end = frameEnd(this.#text)) {
      const message = parseJsonExact(this.#text.slice(0, end)) as JsonObject;
      this.#text = this.#text.slice(end);
      if (message["method"] === "echo") {
        this.#socket.write(
          stringifyJson({ id: message["id"] as Json, result: message["params"] as Json, error: null }),
        );
      } else this.#waiting.get(message["id"] as number)?.resolve(message);
    }
  }
}

type PromiseWithResolve = {
  readonly resolve: (reply: JsonObject) => void;
  readonly reject: (error: Error) => void;
  readonly what: string;
};

/** Length of the first whole JSON text, or 0. */
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
