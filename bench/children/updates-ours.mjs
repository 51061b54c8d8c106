// Follows Logical_Flow until a sentinel row appears; prints the CPU that following cost, without the first sync.
import { openDatabase } from "@ovnha/ovsdb";

const [remote] = process.argv.slice(2);
const db = await openDatabase("OVN_Southbound", { remote, server: "any" });
const sb = await db.replicate({ Logical_Flow: true });
const before = process.cpuUsage();
console.log("ready");
let changes = 0;
sb.Logical_Flow.on("change", () => changes++);
await sb.Logical_Flow.until((row) => row.match === "sentinel");
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ cpuMs: (user + system) / 1000, changes }));
await db.close();
