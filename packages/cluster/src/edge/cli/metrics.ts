/** `ovn-ha metrics`: for Prometheus, once on standard output, or as an exporter. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Command } from "commander";
import { ClusterError } from "../../error.ts";
import type { History } from "../../judge/history.ts";
import { track } from "../../judge/track.ts";
import type { Verdict } from "../../judge/types.ts";
import { expose, type ProbeSample } from "../../metrics/exposition.ts";
import type { NoOpTarget } from "../../probe/no-op.ts";
import type { CommandContext } from "./command.ts";
import { lookOnce } from "./looks.ts";
import { probeAll } from "./probes.ts";
import { addTargetOptions, type Asked, readTargets, type TargetFlags } from "./targets.ts";
import { EXIT, exitOf, type Terminal } from "./terminal.ts";

type Flags = TargetFlags & { readonly listen?: string; readonly probe?: boolean; readonly exitCode?: boolean };

const HELP = `
Once, for a textfile collector that reads whole files:
  ovn-ha metrics > ovn.prom.new && mv ovn.prom.new /var/lib/node_exporter/ovn.prom

Exit status: 0 if the metrics were written, be the cluster well or not: ovn_cluster_health says that.
With --exit-code that of the verdict: 1 warning, 2 critical, 3 cannot tell. 3 also for wrong usage.`;

/** Scrapes that come closer together get the same look. */
const FRESH_MS = 1_000;

export function define(command: Command, { terminal, end }: CommandContext): void {
  addTargetOptions(command)
    .option("--listen <address>", "serve http://ADDRESS/metrics until ended, as in :9476 or 127.0.0.1:9476")
    .option("--probe", "also write once per look, so that it must be committed; changes nothing of yours")
    .option("--exit-code", "once: end with the code of the verdict, as status does")
    .addHelpText("after", HELP)
    .action(async (flags: Flags) => {
      if (flags.exitCode === true && flags.listen !== undefined)
        throw new ClusterError(
          "INVALID_CONFIG",
          "--exit-code is for metrics once; an exporter tells by ovn_cluster_health",
        );
      const asked = await readTargets(flags, terminal);
      const exporter = new Exporter(asked, terminal, flags.probe === true);
      if (flags.listen !== undefined) {
        await serve(exporter, flags.listen, terminal);
        return end(EXIT.ok);
      }
      const { text, verdict } = await exporter.scrape();
      terminal.out(text);
      // Whoever collects them takes another code for a failure to write them, and would keep none of the bad hours.
      end(flags.exitCode === true ? exitOf(verdict.health) : EXIT.ok);
    });
}

type Scrape = { readonly text: string; readonly verdict: Verdict };

class Exporter {
  readonly #asked: Asked;
  readonly #terminal: Terminal;
  readonly #probes: boolean;
  #history: History | undefined;
  /** The rows that the probes write to, so that they are looked for once. */
  readonly #targets = new Map<string, NoOpTarget>();
  #current: Promise<Scrape> | undefined;
  #last: { readonly endedMs: number; readonly scrape: Scrape } | undefined;

  constructor(asked: Asked, terminal: Terminal, probes: boolean) {
    this.#asked = asked;
    this.#terminal = terminal;
    this.#probes = probes;
  }

  /** Whoever asks while somebody else waits gets the same look: the history has one look after another. */
  scrape(): Promise<Scrape> {
    if (this.#last !== undefined && performance.now() - this.#last.endedMs <= FRESH_MS)
      return Promise.resolve(this.#last.scrape);
    this.#current ??= this.#look()
      .then((scrape) => {
        this.#last = { endedMs: performance.now(), scrape };
        return scrape;
      })
      .finally(() => {
        this.#current = undefined;
      });
    return this.#current;
  }

  async #look(): Promise<Scrape> {
    const [observation, probes] = await Promise.all([
      lookOnce(this.#asked, this.#terminal),
      this.#probes ? this.#probe() : [],
    ]);
    const { history, verdict } = track(this.#history, observation, { expected: this.#asked.expected });
    this.#history = history;
    return { text: await expose({ observation, verdict, probes }), verdict };
  }

  async #probe(): Promise<ProbeSample[]> {
    const results = await probeAll(this.#asked, this.#targets);
    return results.flatMap((result): ProbeSample[] => {
      if (result.type === "impossible") return [];
      if (result.type === "failed") return [{ database: result.database, isCommitted: false }];
      return [{ database: result.database, isCommitted: true, latencyMs: result.latencyMs }];
    });
  }
}

async function serve(exporter: Exporter, address: string, terminal: Terminal): Promise<void> {
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => answer(exporter, request, response));
  server.maxConnections = 100;
  const { address: where, port } = await listen(server, address);
  terminal.err(`serving metrics on http://${where.includes(":") ? `[${where}]` : where}:${port}/metrics\n`);
  await new Promise<void>((resolve) => {
    if (terminal.signal.aborted) resolve();
    terminal.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  server.close();
  server.closeAllConnections();
}

/** @throws ClusterError INVALID_CONFIG if the address is none, or can't be had. */
async function listen(server: Server, address: string): Promise<AddressInfo> {
  const match = /^(?<host>\[[^\]]+\]|[^:]*):(?<port>\d{1,5})$/.exec(address)?.groups;
  const port = Number(match?.["port"]);
  const invalid = (what: string, cause?: unknown): ClusterError =>
    new ClusterError("INVALID_CONFIG", `--listen ${address}: ${what}`, { cause });
  if (match === undefined || port > 65_535) throw invalid("give it as :9476 or 127.0.0.1:9476");
  const host = match["host"]?.replace(/^\[|\]$/g, "") ?? "";
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, ...(host === "" ? {} : { host }) }, () => resolve());
    });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") throw invalid("somebody else listens there; give another port, or end that one", cause);
    if (code === "EACCES") throw invalid("this user may not have that port; give one from 1024 on", cause);
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
      throw invalid("this machine has no such address; give one of its own, or :PORT for all", cause);
    throw invalid(message, cause);
  }
  return server.address() as AddressInfo;
}

function answer(exporter: Exporter, { method, url = "/" }: IncomingMessage, response: ServerResponse): void {
  const [path] = url.split("?", 1);
  if (method !== "GET" && method !== "HEAD") reply(response, 405, "only GET and HEAD\n", { allow: "GET, HEAD" });
  else if (path === "/metrics")
    exporter.scrape().then(
      ({ text }) => reply(response, 200, text, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
      (error: unknown) => reply(response, 500, `${(error as Error).message}\n`),
    );
  else if (path === "/" || path === "/-/healthy") reply(response, 200, "ovn-ha: /metrics\n");
  else reply(response, 404, "there is only /metrics\n");
}

function reply(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  const usual = { "content-type": "text/plain; charset=utf-8", "content-length": Buffer.byteLength(text) };
  response.writeHead(status, { ...usual, ...headers });
  response.end(text);
}
