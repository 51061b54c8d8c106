/** Follows a table: what is there, and every change, through the loss of the leader, without missing or repeating one. */
import { openDatabase } from "@ovnha/ovsdb";
import { inLab, killLeader, writeSurely } from "./lab.ts";
import { OVN_Northbound } from "./northbound.ts";

await inLab("watch-table", "Follows the logical switches of OVN_Northbound.", async (lab) => {
  await using db = await openDatabase(OVN_Northbound, { remote: lab.remote });
  await using nb = await db.replicate({ Logical_Switch: ["name", "external_ids"] });
  await Promise.all(lab.cluster === undefined ? [follow()] : [follow(), write()]);

  async function follow(): Promise<void> {
    for await (const change of nb.Logical_Switch.changes()) {
      const old = change.kind === "update" ? ` (was ${JSON.stringify(change.old)})` : "";
      console.log(`${change.kind.padEnd(7)} ${change.row.name}${old}`);
      if (lab.cluster !== undefined && change.kind === "delete") break;
    }
  }

  async function write(): Promise<void> {
    const { red } = await db.transact((tx) => ({ red: tx.insert("Logical_Switch", { name: "red" }) }));
    console.log("        (the leader is killed)");
    await killLeader(lab);
    await writeSurely(() =>
      db.transact((tx) => tx.row("Logical_Switch", red).update({ name: "blue" }).expect(1), { once: true }),
    );
    await db.transact((tx) => tx.row("Logical_Switch", red).delete().expect(1));
  }
});
