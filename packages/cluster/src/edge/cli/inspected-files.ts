/** `--files FILE`: what the members' database files hold, as `ovn-backup inspect --json` prints it. */
import { ClusterError } from "../../error.ts";
import { databaseName, type MemberAccess } from "../../observe/members.ts";
import type { FileEvidence } from "../../observe/types.ts";
import { readBounded } from "./bounded-file.ts";

/** What files say, by schema name, by member. */
export type FileEvidences = Readonly<Record<string, Readonly<Record<string, FileEvidence>>>>;

const BYTES_MAX = 16_777_216;
const SHAPE = 'it is {"nb": {"MEMBER": …}}, each as `ovn-backup inspect --json` prints it';

/** @throws ClusterError INVALID_CONFIG that names the place. */
export async function readFiles(
  path: string | undefined,
  members: readonly MemberAccess[],
): Promise<FileEvidences | undefined> {
  if (path === undefined) return undefined;
  const text = await readBounded(path, BYTES_MAX, SHAPE);
  return parseFiles(text ?? "", path, members);
}

/** `path` is for messages. */
export function parseFiles(text: string, path: string, members: readonly MemberAccess[]): FileEvidences {
  const invalid = (what: string): ClusterError => new ClusterError("INVALID_CONFIG", `${path}: ${what}; ${SHAPE}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(`is no JSON: ${(error as Error).message}`);
  }
  const evidences: Record<string, Record<string, FileEvidence>> = {};
  for (const [short, byMember] of entriesOf(json, () => invalid("holds no object"))) {
    const database = databaseName(short);
    for (const [member, file] of entriesOf(byMember, () => invalid(`${short} is no object of members`))) {
      if (!members.some(({ name }) => name === member))
        throw invalid(
          `${short}: no member is named ${member}; there are ${members.map(({ name }) => name).join(", ")}`,
        );
      const evidence = inspected(file);
      if (evidence === undefined) throw invalid(`${short}, ${member}: is no result of one file, which has a "path"`);
      const { name } = evidence as { readonly name?: unknown };
      if (typeof name === "string" && name !== database)
        throw invalid(`${short}, ${member}: ${evidence.path} is a file of ${name}, and not of ${database}`);
      evidences[database] = { ...evidences[database], [member]: evidence };
    }
  }
  return evidences;
}

function entriesOf(json: unknown, wrong: () => ClusterError): [string, unknown][] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw wrong();
  return Object.entries(json);
}

/** The result itself, or the whole of what the command printed, with one file. */
function inspected(json: unknown): FileEvidence | undefined {
  const { path, files } = (json ?? {}) as { readonly path?: unknown; readonly files?: unknown };
  if (typeof path === "string" && path !== "") return json as FileEvidence;
  return Array.isArray(files) && files.length === 1 && !Array.isArray(files[0]) ? inspected(files[0]) : undefined;
}
