/** One JSON-RPC request over a unix socket, on a connection of its own or on one that is kept (RFC 7047 §4). */
import { connect, type Socket } from "node:net";

type Reply = { readonly id: unknown; readonly result: unknown; readonly error: unknown };

/** A connection that asks one thing at a time. Every wait has a limit. */
export class Asker {
  readonly #socket: Socket;
  #text = "";
  #take: ((reply: Reply | Error) => void) | undefined;
  #ids = 0;
  #gone: Error | undefined;

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.setEncoding("utf8");
    this.#socket.on("data", (text: string) => this.#onText(text));
    this.#socket.on("error", (error) => this.#end(error));
    this.#socket.on("close", () => this.#end(new Error("the server closed the connection")));
  }

  ask(method: string, params: readonly unknown[], limitMs: number): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(new Error(`no reply within ${limitMs} ms`)), limitMs);
      this.#take = (reply) => {
        clearTimeout(timer);
        this.#take = undefined;
        if (reply instanceof Error) reject(reply);
        else if (reply.error !== null && reply.error !== undefined) reject(new Error(JSON.stringify(reply.error)));
        else resolve(reply.result);
      };
      this.#socket.write(JSON.stringify({ id, method, params }));
    });
  }

  close(): void {
    this.#end(new Error("closed"));
  }

  /** Replies are small and come one at a time: what does not parse yet is not all there. */
  #onText(text: string): void {
    this.#text += text;
    if (this.#text.length > 1 << 26) return this.#end(new Error("a reply of more than 64 MiB"));
    let reply: Reply & { readonly method?: string };
    try {
      reply = JSON.parse(this.#text) as typeof reply;
    } catch {
      return;
    }
    this.#text = "";
    if (reply.method === "echo") this.#socket.write(JSON.stringify({ id: reply.id, result: [], error: null }));
    else this.#take?.(reply);
  }

  #end(error: Error): void {
    this.#gone ??= error;
    this.#socket.destroy();
    this.#take?.(error);
  }
}

export async function askOnce(
  path: string,
  method: string,
  params: readonly unknown[],
  limitMs: number,
): Promise<unknown> {
  const asker = new Asker(path);
  try {
    return await asker.ask(method, params, limitMs);
  } finally {
    asker.close();
  }
}
