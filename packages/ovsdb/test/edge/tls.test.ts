import { appendFileSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AddressInfo, createServer } from "node:net";
import { createServer as createTlsServer, type TlsOptions as NodeTlsOptions } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { warningChannel } from "../../src/edge/diagnostics.ts";
import { socketDialer } from "../../src/edge/socket.ts";
import { filesTls, memoryTls, type TlsSource } from "../../src/edge/tls.ts";
import { TlsError } from "../../src/error.ts";
import type { Endpoint } from "../../src/remote.ts";
import { dialWatched, type Watched } from "../support/link-events.ts";
import { Authority, type KeyPair } from "../support/pki.ts";

let folder: string;
let own: Authority;
let other: Authority;
let good: KeyPair;
let client: KeyPair;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ovnha tls "));
  own = new Authority(folder, "own");
  other = new Authority(folder, "other");
  good = own.issue({ name: "server", names: "IP:127.0.0.1,DNS:localhost,DNS:central.example" });
  client = own.issue({ name: "client" });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Serving = { readonly endpoint: Endpoint; readonly names: (string | false)[]; readonly close: () => void };

/** A TLS server that greets with one message, so that a connection that stands is heard. */
async function serve(pair: KeyPair, options: NodeTlsOptions = {}): Promise<Serving> {
  const names: (string | false)[] = [];
  const server = createTlsServer(
    { cert: readFileSync(pair.cert), key: readFileSync(pair.key), ...options },
    (socket) => {
      names.push((socket as unknown as { servername: string | false }).servername);
      socket.on("error", () => {}).end('{"id":null,"method":"hello","params":[]}');
    },
  );
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: { kind: "ssl", host: "127.0.0.1", port: (server.address() as AddressInfo).port },
    names,
    close: () => server.close(),
  };
}

async function outcome(endpoint: Endpoint, tls: TlsSource | undefined): Promise<{ watched: Watched; reason: string }> {
  const { connection, watched } = dialWatched(socketDialer({ tls }), endpoint);
  await Promise.race([watched.count(1), watched.closing]);
  connection.close();
  const error = await watched.closing;
  return {
    watched,
    reason: watched.messages.length > 0 ? "ok" : error instanceof TlsError ? error.reason : String(error),
  };
}

const at = (endpoint: Endpoint, host: string): Endpoint => ({ ...endpoint, host }) as Endpoint;

describe("who the server is", () => {
  test("chain and host are verified: an address among its names passes, a name is asked for by SNI", async () => {
    const serving = await serve(good);
    const { watched, reason } = await outcome(serving.endpoint, filesTls({ ca: own.ca }));
    expect(reason).toBe("ok");
    expect((await watched.opening).tls).toMatchObject({
      protocol: "TLSv1.3",
      peer: expect.stringContaining("central.example"),
    });
    expect((await outcome(at(serving.endpoint, "localhost"), filesTls({ ca: own.ca }))).reason).toBe("ok");
    expect(serving.names).toEqual([false, "localhost"]);
    serving.close();
  });

  test("another host is refused, unless it is named or host names are not looked at", async () => {
    const wrong = await serve(own.issue({ name: "elsewhere", names: "DNS:elsewhere.example,IP:10.9.8.7" }));
    expect((await outcome(wrong.endpoint, filesTls({ ca: own.ca }))).reason).toBe("wrong-host");
    expect((await outcome(at(wrong.endpoint, "localhost"), filesTls({ ca: own.ca }))).reason).toBe("wrong-host");
    expect((await outcome(wrong.endpoint, filesTls({ ca: own.ca, serverName: "elsewhere.example" }))).reason).toBe(
      "ok",
    );
    expect((await outcome(wrong.endpoint, filesTls({ ca: own.ca, serverName: "10.9.8.7" }))).reason).toBe("ok");
    expect((await outcome(wrong.endpoint, filesTls({ ca: own.ca, verifyHost: false }))).reason).toBe("ok");
    expect((await outcome(wrong.endpoint, filesTls({ ca: other.ca, verifyHost: false }))).reason).not.toBe("ok");
    wrong.close();
  });

  test("an unknown authority, an expired, a future and a self-signed certificate are refused, each with its reason", async () => {
    const refusals: [KeyPair, string, string][] = [
      [other.issue({ name: "server", names: "IP:127.0.0.1" }), own.ca, "unknown-ca"],
      [own.issue({ name: "old", names: "IP:127.0.0.1", until: "20210101000000Z" }), own.ca, "expired"],
      [own.issue({ name: "young", names: "IP:127.0.0.1", from: "20980101000000Z" }), own.ca, "not-yet-valid"],
      [{ cert: other.ca, key: join(other.dir, "ca.key") }, own.ca, "self-signed"],
    ];
    for (const [pair, ca, reason] of refusals) {
      const serving = await serve(pair);
      expect((await outcome(serving.endpoint, filesTls({ ca }))).reason).toBe(reason);
      serving.close();
    }
  });

  test("without any TLS options, only public authorities are trusted", async () => {
    const serving = await serve(good);
    expect((await outcome(serving.endpoint, undefined)).reason).toBe("unknown-ca");
    serving.close();
  });

  test("errors name the endpoint and the remedy", async () => {
    const serving = await serve(own.issue({ name: "elsewhere", names: "DNS:elsewhere.example" }));
    const { watched } = dialWatched(socketDialer({ tls: filesTls({ ca: own.ca }) }), serving.endpoint);
    const error = await watched.closing;
    expect(error).toMatchObject({
      code: "TLS",
      origin: "transport",
      message: expect.stringMatching(/^ssl:127\.0\.0\.1:\d+: .*serverName/),
    });
    serving.close();
  });
});

