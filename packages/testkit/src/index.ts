export { canNetns, ovsHas, ovsVersion, realOvs, SCHEMAS } from "./environment.ts";
export { atExit, freePort, removeFolder, runCommand, startProcess, temporaryFolder } from "./processes.ts";
export { Hopeless, waitFor, type WaitOptions } from "./wait-for.ts";
export { dialRemote, dumpRows, rawCall, type RawJson, serverRow, type ServerDatabaseRow } from "./raw.ts";
export {
  OvsdbServer,
  PortTaken,
  type ServerSpec,
  type StandaloneOptions,
  startStandalone,
  type TlsFiles,
} from "./server.ts";
export { type ClusterOptions, OvsdbCluster, startCluster } from "./cluster.ts";
export { NetnsCluster, type NetnsOptions, startNetnsCluster } from "./netns.ts";
export { removeStale } from "./networks.ts";
export { CuttingProxy, startProxy } from "./proxy.ts";
export { makeSouthbound, southboundFlow, type SouthboundSize } from "./southbound.ts";
export { makePki, type Pki } from "./pki.ts";
export { ovsdbClient, type OvsdbClientOptions, ovsdbTransact } from "./ovsdb-client.ts";
export { RBAC_SCHEMA, type RbacServer, startRbac } from "./rbac.ts";
export { type Sshd, startSshd } from "./sshd.ts";
