/** Where the examples of operators run: both of OVN's databases on three members, somebody's own or made for the example. */
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { DatabaseAccess, MemberAccess } from "@ovnha/cluster";
import { type OvsdbCluster, type OvsdbServer, realOvs, SCHEMAS, startCluster } from "@ovnha/testkit";
import { INSTALL_HINT } from "./lab.ts";

export type Pair = {
  readonly members: readonly MemberAccess[];
  /** The members' client remotes, in the order of the members. */
  readonly remotes: { readonly nb: readonly string[]; readonly sb: readonly string[] };
  /** Absent when the databases are somebody else's: then nobody is killed, and nothing is written. */
  readonly own: { readonly nb: OvsdbCluster; readonly sb: OvsdbCluster } | undefined;
};

/** Runs an example to its end and sets the exit code: 0 done, 1 failed, 2 wrong arguments or nothing to run on. */
export async function inPair(name: string, what: string, run: (pair: Pair) => Promise<void>): Promise<void> {
  const usage = `Usage: npm run example:${name} -- [--nb REMOTES --sb REMOTES]\n\n${what}\n\n  --nb, --sb   the members of a running pair in the same order, such as tcp:10.0.0.1:6641,tcp:10.0.0.2:6641,tcp:10.0.0.3:6641;\n               without them, twice three real ovsdb-servers are started on this machine\n  --help       this text`;
  let values: { nb?: string | undefined; sb?: string | undefined; help?: boolean | undefined };
  try {
    ({ values } = parseArgs({
      options: { nb: { type: "string" }, sb: { type: "string" }, help: { type: "boolean", short: "h" } },
    }));
    if ((values.nb === undefined) !== (values.sb === undefined)) throw new Error("--nb and --sb go together");
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  if (values.help === true) return console.log(usage);
  if (values.nb === undefined && realOvs() === "skip") {
    console.error(INSTALL_HINT);
    process.exitCode = 2;
    return;
  }
  try {
    if (values.nb !== undefined && values.sb !== undefined) return await run(theirs(values.nb, values.sb));
    await using nb = await startCluster({ schema: SCHEMAS.northbound });
    await using sb = await startCluster({ schema: SCHEMAS.southbound });
    const members = nb.members.map((server, i) => ({
      name: `master${i + 1}`,
      nb: accessOf(server),
      sb: accessOf(sb.member(i)),
    }));
    const remotes = { nb: nb.members.map(({ remote }) => remote), sb: sb.members.map(({ remote }) => remote) };
    await run({ members, remotes, own: { nb, sb } });
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

function theirs(nb: string, sb: string): Pair {
  const remotes = { nb: nb.split(","), sb: sb.split(",") };
  const count = Math.max(remotes.nb.length, remotes.sb.length);
  const members = Array.from({ length: count }, (_, i) => ({
    name: `member${i + 1}`,
    ...(remotes.nb[i] === undefined ? {} : { nb: { remote: remotes.nb[i] } }),
    ...(remotes.sb[i] === undefined ? {} : { sb: { remote: remotes.sb[i] } }),
  }));
  return { members, remotes, own: undefined };
}

function accessOf(server: OvsdbServer): DatabaseAccess {
  return { remote: server.remote, control: join(server.dir, "ctl"), logFile: join(server.dir, "log") };
}

/** Where a member's file is, as the plans and runbooks name it. */
export function siteOf({ members, own }: Pair): {
  places: Record<string, Record<string, { file: string; control: string; logFile: string }>>;
} {
  const place = (file: string): { file: string; control: string; logFile: string } => ({
    file,
    control: join(dirname(file), "ctl"),
    logFile: join(dirname(file), "log"),
  });
  return {
    places: Object.fromEntries(
      own === undefined
        ? []
        : members.map(({ name }, i) => [
            name,
            { OVN_Northbound: place(own.nb.file(i)), OVN_Southbound: place(own.sb.file(i)) },
          ]),
    ),
  };
}
