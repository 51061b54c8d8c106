/** Makes real connections: TCP, TLS and Unix sockets, and passive remotes where the server connects to us. */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { checkServerIdentity, type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { OvsdbError, TlsError, TransportError } from "../error.ts";
import type { RowSink } from "../framer.ts";
import { type Endpoint, formatEndpoint, isPassive } from "../remote.ts";
import type { Connection, ConnectionEvents, Dialer, OpenedInfo } from "./connection.ts";
import { type LinkLimits, SocketLink } from "./link.ts";
import { listen } from "./listen.ts";
import { socketError } from "./socket-error.ts";
import { bootstrapCa } from "./tls-bootstrap.ts";
import type { TlsMaterial, TlsSource } from "./tls.ts";

export type SocketOptions = {
  /** For `ssl:` and `pssl:`; without it, `ssl:` trusts the authorities that Node.js ships and sends no certificate. */
  readonly tls?: TlsSource | undefined;
  readonly limits?: LinkLimits | undefined;
};

/** The dialer that opens sockets. A passive remote listens, takes the first server that connects, and listens no more. */
export function socketDialer(options: SocketOptions = {}): Dialer {
  return (endpoint: Endpoint, events: ConnectionEvents, sink?: RowSink): Connection => {
    const link = new SocketLink(endpoint, events, sink, options.limits ?? {});
    if (isPassive(endpoint)) awaitServer(link, endpoint, options);
    else if (endpoint.kind === "ssl") void openTls(link, endpoint, options.tls);
    else openPlain(link, endpoint);
    return link;
  };
}

function openPlain(link: SocketLink, endpoint: Extract<Endpoint, { kind: "tcp" | "unix" | "ssl" }>): void {
  const socket =
    endpoint.kind === "unix"
      ? connectTcp({ path: endpoint.path })
      : connectTcp({ host: endpoint.host, port: endpoint.port, noDelay: true });
  const onError = (error: Error): void => link.fail(connectError(endpoint, error));
  socket.once("error", onError);
  socket.once("connect", () => {
    socket.off("error", onError);
    link.opening(() => {});
    link.attach(socket, openedInfo(socket));
  });
  link.opening(() => abandon(socket, onError));
}

async function openTls(
  link: SocketLink,
  endpoint: Extract<Endpoint, { kind: "tcp" | "ssl" }>,
  source: TlsSource | undefined,
): Promise<void> {
  let isAbandoned = false;
  link.opening(() => {
    isAbandoned = true;
  });
  try {
    for (;;) {
      const material = (await source?.load()) ?? {};
      if (isAbandoned) return;
      const path = material.ca === undefined ? source?.options.bootstrapCa : undefined;
      const socket = await handshake(link, endpoint, material, source, path !== undefined);
      if (path === undefined) {
        socket.setNoDelay(true);
        link.attach(socket, openedInfo(socket));
        return;
      }
      // Now that the authority is known, the same server must pass with it.
      try {
        await bootstrapCa(socket, path, formatEndpoint(endpoint));
      } finally {
        socket.destroy();
      }
      if (isAbandoned) return;
    }
  } catch (error) {
    if (!isAbandoned) link.fail(error instanceof OvsdbError ? error : connectError(endpoint, error as Error));
  }
}

/** Connects and verifies. Never settles once the attempt is given up. */
function handshake(
  link: SocketLink,
  endpoint: Extract<Endpoint, { kind: "tcp" | "ssl" }>,
  material: TlsMaterial,
  source: TlsSource | undefined,
  isBootstrap: boolean,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    let socket: TLSSocket;
    try {
      socket = connectTls(tlsConnectOptions(endpoint, material, source, isBootstrap));
    } catch (cause) {
      reject(
        new TlsError("bad-key", `${formatEndpoint(endpoint)}: TLS can't be set up: ${(cause as Error).message}`, {
          origin: "local",
          cause,
        }),
      );
      return;
    }
    const onError = (error: Error): void => reject(error);
    socket.once("error", onError);
    socket.once("secureConnect", () => {
      socket.off("error", onError);
      // Between here and the owner's listeners, an error must not become an unhandled one.
      socket.on("error", () => {});
      resolve(socket);
    });
    link.opening(() => abandon(socket, onError));
  });
}

function tlsConnectOptions(
  endpoint: Extract<Endpoint, { kind: "tcp" | "ssl" }>,
  material: TlsMaterial,
  source: TlsSource | undefined,
  isBootstrap: boolean,
): ConnectionOptions {
  const { serverName, verifyHost = true, minVersion = "TLSv1.2", maxVersion, ciphers } = source?.options ?? {};
  const [name = ""] = (serverName ?? endpoint.host).split("%", 1);
  return {
    host: endpoint.host,
    port: endpoint.port,
    minVersion,
    ...(maxVersion === undefined ? {} : { maxVersion }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(material.ca === undefined ? {} : { ca: material.ca }),
    ...(material.cert === undefined ? {} : { cert: material.cert }),
    ...(material.key === undefined ? {} : { key: material.key }),
    // An IP address is never asked for by name (RFC 6066 §3), but is looked for among the names of the certificate.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    rejectUnauthorized: !isBootstrap,
    checkServerIdentity: (_host, certificate) => (verifyHost ? checkServerIdentity(name, certificate) : undefined),
  };
}

function awaitServer(
  link: SocketLink,
  endpoint: Extract<Endpoint, { kind: "ptcp" | "pssl" | "punix" }>,
  options: SocketOptions,
): void {
  const abort = new AbortController();
  link.opening(() => abort.abort());
  const run = async (): Promise<void> => {
    await using listener = await listen(endpoint, { ...options, signal: abort.signal });
    for await (const incoming of listener) {
      if (abort.signal.aborted) return incoming.refuse();
      return incoming.attachTo(link);
    }
  };
  run().catch((error: unknown) => {
    if (!abort.signal.aborted) link.fail(error instanceof OvsdbError ? error : connectError(endpoint, error as Error));
  });
}

/** Ends an attempt; what its socket still reports is of no interest. */
function abandon(socket: Socket, onError: (error: Error) => void): void {
  socket.off("error", onError);
  socket.on("error", () => {});
  socket.destroy();
}

export function connectError(endpoint: Endpoint, error: Error): OvsdbError {
  return (
    socketError(endpoint, error, { isOpen: false, hasHeard: false }) ??
    new TransportError(`${formatEndpoint(endpoint)}: ${error.message}`, { cause: error })
  );
}

/** The addresses of a socket that stands, and what TLS settled on. */
export function openedInfo(socket: Socket): OpenedInfo {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const secure = socket as Partial<TLSSocket>;
  const tls =
    secure.encrypted === true
      ? {
          tls: {
            protocol: secure.getProtocol?.() ?? "",
            cipher: secure.getCipher?.().name ?? "",
            peer: peerName(secure),
          },
        }
      : {};
  return { remoteAddress, remotePort, localAddress, localPort, ...tls };
}

function peerName(socket: Partial<TLSSocket>): string {
  const { subject, subjectaltname } = socket.getPeerCertificate?.() ?? {};
  const commonName = subject?.CN;
  return subjectaltname ?? (Array.isArray(commonName) ? commonName.join(", ") : commonName) ?? "";
}
