/** The layouts that OVN is found in, as data. A cluster description may change any path and any command of them. */
import { BackupError } from "../error.ts";
import type { ClientReset, Command, DatabaseKey, DatabaseLayout, DirectoryRule, LayoutProfile } from "./profile.ts";

const ROOT = { user: "root", group: "root" } as const;
const OPENVSWITCH = { user: "openvswitch", group: "openvswitch" } as const;
const MEBI = 1024 * 1024;
/** For the file, its copy during a compaction, and a day of growth. */
const FREE_DATABASES = 512 * MEBI;
const NOT_FOR_OTHERS = 0o022;

const PORTS: Readonly<Record<DatabaseKey, { readonly client: number; readonly raft: number }>> = {
  nb: { client: 6641, raft: 6643 },
  sb: { client: 6642, raft: 6644 },
};

type DatabasePlaces = {
  readonly database: (key: DatabaseKey) => string;
  readonly run: string;
  readonly log: (key: DatabaseKey) => string;
  readonly schemas?: string;
  readonly companions?: (key: DatabaseKey) => readonly string[];
  readonly tools?: (key: DatabaseKey) => readonly string[];
  readonly stop?: (key: DatabaseKey) => readonly Command[];
  readonly start?: (key: DatabaseKey) => readonly Command[];
};

function databases(places: DatabasePlaces): Readonly<Record<DatabaseKey, DatabaseLayout>> {
  const one = (key: DatabaseKey): DatabaseLayout => ({
    file: places.database(key),
    companions: places.companions?.(key) ?? [],
    controlSocket: `${places.run}/ovn${key}_db.ctl`,
    clientSocket: `${places.run}/ovn${key}_db.sock`,
    pidFile: `${places.run}/ovn${key}_db.pid`,
    logFile: places.log(key),
    schema: `${places.schemas ?? "/usr/share/ovn"}/ovn-${key}.ovsschema`,
    clientPort: PORTS[key].client,
    raftPort: PORTS[key].raft,
    toolPrefix: places.tools?.(key) ?? [],
    stop: places.stop?.(key) ?? [],
    start: places.start?.(key) ?? [],
  });
  return { nb: one("nb"), sb: one("sb") };
}

const resets = (before: readonly string[], where: string, rundir = ""): ClientReset[] => {
  const appctl = (target: string, verb: string): Command => {
    const [program = "ovn-appctl", ...args] = [...before, "ovn-appctl", "-t", `${rundir}${target}`, verb];
    return [program, ...args];
  };
  return [
    { who: "ovn-northd", command: appctl("ovn-northd", "nb-cluster-state-reset"), note: `${where}, every instance` },
    { who: "ovn-northd", command: appctl("ovn-northd", "sb-cluster-state-reset"), note: `${where}, every instance` },
    {
      who: "ovn-controller",
      command: appctl("ovn-controller", "sb-cluster-state-reset"),
      note: "on every chassis, in waves: each of them downloads the southbound database anew",
    },
  ];
};

const databaseDirectory = (path: string, owner = ROOT as DirectoryRule["owner"]): DirectoryRule => ({
  path,
  holds: "databases",
  persistent: true,
  required: true,
  owner,
  forbiddenMode: NOT_FOR_OTHERS,
  freeBytesMin: FREE_DATABASES,
});
const nodeDatabase = (path: string, required = false): DirectoryRule => ({
  ...databaseDirectory(path, undefined),
  holds: "node database",
  required,
  freeBytesMin: 64 * MEBI,
});
const runDirectory = (path: string, required = true): DirectoryRule => ({
  path,
  holds: "run files",
  persistent: false,
  required,
  forbiddenMode: 0o002,
  freeBytesMin: 1 * MEBI,
});
const tlsDirectory = (path: string): DirectoryRule => ({
  path,
  holds: "tls",
  persistent: true,
  required: false,
  forbiddenMode: NOT_FOR_OTHERS,
  freeBytesMin: 0,
});
const cniDirectory = (...files: readonly string[]): DirectoryRule => ({
  path: "/etc/cni/net.d",
  holds: "cni configuration",
  persistent: true,
  required: false,
  forbiddenMode: NOT_FOR_OTHERS,
  freeBytesMin: 1 * MEBI,
  expected: {
    anyOf: files,
    why: "the node agent writes it once it is ready, so its absence shows that the agent is not; repair the databases first",
  },
});

