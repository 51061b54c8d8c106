/** Passive remotes: we listen, and a database server that was told our address connects (`ovsdb-server --remote=tcp:…`). */
import { unlink } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { ClosedError, type OvsdbError, TlsError } from "../error.ts";
import type { RowSink } from "../framer.ts";
import { formatEndpoint, type PassiveEndpoint } from "../remote.ts";
import type { Connection, ConnectionEvents } from "./connection.ts";
import { publishWarning } from "./diagnostics.ts";
import { type LinkLimits, SocketLink } from "./link.ts";
import { connectError, openedInfo } from "./socket.ts";
import type { TlsSource } from "./tls.ts";

export type ListenOptionsOf = {
  /** For `pssl:`: our certificate and key, and the authority that a server's certificate must come from. */
  readonly tls?: TlsSource | undefined;
  readonly limits?: LinkLimits | undefined;
  /** Servers that are connected and not yet taken; one more is turned away. Default 16. */
  readonly pendingMax?: number | undefined;
  /** Milliseconds for a TLS handshake. Default 5,000. */
  readonly handshakeMs?: number | undefined;
  /** Ends the listener. */
  readonly signal?: AbortSignal | undefined;
};

/** A server that connected. Exactly one of the three is to be called. */
export interface Incoming {
  readonly remoteAddress: string | undefined;
  /** Makes it a connection; `opened` follows. */
  take(events: ConnectionEvents, sink?: RowSink): Connection;
  /** @internal The same for a connection that was promised before. */
  attachTo(link: SocketLink): void;
  refuse(): void;
}

/** Servers that connect, one after the other. Leaving the loop does not close the listener; disposing of it does. */
export interface Listener extends AsyncIterable<Incoming>, AsyncDisposable {
  /** Where it listens, with the port that the system chose for port 0. */
  readonly endpoint: PassiveEndpoint;
  /** Servers that wait to be taken. */
  readonly pending: number;
  /** Stops listening and turns away who waits; connections that were taken stay. */
  close(): Promise<void>;
}

/**
 * Listens.
 *
 * @throws TransportError if the address can't be had, TlsError if the TLS files can't be used.
 */
export async function listen(endpoint: PassiveEndpoint, options: ListenOptionsOf = {}): Promise<Listener> {
  options.signal?.throwIfAborted();
  if (endpoint.kind === "pssl") {
    const material = await options.tls?.load();
    if (material?.cert === undefined || material.ca === undefined) {
      throw new TlsError("bad-key", `${formatEndpoint(endpoint)}: a TLS listener needs cert, key and ca`, {
        origin: "local",
      });
    }
  }
  const server = createServer({ noDelay: true });
  await bind(server, endpoint);
  return new SocketListener(server, endpoint, options);
}

class SocketListener implements Listener {
  readonly endpoint: PassiveEndpoint;
  readonly #server: Server;
  readonly #options: ListenOptionsOf;
  readonly #waiting: Socket[] = [];
  readonly #handshaking = new Set<Socket>();
  #wake: (() => void) | undefined;
  #isClosed = false;

  constructor(server: Server, endpoint: PassiveEndpoint, options: ListenOptionsOf) {
    this.#server = server;
    this.#options = options;
    this.endpoint =
      endpoint.kind === "punix" ? endpoint : { ...endpoint, port: (server.address() as AddressInfo).port };
    server.on("connection", (socket) => this.#arrive(socket));
    // After it listens, a server reports errors of single accepts (too many open files): the next one may succeed.
    server.on("error", (error) => publishWarning(connectError(endpoint, error).message));
    options.signal?.addEventListener("abort", () => void this.close(), { once: true });
  }

  get pending(): number {
    return this.#waiting.length + this.#handshaking.size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Incoming, void, undefined> {
    for (;;) {
      const socket = this.#waiting.shift();
      if (socket !== undefined) {
        if (!socket.destroyed) yield this.#incoming(socket);
        continue;
      }
      if (this.#isClosed) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const socket of [...this.#waiting.splice(0), ...this.#handshaking]) socket.destroy();
    this.#server.close();
    this.#wake?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #incoming(socket: Socket): Incoming {
    const attachTo = (link: SocketLink): void => {
      if (socket.destroyed)
        link.fail(
          new ClosedError(`${formatEndpoint(this.endpoint)}: the server went away before it was taken`, {
            origin: "transport",
          }),
        );
      else link.attach(socket, openedInfo(socket));
    };
    return {
      remoteAddress: socket.remoteAddress,
      take: (events, sink) => {
        const link = new SocketLink(this.endpoint, events, sink, this.#options.limits ?? {});
        setImmediate(() => attachTo(link));
        return link;
      },
      attachTo,
      refuse: () => socket.destroy(),
    };
  }

  #arrive(socket: Socket): void {
    socket.on("error", () => {});
    if (this.#isClosed || this.pending >= (this.#options.pendingMax ?? 16)) {
      socket.destroy();
      return;
    }
    if (this.endpoint.kind !== "pssl") {
      this.#offer(socket);
      return;
    }
    this.#handshaking.add(socket);
    socket.once("close", () => this.#handshaking.delete(socket));
    void this.#secure(socket);
  }

  /** TLS for one connection, with the files as they are now. */
  async #secure(socket: Socket): Promise<void> {
    try {
      const { ca, cert, key } = (await this.#options.tls?.load()) ?? {};
      if (ca === undefined || cert === undefined || key === undefined || socket.destroyed) return void socket.destroy();
      const { minVersion = "TLSv1.2", maxVersion, ciphers } = this.#options.tls?.options ?? {};
      const secure = createTlsServer({
        ca,
        cert,
        key,
        minVersion,
        ...(maxVersion === undefined ? {} : { maxVersion }),
        ...(ciphers === undefined ? {} : { ciphers }),
        requestCert: true,
        rejectUnauthorized: true,
        handshakeTimeout: this.#options.handshakeMs ?? 5_000,
      });
      secure.once("secureConnection", (plain: TLSSocket) => {
        this.#handshaking.delete(socket);
        plain.on("error", () => {});
        if (this.#isClosed) plain.destroy();
        else this.#offer(plain);
      });
      secure.once("tlsClientError", (error: Error) => {
        socket.destroy();
        this.#warn(connectError(this.endpoint, error));
      });
      secure.emit("connection", socket);
    } catch (error) {
      socket.destroy();
      this.#warn(connectError(this.endpoint, error as Error));
    }
  }

  #offer(socket: Socket): void {
    this.#waiting.push(socket);
    this.#wake?.();
  }

  #warn(error: OvsdbError): void {
    publishWarning(`a server that connected was turned away: ${error.message}`, error);
  }
}

async function bind(server: Server, endpoint: PassiveEndpoint): Promise<void> {
  try {
    await listenOnce(server, endpoint);
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    if (endpoint.kind !== "punix" || !isTaken || (await isAlive(endpoint.path)))
      throw connectError(endpoint, error as Error);
    // A socket file that nobody listens on is what a crash leaves.
    await unlink(endpoint.path);
    await listenOnce(server, endpoint).catch((again: Error) => Promise.reject(connectError(endpoint, again)));
  }
}

function listenOnce(server: Server, endpoint: PassiveEndpoint): Promise<void> {
  const where: ListenOptions =
    endpoint.kind === "punix" ? { path: endpoint.path } : { host: endpoint.host ?? "0.0.0.0", port: endpoint.port };
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"));
  });
}
