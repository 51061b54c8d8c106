/**
 * Who leads? What operators ask each member by hand today:
 *
 *   ovsdb-client query tcp:IP:6641 '["_Server",{"op":"select","table":"Database",
 *     "where":[["name","==","OVN_Northbound"]],"columns":["leader"]}]'
 *
 * is asked here of all members at once, and then followed: every change of leadership is told as it happens.
 */
import { openDatabase } from "@ovnha/ovsdb";
import { inLab, killLeader } from "./lab.ts";

const DATABASE = "OVN_Northbound";

await inLab("follow-leader", "Asks every member who leads OVN_Northbound, and follows the leadership.", async (lab) => {
  const stop = new AbortController();
  const told: string[] = [];
  let heard = (): void => {};
  const follow = async (remote: string): Promise<void> => {
    await using server = await openDatabase("_Server", { remote, server: "any" });
    const rows = await server.select("Database", {
      where: { name: DATABASE },
      columns: ["leader", "connected", "index"],
    });
    console.log(
      `${remote}  leader=${rows[0]?.["leader"]} connected=${rows[0]?.["connected"]} index=${rows[0]?.["index"]}`,
    );
    const { Database: databases } = await server.replicate({
      Database: { columns: ["name", "leader"], where: [["name", "==", DATABASE]] },
    });
    for await (const change of databases?.changes({ signal: stop.signal, columns: ["leader"] }) ?? []) {
      if (change.row["leader"] !== true) continue;
      console.log(`${new Date().toISOString()}  ${remote} leads`);
      told.push(remote);
      heard();
    }
  };
  const following = Promise.allSettled(lab.remote.split(",").map((remote) => follow(remote)));
  if (lab.cluster === undefined) {
    process.once("SIGINT", () => stop.abort());
    await following;
    return;
  }
  const changes = (count: number): Promise<void> =>
    new Promise((resolve) => {
      heard = () => {
        if (told.length >= count) resolve();
      };
      heard();
    });
  await changes(1);
  const killed = await killLeader(lab);
  console.log(`member ${killed} was leading and has been killed`);
  await changes(2);
  stop.abort();
  await following;
});
