/** Peers that mean harm, next to a real server that is to be reached all the same. */
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dialRemote, type OvsdbServer, realOvs, startStandalone, waitFor } from "@ovnha/testkit";
import { type Limits, openDatabase, type OvsdbError, ProtocolError, TimeoutError } from "../../src/index.ts";
import { type Hostile, hostile, pour } from "../support/hostile.ts";

const LAB = { name: "Lab", tables: { T: { columns: { name: { type: "string" } }, isRoot: true } } } as const;
const MIB = 2 ** 20;

type Story = readonly [
  what: string,
  behave: (socket: Socket) => void,
  told: { readonly reason: string; readonly code: string; readonly message?: RegExp },
];
const answering =
  (text: string) =>
  (socket: Socket): void =>
    void socket.once("data", () => socket.write(text));

const STORIES: readonly Story[] = [
  [
    "a message that never ends",
    (socket) => pour(socket, '{"id":0,"error":null,"result":"', Buffer.alloc(65_536, "x")),
    { reason: "protocol", code: "LIMIT", message: /frameBytesMax/ },
  ],
  [
    "brackets without end",
    (socket) => pour(socket, '{"result":', Buffer.alloc(65_536, "[")),
    { reason: "protocol", code: "LIMIT", message: /depthMax/ },
  ],
  [
    "objects in objects",
    answering(`{"id":0,"error":null,"result":${'{"a":'.repeat(500)}1${"}".repeat(500)}}`),
    { reason: "protocol", code: "LIMIT", message: /depthMax/ },
  ],
  [
    "a reply to nothing",
    answering('{"id":424242,"result":{},"error":null}'),
    { reason: "protocol", code: "PROTOCOL", message: /never sent/ },
  ],
  [
    "replies to nothing without end",
    (socket) => pour(socket, "", Buffer.from('{"id":"no","result":{},"error":null}'.repeat(1_000))),
    { reason: "protocol", code: "PROTOCOL" },
  ],
  ["another protocol", answering("HTTP/1.1 400 Bad Request\r\n\r\n"), { reason: "protocol", code: "PROTOCOL" }],
  [
    "bytes that are no text",
    answering('{"id":0,"result":"\uFFFF\u0000","error":null}'),
    { reason: "protocol", code: "PROTOCOL" },
  ],
  ["an array for a message", answering('["update"]'), { reason: "protocol", code: "PROTOCOL" }],
  [
    "a number for the rows of _Server",
    answering('{"id":0,"result":7,"error":null}{"id":1,"result":7,"error":null}{"id":2,"result":7,"error":null}'),
    { reason: "protocol", code: "PROTOCOL" },
  ],
];

