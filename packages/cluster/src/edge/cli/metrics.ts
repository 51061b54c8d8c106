/** `ovn-ha metrics`: for Prometheus, once on standard output, or as an exporter. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Command } from "commander";
import { ClusterError } from "../../error.ts";
import type { History } from "../../judge/history.ts";
import { track } from "../../judge/track.ts";
import type { Verdict } from "../../judge/types.ts";
import { expose, type ProbeSample } from "../../metrics/exposition.ts";
import type { CommandContext } from "./command.ts";
import { probeAll } from "./doctor.ts";
import { lookOnce } from "./looks.ts";
import { addTargetOptions, type Asked, readTargets, type TargetFlags } from "./targets.ts";
import { exitOf, type Terminal } from "./terminal.ts";

type Flags = TargetFlags & { readonly listen?: string; readonly probe?: boolean };

/** Scrapes that come closer together get the same look. */
const FRESH_MS = 1_000;

export function define(command: Command, { terminal, end }: CommandContext): void {
  addTargetOptions(command)
    .option("--listen <address>", "serve http://ADDRESS/metrics until ended, as in :9476 or 127.0.0.1:9476")
    .option("--probe", "also write once per look, so that it must be committed; changes nothing of yours")
    .action(async (flags: Flags) => {
      const asked = await readTargets(flags, terminal);
      const exporter = new Exporter(asked, terminal, flags.probe === true);
      if (flags.listen !== undefined) return serve(exporter, flags.listen, terminal);
      const { text, verdict } = await exporter.scrape();
      terminal.out(text);
      end(exitOf(verdict.health));
    });
}

type Scrape = { readonly text: string; readonly verdict: Verdict };

class Exporter {
  readonly #asked: Asked;
  readonly #terminal: Terminal;
  readonly #probes: boolean;
  #history: History | undefined;
  #last: { readonly atMs: number; readonly scrape: Promise<Scrape> } | undefined;

  constructor(asked: Asked, terminal: Terminal, probes: boolean) {
    this.#asked = asked;
    this.#terminal = terminal;
    this.#probes = probes;
  }

  scrape(): Promise<Scrape> {
    const nowMs = performance.now();
    if (this.#last === undefined || nowMs - this.#last.atMs > FRESH_MS)
      this.#last = { atMs: nowMs, scrape: this.#look() };
    return this.#last.scrape;
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
    const results = await probeAll(this.#asked);
    return results.flatMap((result): ProbeSample[] => {
      if (result.type === "impossible") return [];
      if (result.type === "failed") return [{ database: result.database, isCommitted: false }];
      return [{ database: result.database, isCommitted: true, latencyMs: result.latencyMs }];
    });
  }
}

async function serve(exporter: Exporter, address: string, terminal: Terminal): Promise<void> {
  const match = /^(?<host>\[[^\]]+\]|[^:]*):(?<port>\d{1,5})$/.exec(address)?.groups;
  const port = Number(match?.["port"]);
  if (match === undefined || port > 65_535)
    throw new ClusterError("INVALID_CONFIG", `--listen ${address}: give it as :9476 or 127.0.0.1:9476`);
  const host = match["host"]?.replace(/^\[|\]$/g, "") ?? "";
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") reply(response, 405, "only GET\n");
    else if (request.url === "/metrics")
      exporter.scrape().then(
        ({ text }) => reply(response, 200, text, "text/plain; version=0.0.4; charset=utf-8"),
        (error: unknown) => reply(response, 500, `${(error as Error).message}\n`),
      );
    else if (request.url === "/" || request.url === "/-/healthy") reply(response, 200, "ovn-ha: /metrics\n");
    else reply(response, 404, "there is only /metrics\n");
  });
  server.maxConnections = 100;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(host === "" ? {} : { host }) }, () => resolve());
  });
  const { port: bound, address: where } = server.address() as AddressInfo;
  terminal.err(`serving metrics on ${where.includes(":") ? `[${where}]` : where}:${bound}\n`);
  await new Promise<void>((resolve) => {
    if (terminal.signal.aborted) resolve();
    terminal.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  server.close();
  server.closeAllConnections();
}

function reply(response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(text);
}
