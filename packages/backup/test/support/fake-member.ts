/** A server that says what a test wants: a member that is stale, of another cluster, or falls silent in the middle. */
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type Json, FrameReader } from "@ovnha/ovsdb";
import { temporaryFolder } from "@ovnha/testkit";
import { LAB_SCHEMA } from "./lab.ts";

export type FakeRow = {
  readonly model?: string;
  readonly connected?: boolean;
  readonly leader?: boolean;
  readonly cid?: string;
  readonly sid?: string;
  readonly index?: number;
  /** Another server's id, from the monitor's reply on: the database was replaced under the connection. */
  readonly sidThen?: string;
};

export type FakeMember = AsyncDisposable & {
  readonly remote: string;
  /** Resolves when this method was asked for. */
  asked(method: string): Promise<void>;
};

/** Serves the lab's schema; a `monitor_cond_since` gets `reply`, or no answer at all if that is undefined. */
export async function fakeMember(row: FakeRow, reply?: Json): Promise<FakeMember> {
  const path = join(temporaryFolder(), "fake.sock");
  const sockets = new Set<Socket>();
  const waiting = new Map<string, () => void>();
  const seen = new Set<string>();
  const optional = (value: string | undefined): Json => (value === undefined ? ["set", []] : ["uuid", value]);
  const answer = (method: string, params: readonly Json[]): Json | undefined => {
    if (method === "get_schema") return LAB_SCHEMA as unknown as Json;
    if (method === "monitor_cond_since") return reply;
    if (method === "transact" && params[0] === "_Server")
      return [
        {
          rows: [
            {
              name: "Lab",
              model: row.model ?? "clustered",
              connected: row.connected ?? true,
              leader: row.leader ?? false,
              schema: "{}",
              cid: optional(row.cid),
              sid: optional(seen.has("monitor_cond_since") ? (row.sidThen ?? row.sid) : row.sid),
              index: row.index ?? ["set", []],
            },
          ],
        },
      ];
    return {};
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    const reader = new FrameReader();
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      reader.push(chunk);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        const method = String(frame["method"]);
        const result = answer(method, (frame["params"] ?? []) as Json[]);
        seen.add(method);
        waiting.get(method)?.();
        if (result !== undefined) socket.write(JSON.stringify({ id: frame["id"], result, error: null }));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    remote: `unix:${path}`,
    asked: (method) => (seen.has(method) ? Promise.resolve() : new Promise((resolve) => waiting.set(method, resolve))),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
