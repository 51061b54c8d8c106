/** Whoever waits for a host or a server stops waiting when the signal is raised, long before the wait's own limit. */
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { Runner } from "@ovnha/runner";
import { createStandalone } from "@ovnha/dbfile";
import { removeFolder, temporaryFolder } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { perform } from "../../src/edge/restore/actions.ts";
import { verify } from "../../src/edge/restore/checks.ts";
import { Claims } from "../../src/edge/restore/claims.ts";
import { makeFirst, makeJoining } from "../../src/edge/restore/content.ts";
import type { Context } from "../../src/edge/restore/context.ts";
import { Host } from "../../src/edge/restore/hosts.ts";
import { askServer, configuredServers, rowUuids } from "../../src/edge/restore/servers.ts";
import { copyWhole } from "../../src/edge/take/copy-whole.ts";
import { readTerm } from "../../src/edge/take/ask.ts";
import { checkDirectories, findProfile, rehearse, surveyRestore, takeBackup, verifyBackup } from "../../src/index.ts";
import { HERE, type RestorePlan, type ServerRef } from "../../src/restore/types.ts";

const SCHEMA = { name: "OVN_Northbound", version: "1.0.0", tables: { T: { columns: { n: { type: "integer" } } } } };

describe("a signal ends", () => {
  const folder = temporaryFolder();
  const source = join(folder, "source.db");
  /** Takes connections and says nothing. */
  const silent = createServer((socket) => socket.on("error", () => {}));
  const socket = join(folder, "silent.sock");
  const mute = createServer((connection) => connection.on("error", () => {}));
  let remote: string;

  beforeAll(async () => {
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    remote = `tcp:127.0.0.1:${(silent.address() as AddressInfo).port}`;
    mute.listen(socket);
    await once(mute, "listening");
    await createStandalone({ path: source, schema: SCHEMA });
  });
  afterAll(() => {
    silent.close();
    mute.close();
    removeFolder(folder);
  });

  /** A host whose commands never end by themselves; `asked` resolves at the first. */
  function hung(): { readonly runner: Runner; readonly asked: Promise<unknown> } {
    let tell = (_command: unknown): void => {};
    const asked = new Promise((resolve) => {
      tell = resolve;
    });
    const run: Runner["run"] = (command, _args, options) => {
      tell(command);
      return new Promise((_resolve, reject) => {
        const give = (): void => reject(new Error("canceled"));
        if (options?.signal?.aborted === true) give();
        options?.signal?.addEventListener("abort", give);
      });
    };
    return { runner: { name: "hung", run }, asked };
  }

  const ref = (at: string): ServerRef => ({
    at,
    member: "a",
    databaseName: "OVN_Northbound",
    remote: at === HERE ? remote : "unix:/nowhere.sock",
    control: "/nowhere.ctl",
    toolPrefix: [],
    clientArgs: [],
  });

  function contextOf(runner: Runner, signal: AbortSignal): Context {
    const host = new Host("a", runner, signal);
    const here = new Host(HERE, runner, signal);
    const fact = (): string => "";
    return {
      plan: {} as RestorePlan,
      signal,
      freshBackup: undefined,
      host: (name) => (name === HERE ? here : host),
      fact,
    };
  }

  type Wait = (runner: Runner, signal: AbortSignal) => Promise<unknown>;
  const action = <T>(fields: T): never => fields as never;
  const waits: [string, Wait][] = [
    [
      "a question to a server, asked at its host",
      (runner, signal) => askServer(new Host("a", runner, signal), ref("a")),
    ],
    ["cluster/status", (runner, signal) => configuredServers(new Host("a", runner, signal), ref("a"))],
    ["the uuids of all rows", (runner, signal) => rowUuids(new Host("a", runner, signal), ref("a"), ["T"])],
    [
      "a check",
      (runner, signal) => verify({ kind: "connected", server: ref("a"), cid: undefined }, contextOf(runner, signal)),
    ],
    ["a check of silence", (runner, signal) => verify({ kind: "silent", server: ref("a") }, contextOf(runner, signal))],
    [
      "a check of all",
      (runner, signal) =>
        verify({ kind: "together", servers: [ref("a"), ref("a")], cid: undefined }, contextOf(runner, signal)),
    ],
    [
      "a command",
      (runner, signal) =>
        perform(action({ kind: "run", at: "a", command: ["stop"], timeoutMs: 60_000 }), contextOf(runner, signal), 1),
    ],
    [
      "a file that is fetched",
      (runner, signal) =>
        perform(action({ kind: "fetch", at: "a", from: "/x", to: join(folder, "to") }), contextOf(runner, signal), 1),
    ],
    [
      "rows that are compared",
      (runner, signal) =>
        perform(
          action({ kind: "compare-rows", database: "nb", server: ref("a"), with: source, strict: true }),
          contextOf(runner, signal),
          1,
        ),
    ],
    [
      "a claim",
      (runner, signal) => {
        const steps = [
          { before: [{ kind: "unlocked", at: "a", path: "/x/db" }], after: [], undo: { kind: "nothing" } },
        ];
        const plan = { id: "1", workFolder: "/w", steps } as unknown as RestorePlan;
        return new Claims(plan, (name) => new Host(name, runner, signal)).take(false);
      },
    ],
    [
      "a look at another host's folders",
      (runner, signal) => checkDirectories({ profile: findProfile("debian"), runner, signal }),
    ],
    [
      "a survey",
      (runner, signal) => {
        const { databases } = findProfile("debian");
        const member = { name: "a", addresses: {}, databases, remotes: {}, askedAt: "member" } as const;
        const cluster = { profile: findProfile("debian"), members: [member], clientArgs: [] };
        const options = { runners: { a: runner }, databases: ["nb"] as const, sources: [], workFolder: folder, signal };
        return surveyRestore(cluster, options);
      },
    ],
  ];

  test.each(waits)("%s", async (_what, wait) => {
    const { runner, asked } = hung();
    const abort = new AbortController();
    const ended = wait(runner, abort.signal).then(
      (value) => `it gave ${JSON.stringify(value)}`,
      (error: unknown) => error,
    );
    await asked;
    abort.abort(new Error("enough"));
    expect(await ended).toBeInstanceOf(Error);
  });

  test("a question to a server, asked from here, and its term", async () => {
    const asks: ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => askServer(new Host(HERE, hung().runner, signal), ref(HERE)),
      // Nothing depends on the term: it is unknown.
      (signal) => readTerm(socket, "OVN_Northbound", signal).then((term) => Promise.reject(new Error(`${term}`))),
    ];
    for (const ask of asks) {
      const abort = new AbortController();
      const connected = Promise.race([once(silent, "connection"), once(mute, "connection")]);
      const ended = ask(abort.signal).catch((error: unknown) => error);
      await connected;
      abort.abort(new Error("enough"));
      expect(await ended).toBeInstanceOf(Error);
    }
  });

  test("a backup, and a comparison with a live database", async () => {
    const into = join(folder, "into");
    mkdirSync(into);
    const jobs: ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => takeBackup({ into, databases: [{ database: "OVN_Northbound", remote }], signal }),
      (signal) => verifyBackup(source, { live: { remote }, signal }),
    ];
    for (const job of jobs) {
      const abort = new AbortController();
      const connected = once(silent, "connection");
      const ended = job(abort.signal).catch((error: unknown) => error);
      await connected;
      abort.abort(new Error("enough"));
      expect(await ended).toMatchObject({ code: "ABORTED" });
    }
  });

  test("what works on files, at its next look", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    const [to, ids] = [join(folder, "made.db"), { cid: "", sid: "", address: "tcp:127.0.0.1:1", database: "nb" }];
    writeFileSync(join(folder, "other"), "x");
    const jobs: (() => Promise<unknown>)[] = [
      () => copyWhole(source, to, signal),
      () => makeFirst(action({ kind: "create-cluster", from: source, to, member: "a", ...ids }), signal),
      () =>
        makeJoining(action({ kind: "join-cluster", to, member: "a", remotes: ["tcp:127.0.0.1:2"], ...ids }), signal),
      () => rehearse(source, { signal }),
      () => checkDirectories({ profile: findProfile("debian"), signal }),
      () => createStandalone({ path: to, schema: SCHEMA, rows: [], signal }),
    ];
    for (const job of jobs) await expect(job()).rejects.toBeInstanceOf(Error);
  });
});
