/** The options that say who is asked, the same for every command, and what they come to. */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { filesTls, formatEndpoint, parseRemotes } from "@ovnha/ovsdb";
import { kubectlRunner, localRunner, type Runner, sshRunner } from "@ovnha/runner";
import type { Command } from "commander";
import { ClusterError } from "../../error.ts";
import type { DatabaseAccess, MemberAccess } from "../../observe/members.ts";
import type { Expected } from "../../observe/types.ts";
import { accessOf, LAYOUT_NAMES, LAYOUTS, type Layout } from "./layouts.ts";
import { hostOf, parseMember } from "./member-option.ts";
import { readMembersFile, type Targets } from "./members-file.ts";
import type { Terminal } from "./terminal.ts";

export type TargetFlags = {
  readonly members?: string;
  readonly member: readonly string[];
  readonly nb?: string;
  readonly sb?: string;
  readonly layout?: string;
  readonly runner?: string;
  readonly host?: string;
  readonly namespace?: string;
  readonly selector?: string;
  readonly container?: string;
  readonly kubeContext?: string;
  readonly db: readonly string[];
  readonly timeout: number;
  readonly expect?: number;
  readonly caCert?: string;
  readonly certificate?: string;
  readonly privateKey?: string;
};

/** What every command that looks at a cluster has in hand. */
export type Asked = Targets & {
  /** Schema names, or "nb" and "sb"; absent: all. */
  readonly databases?: readonly string[] | undefined;
  readonly timeoutMs: number;
};

export const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** Adds the options of {@link TargetFlags} to a command. */
export function addTargetOptions(command: Command): Command {
  return command
    .option("-m, --members <file>", "members file (YAML or JSON)")
    .option(
      "--member <list>",
      "one member: name=…,nb=REMOTE,sb=REMOTE,nb-ctl=SOCKET,sb-ctl=SOCKET,nb-log=FILE,pod=…,ssh=…; repeat",
      collect,
      [],
    )
    .option("--nb <remotes>", "client remotes of the northbound members, one per member (else OVN_NB_DB)")
    .option("--sb <remotes>", "client remotes of the southbound members (else OVN_SB_DB)")
    .option("--layout <name>", `where sockets and logs are: ${LAYOUT_NAMES.join(", ")}`)
    .option("--runner <kind>", "reach the sockets of the layout with kubectl or ssh")
    .option("--host <hosts>", "with --runner ssh: [USER@]HOST, separated by commas")
    .option("--namespace <name>", "with --runner kubectl: the namespace of the pods")
    .option("--selector <labels>", "with --runner kubectl: which pods")
    .option("--container <name>", "with --runner kubectl: which container")
    .option("--kube-context <name>", "with --runner kubectl: the context of the kubeconfig")
    .option("--db <name>", "only this database: nb, sb, or a schema's name; repeat", collect, [])
    .option("--expect <n>", "how many members each database should have", wholeNumber("--expect"))
    .option("-t, --timeout <seconds>", "limit for each question", seconds, 5)
    .option("-C, --ca-cert <file>", "certificate authority of ssl: remotes")
    .option("-c, --certificate <file>", "our certificate for ssl: remotes")
    .option("-p, --private-key <file>", "our private key for ssl: remotes");
}

/** @throws ClusterError INVALID_CONFIG if nobody has that name. */
export function memberNamed(name: string, members: readonly MemberAccess[]): MemberAccess {
  const found = members.find((member) => member.name === name);
  if (found !== undefined) return found;
  throw invalid(`no member is named ${name}; there are ${members.map((member) => member.name).join(", ")}`);
}

export function wholeNumber(what: string): (text: string) => number {
  return (text) => {
    if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
    throw new ClusterError("INVALID_CONFIG", `${what} must be a whole number from 1 on, not "${text}"`);
  };
}

/** The option of those who go through the gate. */
export const SETTLE: readonly [string, string, (text: string) => number] = [
  "--settle <seconds>",
  "how long all must have been well (default two election timers)",
  wholeNumber("--settle"),
];

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0.05 && value <= 600) return value;
  throw new ClusterError("INVALID_CONFIG", `--timeout must be from 0.05 to 600 seconds, not "${text}"`);
}

/** @throws ClusterError INVALID_CONFIG that names the option and the remedy. */
export async function readTargets(flags: TargetFlags, terminal: Terminal): Promise<Asked> {
  const { members, expected, tls: own } = await whoIsAsked(flags, terminal);
  const tls = tlsOf(flags) ?? own;
  await checkTls(tls);
  return {
    members,
    expected: expectedOf(flags, expected),
    tls,
    timeoutMs: Math.round(flags.timeout * 1_000),
    ...(flags.db.length === 0 ? {} : { databases: flags.db }),
  };
}

