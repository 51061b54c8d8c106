#!/usr/bin/env node
/** `ovsdb-types <remote|file>`: prints the schema of a server or a file as a TypeScript module. */
import { realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { Command, CommanderError } from "commander";
import { OvsdbError, SchemaError } from "../../error.ts";
import { type Json, parseJsonExact } from "../../json.ts";
import { printSchemaModule } from "../../literal.ts";
import { parseSchema } from "../../schema.ts";

/** What the command touches; a test brings its own. */
export type TypesCommandWorld = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly readFile: (path: string) => Promise<string>;
  /** Databases of a server (RFC 7047 §4.1.1) and the schema of one (§4.1.2). */
  readonly openRemote: (remote: string) => Promise<RemoteSchemas>;
};

export type RemoteSchemas = {
  listDatabases(): Promise<readonly string[]>;
  fetchSchema(database: string): Promise<Json>;
  close(): Promise<void>;
};

/** A mistake of the person at the keyboard. */
class UsageError extends Error {}

type Options = { readonly db?: string; readonly docs?: boolean; readonly importFrom: string };

const HELP = `
Examples:
  ovsdb-types tcp:127.0.0.1:6641 --db OVN_Northbound > ovn-northbound.ts
  ovsdb-types unix:/var/run/openvswitch/db.sock --docs
  ovsdb-types /usr/share/ovn/ovn-sb.ovsschema

Exit status: 0 printed; 1 the server, the file or the schema is at fault; 2 wrong usage.`;

/** Runs the command and gives its exit status. Nothing is printed on `out` unless the whole module is good. */
export async function runTypesCommand(args: readonly string[], world: TypesCommandWorld): Promise<number> {
  const command = new Command("ovsdb-types")
    .description("Print an OVSDB schema as a TypeScript module for defineSchema.")
    .argument(
      "<remote|file>",
      "tcp:HOST:PORT, ssl:HOST:PORT, unix:PATH, a comma-separated list of these, or a .ovsschema file",
    )
    .option("--db <name>", "database; may be left out where there is only one")
    .option("--docs", "a comment with type and constraints over each table and column")
    .option("--import-from <module>", "module to import defineSchema from", "@ovnha/ovsdb")
    .addHelpText("after", HELP)
    .exitOverride()
    .configureOutput({ writeOut: world.out, writeErr: world.err });
  try {
    command.parse(args, { from: "user" });
    const source = command.args[0] as string;
    const options = command.opts<Options>();
    const sorted = isRemote(source);
    const json = sorted ? await fromRemote(source, options.db, world) : await fromFile(source, options.db, world);
    world.out(
      printSchemaModule(parseSchema(json), {
        docs: options.docs ?? false,
        importFrom: options.importFrom,
        source,
        sorted,
      }),
    );
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    world.err(`ovsdb-types: ${explain(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

function isRemote(source: string): boolean {
  return /^(tcp|ssl|unix|ptcp|pssl|punix|cid):/.test(source);
}

async function fromFile(path: string, database: string | undefined, world: TypesCommandWorld): Promise<Json> {
  const text = await world.readFile(path);
  let json: Json;
  try {
    json = parseJsonExact(text);
  } catch (error) {
    if (text.startsWith("OVSDB ")) {
      throw new UsageError(
        `${path} is a database, not a schema; extract the schema with "ovsdb-tool db-schema ${path}" and give that file`,
      );
    }
    throw new Error(`${path}: ${explain(error)}`);
  }
  const name = typeof json === "object" && json !== null && "name" in json ? json["name"] : undefined;
  if (database !== undefined && name !== database)
    throw new UsageError(`${path} holds the schema ${String(name)}, not ${database}`);
  return json;
}

async function fromRemote(remote: string, wanted: string | undefined, world: TypesCommandWorld): Promise<Json> {
  const server = await world.openRemote(remote);
  try {
    const database = wanted ?? (await onlyDatabase(remote, server));
    return await server.fetchSchema(database);
  } finally {
    await server.close();
  }
}

async function onlyDatabase(remote: string, server: RemoteSchemas): Promise<string> {
  const databases = (await server.listDatabases()).filter((name) => !name.startsWith("_"));
  const [only] = databases;
  if (only === undefined) throw new Error(`${remote} has no database of its own`);
  if (databases.length > 1) throw new UsageError(`${remote} has ${databases.join(", ")}; choose one with --db`);
  return only;
}

function explain(error: unknown): string {
  if (error instanceof SchemaError) return `the schema is not valid: ${error.message}`;
  if (error instanceof OvsdbError || !(error instanceof Error))
    return error instanceof Error ? error.message : String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return `${path ?? "the file"} does not exist (a remote begins with tcp:, ssl: or unix:)`;
  if (code === "EACCES" || code === "EISDIR") return `${path ?? "the file"} cannot be read (${code})`;
  return error.message;
}

async function openRemote(remote: string): Promise<RemoteSchemas> {
  const { openSession } = await import("../session.ts");
  const session = await openSession(remote);
  return {
    listDatabases: async () => (await session.call("list_dbs", [])) as readonly string[],
    fetchSchema: (database) => session.call("get_schema", [database]),
    close: () => session.close(),
  };
}

// Package managers start a bin through a symbolic link, and import.meta.url is what the link leads to.
const started = process.argv[1];
if (started !== undefined && import.meta.url === pathToFileURL(realpathSync(started)).href) {
  process.exitCode = await runTypesCommand(process.argv.slice(2), {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    readFile: (path) => readFile(path, "utf8"),
    openRemote,
  });
}
