/** A plan for people: as text for a terminal, and as Markdown for a ticket or a runbook. */
import { DATABASE_NAMES } from "../layout/profile.ts";
import type { ClientReset } from "../layout/profile.ts";
import { commandText, visible } from "./facts.ts";
import type { RestoreState } from "./machine.ts";
import {
  type Action,
  type Check,
  type FactRef,
  HERE,
  isRefused,
  type PlanFinding,
  type RestorePlan,
  type RestoreStep,
  type ServerRef,
} from "./types.ts";

const place = (at: string): string => (at === HERE ? "here" : `on ${at}`);
const value = (ref: string | FactRef): string => (typeof ref === "string" ? ref : `<${ref.fact}>`);

/** What an action does, in the words of a shell where it has some; the executor itself uses no shell. */
export function actionText(action: Action): string {
  switch (action.kind) {
    case "run":
      return `${place(action.at)}: ${commandText(action.command)}${action.mayFail === true ? "   # may fail" : ""}`;
    case "folder":
      return `${place(action.at)}: ${commandText(["mkdir", "-p", "-m", "0700", action.path])}`;
    case "copy":
      return `${place(action.at)}: ${commandText(["cp", "-p", action.from, action.to])}   # if it is there; SHA-256 compared`;
    case "move":
      return `${place(action.at)}: ${commandText(["mv", "-n", action.from, action.to])}   # if it is there`;
    case "put": {
      const { owner, mode } = action;
      return `${place(action.at)}: ${commandText(["install", "-o", owner.user, "-g", owner.group, "-m", `0${mode.toString(8)}`])} <from here: ${commandText([action.from])}> ${commandText([action.to])}   # SHA-256 compared`;
    }
    case "fetch":
      return `${place(action.at)}: ${commandText(["cat", action.from])} > <here: ${commandText([action.to])}>   # SHA-256 compared`;
    case "convert":
      return `here: ${commandText(["ovsdb-tool", "cluster-to-standalone", action.to, action.from])}   # natively: committed entries alone, rows counted`;
    case "create-cluster": {
      const timer = action.electionTimerMs === undefined ? [] : [`--election-timer=${action.electionTimerMs}`];
      return `here: ${commandText(["ovsdb-tool", ...timer, "create-cluster", action.to, action.from, action.address])}   # natively, as server ${action.sid} of cluster ${action.cid}; every row compared`;
    }
    case "join-cluster":
      return `here: ${commandText(["ovsdb-tool", `--cid=${action.cid}`, "join-cluster", action.to, DATABASE_NAMES[action.database], action.address, ...action.remotes])}   # natively, as server ${action.sid}`;
    case "compare-rows":
      return `here: compare the rows of ${serverText(action.server)} with ${action.with}${action.strict ? "" : " (differences are told, and do not fail)"}`;
    case "backup":
      return `here: back up ${action.databases.map((key) => `${DATABASE_NAMES[key]} from ${(action.remotes[key] ?? []).join(",")}`).join("; ")}`;
    case "tell":
      return `by hand: ${action.text}`;
    default:
      return action satisfies never;
  }
}

const serverText = (server: ServerRef): string => `${server.member}'s ${server.databaseName} (${server.remote})`;

export function checkText(check: Check): string {
  switch (check.kind) {
    case "reachable":
      return `commands run ${place(check.at)}`;
    case "present":
      return `${check.path} is there, ${place(check.at)}`;
    case "absent":
      return `${check.path} is not there, ${place(check.at)}`;
    case "hash":
      return `${check.path} has the SHA-256 ${value(check.sha256)}, ${place(check.at)}`;
    case "space":
      return `${check.path} has ${check.bytes} bytes free, ${place(check.at)}`;
    case "writable":
      return `${check.path} can be written, ${place(check.at)}`;
    case "unlocked":
      return `no server has ${check.path} open, ${place(check.at)}`;
    case "silent":
      return `${serverText(check.server)} does not answer`;
    case "connected":
      return `${serverText(check.server)} is connected${check.cid === undefined ? "" : ` to cluster ${check.cid}`}`;
    case "together":
      return `${check.servers.map(({ member }) => member).join(", ")}: connected to one cluster${check.cid === undefined ? "" : `, ${check.cid}`}, one leader, equal index`;
    case "forgotten":
      return `${check.server.member} no longer lists server ${check.sid}`;
    default:
      return check satisfies never;
  }
}

const LABEL = { refuse: "REFUSED", warn: "warning", note: "note" } as const;

export interface FormatOptions {
  readonly state?: RestoreState | undefined;
  /** Leaves out the actions and conditions of each step. */
  readonly brief?: boolean | undefined;
  /** What the last line says: `dry run` (default) how to carry it out, `none` nothing, since somebody acts or has acted. */
  readonly ending?: "dry run" | "none" | undefined;
}

/** Whether a step is a person's: the restore itself only names it. */
export const isByHand = ({ actions }: RestoreStep): boolean =>
  actions.length > 0 && actions.every(({ kind }) => kind === "tell");

const clientLine = ({ who, command, note }: ClientReset): string => `${who}: ${commandText(command)}   # ${note}`;

