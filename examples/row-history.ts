/** Who changed this port, and when? The database file of a member remembers, back to its last compaction. */
import { openDbFile, history } from "@ovnha/dbfile";
import { openDatabase } from "@ovnha/ovsdb";
import { inLab } from "./lab.ts";

await inLab(
  "row-history",
  "Reads from a member's file who changed a logical switch, when, and to what.",
  async (lab) => {
    if (lab.cluster === undefined) {
      console.log("It reads a file: run ovn-backup history FILE TABLE UUID at the member instead.");
      return;
    }
    await using db = await openDatabase("OVN_Northbound", { remote: lab.remote });
    const { made } = await db.transact((tx) => {
      tx.comment("ada: a switch for the green team");
      return { made: tx.insert("Logical_Switch", { name: "green" }) };
    });
    await db.transact((tx) => {
      tx.comment("bob: renamed, it was too green");
      tx.row("Logical_Switch", made).update({ name: "blue" });
    });
    await db.transact((tx) => {
      tx.comment("eve: who needs it?");
      tx.row("Logical_Switch", made).delete();
    });
    using file = await openDbFile(lab.cluster.file(0));
    for await (const change of history(file, { table: "Logical_Switch", uuid: made })) {
      const when = change.dateMs === undefined ? "at an unknown time" : new Date(change.dateMs).toISOString();
      const what = Object.entries(change.columns)
        .map(([column, { before, after }]) => `${column}: ${String(before)} → ${String(after)}`)
        .join(", ");
      console.log(`${when}  ${change.kind}  ${change.comment ?? "(no comment)"}  ${what}`);
    }
  },
);
