/** What this machine has of Open vSwitch. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

function firstLine(command: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? stdout.split("\n", 1)[0] : undefined;
}

let version: string | undefined | null = null;

/** The version of ovsdb-server, such as "3.1.0"; undefined if it is not installed. */
export function ovsVersion(): string | undefined {
  if (version === null) version = firstLine("ovsdb-server", ["--version"])?.match(/(\d+\.\d+\.\d+)/)?.[1];
  return version;
}

/**
 * Whether the server that is installed has what came with these releases, the first of each branch, in ascending order:
 * `ovsHas("3.3.0")`, or `ovsHas("2.17.7", "3.0.5", "3.1.2", "3.2.0")` for what older branches got, too.
 */
export function ovsHas(...since: readonly string[]): boolean {
  const own = partsOf(ovsVersion() ?? "0.0.0");
  const releases = since.map(partsOf);
  const sameBranch = releases.find(([major, minor]) => major === own[0] && minor === own[1]);
  return compareParts(own, sameBranch ?? releases.at(-1) ?? own) >= 0;
}

type Parts = readonly [major: number, minor: number, patch: number];

function partsOf(version: string): Parts {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return [major, minor, patch];
}

function compareParts(a: Parts, b: Parts): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** Tests of the real servers are skipped where these are absent; with OVNHA_REQUIRE_OVS=1 that is a failure. */
export function realOvs(): "present" | "skip" {
  if (ovsVersion() !== undefined) return "present";
  if (process.env["OVNHA_REQUIRE_OVS"] === "1")
    throw new Error(
      "OVNHA_REQUIRE_OVS=1, and ovsdb-server is not installed: apt-get install openvswitch-switch ovn-common ovn-central",
    );
  return "skip";
}

let netns: boolean | undefined;

/** Whether this process may make network namespaces, and bridges and cables between them. */
export function canNetns(): boolean {
  if (netns !== undefined) return netns;
  const name = `ovnha-${process.pid}-probe`;
  const ip = (...args: readonly string[]): boolean => spawnSync("ip", args).status === 0;
  netns = process.getuid?.() === 0 && ip("netns", "add", name);
  if (!netns) return false;
  netns =
    ip("-n", name, "link", "add", "br0", "type", "bridge") &&
    ip("-n", name, "link", "add", "name", "probe0", "type", "veth", "peer", "name", "probe1");
  ip("netns", "del", name);
  return netns;
}

const schemaFile = (name: string, candidates: readonly string[]): string =>
  candidates.find((path) => existsSync(path)) ?? candidates[0] ?? name;

/** Schemas that the packages of OVS and OVN install. */
export const SCHEMAS: { readonly vswitch: string; readonly northbound: string; readonly southbound: string } = {
  vswitch: schemaFile("vswitch", ["/usr/share/openvswitch/vswitch.ovsschema"]),
  northbound: schemaFile("ovn-nb", ["/usr/share/ovn/ovn-nb.ovsschema"]),
  southbound: schemaFile("ovn-sb", ["/usr/share/ovn/ovn-sb.ovsschema"]),
};
