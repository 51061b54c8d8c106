// Sequential durable transactions over a bare socket.
import { connect } from "node:net";

const [remote, count] = process.argv.slice(2);
const [, host, port] = /^tcp:(.+):(\d+)$/.exec(remote);
const socket = connect({ host, port: Number(port), noDelay: true });
let text = "";
let done = () => {};
socket.on("data", (chunk) => {
  text += chunk;
  if (!text.endsWith('"error":null}')) return;
  text = "";
  done();
});
const transact = (id, operations) =>
  new Promise((resolve) => {
    done = resolve;
    socket.write(JSON.stringify({ id, method: "transact", params: ["OVN_Northbound", ...operations] }));
  });
const row = (index) => [{ op: "insert", table: "Logical_Switch", row: { name: `bare${index}` } }];
for (let index = 0; index < 500; index++) await transact(index, row(index));
const startMs = performance.now();
for (let index = 0; index < Number(count); index++) await transact(index, row(index));
console.log(JSON.stringify({ perSecond: (Number(count) * 1000) / (performance.now() - startMs) }));
socket.destroy();
