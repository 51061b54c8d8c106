/** A server that lets each client change only what is its own: role-based access control, ovsdb-server(7). */
import { join } from "node:path";
import type { Pki } from "./pki.ts";
import { freePort, removeFolder, runCommand, temporaryFolder } from "./processes.ts";
import { type OvsdbServer, retryTaken, schemaPath, startStandalone } from "./server.ts";

const TEXT = { type: "string" } as const;
const texts = { type: { key: "string", min: 0, max: "unlimited" } } as const;

/**
 * `Shelf` is nobody's to change; of `Box`, everybody may insert, delete and relabel those whose `owner` he is; of `Jar`
 * likewise those whose `about:holder` he is, and there `seal` is not to be changed once set.
 */
export const RBAC_SCHEMA = {
  name: "Guarded",
  version: "1.0.0",
  tables: {
    // The server reads the role only from rows that the column of `--remote` refers to, not from beside a target.
    Entrance: {
      columns: { listeners: { type: { key: { type: "uuid", refTable: "Listener" }, min: 0, max: "unlimited" } } },
      isRoot: true,
    },
    Listener: { columns: { target: TEXT, role: TEXT } },
    RBAC_Role: {
      columns: {
        name: TEXT,
        permissions: {
          type: {
            key: "string",
            value: { type: "uuid", refTable: "RBAC_Permission", refType: "weak" },
            min: 0,
            max: "unlimited",
          },
        },
      },
      isRoot: true,
    },
    RBAC_Permission: {
      columns: { table: TEXT, authorization: texts, insert_delete: { type: "boolean" }, update: texts },
      isRoot: true,
    },
    Shelf: { columns: { label: TEXT }, isRoot: true },
    Box: { columns: { owner: TEXT, label: TEXT }, isRoot: true },
    Jar: {
      columns: {
        about: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
        label: TEXT,
        seal: TEXT,
      },
      isRoot: true,
    },
  },
} as const;

export type RbacServer = AsyncDisposable & {
  /** Its Unix socket is under no rules. */
  readonly server: OvsdbServer;
  /** `ssl:…`; here a client is what the common name of its certificate says, in the role `guest`. */
  readonly ssl: string;
};

const allow = (table: string, authorization: string, update: readonly string[]): object => ({
  op: "insert",
  table: "RBAC_Permission",
  "uuid-name": table.toLowerCase(),
  row: { table, authorization, insert_delete: true, update: ["set", update] },
});

/** Starts a server of {@link RBAC_SCHEMA} whose TLS listener is a row of its own database, which gives it its role. */
export async function startRbac(pki: Pki): Promise<RbacServer> {
  const dir = temporaryFolder();
  try {
    return await retryTaken(async () => {
      const port = await freePort();
      const file = join(dir, `guarded-${port}.db`);
      await runCommand("ovsdb-tool", ["create", file, schemaPath(dir, RBAC_SCHEMA)]);
      const permissions = ["map", ["Box", "Jar"].map((table) => [table, ["named-uuid", table.toLowerCase()]])];
      const operations = [
        { op: "insert", table: "Entrance", row: { listeners: ["named-uuid", "listener"] } },
        {
          op: "insert",
          table: "Listener",
          "uuid-name": "listener",
          row: { target: `pssl:${port}:127.0.0.1`, role: "guest" },
        },
        allow("Box", "owner", ["label"]),
        allow("Jar", "about:holder", ["label"]),
        { op: "insert", table: "RBAC_Role", row: { name: "guest", permissions } },
        { op: "insert", table: "Shelf", row: { label: "top" } },
      ];
      await runCommand("ovsdb-tool", ["transact", file, JSON.stringify([RBAC_SCHEMA.name, ...operations])]);
      const server = await startStandalone({
        dir,
        databaseFiles: [file],
        listen: "unix",
        remotes: [`db:${RBAC_SCHEMA.name},Entrance,listeners`],
        tls: pki.server,
      });
      server.ownFolder();
      return { server, ssl: `ssl:127.0.0.1:${port}`, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
    });
  } catch (error) {
    removeFolder(dir);
    throw error;
  }
}
