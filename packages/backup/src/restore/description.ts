/** The cluster as its operator writes it down: members, addresses, how each is reached, and what differs from the layout. */
import { z } from "zod";
import { BackupError } from "../error.ts";
import {
  type Command,
  DATABASE_KEYS,
  type DatabaseKey,
  type DatabaseLayout,
  fillCommands,
  type LayoutProfile,
} from "../layout/profile.ts";
import { findProfile } from "../layout/profiles.ts";
import type { ClusterDescription, MemberDescription } from "./facts.ts";
import { HERE } from "./types.ts";

/** How commands reach a host; the options are those of `@ovnha/runner`. */
export type RunnerSpec =
  | { readonly kind: "local" }
  | {
      readonly kind: "ssh";
      readonly host: string;
      readonly user?: string | undefined;
      readonly port?: number | undefined;
      readonly identityFile?: string | undefined;
      readonly options?: Readonly<Record<string, string>> | undefined;
    }
  | {
      readonly kind: "kubectl";
      readonly pod: string;
      readonly namespace?: string | undefined;
      readonly container?: string | undefined;
      readonly context?: string | undefined;
      readonly kubeconfig?: string | undefined;
    };

export interface Described {
  readonly cluster: ClusterDescription;
  /** By member, and `here`. */
  readonly runners: Readonly<Record<string, RunnerSpec>>;
}

const COMMANDS = 'must be a list of commands, each a list of arguments, such as [["systemctl", "stop", "ovn-central"]]';
const command: z.ZodType<Command> = z
  .array(z.string(COMMANDS), COMMANDS)
  .min(1, COMMANDS)
  .transform((words) => words as unknown as Command);
const commands = z.array(command, COMMANDS);
const absolute = z.string().refine((path) => path.startsWith("/") && !path.includes("\0"), "must be an absolute path");
const values = z.record(z.string(), z.string());

const runner: z.ZodType<RunnerSpec> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("local") }),
  z.strictObject({
    kind: z.literal("ssh"),
    host: z.string().min(1),
    user: z.string().optional(),
    port: z.number().int().min(1).max(65535).optional(),
    identityFile: z.string().optional(),
    options: values.optional(),
  }),
  z.strictObject({
    kind: z.literal("kubectl"),
    pod: z.string().min(1),
    namespace: z.string().optional(),
    container: z.string().optional(),
    context: z.string().optional(),
    kubeconfig: z.string().optional(),
  }),
]);

const databaseLayout = z.strictObject({
  file: absolute.optional(),
  companions: z.array(absolute).optional(),
  controlSocket: absolute.optional(),
  clientSocket: absolute.optional(),
  pidFile: absolute.optional(),
  logFile: absolute.optional(),
  schema: absolute.optional(),
  toolPrefix: z.array(z.string()).optional(),
  stop: commands.optional(),
  start: commands.optional(),
});

const perDatabase = <T extends z.ZodType>(of: T) => z.strictObject({ nb: of.optional(), sb: of.optional() });

const member = z.strictObject({
  name: z
    .string()
    .min(1)
    .refine((name) => name !== HERE, `must not be ${HERE}, which is this machine`),
  runner,
  addresses: perDatabase(z.string().min(1)).default({}),
  remotes: perDatabase(z.string().min(1)).default({}),
  askedAt: z.enum(["member", "here"]).default("member"),
  values: values.default({}),
  databases: perDatabase(databaseLayout).default({}),
});

const schema = z.strictObject({
  profile: z.string(),
  values: values.default({}),
  clientArgs: z.array(z.string()).default([]),
  here: runner.default({ kind: "local" }),
  databases: perDatabase(databaseLayout).default({}),
  layout: z
    .strictObject({
      owner: z.strictObject({ user: z.string().min(1), group: z.string().min(1) }).optional(),
      fileMode: z
        .string()
        .regex(/^0?[0-7]{3}$/, "must be octal digits, such as 0640")
        .optional(),
      control: z.enum(["each", "together"]).optional(),
      commandsAt: z.enum(["member", "here"]).optional(),
      form: z.enum(["cluster", "standalone"]).optional(),
      stopAll: commands.optional(),
      startAll: commands.optional(),
      freeze: commands.optional(),
      thaw: commands.optional(),
      identity: absolute.optional(),
    })
    .default({}),
  members: z.array(member).min(1),
});

