/** Where an example runs: on the cluster that `--remote` names, or on one of its own that lives as long as the example. */
import { parseArgs } from "node:util";
import { OutcomeUnknownError } from "@ovnha/ovsdb";
import { type OvsdbCluster, realOvs, SCHEMAS, startCluster } from "@ovnha/testkit";

export type Lab = {
  readonly remote: string;
  /** Absent when the cluster is somebody else's: then nobody is killed. */
  readonly cluster: OvsdbCluster | undefined;
};

export const INSTALL_HINT =
  "This needs ovsdb-server: apt-get install openvswitch-switch openvswitch-common ovn-common ovn-central";

/** Runs an example to its end and sets the exit code: 0 done, 1 failed, 2 wrong arguments or nothing to run on. */
export async function inLab(name: string, what: string, run: (lab: Lab) => Promise<void>): Promise<void> {
  const usage = `Usage: npm run example:${name} -- [--remote REMOTES]\n\n${what}\n\n  --remote   a running cluster, such as tcp:10.0.0.1:6641,tcp:10.0.0.2:6641,tcp:10.0.0.3:6641;\n             without it, three real ovsdb-servers are started on this machine\n  --help     this text`;
  let values: { remote?: string | undefined; help?: boolean | undefined };
  try {
    ({ values } = parseArgs({ options: { remote: { type: "string" }, help: { type: "boolean", short: "h" } } }));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  if (values.help === true) return console.log(usage);
  if (values.remote === undefined && realOvs() === "skip") {
    console.error(INSTALL_HINT);
    process.exitCode = 2;
    return;
  }
  try {
    if (values.remote !== undefined) return await run({ remote: values.remote, cluster: undefined });
    await using cluster = await startCluster({ schema: SCHEMAS.northbound });
    await run({ remote: cluster.remote, cluster });
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

/** Kills the leader, if the cluster is the example's own. */
export async function killLeader({ cluster }: Lab): Promise<number | undefined> {
  if (cluster === undefined) return undefined;
  const leader = await cluster.waitForLeader();
  await cluster.member(leader).kill("SIGKILL");
  return leader;
}

/**
 * Writes until it is known to be written, once. While a leader dies, a reply can be lost: then the database is asked, and
 * only what was not committed is written again.
 */
export async function writeSurely(write: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await write();
      return;
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError)) throw error;
      const outcome = await error.resolve?.();
      if (outcome?.committed === true) return;
      if (outcome?.committed !== false) throw error;
    }
  }
}
