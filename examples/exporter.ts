/**
 * An exporter of your own: what all members say, judged, at `/metrics` for Prometheus, beside whatever else your program
 * exports. The alert rules for it come with `@ovnha/cluster`. (`ovn-ha metrics --listen :9476` is the same, ready made.)
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { emptyHistory, fillRegistry, observe, track } from "@ovnha/cluster";
import { Gauge } from "prom-client";
import { inPair } from "./pair.ts";

const RULES = join(
  dirname(createRequire(import.meta.url).resolve("@ovnha/cluster/package.json")),
  "alerts/ovn-cluster.rules.yaml",
);

await inPair("exporter", "Serves the metrics of both databases to Prometheus.", async (pair) => {
  let history = emptyHistory();
  const server = createServer((_request, response) => {
    const answer = async (): Promise<void> => {
      const observation = await observe({ members: pair.members, timeoutMs: 2000 });
      const tracked = track(history, observation, { expected: { members: pair.members.length } });
      history = tracked.history;
      const registry = fillRegistry({ observation, verdict: tracked.verdict });
      new Gauge({ name: "my_tool_up", help: "A metric of your own", registers: [registry] }).set(1);
      response.setHeader("content-type", registry.contentType).end(await registry.metrics());
    };
    answer().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  console.log(`metrics: ${url}\nalert rules: ${RULES}`);
  if (pair.own === undefined) {
    process.once("SIGINT", () => server.close());
    return;
  }
  const scrape = async (): Promise<string[]> => {
    const text = await (await fetch(url)).text();
    return text.split("\n").filter((line) => /^(ovn_cluster_(quorum|fault_tolerance|leaders)|my_tool_up)/.test(line));
  };
  console.log((await scrape()).join("\n"));
  const [follower = 0] = await pair.own.nb.followers();
  await pair.own.nb.member(follower).kill("SIGKILL");
  console.log(`\nmaster${follower + 1}'s server of OVN_Northbound is killed`);
  console.log((await scrape()).join("\n"));
  server.close();
  server.closeAllConnections();
});
