// The same bytes over a bare socket, thrown away: what no client can be faster than.
import { connect } from "node:net";

const [remote] = process.argv.slice(2);
const [, host, port] = /^tcp:(.+):(\d+)$/.exec(remote);
const startMs = performance.now();
const socket = connect(Number(port), host);
const call = (id, method, params) =>
  new Promise((resolve) => {
    let bytes = 0;
    let tail = "";
    let head = "";
    const onData = (chunk) => {
      bytes += chunk.length;
      if (head.length < 2 ** 20 && id === 1) head += chunk.toString();
      tail = (tail + chunk.subarray(-32).toString("latin1")).slice(-32);
      if (!tail.endsWith('"error":null}')) return;
      socket.off("data", onData);
      resolve({ bytes, head });
    };
    socket.on("data", onData);
    socket.write(JSON.stringify({ id, method, params }));
  });
const { head } = await call(1, "get_schema", ["OVN_Southbound"]);
const { tables } = JSON.parse(head).result;
const columns = (table) => Object.keys(tables[table].columns);
const zero = "00000000-0000-0000-0000-000000000000";
const { bytes } = await call(2, "monitor_cond_since", [
  "OVN_Southbound",
  "bare",
  { Logical_Flow: [{ columns: columns("Logical_Flow") }], Port_Binding: [{ columns: columns("Port_Binding") }] },
  zero,
]);
const wallMs = performance.now() - startMs;
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ wallMs, bytes, cpuMs: (user + system) / 1000 }));
socket.destroy();