describe("who we are", () => {
  const wanting = { requestCert: true, rejectUnauthorized: true } as const;
  test.each([["TLSv1.2"], ["TLSv1.3"]] as const)(
    "over %s: a client certificate that is missing or not trusted is told as that",
    async (version) => {
      const serving = await serve(good, { ...wanting, ca: readFileSync(own.ca), maxVersion: version });
      const stranger = other.issue({ name: "stranger" });
      expect((await outcome(serving.endpoint, filesTls({ ca: own.ca, ...client }))).reason).toBe("ok");
      expect(["no-client-certificate", "alert", "client-certificate-refused", "closed"]).toContain(
        (await outcome(serving.endpoint, filesTls({ ca: own.ca }))).reason,
      );
      expect(["client-certificate-refused", "closed"]).toContain(
        (await outcome(serving.endpoint, filesTls({ ca: own.ca, ...stranger }))).reason,
      );
      serving.close();
    },
  );
});

describe("the protocol", () => {
  test("below TLS 1.2 nothing is spoken unless asked for, and versions that don't meet are told", async () => {
    const serving = await serve(good, { maxVersion: "TLSv1.2" });
    expect((await outcome(serving.endpoint, filesTls({ ca: own.ca, minVersion: "TLSv1.3" }))).reason).toBe("protocol");
    const { watched } = await outcome(
      serving.endpoint,
      filesTls({ ca: own.ca, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" }),
    );
    expect((await watched.opening).tls).toMatchObject({ protocol: "TLSv1.2", cipher: "ECDHE-ECDSA-AES256-GCM-SHA384" });
    serving.close();
  });

  test("a server that does not speak TLS is told as that; one that hangs up, too", async () => {
    const plain = createServer((socket) => socket.on("error", () => {}).write("{}".repeat(100)));
    const mute = createServer((socket) => socket.on("error", () => {}).end());
    const listening = async (server: typeof plain): Promise<Endpoint> => {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return { kind: "ssl", host: "127.0.0.1", port: (server.address() as AddressInfo).port };
    };
    expect((await outcome(await listening(plain), filesTls({ ca: own.ca }))).reason).toBe("not-tls");
    expect((await outcome(await listening(mute), filesTls({ ca: own.ca }))).reason).toBe("closed");
    plain.close();
    mute.close();
  });

  test("close during the handshake gives it up at once", async () => {
    const silent = createServer((socket) => socket.on("error", () => {}));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const met = new Promise<void>((resolve) => silent.once("connection", () => resolve()));
    const { connection, watched } = dialWatched(socketDialer({ tls: filesTls({ ca: own.ca }) }), {
      kind: "ssl",
      host: "127.0.0.1",
      port: (silent.address() as AddressInfo).port,
    });
    await met;
    connection.close();
    expect(await watched.closing).toBeUndefined();
    expect(watched.log).toEqual(["closed"]);
    silent.close();
  });
});

describe("files", () => {
  test("a renewed pair and authority are used by the next connection", async () => {
    const paths = { ca: join(folder, "hot-ca.pem"), cert: join(folder, "hot.pem"), key: join(folder, "hot.key") };
    const put = (authority: Authority, pair: KeyPair): void => {
      copyFileSync(authority.ca, paths.ca);
      copyFileSync(pair.cert, paths.cert);
      copyFileSync(pair.key, paths.key);
    };
    put(own, client);
    const source = filesTls(paths);
    const first = await source.load();
    expect(await source.load()).toBe(first);
    put(other, other.issue({ name: "renewed" }));
    const second = await source.load();
    expect(second.cert).toBe(readFileSync(paths.cert, "utf8"));
    expect(second.ca).not.toBe(first.ca);
  });

  test("while a pair is half replaced, half written or gone, the last good one stays, with a warning", async () => {
    const paths = { ca: own.ca, cert: join(folder, "half.pem"), key: join(folder, "half.key") };
    copyFileSync(client.cert, paths.cert);
    copyFileSync(client.key, paths.key);
    const source = filesTls(paths);
    const first = await source.load();
    const warnings: string[] = [];
    const take = (event: unknown): void => void warnings.push((event as { message: string }).message);
    warningChannel.subscribe(take);
    try {
      const next = own.issue({ name: "next" });
      copyFileSync(next.cert, paths.cert);
      expect(await source.load()).toBe(first);
      expect(warnings.at(-1)).toContain("can't be used together");
      copyFileSync(next.key, paths.key);
      const second = await source.load();
      expect(second.cert).toBe(readFileSync(next.cert, "utf8"));
      writeFileSync(paths.cert, readFileSync(next.cert, "utf8").slice(0, 200));
      expect(await source.load()).toBe(second);
      expect(warnings.at(-1)).toContain("in the middle of a certificate");
      rmSync(paths.cert);
      expect(await source.load()).toBe(second);
      expect(warnings.at(-1)).toContain("ENOENT");
    } finally {
      warningChannel.unsubscribe(take);
    }
  });

  test("files that were never good are an error that names them", async () => {
    await expect(filesTls({ ca: join(folder, "absent.pem") }).load()).rejects.toMatchObject({
      code: "TLS",
      reason: "unreadable",
      message: expect.stringContaining("absent.pem"),
    });
    await expect(filesTls({ ca: good.key }).load()).rejects.toMatchObject({ reason: "bad-certificate" });
    await expect(filesTls({ cert: good.cert, key: client.key }).load()).rejects.toMatchObject({ reason: "bad-key" });
    expect(() => filesTls({ cert: good.cert })).toThrow(/cert without key/);
    expect(() => memoryTls({ cert: readFileSync(good.cert, "utf8"), key: readFileSync(client.key, "utf8") })).toThrow(
      /used together/,
    );
    const { watched } = dialWatched(socketDialer({ tls: filesTls({ ca: join(folder, "absent.pem") }) }), {
      kind: "ssl",
      host: "127.0.0.1",
      port: 1,
    });
    expect(await watched.closing).toMatchObject({ reason: "unreadable" });
  });

  test("a certificate from memory", async () => {
    const serving = await serve(good, { requestCert: true, rejectUnauthorized: true, ca: readFileSync(own.ca) });
    const text = (path: string): string => readFileSync(path, "utf8");
    expect(
      (await outcome(serving.endpoint, memoryTls({ ca: text(own.ca), cert: text(client.cert), key: text(client.key) })))
        .reason,
    ).toBe("ok");
    serving.close();
  });

  test("trust on first use: the first server's authority is written down, and from then on only that passes", async () => {
    const path = join(folder, "bootstrap.pem");
    const chained = join(folder, "chained.pem");
    copyFileSync(good.cert, chained);
    appendFileSync(chained, readFileSync(own.ca));
    const first = await serve({ cert: chained, key: good.key });
    const source = filesTls({ bootstrapCa: path });
    expect((await outcome(first.endpoint, source)).reason).toBe("ok");
    expect(readFileSync(path, "utf8").replaceAll(/\s/g, "")).toBe(readFileSync(own.ca, "utf8").replaceAll(/\s/g, ""));
    const stranger = await serve(other.issue({ name: "second", names: "IP:127.0.0.1" }));
    expect((await outcome(stranger.endpoint, source)).reason).toBe("unknown-ca");
    expect((await outcome(stranger.endpoint, filesTls({ bootstrapCa: path }))).reason).toBe("unknown-ca");
    first.close();
    stranger.close();
  });

  test("trust on first use needs an authority in the chain, and still verifies the host", async () => {
    const path = join(folder, "never.pem");
    const bare = await serve(good);
    expect((await outcome(bare.endpoint, filesTls({ bootstrapCa: path }))).reason).toBe("no-bootstrap");
    expect(existsSync(path)).toBe(false);
    bare.close();
    const pair = own.issue({ name: "astray", names: "DNS:astray.example" });
    appendFileSync(pair.cert, readFileSync(own.ca));
    const astray = await serve(pair);
    expect((await outcome(astray.endpoint, filesTls({ bootstrapCa: path }))).reason).toBe("wrong-host");
    astray.close();
  });
});
