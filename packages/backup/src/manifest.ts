/** The manifest beside a backup: what was copied, from where, and how to tell that it is still that. */
import { z } from "zod";
import { BackupError } from "./error.ts";

/** Raised when an older program would misread a manifest. */
export const FORMAT_VERSION = 1;

/** Where a backup's rows come from. */
export type BackupSource = {
  /** `server`: over the protocol, committed rows alone. `file`: converted from a database file. */
  readonly kind: "server" | "file";
  /** The remote or the path, as it was given. */
  readonly place: string;
  readonly model: "standalone" | "clustered" | "relay";
  readonly role?: "leader" | "follower" | undefined;
  /** Members that were asked, and those of them that answered and were connected to their cluster. */
  readonly asked?: number | undefined;
  readonly answered?: number | undefined;
  /** What an operator should know before trusting it, such as a member that could not be compared with others. */
  readonly warnings: readonly string[];
};

/** What the cluster was when the backup was taken. */
export type BackupCluster = {
  readonly cid: string;
  /** The server's id; absent where the source did not tell. */
  readonly sid?: string | undefined;
  /** Every entry up to here is in the backup. */
  readonly index?: number | undefined;
  /** No entry beyond this one is. Greater than `index` if the cluster was written to while the backup began. */
  readonly indexMax?: number | undefined;
  /** Told by a control socket (`cluster/status`) or a file alone: nothing of the protocol has it. */
  readonly term?: number | undefined;
  /** The id of the last transaction in the backup (`monitor_cond_since`). */
  readonly lastTransaction?: string | undefined;
};

/** A backup in words that a program can check. */
export type Manifest = {
  readonly format: "ovnha-backup";
  readonly formatVersion: 1;
  /** ISO 8601, UTC: when the rows were read. */
  readonly createdAt: string;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  readonly database: string;
  readonly schema: { readonly version?: string | undefined; readonly cksum?: string | undefined };
  /** Absent for a standalone source. */
  readonly cluster?: BackupCluster | undefined;
  /** Rows of each table of the schema, empty tables included. */
  readonly rows: { readonly [table: string]: number };
  readonly file: {
    /** Without a folder: the manifest lies beside it. */
    readonly name: string;
    readonly compression: "none" | "gzip";
    /** Size and SHA-256 of the file as it lies there. */
    readonly bytes: number;
    readonly sha256: string;
    /** Size of the standalone database in it. */
    readonly contentBytes: number;
  };
  readonly source: BackupSource;
  readonly tool: { readonly name: string; readonly version: string; readonly engine: "native" | "ovsdb-tool" };
  /** The databases that were taken together, this one included. */
  readonly set: { readonly id: string; readonly databases: readonly string[] };
  /** `nb_cfg` of NB_Global or SB_Global: how far northd had come. Only for OVN's two databases. */
  readonly nbCfg?: number | undefined;
};

const uuid = z.string().regex(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/, "must be a uuid");
const count = z.number().int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits in lower case");

const manifestSchema: z.ZodType<Manifest> = z.object({
  format: z.literal("ovnha-backup"),
  formatVersion: z.literal(FORMAT_VERSION),
  createdAt: z.iso.datetime(),
  durationMs: z.number().min(0),
  database: z.string().min(1),
  schema: z.object({ version: z.string().optional(), cksum: z.string().optional() }),
  cluster: z
    .object({
      cid: uuid,
      sid: uuid.optional(),
      index: count.optional(),
      indexMax: count.optional(),
      term: count.optional(),
      lastTransaction: uuid.optional(),
    })
    .optional(),
  rows: z.record(z.string(), count),
  file: z.object({
    name: z
      .string()
      .min(1)
      .refine((name) => !/[/\\\0]/.test(name) && name !== "." && name !== "..", "must be a name without a folder"),
    compression: z.enum(["none", "gzip"]),
    bytes: count,
    sha256,
    contentBytes: count,
  }),
  source: z.object({
    kind: z.enum(["server", "file"]),
    place: z.string(),
    model: z.enum(["standalone", "clustered", "relay"]),
    role: z.enum(["leader", "follower"]).optional(),
    asked: count.optional(),
    answered: count.optional(),
    warnings: z.array(z.string()),
  }),
  tool: z.object({ name: z.string(), version: z.string(), engine: z.enum(["native", "ovsdb-tool"]) }),
  set: z.object({ id: z.string().min(1), databases: z.array(z.string()).min(1) }),
  nbCfg: z.number().int().optional(),
});

/**
 * Reads the text of a manifest; members that are not known are passed over.
 * @throws BackupError `MANIFEST` naming the member that is wrong, or the format version that this program does not know.
 */
export function parseManifest(text: string, path: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BackupError("MANIFEST", `${path}: is not JSON: ${(cause as Error).message}`, { path, cause });
  }
  const version = (json as { formatVersion?: unknown } | null)?.formatVersion;
  if (typeof version === "number" && version > FORMAT_VERSION)
    throw new BackupError(
      "MANIFEST",
      `${path}: is of format version ${version}, and this program knows ${FORMAT_VERSION}`,
      {
        path,
        remedy: "use a newer ovn-backup",
      },
    );
  const read = manifestSchema.safeParse(json);
  if (read.success) return read.data;
  const issues = read.error.issues.map((issue) => `${issue.path.join(".") || "the whole"}: ${issue.message}`);
  throw new BackupError("MANIFEST", `${path}: is not a manifest of a backup: ${issues.slice(0, 5).join("; ")}`, {
    path,
  });
}

/** The text that is written: two blanks of indent, one line feed at the end. */
export function formatManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

export function totalRows(manifest: Manifest): number {
  return Object.values(manifest.rows).reduce((sum, rows) => sum + rows, 0);
}
