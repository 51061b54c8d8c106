/** Both databases of OVN, each a real cluster, seen as the members of one deployment. */
import { join } from "node:path";
import { type OvsdbCluster, SCHEMAS, startCluster } from "@ovnha/testkit";
import type { MemberAccess } from "../../src/index.ts";

export class Both implements AsyncDisposable {
  readonly nb: OvsdbCluster;
  readonly sb: OvsdbCluster;

  constructor(nb: OvsdbCluster, sb: OvsdbCluster) {
    this.nb = nb;
    this.sb = sb;
  }

  /** Members "node0", … with a TCP remote a control socket and a file for each database. */
  get members(): MemberAccess[] {
    return this.nb.members.map((server, index) => ({
      name: `node${index}`,
      nb: {
        remote: server.remote,
        control: join(server.dir, "ctl"),
        logFile: join(server.dir, "log"),
        file: this.nb.file(index),
      },
      sb: {
        remote: this.sb.member(index).remote,
        control: join(this.sb.member(index).dir, "ctl"),
        file: this.sb.file(index),
      },
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.nb[Symbol.asyncDispose](), this.sb[Symbol.asyncDispose]()]);
  }
}

export async function startBoth(members = 3): Promise<Both> {
  const [nb, sb] = await Promise.all([
    startCluster({ members, schema: SCHEMAS.northbound }),
    startCluster({ members, schema: SCHEMAS.southbound }),
  ]);
  return new Both(nb, sb);
}
