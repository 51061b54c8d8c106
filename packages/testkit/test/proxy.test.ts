import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type CuttingProxy,
  makePki,
  type OvsdbServer,
  ovsdbClient,
  rawCall,
  realOvs,
  removeFolder,
  startProxy,
  startStandalone,
  temporaryFolder,
  waitFor,
} from "../src/index.ts";
import { NOTES, put, told } from "./notes.ts";

type Dialled = {
  readonly socket: Socket;
  readonly pieces: Buffer[];
  readonly text: () => string;
  readonly ended: Promise<string>;
};

/** A client that only listens; `ended` is how its connection did. */
function dial(proxy: CuttingProxy): Dialled {
  const socket = connect(Number(proxy.remote.split(":")[2]), "127.0.0.1").setNoDelay(true);
  const pieces: Buffer[] = [];
  socket.on("data", (piece) => pieces.push(piece));
  let how = "closed";
  socket.on("error", (error: NodeJS.ErrnoException) => {
    how = error.code ?? error.message;
  });
  const ended = new Promise<string>((resolve) => socket.on("close", () => resolve(how)));
  return { socket, pieces, text: () => Buffer.concat(pieces).toString(), ended };
}

const ask = (id: number, method: string, params: readonly unknown[] = []): string =>
  JSON.stringify({ id, method, params });
const insert = (text: string): string => ask(9, "transact", ["Notes", { op: "insert", table: "Note", row: { text } }]);

describe.skipIf(realOvs() === "skip")("a proxy before a server", () => {
  let server: OvsdbServer;
  beforeAll(async () => {
    server = await startStandalone({ schemas: [NOTES] });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test("passes everything on, counts, and works before a Unix socket too", async () => {
    for (const target of [server.remote, server.unix]) {
      await using proxy = await startProxy(target);
      for (let call = 1; call <= 3; call++) {
        expect(await rawCall(proxy.remote, "list_dbs", [])).toContain("Notes");
        expect(proxy.connections).toBe(call);
      }
      await waitFor(() => proxy.open === 0, { what: "the proxy to have no connections" });
    }
  });

  test("cut: every connection is reset, and new ones are taken", async () => {
    await using proxy = await startProxy(server.remote);
    const clients = [dial(proxy), dial(proxy)];
    await waitFor(() => proxy.open === 2, { what: "both to be connected" });
    proxy.cut();
    expect(await Promise.all(clients.map(({ ended }) => ended))).toEqual(["ECONNRESET", "ECONNRESET"]);
    expect(await rawCall(proxy.remote, "list_dbs", [])).toContain("Notes");
  });

  test("stall: silence, though connections stand and are taken; heal: what was held back arrives", async () => {
    await using proxy = await startProxy(server.remote);
    const before = dial(proxy);
    await waitFor(() => proxy.open === 1, { what: "the first to be connected" });
    proxy.stall();
    before.socket.write(ask(1, "echo", ["old"]));
    const after = dial(proxy);
    after.socket.write(ask(2, "echo", ["new"]));
    await expect(rawCall(proxy.remote, "list_dbs", [], 200)).rejects.toThrow("no reply");
    expect([before.text(), after.text()]).toEqual(["", ""]);
    proxy.heal();
    await waitFor(() => before.text().includes("old") && after.text().includes("new"), { what: "both echoes" });
  });

  test("refuse: connections are reset and refused, until it accepts at the same address", async () => {
    await using proxy = await startProxy(server.remote);
    const client = dial(proxy);
    await waitFor(() => proxy.open === 1, { what: "the connection" });
    const { remote } = proxy;
    await proxy.refuse();
    expect(await client.ended).toBe("ECONNRESET");
    await expect(rawCall(remote, "list_dbs", [])).rejects.toThrow("ECONNREFUSED");
    expect(proxy.connections).toBe(1);
    await proxy.accept();
    expect(proxy.remote).toBe(remote);
    expect(await rawCall(remote, "list_dbs", [])).toContain("Notes");
  });

  test("chunk: the same bytes, in pieces", async () => {
    await using proxy = await startProxy(server.remote);
    proxy.chunk(7);
    expect(await rawCall(proxy.remote, "get_schema", ["Notes"])).toEqual(
      await rawCall(server.remote, "get_schema", ["Notes"]),
    );
  });

  test("dropAfterRequest: the request was done, its reply is lost, and other requests pass", async () => {
    await using proxy = await startProxy(server.remote);
    const dropped = proxy.dropAfterRequest("done-and-lost");
    await put(proxy.remote, "other");
    const client = dial(proxy);
    // The text lies across two pieces: the first has been passed on when what stands before it is answered.
    const request = insert("done-and-lost");
    const cut = request.indexOf("and");
    client.socket.write(ask(1, "echo", ["first piece"]) + request.slice(0, cut));
    await waitFor(() => client.text().includes("first piece"), { what: "the echo" });
    client.socket.write(request.slice(cut));
    await dropped;
    expect(await client.ended).toBe("ECONNRESET");
    expect(client.text()).not.toContain("uuid");
    await waitFor(async () => (await told(server.remote)).includes("done-and-lost"), { what: "the note" });
    await waitFor(() => proxy.open === 0, { what: "the server's side to end" });
    await put(proxy.remote, "done-and-lost again");
  });

  test("dropBeforeReply: the reply does not arrive, and what came before does", async () => {
    await using proxy = await startProxy(server.remote);
    const client = dial(proxy);
    client.socket.write(ask(1, "echo", ["before"]));
    await waitFor(() => client.text().includes("before"), { what: "the first reply" });
    const dropped = proxy.dropBeforeReply('"uuid"');
    client.socket.write(insert("unheard"));
    await dropped;
    expect(await client.ended).toBe("ECONNRESET");
    expect(client.text()).not.toContain("uuid");
    expect(await told(server.remote)).toContain("unheard");
  });

  test("before TLS it passes the bytes through", async () => {
    const dir = temporaryFolder();
    const { server: files, client } = await makePki(dir);
    await using secure = await startStandalone({ schemas: [NOTES], listen: "ssl", tls: files });
    await using proxy = await startProxy(secure.remote);
    expect(proxy.remote).toMatch(/^ssl:/);
    expect(await ovsdbClient(["list-dbs", proxy.remote], { tls: client })).toContain("Notes");
    removeFolder(dir);
  });
});
