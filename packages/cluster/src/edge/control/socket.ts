/**
 * The control protocol over its Unix socket: JSON-RPC 1.0 with text in and text out (lib/unixctl.c). Each call has a
 * connection of its own, as with ovs-appctl: a late answer can't be taken for another one's.
 */
import { OvsdbError, openSession, type RawSession, socketDialer, TimeoutError, TransportError } from "@ovnha/ovsdb";
import { refusalOf, unanswered } from "../../control/errors.ts";
import { Control } from "../../control/control.ts";
import {
  CONTROL_ANSWER_BYTES_MAX,
  CONTROL_TIMEOUT_MS,
  type ControlCaller,
  type ControlCallOptions,
  type JsonAnswer,
} from "../../control/types.ts";
import { ClusterError } from "../../error.ts";

/** `sun_path` of sockaddr_un has 108 bytes, the last of which is NUL (unix(7)). */
const PATH_BYTES_MAX = 107;

export type UnixctlOptions = {
  /** For every call, unless it says otherwise. */
  readonly timeoutMs?: number | undefined;
  readonly answerBytesMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

/**
 * The control socket of a server, such as "/run/ovn/ovnnb_db.ctl". Nothing is connected before the first call.
 *
 *     const status = await unixctl("/run/ovn/ovnnb_db.ctl").status("OVN_Northbound");
 *
 * @throws ClusterError INVALID_CONFIG if the path is empty or longer than a socket's path may be.
 */
export function unixctl(path: string, options: UnixctlOptions = {}): Control {
  if (path === "" || path.includes("\0"))
    throw new ClusterError(
      "INVALID_CONFIG",
      "the path of the control socket is empty or holds a NUL; give it as in /run/ovn/ovnnb_db.ctl",
    );
  const bytes = Buffer.byteLength(path);
  if (bytes > PATH_BYTES_MAX) {
    throw new ClusterError(
      "INVALID_CONFIG",
      `${path}: a socket's path has at most ${PATH_BYTES_MAX} bytes, this one ${bytes}; give a shorter one, such as a symbolic link to its folder`,
    );
  }
  return new Control(new SocketCaller(path, options));
}

class SocketCaller implements ControlCaller {
  readonly name: string;
  readonly #defaults: UnixctlOptions;

  constructor(path: string, defaults: UnixctlOptions) {
    this.name = path;
    this.#defaults = defaults;
  }

  async call(command: string, args: readonly string[] = [], options: ControlCallOptions = {}): Promise<string> {
    const text = await this.#converse(command, options, (session) => session.call(command, [...args], UNLIMITED));
    return plainText(this.name, command, text);
  }

  async callJson(command: string, args: readonly string[] = [], options: ControlCallOptions = {}): Promise<JsonAnswer> {
    const answer = await this.#converse(command, options, async (session) => {
      // An earlier server refuses this, and then answers with text.
      const mode = session.call("set-options", ["--format", "json"], UNLIMITED).catch((error: unknown) => {
        if (!(error instanceof OvsdbError) || error.origin !== "remote") throw error;
      });
      const [, value] = await Promise.all([mode, session.call(command, [...args], UNLIMITED)]);
      return value;
    });
    if (typeof answer === "string") return { type: "text", text: withoutLineFeed(answer) };
    const { "reply-format": format, reply } = (answer ?? {}) as Record<string, unknown>;
    return format === "plain" && typeof reply === "string"
      ? { type: "text", text: withoutLineFeed(reply) }
      : { type: "json", value: answer };
  }

  async #converse<T>(
    command: string,
    options: ControlCallOptions,
    talk: (session: RawSession) => Promise<T>,
  ): Promise<T> {
    const signal = anySignal(options.signal, this.#defaults.signal);
    if (signal?.aborted) throw new ClusterError("ABORTED", `${this.name}: ${command}: aborted before it was sent`);
    const timeoutMs = options.timeoutMs ?? this.#defaults.timeoutMs ?? CONTROL_TIMEOUT_MS;
    const frameBytesMax = options.answerBytesMax ?? this.#defaults.answerBytesMax ?? CONTROL_ANSWER_BYTES_MAX;
    const dial = socketDialer({ limits: { frameBytesMax } });
    // The path is handed over as it is, since a list of remotes would be split at its commas.
    const session = openSession("unix:control", {
      transport: (_endpoint, events) => dial({ kind: "unix", path: this.name }, events),
      connectMs: timeoutMs,
    });
    let isSent = false;
    let ending: "TIMEOUT" | "ABORTED" | undefined;
    const end = (why: "TIMEOUT" | "ABORTED"): void => {
      ending ??= why;
      void session.close();
    };
    const timer = setTimeout(() => end("TIMEOUT"), timeoutMs);
    const onAbort = (): void => end("ABORTED");
    signal?.addEventListener("abort", onAbort, { once: true });
    session.ready().then(
      () => {
        isSent = true;
      },
      () => {},
    );
    try {
      return await talk(session);
    } catch (error) {
      throw this.#problem(command, error, isSent, ending, timeoutMs);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      await session.close();
    }
  }

  #problem(
    command: string,
    error: unknown,
    isSent: boolean,
    ending: "TIMEOUT" | "ABORTED" | undefined,
    timeoutMs: number,
  ): unknown {
    const where = `${this.name}: ${command}`;
    if (ending === "ABORTED") return unanswered("ABORTED", command, isSent, `${where}: aborted`, error);
    if (ending === "TIMEOUT" || error instanceof TimeoutError) {
      const what = `${where}: no answer within ${timeoutMs} ms; the server is busy, frozen or stopped`;
      return unanswered("TIMEOUT", command, isSent, what, error);
    }
    if (!(error instanceof OvsdbError)) return error;
    if (error.code === "LIMIT") return unanswered("LIMIT", command, isSent, `${where}: ${error.message}`, error);
    if (error.origin === "remote") return refusalOf(this.name, command, error.tag ?? error.message);
    if (!isSent) return unanswered("UNREACHABLE", command, false, unreachable(this.name, error), error);
    return unanswered(
      "PROTOCOL",
      command,
      true,
      `${where}: the server hung up without an answer (${error.message})`,
      error,
    );
  }
}

/** The caller has a timer for the whole conversation; a session's own would send `cancel`, which control sockets log as an error. */
const UNLIMITED = { timeoutMs: Number.POSITIVE_INFINITY };

const REMEDY: Readonly<Record<string, string>> = {
  ENOENT: "there is no such socket; is the server running, and is this its --unixctl path?",
  ECONNREFUSED: "nobody listens on this socket; the server has ended and left it behind",
  EACCES: "no permission; run as root or as the user of the server",
  EAGAIN: "its queue of connections is full; the server has been frozen for a while",
  ENOTSOCK: "this is no socket",
};

function unreachable(path: string, error: OvsdbError): string {
  const reason = error instanceof TransportError ? error.reason : undefined;
  return `${path}: ${(reason === undefined ? undefined : REMEDY[reason]) ?? error.message}${reason === undefined ? "" : ` (${reason})`}`;
}

function anySignal(...signals: readonly (AbortSignal | undefined)[]): AbortSignal | undefined {
  const given = signals.filter((signal) => signal !== undefined);
  return given.length > 1 ? AbortSignal.any(given) : given[0];
}

function plainText(name: string, command: string, value: unknown): string {
  if (typeof value === "string") return withoutLineFeed(value);
  throw new ClusterError(
    "PROTOCOL",
    `${name}: ${command}: the answer is no text; is this the control socket of an OVS daemon?`,
  );
}

function withoutLineFeed(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}
