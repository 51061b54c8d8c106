/** What commands print to, how they end, and words that all of them share. */
import Table from "cli-table3";
import { MultiBar, Presets } from "cli-progress";
import pc from "picocolors";
import { InvalidArgumentError } from "commander";
import { filesTls, type TlsSource } from "@ovnha/ovsdb";
import { BackupError } from "../../error.ts";

/** What a command touches; a test brings its own. */
export type Terminal = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Ctrl-C, or a stop by systemd. */
  readonly signal: AbortSignal;
  /** Sets the exit status. */
  readonly end: (status: number) => void;
  /** Whether standard output is a terminal: colours. */
  readonly isTerminal: boolean;
  /** Standard error, if it is a terminal: progress. */
  readonly progressStream: NodeJS.WriteStream | undefined;
};

/** Exit statuses that scripts can use; `restore` and `check-dirs` use the same numbers. */
export const EXIT: {
  readonly ok: 0;
  /** An answer was found, and it is bad: a damaged backup, a rotation that must not be. */
  readonly bad: 1;
  readonly usage: 2;
  /** No answer: no server to trust, no space, no tool, a file that is not there. Nothing was left behind. */
  readonly failed: 3;
  readonly interrupted: 130;
} = { ok: 0, bad: 1, usage: 2, failed: 3, interrupted: 130 };

/** The form of what `--json` prints; raised when a member goes away or changes its meaning. */
export const JSON_VERSION = 1;

export function exitOf(error: BackupError): number {
  switch (error.code) {
    case "ARGUMENT":
      return EXIT.usage;
    case "ABORTED":
      return EXIT.interrupted;
    case "DAMAGED":
    case "MANIFEST":
      return EXIT.bad;
    default:
      return EXIT.failed;
  }
}

export function printJson(terminal: Pick<Terminal, "out">, command: string, answer: object): void {
  terminal.out(`${JSON.stringify({ version: JSON_VERSION, command, ...answer }, undefined, 2)}\n`);
}

export function colours({ isTerminal }: Pick<Terminal, "isTerminal">): ReturnType<typeof pc.createColors> {
  return pc.createColors(isTerminal && (process.env["NO_COLOR"] ?? "") === "");
}

const PLAIN = Object.fromEntries(
  "top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid"
    .split(" ")
    .map((name) => [name, ""]),
);

/** Columns without lines between them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const made = new Table({
    head: [...head],
    chars: { ...PLAIN, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  for (const row of rows) made.push([...row]);
  const lines = made.toString().split("\n");
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytesText(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}

export function msText(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${(ms / 1000).toFixed(0)} s`;
}

/** A whole number as an option's argument. */
export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(
      `Not a whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? "" : ` to ${most}`}.`,
    );
  };
}

const SIZES: { readonly [unit: string]: number } = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes of `500M` or `10G`. */
export function size(text: string): number {
  const [, number = "", unit = ""] = /^(\d+)([KMGT]?)(?:iB|B)?$/.exec(text) ?? [];
  const bytes = Number(number) * (SIZES[unit] ?? Number.NaN);
  if (number !== "" && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError("Not a size: write a number and K, M, G or T, such as 10G.");
}

const SPANS: { readonly [unit: string]: number } = { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7, w: 6.048e8 };

/** Milliseconds of `90s`, `36h`, `30d`, `8w`. */
export function span(text: string): number {
  const [, number = "", unit = ""] = /^(\d+)([smhdw])$/.exec(text) ?? [];
  const ms = Number(number) * (SPANS[unit] ?? Number.NaN);
  if (Number.isSafeInteger(ms)) return ms;
  throw new InvalidArgumentError("Not a span of time: write a number and s, m, h, d or w, such as 30d.");
}

export type TlsFlags = {
  readonly privateKey?: string;
  readonly certificate?: string;
  readonly caCert?: string;
  /** False for certificates that name no host, as ovs-pki makes them. */
  readonly verifyHost?: boolean;
};

/** Undefined if no file was named: then `ssl:` trusts what Node.js trusts. */
export function tlsOf({ privateKey, certificate, caCert, verifyHost }: TlsFlags): TlsSource | undefined {
  if (privateKey === undefined && certificate === undefined && caCert === undefined) return undefined;
  try {
    return filesTls({ ca: caCert, cert: certificate, key: privateKey, verifyHost });
  } catch (cause) {
    throw new BackupError("ARGUMENT", (cause as Error).message, { cause });
  }
}

export type Bars = { readonly set: (name: string, text: string) => void; readonly stop: () => void };

/** One line for each name on a terminal's standard error; nothing at all elsewhere. */
export function bars({ progressStream }: Terminal): Bars {
  if (progressStream === undefined) return { set: () => {}, stop: () => {} };
  const multi = new MultiBar(
    { format: "{name}  {text}", hideCursor: true, clearOnComplete: true, stream: progressStream, barsize: 20 },
    Presets.shades_classic,
  );
  const lines = new Map<string, ReturnType<typeof multi.create>>();
  return {
    set: (name, text) => {
      const line = lines.get(name);
      if (line === undefined) lines.set(name, multi.create(1, 0, { name, text }));
      else line.update(0, { name, text });
    },
    stop: () => multi.stop(),
  };
}