async function whoIsAsked(flags: TargetFlags, terminal: Terminal): Promise<Targets> {
  const ways = [flags.members !== undefined, flags.member.length > 0, flags.runner !== undefined];
  if (ways.filter((isGiven) => isGiven).length > 1)
    throw invalid("--members, --member and --runner each say who the members are; give one of them");
  checkTogether(flags);
  const layout = layoutOf(flags.layout);
  if (flags.members !== undefined) return readMembersFile(flags.members);
  if (flags.member.length > 0) return { members: flags.member.map((text) => parseMember(text, layout)) };
  if (flags.runner === "kubectl") return { members: await membersInPods(flags, layout ?? need("kube-ovn"), terminal) };
  if (flags.runner === "ssh") return { members: membersOnHosts(flags, layout ?? need("plain")) };
  if (flags.runner !== undefined) throw invalid(`--runner is kubectl or ssh, not "${flags.runner}"`);
  const nb = flags.nb ?? terminal.environment["OVN_NB_DB"];
  const sb = flags.sb ?? terminal.environment["OVN_SB_DB"];
  if (layout === undefined && (nb !== undefined || sb !== undefined)) return { members: membersByRemotes(nb, sb) };
  return { members: [memberHere(layout)] };
}

/** What is given and would not be looked at is an error: whoever gives it believes that it counts. */
function checkTogether(flags: TargetFlags): void {
  const given = (option: string, value: string | undefined): string[] => (value === undefined ? [] : [option]);
  const remotes = [...given("--nb", flags.nb), ...given("--sb", flags.sb)];
  const others = [
    ...given("--members", flags.members),
    ...(flags.member.length > 0 ? ["--member"] : []),
    ...given("--runner", flags.runner),
    ...given("--layout", flags.layout),
  ];
  if (remotes.length > 0 && others.length > 0)
    throw invalid(
      `${remotes.join(" and ")} and ${others.join(" and ")} each say who the members are; give one of them`,
    );
  if (flags.runner !== "ssh" && flags.host !== undefined) throw invalid("--host is for --runner ssh");
  const kubernetes = [
    ...given("--namespace", flags.namespace),
    ...given("--selector", flags.selector),
    ...given("--container", flags.container),
    ...given("--kube-context", flags.kubeContext),
  ];
  if (flags.runner !== "kubectl" && kubernetes.length > 0)
    throw invalid(`${kubernetes.join(", ")}: for --runner kubectl`);
}

function layoutOf(name: string | undefined): Layout | undefined {
  if (name === undefined) return undefined;
  const found = LAYOUTS.find((each) => each.name === name);
  if (found === undefined) throw invalid(`there is no layout "${name}"; there are ${LAYOUT_NAMES.join(", ")}`);
  return found;
}

function need(name: string): Layout {
  return layoutOf(name) as Layout;
}

/** One member per host of the remotes, with that host's server of each list. */
export function membersByRemotes(nb: string | undefined, sb: string | undefined): MemberAccess[] {
  const members = new Map<string, { nb?: DatabaseAccess; sb?: DatabaseAccess }>();
  for (const [key, remotes] of [
    ["nb", nb],
    ["sb", sb],
  ] as const) {
    for (const endpoint of remotes === undefined ? [] : parseRemotes(remotes).endpoints) {
      if (endpoint.kind !== "tcp" && endpoint.kind !== "ssl" && endpoint.kind !== "unix")
        throw invalid(`${formatEndpoint(endpoint)}: a member is called, it does not call; give tcp: or ssl:`);
      const host = endpoint.kind === "unix" ? endpoint.path : endpoint.host;
      const member = members.get(host) ?? {};
      // A second server of the same database on one host, as in a test on loopback, is a member of its own.
      const name = member[key] === undefined ? host : formatEndpoint(endpoint);
      members.set(name, { ...members.get(name), [key]: { remote: formatEndpoint(endpoint) } });
    }
  }
  return [...members].map(([name, accesses]) => ({ name, ...accesses }));
}

