import { channel } from "node:diagnostics_channel";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LimitError, ProtocolError, TransportError } from "../../src/error.ts";
import { type FrameEvent, frameChannel } from "../../src/edge/diagnostics.ts";
import { socketDialer } from "../../src/edge/socket.ts";
import { echoReply, type NotificationObject, notification, paramsOf, request } from "../../src/message.ts";
import type { Endpoint } from "../../src/remote.ts";
import { dialWatched } from "../support/link-events.ts";

let server: Server;
let accepted: Promise<Socket>;
let endpoint: Endpoint;

beforeEach(async () => {
  server = createServer();
  accepted = new Promise((resolve) => server.on("connection", (socket) => resolve(socket.on("error", () => {}))));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint = { kind: "tcp", host: "127.0.0.1", port: (server.address() as AddressInfo).port };
});

afterEach(async () => {
  (await Promise.race([accepted, Promise.resolve(undefined)]))?.destroy();
  server.close();
});

const numbered = (count: number): string =>
  Array.from({ length: count }, (_, index) => `{"id":null,"method":"n","params":[${index}]}`).join("");
const numbersOf = (messages: readonly unknown[]): unknown[] =>
  messages.map((message) => paramsOf(message as NotificationObject)[0]);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("a connection", () => {
  test("tells where it goes, passes messages both ways, and says when the server hangs up", async () => {
    const { connection, watched } = dialWatched(socketDialer(), endpoint);
    connection.send(request(1, "echo", ["early"]));
    const peer = await accepted;
    expect(await watched.opening).toMatchObject({
      remoteAddress: "127.0.0.1",
      remotePort: (endpoint as { port: number }).port,
    });
    const heard = await new Promise<Buffer>((resolve) => peer.once("data", resolve));
    expect(heard.toString()).toBe('{"id":1,"method":"echo","params":["early"]}');
    peer.write('{"id":"echo","method":"echo","params":["é"]}{"id":1,"result":["early"],"error":null}');
    await watched.count(2);
    expect(echoReply(watched.messages[0] as never)?.result).toEqual(["é"]);
    peer.end();
    const error = await watched.closing;
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({
      reason: "EOF",
      message: expect.stringContaining("the server closed the connection"),
    });
    expect(watched.log).toEqual(["opened", "message", "message", "closed"]);
  });

  test("a flood is delivered in order, in slices between which other work gets its turn", async () => {
    const { watched } = dialWatched(socketDialer({ limits: { sliceMs: 0.01 } }), endpoint);
    const peer = await accepted;
    let turns = 0;
    let lastTurn = -1;
    const turn = (): void => {
      turns++;
      if (watched.messages.length < 20_000) setImmediate(turn);
    };
    setImmediate(turn);
    const perTurn: number[] = [];
    watched.onMessage = () => {
      if (turns !== lastTurn) perTurn.push(0);
      lastTurn = turns;
      (perTurn[perTurn.length - 1] as number)++;
    };
    peer.write(numbered(20_000));
    await watched.count(20_000);
    expect(numbersOf(watched.messages)).toEqual(upTo(20_000));
    expect(perTurn.length).toBeGreaterThan(20);
  });

  test("what came before the end is delivered before the end is", async () => {
    const { watched } = dialWatched(socketDialer({ limits: { sliceMs: 0.01 } }), endpoint);
    (await accepted).end(numbered(5_000));
    await watched.closing;
    expect(numbersOf(watched.messages)).toEqual(upTo(5_000));
    expect(watched.log.at(-1)).toBe("closed");
  });

  test("no message comes after close, and closed comes once, later", async () => {
    const { connection, watched } = dialWatched(socketDialer(), endpoint);
    const peer = await accepted;
    watched.onMessage = () => {
      if (watched.messages.length === 3) {
        connection.close();
        expect(watched.log).not.toContain("closed");
      }
    };
    peer.write(numbered(100));
    expect(await watched.closing).toBeUndefined();
    connection.close();
    connection.send(notification("late", []));
    expect(watched.messages).toHaveLength(3);
    expect(watched.log.filter((event) => event === "closed")).toHaveLength(1);
  });

  test("close during the attempt gives it up at once, with the cause", async () => {
    // 203.0.113.0/24 is kept for documentation: nobody answers there.
    const { connection, watched } = dialWatched(socketDialer(), { kind: "tcp", host: "203.0.113.1", port: 6641 });
    const cause = new TransportError("took too long");
    connection.close(cause);
    expect(watched.log).toEqual([]);
    expect(await watched.closing).toBe(cause);
    expect(watched.log).toEqual(["closed"]);
  });

  test.each([
    [{ kind: "tcp", host: "127.0.0.1", port: 1 } as const, "ECONNREFUSED", "nothing listens there"],
    [{ kind: "unix", path: "/nonexistent/db.sock" } as const, "ENOENT", "no such socket"],
    [
      { kind: "tcp", host: "no-such-host.invalid", port: 1 } as const,
      /ENOTFOUND|EAI_AGAIN/,
      /not known|does not answer/,
    ],
  ])("an attempt that fails says why: %j", async (nowhere, reason, text) => {
    const { watched } = dialWatched(socketDialer(), nowhere);
    const error = await watched.closing;
    expect(error).toMatchObject({
      code: "TRANSPORT",
      origin: "transport",
      reason: expect.stringMatching(reason),
      message: expect.stringMatching(text),
    });
  });

  test("a connection cut in the middle of a message says so", async () => {
    const { watched } = dialWatched(socketDialer(), endpoint);
    (await accepted).end('{"id":1,"resu');
    expect((await watched.closing)?.message).toContain("in the middle of a message");
  });

  test("a reset is told as one", async () => {
    const { watched } = dialWatched(socketDialer(), endpoint);
    const peer = await accepted;
    await watched.opening;
    peer.resetAndDestroy();
    expect(await watched.closing).toMatchObject({ reason: "ECONNRESET" });
  });

  test.each([
    ["garbage", "HTTP/1.1 400 Bad Request"],
    ["no JSON-RPC", '{"hello":1}'],
    ["text that is not UTF-8", Buffer.from('{"id":1,"result":"\xff"}', "latin1")],
  ])("%s ends it as a protocol error", async (_name, bytes) => {
    const { watched } = dialWatched(socketDialer(), endpoint);
    (await accepted).write(bytes);
    expect(await watched.closing).toBeInstanceOf(ProtocolError);
  });

  test("a limit of the reader ends it", async () => {
    const { watched } = dialWatched(socketDialer({ limits: { depthMax: 10 } }), endpoint);
    (await accepted).write('{"a":'.repeat(20));
    expect(await watched.closing).toMatchObject({ code: "LIMIT", limit: "depthMax" });
  });

  test("a server that does not read ends it when too much waits", async () => {
    const { connection, watched } = dialWatched(socketDialer({ limits: { sendQueueBytesMax: 1_000_000 } }), endpoint);
    (await accepted).pause();
    await watched.opening;
    const text = `{"id":null,"method":"n","params":["${"x".repeat(400_000)}"]}`;
    for (let count = 0; count < 100; count++) {
      connection.sendText(text);
      expect(connection.backlogBytes).toBeLessThanOrEqual(1_000_000);
    }
    const error = await watched.closing;
    expect(error).toBeInstanceOf(LimitError);
    expect(error).toMatchObject({ limit: "sendQueueBytesMax" });
  });

  test("frames are published to whoever subscribes", async () => {
    const frames: FrameEvent[] = [];
    const take = (event: unknown): void => void frames.push(event as FrameEvent);
    expect(frameChannel).toBe(channel("ovnha:ovsdb:frame"));
    frameChannel.subscribe(take);
    try {
      const { connection, watched } = dialWatched(socketDialer(), endpoint);
      const peer = await accepted;
      connection.send(request(1, "echo", ["ü"]));
      peer.write('{"id":1,"result":["ü"],"error":null}');
      await watched.count(1);
      expect(frames.map(({ direction, bytes }) => [direction, bytes])).toEqual([
        ["out", 40],
        ["in", 37],
      ]);
      expect(frames[1]?.message).toBe(watched.messages[0]);
      connection.close();
      await watched.closing;
    } finally {
      frameChannel.unsubscribe(take);
    }
  });

  test("rows of a large reply go to the sink before the reply is there", async () => {
    const rows: string[] = [];
    const { watched } = dialWatched(socketDialer(), endpoint, (context, table, uuid) => {
      rows.push(`${String(context.id)} ${table} ${uuid} ${watched.messages.length}`);
      return true;
    });
    const body = upTo(3_000).map((index) => `"u${index}":{"initial":{"name":"${"n".repeat(50)}"}}`);
    (await accepted).write(`{"id":4,"result":[false,"t",{"Port":{${body.join(",")}}}],"error":null}`);
    await watched.count(1);
    expect(rows).toHaveLength(3_000);
    expect(rows[2_999]).toBe("4 Port u2999 0");
    expect(watched.messages[0]).toMatchObject({ id: 4, result: [false, "t", { Port: {} }] });
  });
});
