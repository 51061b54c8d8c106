/** The members file: who the members are, how they are asked, and what is expected of them. YAML or JSON. */
import { filesTls, type TlsSource } from "@ovnha/ovsdb";
import { kubectlRunner, localRunner, type Runner, sshRunner } from "@ovnha/runner";
import { parseDocument } from "yaml";
import { z } from "zod";
import { ClusterError } from "../../error.ts";
import { databaseName, type DatabaseAccess, type MemberAccess, MEMBERS_MAX, targetsOf } from "../../observe/members.ts";
import type { Expected } from "../../observe/types.ts";
import { readBounded } from "./bounded-file.ts";
import { LAYOUT_NAMES, LAYOUTS, type Layout } from "./layouts.ts";

/** What the options or a members file come to. */
export type Targets = {
  readonly members: readonly MemberAccess[];
  readonly expected?: Expected | undefined;
  readonly tls?: TlsSource | undefined;
};

const FILE_BYTES_MAX = 1024 * 1024;

const text = z.string().min(1);
const accessSchema = z.union([
  text.describe("a remote"),
  z.strictObject({
    remote: z.union([text, z.array(text).min(1)]).optional(),
    control: text.optional(),
    log: text.optional(),
    file: text.optional(),
  }),
]);
const runnerSchema = z.union([
  z.literal("local"),
  z.strictObject({
    kubectl: z.strictObject({
      pod: text,
      namespace: text.optional(),
      container: text.optional(),
      context: text.optional(),
      kubeconfig: text.optional(),
      kubectl: text.optional(),
    }),
  }),
  z.strictObject({
    ssh: z.strictObject({
      host: text,
      user: text.optional(),
      port: z.number().int().min(1).max(65535).optional(),
      identityFile: text.optional(),
      options: z.record(text, z.string()).optional(),
    }),
  }),
]);
const numberOrEach = z.union([z.number().int().positive(), z.record(text, z.number().int().positive())]);

const fileSchema = z.strictObject({
  layout: z.enum(LAYOUT_NAMES as [string, ...string[]]).optional(),
  members: z
    .array(
      z.strictObject({
        name: text,
        nb: accessSchema.optional(),
        sb: accessSchema.optional(),
        databases: z.record(text, accessSchema).optional(),
        runner: runnerSchema.optional(),
        appctl: z.array(text).min(1).optional(),
      }),
    )
    .min(1, "there is no member; name at least one")
    .max(MEMBERS_MAX),
  tls: z.strictObject({ ca: text.optional(), certificate: text.optional(), key: text.optional() }).optional(),
  expected: z
    .strictObject({
      members: numberOrEach.optional(),
      addresses: z.record(text, z.array(text)).optional(),
      clusterIds: z.record(text, z.string().uuid()).optional(),
      electionTimerMs: numberOrEach.optional(),
    })
    .optional(),
});

type File = z.infer<typeof fileSchema>;
type Access = z.infer<typeof accessSchema>;

/** @throws ClusterError INVALID_CONFIG naming the file, the place and the remedy. */
export async function readMembersFile(path: string): Promise<Targets> {
  const source = await readBounded(path, FILE_BYTES_MAX, "give a members file that can be read");
  return parseMembersFile(source ?? "", path);
}

/** YAML 1.2, of which JSON is a part. `path` is for messages. */
export function parseMembersFile(source: string, path: string): Targets {
  const document = parseDocument(source, { maxAliasCount: 100 } as Parameters<typeof parseDocument>[1]);
  const [problem] = document.errors;
  if (problem !== undefined) throw new ClusterError("INVALID_CONFIG", `${path}: ${problem.message}`);
  const result = fileSchema.safeParse(document.toJS({ maxAliasCount: 100 }));
  if (!result.success) {
    const issues = result.error.issues
      .slice(0, 10)
      .map(({ path: place, message }) => `  ${placeOf(place)}: ${message}`);
    throw new ClusterError(
      "INVALID_CONFIG",
      `${path} is no members file:\n${issues.join("\n")}\nit is as in "members: [{ name: ovn1, nb: tcp:10.0.0.1:6641, sb: tcp:10.0.0.1:6642 }]"`,
    );
  }
  return targetsOfFile(result.data, path);
}

function placeOf(path: readonly PropertyKey[]): string {
  return path.length === 0
    ? "at the top"
    : path
        .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
        .join("")
        .replace(/^\./, "");
}

function targetsOfFile(file: File, path: string): Targets {
  const layout = LAYOUTS.find(({ name }) => name === file.layout);
  const { tls, expected } = file;
  const members = file.members.map((member) => memberOf(member, layout));
  try {
    // Two of one name, no way to a database, too many: all that can be told before anybody is asked.
    targetsOf(members);
  } catch (error) {
    if (error instanceof ClusterError)
      throw new ClusterError(error.code, `${path}: ${error.message}`, { cause: error });
    throw error;
  }
  return {
    members,
    ...(expected === undefined ? {} : { expected: expectedOf(expected) }),
    ...(tls === undefined ? {} : { tls: filesTls({ ca: tls.ca, cert: tls.certificate, key: tls.key }) }),
  };
}

function memberOf(member: File["members"][number], layout: Layout | undefined): MemberAccess {
  const { name, databases, runner, appctl } = member;
  // A member of which nothing is told but its name has both servers where the layout says.
  const isUsual = layout !== undefined && member.nb === undefined && member.sb === undefined && databases === undefined;
  const { nb, sb } = isUsual ? { nb: {}, sb: {} } : member;
  const entries = Object.entries(databases ?? {}).map(
    ([database, access]) => [database, accessOfFile(access)] as const,
  );
  return {
    name,
    nb: nb === undefined ? undefined : accessOfFile(nb, layout?.nb),
    sb: sb === undefined ? undefined : accessOfFile(sb, layout?.sb),
    databases: Object.fromEntries(entries),
    runner: runnerOf(runner),
    appctl,
  };
}

/** A layout fills in the control socket, the log and the file, where they are not told. */
function accessOfFile(access: Access, usual?: Layout["nb"]): DatabaseAccess {
  const told =
    typeof access === "string"
      ? { remote: access }
      : { remote: access.remote, control: access.control, logFile: access.log, file: access.file };
  return { control: usual?.control, logFile: usual?.log, file: usual?.file, ...definedOnly(told) };
}

function definedOnly(access: DatabaseAccess): DatabaseAccess {
  return Object.fromEntries(Object.entries(access).filter(([, value]) => value !== undefined));
}

function runnerOf(runner: z.infer<typeof runnerSchema> | undefined): Runner | undefined {
  if (runner === undefined) return undefined;
  if (runner === "local") return localRunner();
  return "kubectl" in runner ? kubectlRunner(runner.kubectl) : sshRunner(runner.ssh);
}

function expectedOf(expected: NonNullable<File["expected"]>): Expected {
  const named = <T>(values: Readonly<Record<string, T>> | undefined): Record<string, T> | undefined =>
    values === undefined
      ? undefined
      : Object.fromEntries(Object.entries(values).map(([key, value]) => [databaseName(key), value]));
  const each = (value: number | Record<string, number> | undefined): number | Record<string, number> | undefined =>
    typeof value === "object" ? named(value) : value;
  const found = {
    members: each(expected.members),
    addresses: named(expected.addresses),
    clusterIds: named(expected.clusterIds),
    electionTimerMs: each(expected.electionTimerMs),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