/** The servers of this machine, by the sockets that exist. */
function memberHere(layout: Layout | undefined): MemberAccess {
  for (const each of layout === undefined ? LAYOUTS.filter(({ pods }) => pods === undefined) : [layout]) {
    const [nb, sb] = [existsSync(each.nb.control), existsSync(each.sb.control)];
    if (!nb && !sb && layout === undefined) continue;
    if (!nb && !sb) break;
    return {
      name: hostname(),
      nb: nb ? accessOf(each.nb) : undefined,
      sb: sb ? accessOf(each.sb) : undefined,
    };
  }
  const looked = (layout === undefined ? LAYOUTS.filter(({ pods }) => pods === undefined) : [layout]).map(
    ({ nb }) => nb.control,
  );
  throw invalid(
    `no member is named, and there is no server here (looked for ${looked.join(", ")}); give --members FILE, --nb and --sb, --member, or --runner`,
  );
}

function membersOnHosts(flags: TargetFlags, layout: Layout): MemberAccess[] {
  const hosts = (flags.host ?? "")
    .split(",")
    .map((host) => host.trim())
    .filter((host) => host !== "");
  if (hosts.length === 0) throw invalid("--runner ssh needs --host [USER@]HOST,…");
  return hosts.map((text) => there(text, sshRunner(hostOf(text)), layout));
}

function there(name: string, runner: Runner, layout: Layout): MemberAccess {
  return { name, runner, nb: accessOf(layout.nb), sb: accessOf(layout.sb) };
}

/** The pods of the layout, by `kubectl get pods`, named after their nodes. */
async function membersInPods(flags: TargetFlags, layout: Layout, terminal: Terminal): Promise<MemberAccess[]> {
  const usual = layout.pods;
  const namespace = flags.namespace ?? usual?.namespace;
  const selector = flags.selector ?? usual?.selector;
  if (namespace === undefined || selector === undefined)
    throw invalid(`the layout ${layout.name} has no pods; give --namespace and --selector, or another layout`);
  const context = flags.kubeContext === undefined ? [] : [`--context=${flags.kubeContext}`];
  const args = [...context, "get", "pods", `--namespace=${namespace}`, `--selector=${selector}`, "-o", "json"];
  const result = await localRunner().run("kubectl", args, { timeoutMs: 30_000, signal: terminal.signal });
  if (result.exitCode !== 0) throw invalid(`kubectl ${args.join(" ")}: ${result.stderr.trim().slice(0, 500)}`);
  const pods = podsOf(result.stdout);
  if (pods.length === 0)
    throw invalid(`there is no pod with ${selector} in namespace ${namespace}; check --namespace and --selector`);
  const container = flags.container ?? usual?.container;
  return pods.map(({ pod, node }) =>
    there(node, kubectlRunner({ pod, namespace, container, context: flags.kubeContext }), layout),
  );
}

/**
 * Names of pods and of their nodes, of a Kubernetes PodList; a pod that has no node yet, or shares one, goes by its own name.
 * @throws ClusterError INVALID_CONFIG for what is no JSON.
 */
export function podsOf(json: string): { readonly pod: string; readonly node: string }[] {
  type PodList = { items?: { metadata?: { name?: string }; spec?: { nodeName?: string } }[] } | null;
  let list: PodList;
  try {
    list = JSON.parse(json) as PodList;
  } catch (cause) {
    const shown = JSON.stringify(json.slice(0, 100));
    throw invalid(`kubectl printed ${shown} in place of a list of pods: ${(cause as Error).message}; is it kubectl?`);
  }
  const items = list?.items;
  const names = new Set<string>();
  return (items ?? []).flatMap(({ metadata, spec }) => {
    const pod = metadata?.name;
    if (pod === undefined) return [];
    const node = spec?.nodeName === undefined || names.has(spec.nodeName) ? pod : spec.nodeName;
    names.add(node);
    return [{ pod, node }];
  });
}

function tlsOf({ caCert, certificate, privateKey }: TargetFlags): Targets["tls"] {
  if (caCert === undefined && certificate === undefined && privateKey === undefined) return undefined;
  try {
    return filesTls({ ca: caCert, cert: certificate, key: privateKey });
  } catch (error) {
    throw wrongTls(error);
  }
}

/** A file of ours that can't be read is no trouble of theirs: it is told before anybody is asked. */
async function checkTls(tls: Targets["tls"]): Promise<void> {
  try {
    await tls?.load();
  } catch (error) {
    throw wrongTls(error);
  }
}

function wrongTls(error: unknown): ClusterError {
  const { message } = error as Error;
  return new ClusterError(
    "INVALID_CONFIG",
    `${message}; see --ca-cert, --certificate, --private-key, or tls: in the members file`,
    {
      cause: error,
    },
  );
}

function expectedOf({ expect }: TargetFlags, expected: Expected | undefined): Expected | undefined {
  return expect === undefined ? expected : { ...expected, members: expect };
}

function invalid(message: string): ClusterError {
  return new ClusterError("INVALID_CONFIG", message);
}
