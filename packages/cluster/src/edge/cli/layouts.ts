/** Where the servers of the usual installations have their sockets, logs and files. */
import type { DatabaseAccess } from "../../observe/members.ts";

export type Layout = {
  readonly name: string;
  readonly summary: string;
  readonly nb: Paths;
  readonly sb: Paths;
  /** How its pods are found; absent where there are none. */
  readonly pods?: { readonly namespace: string; readonly selector: string; readonly container: string };
};

export type Paths = {
  readonly control: string;
  readonly socket: string;
  readonly log: string;
  readonly file: string;
};

function paths(run: string, log: string, files: string, kind: "nb" | "sb"): Paths {
  return {
    control: `${run}/ovn${kind}_db.ctl`,
    socket: `${run}/ovn${kind}_db.sock`,
    log: `${log}/ovsdb-server-${kind}.log`,
    file: `${files}/ovn${kind}_db.db`,
  };
}

type Folders = readonly [run: string, log: string, files: string];

function layout(name: string, summary: string, folders: Folders, pods?: Layout["pods"]): Layout {
  const both = { nb: paths(...folders, "nb"), sb: paths(...folders, "sb") };
  return { name, summary, ...both, ...(pods === undefined ? {} : { pods }) };
}

const PACKAGES: Folders = ["/var/run/ovn", "/var/log/ovn", "/var/lib/ovn"];
/** As the pods see it. */
const PODS: Folders = ["/var/run/ovn", "/var/log/ovn", "/etc/ovn"];
const SNAP = "/var/snap/microovn/common";

/** From the start scripts of OVN, Kube-OVN, ovn-kubernetes and MicroOVN. */
export const LAYOUTS: readonly Layout[] = [
  layout("plain", "packages of a distribution, charms, kolla", PACKAGES),
  layout("kube-ovn", "Kube-OVN; pods app=ovn-central in kube-system", PODS, {
    namespace: "kube-system",
    selector: "app=ovn-central",
    container: "ovn-central",
  }),
  layout("ovn-kubernetes", "ovn-kubernetes with Raft; pods ovn-db-pod=true", PODS, {
    namespace: "ovn-kubernetes",
    selector: "ovn-db-pod=true",
    container: "nb-ovsdb",
  }),
  layout("openshift", "OpenShift 4.5 to 4.13; pods app=ovnkube-master", PODS, {
    namespace: "openshift-ovn-kubernetes",
    selector: "app=ovnkube-master",
    container: "nbdb",
  }),
  layout("microovn", "MicroOVN's snap", [`${SNAP}/run/ovn`, `${SNAP}/logs`, `${SNAP}/data/central/db`]),
];

export const LAYOUT_NAMES: readonly string[] = LAYOUTS.map(({ name }) => name);

/** The accesses of a server that stands where the layout says. */
export function accessOf({ control, socket, log, file }: Paths): DatabaseAccess {
  return { remote: `unix:${socket}`, control, logFile: log, file };
}
