/** `--member name=ovn1,nb=tcp:10.0.0.1:6641,nb-ctl=/run/ovn/ovnnb_db.ctl,pod=kube-system/ovn-central-0`: one member as text. */
import { kubectlRunner, type Runner, sshRunner } from "@ovnha/runner";
import { ClusterError } from "../../error.ts";
import type { DatabaseAccess, MemberAccess } from "../../observe/members.ts";
import type { Layout } from "./layouts.ts";

const KEYS =
  "name, nb, sb, nb-ctl, sb-ctl, nb-log, sb-log, nb-file, sb-file, db:NAME, db:NAME-ctl, db:NAME-log, db:NAME-file, pod=[NAMESPACE/]POD[:CONTAINER], ssh=[USER@]HOST";

/** @throws ClusterError INVALID_CONFIG */
export function parseMember(text: string, layout?: Layout): MemberAccess {
  const values = new Map<string, string>();
  // A comma separates only before a key, so that a list of remotes may hold some.
  for (const part of text.split(/,(?=(?:db:)?[A-Za-z_][\w-]*=)/)) {
    const equals = part.indexOf("=");
    const key = part.slice(0, equals).trim();
    if (equals === -1 || part.slice(equals + 1) === "") throw invalid(text, `"${part}" is not KEY=VALUE`);
    if (values.has(key)) throw invalid(text, `"${key}" is given twice`);
    values.set(key, part.slice(equals + 1).trim());
  }
  const name = values.get("name");
  if (name === undefined) throw invalid(text, "name= is missing");
  if (name.includes(",")) throw invalid(text, `"${name.slice(name.indexOf(",") + 1)}" is not KEY=VALUE`);
  const databases: Record<string, DatabaseAccess> = {};
  for (const [key, value] of values) {
    if (key === "name" || key === "pod" || key === "ssh") continue;
    const match = /^(nb|sb|db:(?<database>.+?))(?<part>-ctl|-log|-file)?$/.exec(key);
    if (match === null) throw invalid(text, `there is no key "${key}"`);
    const database = match.groups?.["database"] ?? match[1] ?? "";
    const field = { "-ctl": "control", "-log": "logFile", "-file": "file" }[match.groups?.["part"] ?? ""] ?? "remote";
    databases[database] = { ...databases[database], [field]: value };
  }
  const runner = runnerOf(text, values.get("pod"), values.get("ssh"));
  for (const key of ["nb", "sb"] as const) {
    const usual = layout?.[key];
    if (usual !== undefined)
      databases[key] = { control: usual.control, logFile: usual.log, file: usual.file, ...databases[key] };
  }
  return { name, databases, runner };
}

/** `[USER@]HOST`. */
export function hostOf(text: string): { readonly host: string; readonly user?: string } {
  const at = text.lastIndexOf("@");
  return at === -1 ? { host: text } : { host: text.slice(at + 1), user: text.slice(0, at) };
}

function runnerOf(text: string, pod: string | undefined, ssh: string | undefined): Runner | undefined {
  if (pod !== undefined && ssh !== undefined) throw invalid(text, "pod= and ssh= exclude each other");
  if (ssh !== undefined) {
    return sshRunner(hostOf(ssh));
  }
  if (pod === undefined) return undefined;
  const match = /^(?:(?<namespace>[^/:]+)\/)?(?<pod>[^/:]+)(?::(?<container>[^/:]+))?$/.exec(pod)?.groups;
  if (match?.["pod"] === undefined) throw invalid(text, `pod=${pod} is not [NAMESPACE/]POD[:CONTAINER]`);
  return kubectlRunner({ pod: match["pod"], namespace: match["namespace"], container: match["container"] });
}

function invalid(text: string, reason: string): ClusterError {
  return new ClusterError("INVALID_CONFIG", `--member ${text}: ${reason}; keys are ${KEYS}`);
}
