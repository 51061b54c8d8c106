/** Hands for commands of a plan: a program that has this process start, stop and restart the real servers that it owns. */
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { OvsdbCluster } from "@ovnha/testkit";

type Deed = { readonly action: string; readonly member: string; readonly database: string };

export class Hands implements AsyncDisposable {
  /** What was asked for, in order, as in "restart node1". */
  readonly deeds: string[] = [];
  readonly program: string;
  readonly #server: Server;
  readonly #clusters: Readonly<Record<string, OvsdbCluster>>;
  /** Called before each; what it waits for, the command waits for. */
  before: ((deed: Deed) => unknown) | undefined;

  constructor(dir: string, clusters: Readonly<Record<string, OvsdbCluster>>, server: Server) {
    this.#clusters = clusters;
    this.#server = server;
    this.program = join(dir, "hands");
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/$1/$2/$3`;
    writeFileSync(this.program, `#!/bin/sh\nexec node -e '${GET}' "${url}"\n`, { mode: 0o755 });
    server.on("request", (request, response) => {
      const [action = "", member = "", database = ""] = (request.url ?? "").slice(1).split("/");
      this.#do({ action, member, database }).then(
        () => response.end(),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }

  async #do(deed: Deed): Promise<void> {
    const { action, member, database } = deed;
    this.deeds.push([action, member, database].filter((word) => word !== "").join(" "));
    await this.before?.(deed);
    const index = Number(member.replace("node", ""));
    for (const [name, cluster] of Object.entries(this.#clusters)) {
      if (database !== "" && database !== name) continue;
      const server = cluster.member(index);
      if (action === "restart") await server.restart();
      else if (action === "stop") await server.kill("SIGTERM");
      else if (server.pid === undefined) await server.start();
    }
  }

  /** The options of `ovn-ha` that have them used. */
  get options(): string[] {
    return [
      ...["--restart-command", `here:${this.program} restart {member}`],
      ...["--start-command", `here:${this.program} start {member} {database}`],
      ...["--stop-command", `here:${this.program} stop {member} {database}`],
    ];
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

const GET =
  "fetch(process.argv[1]).then(async (r) => { process.stderr.write(await r.text()); process.exitCode = r.ok ? 0 : 1; })";

export async function startHands(dir: string, clusters: Readonly<Record<string, OvsdbCluster>>): Promise<Hands> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new Hands(dir, clusters, server);
}
