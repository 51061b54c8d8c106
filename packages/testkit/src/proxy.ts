/** A TCP proxy for client links that cuts, stalls and refuses at will. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { dialRemote } from "./raw.ts";

type Pair = { readonly client: Socket; readonly server: Socket };

export class CuttingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: string;
  readonly #pairs = new Set<Pair>();
  #port = 0;
  #stalled = false;
  #pieceBytes = Number.POSITIVE_INFINITY;
  #dropAfterRequest: string | undefined;
  #dropBeforeReply: string | undefined;
  /** Connections taken so far. */
  connections = 0;

  constructor(target: string) {
    this.#target = target;
    this.#server = createServer((client) => this.#take(client));
  }

  get remote(): string {
    return `tcp:127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#port, "127.0.0.1", () => resolve());
    });
    this.#port = (this.#server.address() as AddressInfo).port;
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

  /** Resets the connection once a request that contains this text has been passed on; its reply never arrives. */
  dropAfterRequest(text: string): void {
    this.#dropAfterRequest = text;
  }

  /** Resets the connection instead of passing on what contains this text. */
  dropBeforeReply(text: string): void {
    this.#dropBeforeReply = text;
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
      if (this.#dropAfterRequest !== undefined && data.includes(this.#dropAfterRequest)) {
        this.#dropAfterRequest = undefined;
        server.write(data, () => {
          // What the server answers to this is for nobody.
          server.removeAllListeners("data").on("data", () => {});
          client.resetAndDestroy();
          server.end();
        });
        return;
      }
      server.write(data);
    });
    server.on("data", (data) => {
      if (this.#dropBeforeReply !== undefined && data.includes(this.#dropBeforeReply)) {
        this.#dropBeforeReply = undefined;
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

export function startProxy(target: string): Promise<CuttingProxy> {
  return new CuttingProxy(target).listen();
}