const KOLLA_NAME = (key: DatabaseKey): string => `ovn_${key}_db`;

const DEBIAN: LayoutProfile = {
  name: "debian",
  title: "Debian and Ubuntu packages",
  databases: databases({
    database: (key) => `/var/lib/ovn/ovn${key}_db.db`,
    run: "/var/run/ovn",
    log: (key) => `/var/log/ovn/ovsdb-server-${key}.log`,
    stop: (key) => [["systemctl", "stop", `ovn-ovsdb-server-${key}.service`]],
    start: (key) => [["systemctl", "start", `ovn-ovsdb-server-${key}.service`]],
  }),
  owner: ROOT,
  fileMode: 0o640,
  control: "each",
  commandsAt: "member",
  form: "cluster",
  stopAll: [],
  startAll: [],
  freeze: [],
  thaw: [],
  clients: resets([], "on the members"),
  directories: [
    databaseDirectory("/var/lib/ovn"),
    nodeDatabase("/var/lib/openvswitch"),
    tlsDirectory("/etc/ovn"),
    runDirectory("/var/run/ovn"),
    runDirectory("/var/run/openvswitch", false),
  ],
  notes: [
    "The options of ovn-ctl are in /etc/default/ovn-central; they must name the same addresses as the plan.",
    "Releases before 20.03 keep the files in /var/lib/openvswitch.",
  ],
  values: {},
};

const RPM: LayoutProfile = {
  ...DEBIAN,
  name: "rpm",
  title: "Fedora, CentOS and RHEL packages",
  databases: databases({
    database: (key) => `/var/lib/ovn/ovn${key}_db.db`,
    run: "/var/run/ovn",
    log: (key) => `/var/log/ovn/ovsdb-server-${key}.log`,
    stop: (key) => [["systemctl", "stop", `ovn-db@${key}.service`]],
    start: (key) => [["systemctl", "start", `ovn-db@${key}.service`]],
  }),
  owner: OPENVSWITCH,
  directories: [
    databaseDirectory("/var/lib/ovn", OPENVSWITCH),
    nodeDatabase("/etc/openvswitch"),
    tlsDirectory("/etc/ovn"),
    runDirectory("/var/run/ovn"),
    runDirectory("/var/run/openvswitch", false),
  ],
  notes: [
    "The options of ovn-ctl are in /etc/sysconfig/ovn; they must name the same addresses as the plan.",
    "Where ovn-northd.service starts the databases too, give its name in the stop and start commands.",
  ],
};

const UPSTREAM: LayoutProfile = {
  ...DEBIAN,
  name: "upstream",
  title: "OVN's own build and scripts",
  databases: databases({
    database: (key) => `/etc/ovn/ovn${key}_db.db`,
    run: "/var/run/ovn",
    log: (key) => `/var/log/ovn/ovsdb-server-${key}.log`,
    stop: (key) => [["/usr/share/ovn/scripts/ovn-ctl", `stop_${key}_ovsdb`]],
    start: (key) => [["/usr/share/ovn/scripts/ovn-ctl", `start_${key}_ovsdb`]],
  }),
  directories: [
    databaseDirectory("/etc/ovn", undefined),
    nodeDatabase("/etc/openvswitch"),
    runDirectory("/var/run/ovn"),
    runDirectory("/var/run/openvswitch", false),
  ],
  notes: [
    "start_nb_ovsdb and start_sb_ovsdb need the cluster's options (--db-nb-cluster-local-addr …): give the start commands.",
  ],
};

