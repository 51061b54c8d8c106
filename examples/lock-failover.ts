/** Two copies of a program, one at work: the other takes over when the first lets go of the lock, or dies. */
import { openDatabase } from "@ovnha/ovsdb";
import { inLab } from "./lab.ts";
import { OVN_Northbound } from "./northbound.ts";

await inLab(
  "lock-failover",
  "Two instances share a lock; the second takes over when the first is gone.",
  async (lab) => {
    const first = await openDatabase(OVN_Northbound, { remote: lab.remote });
    await using second = await openDatabase(OVN_Northbound, { remote: lab.remote });

    const lock = await first.lock("my_controller");
    console.log(`first:  holds the lock: ${lock.held}`);
    console.log(`second: tryLock gives ${await second.tryLock("my_controller")}`);

    const waiting = second.lock("my_controller");
    await first.transact(
      (tx) => {
        tx.insert("Logical_Switch", { name: "made under the lock" });
      },
      { lock },
    );
    console.log("first:  wrote under the lock, and is closed");
    await first.close();

    await using taken = await waiting;
    console.log(`second: holds the lock: ${taken.held}`);
    await second.transact(
      (tx) => {
        tx.where("Logical_Switch", { name: "made under the lock" }).delete();
      },
      { lock: taken },
    );
    console.log("second: wrote under the lock");
  },
);
