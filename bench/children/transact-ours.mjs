// The same with @ovnha/ovsdb.
import { openDatabase } from "@ovnha/ovsdb";

const [remote, count] = process.argv.slice(2);
const db = await openDatabase("OVN_Northbound", { remote });
const write = (index) =>
  db.transact((tx) => {
    tx.insert("Logical_Switch", { name: `ours${index}` });
  });
for (let index = 0; index < 500; index++) await write(index);
const startMs = performance.now();
for (let index = 0; index < Number(count); index++) await write(index);
console.log(JSON.stringify({ perSecond: (Number(count) * 1000) / (performance.now() - startMs) }));
await db.close();