describe.skipIf(realOvs() === "skip")("a hostile peer", () => {
  let server: OvsdbServer;
  beforeAll(async () => {
    server = await startStandalone({ schemas: [LAB] });
  });
  afterAll(async () => server?.[Symbol.asyncDispose]());

  const limits: Limits = { frameBytesMax: 4 * MIB, depthMax: 64, greetMs: 2_000 };

  test.each(STORIES)("%s: it is left with a typed error, and the next endpoint serves", async (_what, behave, told) => {
    await using enemy = await hostile(behave);
    await using db = await openDatabase("Lab", {
      remote: [enemy.remote, server.remote],
      parallel: 1,
      shuffle: false,
      limits,
    });
    expect(db.status).toMatchObject({ state: "ready", endpoint: server.remote });
    const [noted] = db.status.reasons;
    expect(noted).toMatchObject({ endpoint: enemy.remote, reason: told.reason });
    expect(noted?.error).toMatchObject({
      code: told.code,
      message: told.message === undefined ? expect.any(String) : expect.stringMatching(told.message),
    });
    await db.transact((tx) => {
      tx.insert("T", { name: "all the same" });
    });
    expect(enemy.met()).toBe(1);
    // A frame of the limit, and what was in the buffers of both sides.
    expect(enemy.taken()).toBeLessThan(32 * MIB);
  });

  test("silence is a timeout, and drops of white space are no sign of life", async () => {
    const dribble = (socket: Socket): void => {
      const timer = setInterval(() => socket.write(" "), 20);
      socket.on("close", () => clearInterval(timer));
    };
    for (const behave of [(): void => {}, dribble]) {
      await using enemy = await hostile(behave);
      await using db = await openDatabase("Lab", {
        remote: [enemy.remote, server.remote],
        parallel: 1,
        shuffle: false,
        limits: { greetMs: 300 },
      });
      expect(db.status.reasons).toMatchObject([{ endpoint: enemy.remote, reason: "timeout" }]);
      expect(db.status.reasons[0]?.error).toBeInstanceOf(TimeoutError);
    }
  });

  /** A real server whose stream is given something else once the client works with it. */
  const between = async (): Promise<{ peer: Hostile; inject: (text: string | Buffer) => void }> => {
    const clients = new Set<Socket>();
    const peer = await hostile((client) => {
      const upstream = dialRemote(server.remote);
      clients.add(client);
      client.pipe(upstream).pipe(client);
      upstream.on("error", () => client.destroy());
      client.on("close", () => {
        clients.delete(client);
        upstream.destroy();
      });
    });
    return {
      peer,
      inject: (text) => {
        for (const client of clients) client.write(text);
      },
    };
  };

  test.each([
    [
      "a row that it never sent is modified",
      '{"id":null,"method":"update3","params":[["ovnha",1,1],"00000000-0000-4000-8000-000000000001",{"T":{"00000000-0000-4000-8000-00000000dead":{"modify":{"name":"x"}}}}]}',
      "reloaded",
    ],
    [
      "a table that nobody asked for",
      '{"id":null,"method":"update3","params":[["ovnha",1,1],"00000000-0000-4000-8000-000000000001",{"Nope":{"00000000-0000-4000-8000-00000000dead":{"insert":{}}}}]}',
      "reloaded",
    ],
    ["updates of the wrong shape", '{"id":null,"method":"update3","params":[["ovnha",1,1],7,8]}', "disconnected"],
    ["garbage", "}{", "disconnected"],
    ["depth", `{"id":null,"method":"x","params":[${"[".repeat(200)}`, "disconnected"],
  ])("in the middle of work, %s: the replica ends up as the server is", async (_what, text, expected) => {
    const { peer, inject } = await between();
    await using _peer = peer;
    await using db = await openDatabase("Lab", { remote: peer.remote, limits, backoff: { minMs: 5, maxMs: 20 } });
    await using lab = await db.replicate({ T: true });
    const events = db.lifecycle();
    inject(text);
    for await (const { type } of events) if (type === expected) break;
    await db.transact((tx) => {
      tx.insert("T", { name: `after ${expected}` });
    });
    await lab.synced();
    expect(lab.table("T").size).toBe((await db.select("T")).length);
    expect([...lab.table("T")].some(({ _uuid }) => _uuid.endsWith("dead"))).toBe(false);
  });

  test("a flood of notifications and echoes harms nobody; one that pretends another's monitor is for nobody", async () => {
    const { peer, inject } = await between();
    await using _peer = peer;
    await using db = await openDatabase("Lab", { remote: peer.remote, limits });
    await using lab = await db.replicate({ T: true });
    const before = lab.table("T").size;
    for (let round = 0; round < 2_000; round++) {
      inject(
        '{"id":null,"method":"update3","params":[["ovnha",9,9],"00000000-0000-4000-8000-000000000001",{"T":{"00000000-0000-4000-8000-00000000dead":{"insert":{}}}}]}{"id":null,"method":"locked","params":["never_asked"]}{"id":null,"method":"nonsense","params":[]}',
      );
    }
    inject('{"id":null,"method":"monitor_canceled","params":[["ovnha",9,9]]}');
    await lab.synced();
    expect(lab.table("T").size).toBe(before);
    expect(db.status.state).toBe("ready");
  });

  test("who never reads is left at the limit of what may wait, with every call told", async () => {
    let isDeaf = false;
    await using peer = await hostile((client) => {
      const upstream = dialRemote(server.remote);
      upstream.on("error", () => client.destroy()).pipe(client);
      client.on("data", (data) => {
        upstream.write(data);
        if (isDeaf) client.pause();
      });
      client.on("close", () => upstream.destroy());
    });
    await using db = await openDatabase("Lab", {
      remote: peer.remote,
      probeMs: 0,
      limits: { sendQueueBytesMax: 8 * MIB, transactMs: 20_000 },
      backoff: { minMs: 60_000 },
    });
    isDeaf = true;
    const name = "x".repeat(MIB);
    const events = db.lifecycle();
    const stops = Array.from({ length: 64 }, () => new AbortController());
    const calls = stops.map(({ signal }) =>
      db
        .transact(
          (tx) => {
            tx.insert("T", { name });
          },
          { signal },
        )
        .then(
          () => "done",
          (error: OvsdbError) => error.code ?? "aborted",
        ),
    );
    for await (const event of events) {
      if (event.type !== "disconnected") continue;
      expect(event.error).toMatchObject({ code: "LIMIT", limit: "sendQueueBytesMax" });
      break;
    }
    for (const stop of stops) stop.abort(new ProtocolError("the test has seen enough"));
    const outcomes = await Promise.all(calls);
    expect(outcomes).toHaveLength(64);
    expect(new Set(outcomes)).not.toContain("aborted");
    expect(outcomes).toContain("OUTCOME_UNKNOWN");
    await waitFor(() => db.status.state !== "ready", { what: "the peer to be left" });
  });
});
