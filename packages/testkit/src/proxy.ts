/** A TCP proxy for client links that cuts, stalls and refuses at will. */
import { createServer, type Server, type Socket } from "node:net";
import { freePort } from "./processes.ts";
import { dialRemote } from "./raw.ts";

type Pair = { readonly client: Socket; readonly server: Socket };

/** A text that is waited for in a stream of bytes; it may lie across two pieces. */
class Trap {
  readonly sprung: Promise<void>;
  readonly #wanted: Buffer;
  readonly #tails = new WeakMap<Socket, Buffer>();
  readonly #spring: () => void;

  constructor(text: string) {
    const { promise, resolve } = withResolvers();
    this.sprung = promise;
    this.#spring = resolve;
    this.#wanted = Buffer.from(text);
  }

  /** Whether the text ends in this piece of what `socket` sends. */
  springs(socket: Socket, piece: Buffer): boolean {
    const seen = Buffer.concat([this.#tails.get(socket) ?? Buffer.alloc(0), piece]);
    if (seen.includes(this.#wanted)) {
      this.#spring();
      return true;
    }
    this.#tails.set(socket, seen.subarray(Math.max(0, seen.length - this.#wanted.length + 1)));
    return false;
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

export class CuttingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: string;
  readonly #pairs = new Set<Pair>();
  #port = 0;
  #stalled = false;
  #pieceBytes = Number.POSITIVE_INFINITY;
  #afterRequest: Trap | undefined;
  #beforeReply: Trap | undefined;
  /** Connections taken so far, those that were ended at once among them. */
  connections = 0;

  constructor(target: string) {
    this.#target = target;
    this.#server = createServer((client) => this.#take(client));
  }

  /** TLS is passed through: the proxy of an `ssl:` target is one itself, and cannot see the texts. */
  get remote(): string {
    return `${this.#target.startsWith("ssl:") ? "ssl" : "tcp"}:127.0.0.1:${this.#port}`;
  }

  /** Connections that stand now. */
  get open(): number {
    return this.#pairs.size;
  }

  async listen(): Promise<this> {
    // Not a port for outgoing connections: one of those could take it while the proxy refuses.
    if (this.#port === 0) this.#port = await freePort();
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#port, "127.0.0.1", () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    return this;
  }

  /** Resets all connections. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
    this.#pairs.clear();
  }

  /** Forwards nothing any more, while the connections stay. */
  stall(): void {
    this.#stalled = true;
    for (const { client, server } of this.#pairs) {
      client.pause();
      server.pause();
    }
  }

  heal(): void {
    this.#stalled = false;
    for (const { client, server } of this.#pairs) {
      client.resume();
      server.resume();
    }
  }

  /** Takes no new connections, and resets those that are there. */
  async refuse(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** After {@link refuse}: takes connections again, on the same port. */
  async accept(): Promise<void> {
    await this.listen();
  }

  /** Forwards at most so many bytes at a time towards the client. */
  chunk(bytes: number): void {
    this.#pieceBytes = bytes;
  }

  /**
   * Resets the next connection on which a client sends this text, once it has been passed on; the reply never arrives.
   * The server's side stays open until the server says something, so that it does not drop the request for want of a
   * client. Resolves when it happened. One trap of a kind at a time; a new one replaces it.
   */
  dropAfterRequest(text: string): Promise<void> {
    this.#afterRequest = new Trap(text);
    return this.#afterRequest.sprung;
  }

  /** Resets the next connection on which the server sends this text, instead of passing on the piece in which it ends. */
  dropBeforeReply(text: string): Promise<void> {
    this.#beforeReply = new Trap(text);
    return this.#beforeReply.sprung;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.refuse();
  }

  #take(client: Socket): void {
    this.connections++;
    const server = dialRemote(this.#target);
    const pair: Pair = { client, server };
    this.#pairs.add(pair);
    client.setNoDelay(true);
    server.setNoDelay(true);
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on("error", end).on("close", end);
    client.on("data", (data) => {
      if (!this.#afterRequest?.springs(client, data)) {
        server.write(data);
        return;
      }
      this.#afterRequest = undefined;
      // The end of the client does not end the server's side yet.
      client.removeAllListeners("close").removeAllListeners("data");
      server.removeAllListeners("data").once("data", end);
      server.write(data, () => client.resetAndDestroy());
    });
    server.on("data", (data) => {
      if (this.#beforeReply?.springs(server, data)) {
        this.#beforeReply = undefined;
        client.resetAndDestroy();
        server.destroy();
        return;
      }
      for (let start = 0; start < data.length; start += this.#pieceBytes)
        client.write(data.subarray(start, Math.min(data.length, start + this.#pieceBytes)));
    });
    if (this.#stalled) {
      client.pause();
      server.pause();
    }
  }
}

/**
 * A proxy before `tcp:…`, `unix:…` or `ssl:…`. It is for client links: what members say to each other goes to the
 * addresses in their files, where no proxy can stand; to cut those, see startNetnsCluster.
 */
export function startProxy(target: string): Promise<CuttingProxy> {
  return new CuttingProxy(target).listen();
}
