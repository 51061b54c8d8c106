/** The command lines that reach a pod and a host. */
import { RunnerError } from "./error.ts";

/** A program and its arguments. */
export type CommandLine = readonly [command: string, ...args: string[]];

export interface KubectlOptions {
  readonly pod: string;
  readonly namespace?: string | undefined;
  readonly container?: string | undefined;
  /** Of the kubeconfig. */
  readonly context?: string | undefined;
  /** A file. */
  readonly kubeconfig?: string | undefined;
  /** The program, `kubectl` unless told: `oc` and `k3s kubectl` by a script of that name. */
  readonly kubectl?: string | undefined;
}

export interface SshOptions {
  /** A name or an address, or an alias of the user's ssh_config(5). */
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  /** A private key's file. */
  readonly identityFile?: string | undefined;
  /** How long a connection may take to come about, in seconds; 10 unless told. */
  readonly connectTimeoutS?: number | undefined;
  /** Of ssh_config(5), such as `{ StrictHostKeyChecking: "yes" }`. */
  readonly options?: Readonly<Record<string, string>> | undefined;
  /** The program, `ssh` unless told. */
  readonly ssh?: string | undefined;
  /**
   * Whether commands to one host share a connection, which makes all but the first ten times as fast; true unless told, or
   * unless `options` say something of `ControlMaster`, `ControlPath` or `ControlPersist`.
   */
  readonly shareConnection?: boolean | undefined;
}

/** How long a shared connection waits for the next command, in seconds. */
const PERSIST_S = 30;
/** A host that does not answer on a shared connection is given up after three of these, in seconds. */
const ALIVE_S = 10;

/** Whether {@link sshLine} has a use for a folder of sockets. */
export function sharesConnection({ shareConnection, options = {} }: SshOptions): boolean {
  return shareConnection !== false && !Object.keys(options).some((name) => /^control/i.test(name));
}

/** Refuses what execve(2) would cut off in silence. */
export function checkArguments(command: string, args: readonly string[]): void {
  if (command === "") throw new RunnerError("BAD_ARGUMENT", "the name of the program is empty");
  const at = [command, ...args].findIndex((text) => text.includes("\0"));
  if (at < 0) return;
  const what = at === 0 ? "the name of the program" : `argument ${at} of ${command}`;
  throw new RunnerError("BAD_ARGUMENT", `${what} holds a NUL, which no program can be given`);
}

/** A name that is not taken for an option. */
function named(what: string, value: string): string {
  if (value !== "" && !value.startsWith("-") && !/[\s\0]/.test(value)) return value;
  throw new RunnerError("BAD_ARGUMENT", `${JSON.stringify(value)} cannot be a ${what}`);
}

/** `kubectl exec` hands the arguments over as they are: there is no shell on the way. */
export function kubectlLine(
  options: KubectlOptions,
  command: string,
  args: readonly string[],
  input: boolean,
): CommandLine {
  checkArguments(command, args);
  const { pod, namespace, container, context, kubeconfig, kubectl = "kubectl" } = options;
  const line: [string, ...string[]] = [kubectl];
  if (kubeconfig !== undefined) line.push(`--kubeconfig=${kubeconfig}`);
  if (context !== undefined) line.push(`--context=${context}`);
  if (namespace !== undefined) line.push(`--namespace=${named("namespace", namespace)}`);
  line.push("exec", ...(input ? ["--stdin"] : []), named("pod", pod));
  if (container !== undefined) line.push(`--container=${named("container", container)}`);
  return [...line, "--", command, ...args];
}

/**
 * `ssh` joins its arguments with blanks and gives them to the login shell over there; so each is quoted for a POSIX shell.
 * `sockets`: a folder that nobody else may enter, in which ssh keeps the socket of a connection that is shared.
 */
export function sshLine(options: SshOptions, command: string, args: readonly string[], sockets?: string): CommandLine {
  checkArguments(command, args);
  const { host, user, port, identityFile, connectTimeoutS = 10, ssh = "ssh" } = options;
  const line: [string, ...string[]] = [ssh, "-T", "-o", "BatchMode=yes", "-o", `ConnectTimeout=${connectTimeoutS}`];
  for (const [name, value] of Object.entries(options.options ?? {})) line.push("-o", `${name}=${value}`);
  if (sockets !== undefined && sharesConnection(options)) {
    // `%C` is a hash over host, port and user, and a short name: a socket's path has room for some 100 bytes.
    line.push("-o", "ControlMaster=auto", "-o", `ControlPath=${sockets.replaceAll("%", "%%")}/%C`);
    line.push("-o", `ControlPersist=${PERSIST_S}`, "-o", `ServerAliveInterval=${ALIVE_S}`);
  }
  if (port !== undefined) line.push("-p", String(port));
  if (identityFile !== undefined) line.push("-i", identityFile);
  if (user !== undefined) line.push("-l", named("user", user));
  return [...line, "--", named("host", host), [command, ...args].map(quote).join(" ")];
}

/** One word for a POSIX shell: between single quotes nothing but the single quote has a meaning (POSIX XCU §2.2.2). */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