/** For a terminal; ends with a line feed. */
export function formatPlan(plan: RestorePlan, options: FormatOptions = {}): string {
  const out: string[] = [
    plan.title,
    "",
    `plan ${plan.id} of ${new Date(plan.createdMs).toISOString()}, layout ${plan.profile}, work folder ${plan.workFolder}`,
  ];
  for (const member of plan.members)
    out.push(
      `  member ${member.name}${member.bootstraps ? " (bootstraps)" : ""}: ${member.where}; ${Object.values(member.addresses).join(", ")}`,
    );
  for (const source of plan.sources)
    out.push(
      `  source of ${DATABASE_NAMES[source.database]}: ${source.path} ${place(source.at)}: ${source.what}; SHA-256 ${source.sha256}`,
    );
  if (plan.findings.length > 0) out.push("", ...plan.findings.flatMap(findingLines));
  out.push("");
  for (const [index, step] of plan.steps.entries()) out.push(...stepLines(index, step, plan.clients, options));
  if (isRefused(plan)) out.push("", "This plan cannot be carried out; see REFUSED above.");
  else if (options.ending !== "none") out.push("", "Nothing was changed. To carry it out: --execute.");
  return `${out.map(visible).join("\n")}\n`;
}

function findingLines({ code, severity, message, remedy }: PlanFinding): string[] {
  return [`${LABEL[severity]} ${code}: ${message}`, `  remedy: ${remedy}`];
}

function stepLines(
  index: number,
  step: RestoreStep,
  clients: readonly ClientReset[],
  { state, brief }: FormatOptions,
): string[] {
  const now = state?.steps.get(step.id);
  const number = `${String(index + 1).padStart(3)}. `;
  if (isByHand(step))
    return [
      `${number}[yours] ${step.title}  (${step.id})`,
      ...clients.map((client) => `       run    ${clientLine(client)}`),
    ];
  const lines = [
    `${number}${now === undefined || now === "waiting" ? "" : `[${now}] `}${step.title}  (${step.id}, ${place(step.host)})`,
  ];
  if (brief === true) return lines;
  for (const check of step.before) lines.push(`       needs  ${checkText(check)}`);
  for (const action of step.actions) lines.push(`       does   ${actionText(action)}`);
  for (const check of step.after) lines.push(`       until  ${checkText(check)}`);
  if (step.undo.kind === "actions") lines.push(`       undo   ${step.undo.title}`);
  if (step.undo.kind === "impossible") lines.push(`       undo   IMPOSSIBLE: ${step.undo.reason}`);
  return lines;
}

/** For a ticket; code spans hold what a shell would be given. */
export function formatPlanMarkdown(plan: RestorePlan, options: FormatOptions = {}): string {
  const out: string[] = [
    `# ${text(plan.title)}`,
    "",
    `Plan \`${plan.id}\` of ${new Date(plan.createdMs).toISOString()}, layout ${plan.profile}, work folder ${code(plan.workFolder)}.`,
    "",
  ];
  out.push("| member | where | raft addresses | |", "|---|---|---|---|");
  for (const member of plan.members)
    out.push(
      `| ${cell(member.name)} | ${cell(member.where)} | ${cell(Object.values(member.addresses).join(", "))} | ${member.bootstraps ? "bootstraps" : ""} |`,
    );
  out.push("");
  for (const source of plan.sources)
    out.push(
      `- Source of ${DATABASE_NAMES[source.database]}: ${code(source.path)} ${text(place(source.at))}, ${text(source.what)}, SHA-256 \`${source.sha256}\``,
    );
  if (plan.findings.length > 0) out.push("", "## Findings", "");
  for (const { code: name, severity, message, remedy } of plan.findings)
    out.push(`- **${LABEL[severity]} ${name}**: ${text(message)}. Remedy: ${text(remedy)}.`);
  out.push("", "## Steps", "");
  for (const [index, step] of plan.steps.entries()) {
    const now = options.state?.steps.get(step.id);
    out.push(
      `${index + 1}. ${isByHand(step) ? "[yours] " : now === "done" ? "[x] " : ""}**${text(step.title)}** (${code(step.id)}, ${text(place(step.host))})`,
    );
    if (options.brief === true) continue;
    for (const check of step.before) out.push(`   - needs: ${text(checkText(check))}`);
    for (const action of step.actions) out.push(`   - ${code(actionText(action))}`);
    for (const check of step.after) out.push(`   - until: ${text(checkText(check))}`);
    if (step.undo.kind === "actions") out.push(`   - undo: ${text(step.undo.title)}`);
    if (step.undo.kind === "impossible") out.push(`   - undo: **impossible**, ${text(step.undo.reason)}`);
  }
  if (plan.clients.length > 0) out.push("", "## Clients to reset", "");
  for (const { who, command, note } of plan.clients)
    out.push(`- ${text(who)}: ${code(commandText(command))} (${text(note)})`);
  return `${out.join("\n")}\n`;
}

/** What Markdown would take for its own is made plain; a line feed would end the line. */
function text(plain: string): string {
  return visible(plain).replace(/[\\`*_<>[\]|#]/g, (character) => `\\${character}`);
}

function cell(plain: string): string {
  return text(plain);
}

/** A code span with as many backticks around as none inside has. */
function code(plain: string): string {
  const flat = visible(plain);
  const longest = Math.max(0, ...[...flat.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${flat}${fence}` : `${fence} ${flat} ${fence}`;
}
