/** What a layout profile says: where a distribution keeps OVN's databases, and how it stops and starts them. */
import { BackupError } from "../error.ts";

/** A program and its arguments; never a line for a shell. */
export type Command = readonly [program: string, ...args: string[]];

/** The two databases that are restored. */
export type DatabaseKey = "nb" | "sb";

export const DATABASE_KEYS: readonly DatabaseKey[] = ["nb", "sb"];

/** The name on the wire (RFC 7047 §3.1). */
export const DATABASE_NAMES: Readonly<Record<DatabaseKey, string>> = { nb: "OVN_Northbound", sb: "OVN_Southbound" };

export interface Owner {
  /** A name or a number, as chown(1) takes it. */
  readonly user: string;
  readonly group: string;
}

/** One database on the host of a member. All paths are absolute, as the place where files are handled sees them. */
export interface DatabaseLayout {
  readonly file: string;
  /** Further files that hold the member's identity and go where the database file goes, such as Kube-OVN's saved header. */
  readonly companions: readonly string[];
  /** `--unixctl` of ovsdb-server, as the tools see it. */
  readonly controlSocket: string;
  /** `punix:` of ovsdb-server, as the tools see it. */
  readonly clientSocket: string;
  readonly pidFile: string;
  readonly logFile: string;
  readonly schema: string;
  readonly clientPort: number;
  readonly raftPort: number;
  /** Put before `ovsdb-client` and `ovs-appctl` where they are not installed beside the files, such as `docker exec NAME`. */
  readonly toolPrefix: readonly string[];
  /** Ends the server and keeps whatever supervises it from starting it again. Safe to repeat. */
  readonly stop: readonly Command[];
  /** Starts it again. Safe to repeat. */
  readonly start: readonly Command[];
}

/** What one folder has to be for its content to be there tomorrow. */
export interface DirectoryRule {
  readonly path: string;
  readonly holds: "databases" | "node database" | "cni configuration" | "tls" | "run files" | "logs";
  /** Its content must be there after a reboot. Run directories need to exist, and their content must not be kept. */
  readonly persistent: boolean;
  /** Without it the server must not be started; otherwise its absence is a warning. */
  readonly required: boolean;
  readonly owner?: Owner | undefined;
  /** Permission bits that must not be set, such as 0o022: writable for others. */
  readonly forbiddenMode: number;
  /** Free space below which it is too full, in bytes. */
  readonly freeBytesMin: number;
  /** Names that are expected in it; absence is a warning, and the text says why. */
  readonly expected?: { readonly anyOf: readonly string[]; readonly why: string } | undefined;
}

/** A client that remembers the old cluster, and how it is made to forget (`*-cluster-state-reset`, or a restart). */
export interface ClientReset {
  readonly who: string;
  readonly command: Command;
  readonly note: string;
}

export interface LayoutProfile {
  readonly name: string;
  readonly title: string;
  readonly databases: Readonly<Record<DatabaseKey, DatabaseLayout>>;
  /** Of new database files, where the old ones do not tell. */
  readonly owner: Owner;
  readonly fileMode: number;
  /**
   * `each`: the servers of a member are stopped and started on its host, alone. `together`: the platform starts and stops
   * all members at once, with {@link stopAll} and {@link startAll} given on the operator's machine.
   */
  readonly control: "each" | "together";
  /** Where the `stop` and `start` of one member run: on its host, or on the operator's machine, as `kubectl` does. */
  readonly commandsAt: "member" | "here";
  /**
   * `cluster`: members get finished cluster files, the first one a cluster of its own, the others files that join.
   * `standalone`: the first member gets a standalone file and the others none; the start script makes the cluster.
   */
  readonly form: "cluster" | "standalone";
  readonly stopAll: readonly Command[];
  readonly startAll: readonly Command[];
  /** What changes the databases, stopped first and started last, on the operator's machine. */
  readonly freeze: readonly Command[];
  readonly thaw: readonly Command[];
  readonly clients: readonly ClientReset[];
  readonly directories: readonly DirectoryRule[];
  /** What an operator should know before relying on it. */
  readonly notes: readonly string[];
  /** Values that its commands need, such as `namespace`, with those that hold unless told. */
  readonly values: Readonly<Record<string, string>>;
}

const PLACEHOLDER = /\{([a-zA-Z]+)\}/g;

/**
 * Puts values in the place of `{name}`, each within its own argument: what a value holds never makes another argument.
 * @throws BackupError `ARGUMENT` if a value is missing.
 */
export function fillCommand(command: Command, values: Readonly<Record<string, string>>): Command {
  const fill = (text: string): string =>
    text.replace(PLACEHOLDER, (_whole, name: string) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value !== undefined) return value;
      throw new BackupError("ARGUMENT", `the command ${JSON.stringify(command)} needs a value for {${name}}`, {
        remedy: `give "${name}" in the values of the cluster description`,
      });
    });
  const [program, ...args] = command;
  return [fill(program), ...args.map(fill)];
}

export function fillCommands(commands: readonly Command[], values: Readonly<Record<string, string>>): Command[] {
  return commands.map((command) => fillCommand(command, values));
}

/** The folder of an absolute path, without a slash at its end. */
export function folderOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at <= 0 ? "/" : path.slice(0, at);
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The lock file that ovsdb-server keeps beside a database file, `.NAME.~lock~` (lib/lockfile.c). */
export function lockPath(file: string): string {
  const folder = folderOf(file);
  return `${folder === "/" ? "" : folder}/.${baseName(file)}.~lock~`;
}
