// A full sync with @ovnha/ovsdb, as a program of its own: prints one line of JSON about itself.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { openDatabase } from "@ovnha/ovsdb";

const [remote] = process.argv.slice(2);
const delays = monitorEventLoopDelay({ resolution: 1 });
delays.enable();
const cpuBefore = process.cpuUsage();
const startMs = performance.now();
const db = await openDatabase("OVN_Southbound", { remote, server: "any" });
const sb = await db.replicate({
  Logical_Flow: { indexes: [{ column: "logical_datapath" }] },
  Port_Binding: true,
});
const wallMs = performance.now() - startMs;
const { user, system } = process.cpuUsage(cpuBefore);
delays.disable();
const whole = process.cpuUsage();
const lookup = sb.Port_Binding.byIndex.logical_port("namespace0.pod-0")?._uuid !== undefined;
console.log(
  JSON.stringify({
    wallMs,
    cpuMs: (user + system) / 1000,
    processCpuMs: (whole.user + whole.system) / 1000,
    rssMiB: process.resourceUsage().maxRSS / 1024,
    stallMs: delays.max / 1e6,
    rows: sb.Logical_Flow.size + sb.Port_Binding.size,
    lookup,
  }),
);
await db.close();
