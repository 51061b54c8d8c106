/** Starts four servers, one of them frozen, says so in one line, and ends without disposing of them. */
import { spawnSync } from "node:child_process";
import { startCluster, startNetnsCluster, startStandalone } from "../src/index.ts";
import { NOTES } from "./notes.ts";

const [end, kind] = process.argv.slice(2);
const cluster = await (kind === "netns" ? startNetnsCluster({ schema: NOTES }) : startCluster({ schema: NOTES }));
const standalone = await startStandalone({ schemas: [NOTES] });
standalone.pause();
const pids = [...cluster.members, standalone].map(({ pid }) => pid);
const listed = spawnSync("ip", ["netns", "list"], { encoding: "utf8" }).stdout ?? "";
const namespaces = listed.match(new RegExp(`ovnha-${process.pid}-\\S+`, "g")) ?? [];
process.stdout.write(`${JSON.stringify({ dir: cluster.dir, pids, namespaces })}\n`, () => {
  if (end === "exit") process.exit(0);
  if (end === "throw") throw new Error("as asked");
});
