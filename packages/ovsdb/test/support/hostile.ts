/** A peer that answers a client with whatever a test wants it to. */
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface Hostile extends AsyncDisposable {
  readonly remote: string;
  /** Connections so far. */
  readonly met: () => number;
  /** Bytes that the client took of what was written. */
  readonly taken: () => number;
}

/** Every connection is handed to `behave`. */
export async function hostile(behave: (socket: Socket) => void): Promise<Hostile> {
  const sockets = new Set<Socket>();
  let met = 0;
  let taken = 0;
  const server = createServer((socket) => {
    met++;
    sockets.add(socket);
    socket
      .on("error", () => {})
      .on("close", () => {
        taken += socket.bytesWritten - socket.writableLength;
        sockets.delete(socket);
      });
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    remote: `tcp:127.0.0.1:${(server.address() as AddressInfo).port}`,
    met: () => met,
    taken: () =>
      taken + [...sockets].reduce((sum, { bytesWritten, writableLength }) => sum + bytesWritten - writableLength, 0),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Writes this piece for as long as the client takes it. */
export function pour(socket: Socket, begin: string, piece: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.write(begin);
  socket.on("drain", more);
  more();
}