const KUBE_OVN: LayoutProfile = {
  name: "kube-ovn",
  title: "Kube-OVN, files on the hosts, servers in pods",
  databases: databases({
    database: (key) => `/etc/origin/ovn/ovn${key}_db.db`,
    companions: (key) => [`/etc/origin/ovn/ovn${key}_db.hdr`],
    run: "/var/run/ovn",
    log: (key) => `/var/log/ovn/ovsdb-server-${key}.log`,
    // The Deployment selects hosts by this label, so that without it no new pod comes to the host of the one that is deleted.
    stop: () => [
      ["kubectl", "label", "node", "{node}", "kube-ovn/role-"],
      [
        ...(["kubectl", "delete", "pod", "--namespace={namespace}", "--selector=app=ovn-central"] as const),
        "--field-selector=spec.nodeName={node}",
        "--wait=true",
      ],
    ],
    start: () => [["kubectl", "label", "node", "{node}", "kube-ovn/role=master", "--overwrite"]],
  }),
  owner: { user: "65534", group: "65534" },
  fileMode: 0o600,
  control: "together",
  commandsAt: "here",
  form: "standalone",
  stopAll: [
    ["kubectl", "scale", "deployment", "ovn-central", "--namespace={namespace}", "--replicas=0"],
    [
      "kubectl",
      "wait",
      "pod",
      "--namespace={namespace}",
      "--selector=app=ovn-central",
      "--for=delete",
      "--timeout=180s",
    ],
  ],
  startAll: [["kubectl", "scale", "deployment", "ovn-central", "--namespace={namespace}", "--replicas={replicas}"]],
  freeze: [["kubectl", "scale", "deployment", "kube-ovn-controller", "--namespace={namespace}", "--replicas=0"]],
  thaw: [
    [
      "kubectl",
      "scale",
      "deployment",
      "kube-ovn-controller",
      "--namespace={namespace}",
      "--replicas={controllerReplicas}",
    ],
  ],
  clients: [
    {
      who: "ovs-ovn",
      command: ["kubectl", "rollout", "restart", "daemonset", "ovs-ovn", "--namespace={namespace}"],
      note: "in waves, and only when all members are connected; agents that stay up keep their flows",
    },
  ],
  directories: [
    databaseDirectory("/etc/origin/ovn", { user: "65534", group: "65534" }),
    nodeDatabase("/etc/origin/openvswitch"),
    cniDirectory("01-kube-ovn.conflist"),
    tlsDirectory("/var/run/tls"),
    runDirectory("/var/run/ovn"),
    runDirectory("/var/run/openvswitch"),
  ],
  notes: [
    "The member on the host of the first entry of NODE_IPS bootstraps: it must be the first of the plan.",
    "Raft addresses are written with brackets, tcp:[10.0.0.1]:6643, and compared as text.",
    "The chart may put the files elsewhere (ovsOvn.ovnDirectory); inside the pods the folder is /etc/ovn.",
  ],
  values: { namespace: "kube-system", replicas: "3", controllerReplicas: "3" },
};

const OVN_KUBERNETES: LayoutProfile = {
  name: "ovn-kubernetes",
  title: "ovn-kubernetes in raft mode (until 2026), files on the hosts",
  databases: databases({
    database: (key) => `/var/lib/openvswitch/ovn${key}_db.db`,
    run: "/var/run/ovn",
    log: (key) => `/var/log/ovn/ovsdb-server-${key}.log`,
    stop: () => [["kubectl", "label", "node", "{node}", "k8s.ovn.org/ovnkube-db-"]],
    start: () => [["kubectl", "label", "node", "{node}", "k8s.ovn.org/ovnkube-db=true", "--overwrite"]],
  }),
  owner: ROOT,
  fileMode: 0o640,
  control: "together",
  commandsAt: "here",
  form: "cluster",
  stopAll: [
    ["kubectl", "scale", "statefulset", "ovnkube-db", "--namespace={namespace}", "--replicas=0"],
    [
      "kubectl",
      "wait",
      "pod",
      "--namespace={namespace}",
      "--selector=ovn-db-pod=true",
      "--for=delete",
      "--timeout=180s",
    ],
  ],
  startAll: [["kubectl", "scale", "statefulset", "ovnkube-db", "--namespace={namespace}", "--replicas={replicas}"]],
  freeze: [],
  thaw: [],
  clients: resets(["kubectl", "exec", "--namespace={namespace}", "{pod}", "--"], "in every ovnkube-master pod"),
  directories: [
    databaseDirectory("/var/lib/openvswitch", undefined),
    cniDirectory("10-ovn-kubernetes.conf"),
    runDirectory("/var/run/ovn"),
    runDirectory("/var/run/openvswitch"),
  ],
  notes: [
    "Pod 0 bootstraps and sets the election timer and the connection row: it must be the first of the plan.",
    "OpenShift uses the ports 9641 to 9644, the namespace openshift-ovn-kubernetes and the pods ovnkube-master.",
  ],
  values: { namespace: "ovn-kubernetes", replicas: "3", pod: "ovnkube-db-0" },
};

