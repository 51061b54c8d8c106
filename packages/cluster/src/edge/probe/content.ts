/** Whether members hold the same content: the hash of each one's, at one and the same transaction. */
import { createHash } from "node:crypto";
import { type Json, openSession, type TlsSource } from "@ovnha/ovsdb";
import { canonical } from "../../probe/canonical.ts";

export type ContentOptions = {
  readonly database: string;
  readonly tls?: TlsSource | undefined;
  /** For each reading of one member, in ms; 60,000 unless told. The whole content travels. */
  readonly timeoutMs?: number | undefined;
  /** How often the members are read until all are at one transaction; 5 unless told. */
  readonly triesMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type MemberContent = { readonly remote: string } & (
  | { readonly ok: true; readonly transaction: string; readonly sha256: string; readonly rows: number }
  | { readonly ok: false; readonly why: string }
);

export type ContentResult = {
  /** "equal" and "different" only if all that answered were read at the same transaction. */
  readonly type: "equal" | "different" | "moving" | "unknown";
  readonly members: readonly MemberContent[];
};

/**
 * Reads the whole content of each member and compares hashes. A reading carries the id of the last transaction in it
 * (`monitor_cond_since`, ovsdb-server(7)); hashes of different transactions are never compared.
 */
export async function compareContent(remotes: readonly string[], options: ContentOptions): Promise<ContentResult> {
  let members: MemberContent[] = [];
  for (let tries = options.triesMax ?? 5; tries > 0; tries--) {
    members = await Promise.all(remotes.map((remote) => readContent(remote, options)));
    const read = members.filter((one) => one.ok);
    if (read.length === 0) return { type: "unknown", members };
    if (new Set(read.map(({ transaction }) => transaction)).size > 1) continue;
    const isEqual = new Set(read.map(({ sha256 }) => sha256)).size === 1;
    return { type: isEqual ? (read.length < 2 ? "unknown" : "equal") : "different", members };
  }
  return { type: "moving", members };
}

async function readContent(remote: string, options: ContentOptions): Promise<MemberContent> {
  const { database, tls, signal } = options;
  const timeoutMs = options.timeoutMs ?? 60_000;
  try {
    await using session = openSession(remote, { tls, timeoutMs, connectMs: Math.min(timeoutMs, 5_000), signal });
    const schema = (await session.call("get_schema", [database])) as unknown as {
      tables: Record<string, { columns: Record<string, unknown> }>;
    };
    // Named, since all of them would include _version, which each server makes up for itself.
    const requests = Object.fromEntries(
      Object.entries(schema.tables).map(([table, { columns }]) => [table, [{ columns: Object.keys(columns) }]]),
    );
    const none = "00000000-0000-0000-0000-000000000000";
    const reply = await session.call("monitor_cond_since", [database, "content", requests as Json, none]);
    const [, transaction, tables] = reply as unknown as [boolean, string, Record<string, Record<string, unknown>>];
    const rows = Object.values(tables).reduce((sum, table) => sum + Object.keys(table).length, 0);
    return {
      remote,
      ok: true,
      transaction,
      sha256: createHash("sha256").update(canonical(tables)).digest("hex"),
      rows,
    };
  } catch (error) {
    return { remote, ok: false, why: (error as Error).message };
  }
}
