/** Plans and runbooks for people: plain text, Markdown, or JSON for other programs. */
import { quote } from "@ovnha/runner";
import type { Runbook } from "./runbook.ts";
import type { Command, Condition, Plan, PlanStep } from "./types.ts";

export type RenderFormat = "text" | "markdown" | "json";

export function commandLine({ program, args }: Command): string {
  return [program, ...args].map(quote).join(" ");
}

export function conditionText(condition: Condition): string {
  const { database } = condition;
  switch (condition.type) {
    case "one-leader":
      return `${database} has one leader that all know, and a quorum`;
    case "leads":
      return `${condition.member} leads ${database}`;
    case "no-quorum":
      return `${database} has no quorum, and can't have one by itself`;
    case "quorum-without":
      return `without ${condition.server.replace("@", " at ")} a majority of ${database} lives`;
    case "tolerance":
      return `${condition.least} more may fail in ${database}`;
    case "caught-up":
      return `${condition.member} is a member of ${database} and has everything`;
    case "others-live":
      return `all others of ${database} live`;
    case "absent":
      return `nobody in ${database} lists ${condition.server.replace("@", " at ")}`;
    case "silent":
      return `${condition.server.replace("@", " at ")} is silent to the leader and to another witness`;
    case "timer":
      return `the election timer of ${database} is ${condition.ms} ms everywhere`;
    case "no-change-under-way":
      return `nothing is being added, removed or changed in ${database}`;
    case "staying":
      return `${condition.member} is a member and not leaving`;
    case "stopped":
      return `${condition.member} does not answer for ${database}`;
    case "healthy":
      return `${database} is well`;
  }
}

/** That something is taken away, and that it stays away, are two different things. */
function markOf({ isDestructive, isIrreversible }: PlanStep): string | undefined {
  if (isIrreversible === true) return "can't be taken back";
  return isDestructive ? "takes something away" : undefined;
}

function stepLines(step: PlanStep, isMarkdown: boolean): string[] {
  const { number, title, kind, command, text, before, after, withinMs, undo } = step;
  const indent = isMarkdown ? "   " : "     ";
  const code = (line: string): string => (isMarkdown ? `\`${line}\`` : line);
  const mark = markOf(step);
  const marked = mark === undefined ? "" : isMarkdown ? ` **(${mark})**` : `  (${mark})`;
  const lines = [`${isMarkdown ? `${number}.` : `${String(number).padStart(3)}.`} ${title}${marked}`];
  const add = (line: string): unknown => lines.push(isMarkdown ? `${indent}- ${line}` : `${indent}${line}`);
  if (command !== undefined) {
    if (isMarkdown)
      lines.push(
        "",
        `${indent}\`\`\`sh`,
        `${indent}${command.at === "here" ? "" : `# at ${command.at}\n${indent}`}${commandLine(command)}`,
        `${indent}\`\`\``,
        "",
      );
    else add(`${command.at === "here" ? "" : `[${command.at}] `}$ ${commandLine(command)}`);
  }
  if (text !== undefined && text !== "") add(text);
  if (before.length > 0)
    add(
      `before: ${before
        .map(conditionText)
        .map(isMarkdown ? (one) => one : code)
        .join("; ")}`,
    );
  if (after.length > 0)
    add(
      `then: ${after.map(conditionText).join("; ")}${withinMs === undefined ? "" : `, within ${Math.round(withinMs / 1_000)} s; else stop here`}`,
    );
  if (kind !== "look") add(`undo: ${undo}`);
  return lines;
}

export function renderPlan(plan: Plan, format: RenderFormat = "text"): string {
  if (format === "json") return `${JSON.stringify(plan, undefined, 2)}\n`;
  const isMarkdown = format === "markdown";
  const lines = [isMarkdown ? `# ${plan.title}` : plan.title, ""];
  if (plan.isDone) lines.push("Nothing is left to do.", "");
  for (const { code, text } of plan.blockers)
    lines.push(`${isMarkdown ? "- **" : "  "}NOT NOW${isMarkdown ? "**" : ""} ${code}: ${text}`);
  for (const text of plan.warnings) lines.push(`${isMarkdown ? "- " : "  "}mind: ${text}`);
  if (plan.witnesses.length > 0) lines.push(`${isMarkdown ? "- " : "  "}on the word of: ${plan.witnesses.join(", ")}`);
  if (plan.blockers.length + plan.warnings.length + plan.witnesses.length > 0) lines.push("");
  for (const step of plan.steps) lines.push(...stepLines(step, isMarkdown));
  // The top of a long plan is out of sight by then.
  if (plan.blockers.length > 0 && plan.steps.length > 0)
    lines.push(
      "",
      `${isMarkdown ? "**" : "  "}NOT NOW${isMarkdown ? "**" : ""}: see at the top what stands against it.`,
    );
  return `${lines.join("\n").trimEnd()}\n`;
}

export function renderRunbook(runbook: Runbook, format: RenderFormat = "text"): string {
  if (format === "json") return `${JSON.stringify(runbook, undefined, 2)}\n`;
  const isMarkdown = format === "markdown";
  const lines = [
    isMarkdown ? `# ${runbook.title}` : runbook.title.toUpperCase(),
    "",
    new Date(runbook.atMs).toISOString(),
    "",
  ];
  for (const line of runbook.summary) lines.push(isMarkdown ? `- ${line}` : `  ${line}`);
  for (const { title, notes, steps } of runbook.sections) {
    lines.push("", isMarkdown ? `## ${title}` : title, "");
    for (const note of notes) lines.push(isMarkdown ? `> ${note}` : `  ${note}`);
    if (notes.length > 0) lines.push("");
    for (const step of steps) lines.push(...stepLines(step, isMarkdown));
  }
  return `${lines.join("\n").trimEnd()}\n`;
}