const SNAP = "/var/snap/microovn/common";
const MICROOVN: LayoutProfile = {
  ...DEBIAN,
  name: "microovn",
  title: "MicroOVN (snap)",
  databases: databases({
    database: (key) => `${SNAP}/data/central/db/ovn${key}_db.db`,
    run: `${SNAP}/run/ovn`,
    log: (key) => `${SNAP}/logs/ovsdb-server-${key}.log`,
    schemas: "/snap/microovn/current/share/ovn",
    stop: (key) => [["snap", "stop", `microovn.ovn-ovsdb-server-${key}`]],
    start: (key) => [["snap", "start", `microovn.ovn-ovsdb-server-${key}`]],
  }),
  clients: [
    { who: "ovn-northd", command: ["snap", "restart", "microovn.ovn-northd"], note: "on every central member" },
    { who: "ovn-controller", command: ["snap", "restart", "microovn.chassis"], note: "on every chassis, in waves" },
  ],
  directories: [
    databaseDirectory(`${SNAP}/data/central/db`),
    nodeDatabase(`${SNAP}/data/switch/db`),
    tlsDirectory(`${SNAP}/data/pki`),
    runDirectory(`${SNAP}/run/ovn`),
    runDirectory(`${SNAP}/run/switch`, false),
  ],
  notes: [
    "Newer documentation has the run directory in run/central.",
    "The host needs ovsdb-client and ovs-appctl, or a tool prefix that finds those of the snap.",
  ],
};

const KOLLA: LayoutProfile = {
  ...DEBIAN,
  name: "kolla",
  title: "OpenStack kolla-ansible, files in Docker volumes",
  databases: databases({
    database: (key) => `/var/lib/docker/volumes/${KOLLA_NAME(key)}/_data/ovn${key}.db`,
    run: "/run/ovn",
    log: (key) => `/var/log/kolla/openvswitch/ovn-${key}-db.log`,
    tools: (key) => ["docker", "exec", "--interactive", KOLLA_NAME(key)],
    stop: (key) => [["docker", "stop", KOLLA_NAME(key)]],
    start: (key) => [["docker", "start", KOLLA_NAME(key)]],
  }),
  clients: [
    { who: "ovn-northd", command: ["docker", "restart", "ovn_northd"], note: "on every controller" },
    {
      who: "southbound relay",
      command: ["docker", "restart", "ovn_sb_db_relay_1"],
      note: "where relays are enabled: each of them, by its number, on every host, before the chassis",
    },
    { who: "ovn-controller", command: ["docker", "restart", "ovn_controller"], note: "on every chassis, in waves" },
  ],
  directories: [
    databaseDirectory("/var/lib/docker/volumes/ovn_nb_db/_data", undefined),
    databaseDirectory("/var/lib/docker/volumes/ovn_sb_db/_data", undefined),
    nodeDatabase("/var/lib/docker/volumes/openvswitch_db/_data"),
    runDirectory("/run/ovn"),
    runDirectory("/run/openvswitch", false),
  ],
  notes: [
    "Inside the containers the files are /var/lib/openvswitch/ovn-nb/ovnnb.db and /var/lib/openvswitch/ovn-sb/ovnsb.db.",
    "With podman, change `docker` in the commands and the volume's folder to /var/lib/containers/storage/volumes.",
  ],
};

export const PROFILES: readonly LayoutProfile[] = [DEBIAN, RPM, UPSTREAM, KUBE_OVN, OVN_KUBERNETES, MICROOVN, KOLLA];

/** @throws BackupError `ARGUMENT` that lists the names there are. */
export function findProfile(name: string): LayoutProfile {
  const found = PROFILES.find((profile) => profile.name === name);
  if (found !== undefined) return found;
  throw new BackupError("ARGUMENT", `there is no layout profile ${JSON.stringify(name)}`, {
    remedy: `choose one of ${PROFILES.map((profile) => profile.name).join(", ")}`,
  });
}
