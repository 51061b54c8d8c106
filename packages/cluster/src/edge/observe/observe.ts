/** Asks everybody everything at once, and waits for nobody longer than the limit. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setMaxListeners } from "node:events";
import type { TlsSource } from "@ovnha/ovsdb";
import { ClusterError } from "../../error.ts";
import { type MemberAccess, type Target, targetsOf } from "../../observe/members.ts";
import type { Answer, MemberObservation, Observation } from "../../observe/types.ts";
import { type AskOptions, askLog, askServer, controlOf, timed } from "./ask.ts";

/** Further questions to each member. */
export type Extra = "storage" | "memory" | "version" | "log";

export type ObserveOptions = {
  /** Who and how; see {@link MemberAccess}. */
  readonly members: readonly MemberAccess[];
  /** Schema names, or "nb" and "sb"; default: all that the members name. */
  readonly databases?: readonly string[] | undefined;
  /** Milliseconds for each question; default 5,000. All are asked at once, so this bounds the whole; a runner's way there may add 10 s. */
  readonly timeoutMs?: number | undefined;
  /** Default: "storage". */
  readonly extras?: readonly Extra[] | undefined;
  /** Bytes of the end of each log; default 256 KiB. */
  readonly logBytesMax?: number | undefined;
  /** For `ssl:` remotes; see `filesTls` of `@ovnha/ovsdb`. */
  readonly tls?: TlsSource | undefined;
  readonly signal?: AbortSignal | undefined;
};

export const OBSERVE_TIMEOUT_MS = 5_000;
export const LOG_BYTES_MAX: number = 256 * 1024;

/**
 * What all members of all databases say, all asked at the same time. Whoever does not answer is in it with the error, so
 * it works with no leader, with one member alive, and with none.
 *
 * @throws ClusterError INVALID_CONFIG; ABORTED by the signal.
 */
export async function observe(options: ObserveOptions): Promise<Observation> {
  const targets = targetsOf(options.members, options.databases);
  const { signal } = options;
  if (signal?.aborted) throw new ClusterError("ABORTED", "observe: aborted before anybody was asked");
  using whole = manyListeners(signal);
  const startedMs = Date.now();
  const monotonicMs = monotonicNowMs();
  const databases = await Promise.all(
    [...targets].map(async ([database, members]) => ({
      database,
      members: await Promise.all(members.map((target) => observeMember(target, { ...options, signal: whole.signal }))),
    })),
  );
  if (signal?.aborted) throw new ClusterError("ABORTED", "observe: aborted");
  const monotonic = { startedMs: monotonicMs, endedMs: monotonicNowMs(), boot: bootId() };
  return { startedMs, endedMs: Date.now(), monotonic, databases };
}

let boot: string | undefined;

/** Which start of this machine it is; where the system does not tell (Linux does), this process alone. */
export function bootId(): string {
  if (boot !== undefined) return boot;
  try {
    boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    boot = randomUUID();
  }
  return boot;
}

/** Ms since the machine was started, the same for all its processes; whole, for it is stored. */
export function monotonicNowMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** A signal that ends with the caller's, and may be listened to by as many as there are questions. */
export function manyListeners(signal: AbortSignal | undefined): { readonly signal: AbortSignal } & Disposable {
  const own = new AbortController();
  setMaxListeners(0, own.signal);
  const onAbort = (): void => own.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  return { signal: own.signal, [Symbol.dispose]: () => signal?.removeEventListener("abort", onAbort) };
}

/** Asks one member's server of one database. */
export async function observeMember(
  target: Target,
  options: Omit<ObserveOptions, "members">,
): Promise<MemberObservation> {
  const extras = new Set(options.extras ?? ["storage"]);
  const ask: AskOptions = {
    timeoutMs: options.timeoutMs ?? OBSERVE_TIMEOUT_MS,
    tls: options.tls,
    signal: options.signal,
  };
  const control = controlOf(target, ask);
  const through = async <T>(isAsked: boolean, question: () => Promise<T>): Promise<Answer<T> | undefined> =>
    control === undefined || !isAsked ? undefined : timed(control.name, question);
  const [server, status, storage, memory, version, logText] = await Promise.all([
    target.remotes.length === 0 ? undefined : askServer(target, ask),
    through(true, () => need(control).status(target.database)),
    through(extras.has("storage"), () => need(control).storageStatus(target.database)),
    through(extras.has("memory"), () => need(control).memory()),
    through(extras.has("version"), () => need(control).version()),
    extras.has("log") ? askLog(target, options.logBytesMax ?? LOG_BYTES_MAX, ask) : undefined,
  ]);
  return {
    member: target.member,
    asked: askedOf(target),
    ...present("server", server),
    ...present("status", status),
    ...present("storage", storage),
    ...present("memory", memory),
    ...present("version", version),
    ...present("logText", logText),
  };
}

export function askedOf(target: Target): MemberObservation["asked"] {
  return {
    ...(target.remotes.length === 0 ? {} : { remote: target.remotes.join(",") }),
    ...present("control", target.control),
  };
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("unreachable: asked without a control socket");
  return value;
}

function present<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V });
}
