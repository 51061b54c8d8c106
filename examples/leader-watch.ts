/**
 * Who leads, in both databases, seen by all members at once and from now on: what the founding story's operators ask each
 * member by hand with `ovsdb-client query … _Server`. One member's word is not enough: a leader that was cut off claims to
 * lead for up to two election timers more.
 */
import { assess, watch } from "@ovnha/cluster";
import { inPair } from "./pair.ts";

await inPair(
  "leader-watch",
  "Tells who leads OVN_Northbound and OVN_Southbound, as all members see it.",
  async (pair) => {
    const stop = new AbortController();
    process.once("SIGINT", () => stop.abort());
    const known = new Map<string, string>();
    let killed: string | undefined;
    for await (const { observation } of watch({ members: pair.members, signal: stop.signal })) {
      for (const { database, leader, quorum } of assess(observation).databases) {
        const now = leader?.member ?? "nobody";
        if (known.get(database) === now) continue;
        known.set(database, now);
        const time = new Date(observation.endedMs).toISOString();
        console.log(`${time}  ${database}: ${now} leads, ${quorum.live} of ${quorum.configured} live`);
        if (database !== "OVN_Northbound" || pair.own === undefined || now === "nobody") continue;
        if (killed === undefined) {
          killed = now;
          console.log(`${killed} is killed`);
          await pair.own.nb.member(pair.members.findIndex(({ name }) => name === now)).kill("SIGKILL");
        } else if (now !== killed) stop.abort();
      }
    }
  },
);
