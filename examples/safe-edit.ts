/** Ten programs add to one number at once. Each edit holds what it read; who is beaten runs again on the new value. */
import { openDatabase } from "@ovnha/ovsdb";
import { inLab } from "./lab.ts";
import { OVN_Northbound } from "./northbound.ts";

const WRITERS = 10;

await inLab(
  "safe-edit",
  "Ten writers increment one counter, each by reading it first; no increment is lost.",
  async (lab) => {
    await using db = await openDatabase(OVN_Northbound, { remote: lab.remote });
    const { counter } = await db.transact((tx) => ({
      counter: tx.insert("Logical_Switch", { name: "counter", other_config: { n: "0" } }),
    }));
    let runs = 0;
    await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        await using own = await openDatabase(OVN_Northbound, { remote: lab.remote });
        await using nb = await own.replicate({ Logical_Switch: ["other_config"] });
        await own.edit(
          nb,
          (tx) => {
            runs++;
            const row = tx.read(nb.Logical_Switch, counter);
            if (row === undefined) throw new Error("the counter is gone");
            const next = Number(row.other_config.get("n")) + 1;
            tx.update(row, { other_config: new Map(row.other_config).set("n", String(next)) });
          },
          { attempts: 100 },
        );
      }),
    );
    const [row] = await db.select("Logical_Switch", { where: { _uuid: counter }, columns: ["other_config"] });
    console.log(`${WRITERS} writers, ${runs} runs, counter = ${row?.other_config.get("n")}`);
    await db.transact((tx) => tx.row("Logical_Switch", counter).delete());
  },
);
