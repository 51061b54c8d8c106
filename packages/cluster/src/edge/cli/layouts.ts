/** Where the servers of the usual installations have their sockets and logs. */
import type { DatabaseAccess } from "../../observe/members.ts";

export type Layout = {
  readonly name: string;
  readonly summary: string;
  readonly nb: Paths;
  readonly sb: Paths;
  /** How its pods are found; absent where there are none. */
  readonly pods?: { readonly namespace: string; readonly selector: string; readonly container: string };
};

export type Paths = { readonly control: string; readonly socket: string; readonly log: string };

function paths(run: string, log: string, kind: "nb" | "sb"): Paths {
  return {
    control: `${run}/ovn${kind}_db.ctl`,
    socket: `${run}/ovn${kind}_db.sock`,
    log: `${log}/ovsdb-server-${kind}.log`,
  };
}

function layout(name: string, summary: string, run: string, log: string, pods?: Layout["pods"]): Layout {
  const both = { nb: paths(run, log, "nb"), sb: paths(run, log, "sb") };
  return { name, summary, ...both, ...(pods === undefined ? {} : { pods }) };
}

const RUN = "/var/run/ovn";
const LOG = "/var/log/ovn";

/** From the start scripts of OVN, Kube-OVN, ovn-kubernetes and MicroOVN. */
export const LAYOUTS: readonly Layout[] = [
  layout("plain", "packages of a distribution, charms, kolla", RUN, LOG),
  layout("kube-ovn", "Kube-OVN; pods app=ovn-central in kube-system", RUN, LOG, {
    namespace: "kube-system",
    selector: "app=ovn-central",
    container: "ovn-central",
  }),
  layout("ovn-kubernetes", "ovn-kubernetes with Raft; pods ovn-db-pod=true", RUN, LOG, {
    namespace: "ovn-kubernetes",
    selector: "ovn-db-pod=true",
    container: "nb-ovsdb",
  }),
  layout("openshift", "OpenShift 4.5 to 4.13; pods app=ovnkube-master", RUN, LOG, {
    namespace: "openshift-ovn-kubernetes",
    selector: "app=ovnkube-master",
    container: "nbdb",
  }),
  layout("microovn", "MicroOVN's snap", "/var/snap/microovn/common/run/ovn", "/var/snap/microovn/common/logs"),
];

export const LAYOUT_NAMES: readonly string[] = LAYOUTS.map(({ name }) => name);

/** The accesses of a server that stands where the layout says. */
export function accessOf({ control, socket, log }: Paths): DatabaseAccess {
  return { remote: `unix:${socket}`, control, logFile: log };
}