type Raw = z.infer<typeof schema>;
type RawMember = Raw["members"][number];

/** Members left out of a value do not overwrite. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, of]) => of !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/**
 * Reads a description, JSON; see the README for its shape.
 * @throws BackupError `ARGUMENT` naming the member that is wrong.
 */
export function parseDescription(text: string, path: string): Described {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BackupError("ARGUMENT", `${path} is not JSON: ${(cause as Error).message}`, { path, cause });
  }
  const read = schema.safeParse(json);
  if (!read.success) {
    const issues = read.error.issues.map((issue) => `${issue.path.join(".") || "the whole"}: ${issue.message}`);
    throw new BackupError("ARGUMENT", `${path} does not describe a cluster: ${issues.slice(0, 5).join("; ")}`, {
      path,
    });
  }
  const raw = read.data;
  const names = new Set(raw.members.map(({ name }) => name));
  if (names.size < raw.members.length)
    throw new BackupError("ARGUMENT", `${path}: two members have the same name`, {
      path,
      remedy: "name each member once",
    });
  const lost = raw.members.find((one) => one.askedAt === "here" && Object.keys(defined(one.remotes)).length === 0);
  if (lost !== undefined)
    throw new BackupError("ARGUMENT", `${path}: ${lost.name} is asked from here, and has no remotes`, {
      path,
      remedy: 'give them, such as "remotes": { "nb": "tcp:10.0.0.1:6641" }',
    });
  const profile = profileOf(raw);
  return {
    cluster: {
      profile,
      members: raw.members.map((one) => memberOf(raw, one, profile)),
      clientArgs: raw.clientArgs,
      ...(raw.layout.identity === undefined ? {} : { identityPath: raw.layout.identity }),
    },
    runners: { [HERE]: raw.here, ...Object.fromEntries(raw.members.map((one) => [one.name, one.runner])) },
  };
}

function profileOf(raw: Raw): LayoutProfile {
  const base = findProfile(raw.profile);
  const { fileMode, identity, ...layout } = defined(raw.layout);
  const given = { ...base.values, ...raw.values };
  const changed: LayoutProfile = {
    ...base,
    ...layout,
    ...(fileMode === undefined ? {} : { fileMode: Number.parseInt(fileMode, 8) }),
  };
  return {
    ...changed,
    stopAll: fillCommands(changed.stopAll, given),
    startAll: fillCommands(changed.startAll, given),
    freeze: fillCommands(changed.freeze, given),
    thaw: fillCommands(changed.thaw, given),
    clients: changed.clients.map((client) => ({
      ...client,
      command: fillCommands([client.command], given)[0] ?? client.command,
    })),
  };
}

function memberOf(raw: Raw, one: RawMember, profile: LayoutProfile): MemberDescription {
  // In Kubernetes a member is mostly called as its node.
  const given = { node: one.name, ...profile.values, ...raw.values, ...one.values };
  const layout = (key: DatabaseKey): DatabaseLayout => {
    const changed: DatabaseLayout = {
      ...profile.databases[key],
      ...defined(raw.databases[key] ?? {}),
      ...defined(one.databases[key] ?? {}),
    };
    return { ...changed, stop: fillCommands(changed.stop, given), start: fillCommands(changed.start, given) };
  };
  const [nb, sb] = DATABASE_KEYS.map(layout) as [DatabaseLayout, DatabaseLayout];
  return {
    name: one.name,
    addresses: defined(one.addresses),
    remotes: defined(one.remotes),
    askedAt: one.askedAt,
    databases: { nb, sb },
  };
}
