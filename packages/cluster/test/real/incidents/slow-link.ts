/** A way to a member on which its answers trickle: connections that were made while it was slow stay slow. */
import { connect, createServer, type Socket } from "node:net";
import { freePort } from "@ovnha/testkit";

/** 400 bytes a second: an empty database's snapshot, with its schema, takes a minute. */
const PIECE_BYTES = 40;
const PIECE_MS = 100;

export class SlowLink implements AsyncDisposable {
  readonly remote: string;
  /** Whether connections that are made from now on are slow. */
  isSlow = true;
  readonly #close: () => Promise<void>;

  constructor(remote: string, close: () => Promise<void>) {
    this.remote = remote;
    this.#close = close;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

/** `target` is a Raft address such as `tcp:127.0.0.1:6643`. */
export async function startSlowLink(target: string): Promise<SlowLink> {
  const [, host = "", to = ""] = target.split(":");
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(to), host);
    near.pipe(far);
    const stop = link.isSlow ? trickle(far, near) : void far.pipe(near);
    for (const socket of [near, far]) {
      sockets.add(socket);
      const end = (): void => {
        stop?.();
        near.destroy();
        far.destroy();
        sockets.delete(socket);
      };
      socket.on("error", end).on("close", end);
    }
  });
  const port = await freePort();
  const link = new SlowLink(`tcp:127.0.0.1:${port}`, async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return link;
}

/** Gives the function that ends it. */
function trickle(from: Socket, to: Socket): () => void {
  const timer = setInterval(() => {
    const piece = (from.read(Math.min(PIECE_BYTES, from.readableLength)) ?? undefined) as Buffer | undefined;
    if (piece !== undefined) to.write(piece);
  }, PIECE_MS);
  from.on("readable", () => {});
  return () => clearInterval(timer);
}
