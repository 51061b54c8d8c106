/** The emergency on paper: numbered steps with the real ids and paths, read-only ones first. */
import type { Observation } from "../observe/types.ts";
import type { FileFacts } from "../judge/checks/files.ts";
import { weightOf } from "../judge/context.ts";
import type { Finding, Verdict } from "../judge/types.ts";
import type { JudgeOptions } from "./conditions.ts";
import { planRecovery, type RecoveryPlan } from "./recovery.ts";
import { fileLook, statusLook } from "./rejoin.ts";
import { placeOf, type Site } from "./site.ts";
import type { Command, PlanStep } from "./types.ts";

export type RunbookSection = {
  readonly title: string;
  readonly notes: readonly string[];
  readonly steps: readonly PlanStep[];
};

export type Runbook = {
  readonly title: string;
  readonly atMs: number;
  readonly health: Verdict["health"];
  readonly summary: readonly string[];
  readonly sections: readonly RunbookSection[];
  readonly plans: readonly RecoveryPlan[];
};

export type RunbookOptions = JudgeOptions & {
  readonly observation: Observation;
  readonly site?: Site | undefined;
  /** What `@ovnha/dbfile` says of the members' files (`fileFacts` reads it): by database, by member. */
  readonly files?: Readonly<Record<string, Readonly<Record<string, FileFacts>>>> | undefined;
  /** Members whose files are gone for good, as after a wipe: the book says how they join anew. */
  readonly lost?: readonly string[] | undefined;
  /** Whole server ids by `short@address`, where nobody alive can tell them. */
  readonly serverIds?: Readonly<Record<string, string>> | undefined;
  /** Further things to look at, such as the logs of pods or a ping of the gateway. */
  readonly looks?: readonly { readonly title: string; readonly command: Command }[] | undefined;
};

export function runbook(verdict: Verdict, options: RunbookOptions): Runbook {
  const { observation, site = {} } = options;
  let number = 0;
  const numbered = (steps: readonly (Omit<PlanStep, "number"> & { readonly number?: number })[]): PlanStep[] =>
    steps.map((step) => ({ ...step, number: ++number }));
  const plans = verdict.databases
    .filter(({ health }) => health !== "not-applicable")
    .map(({ database }) => planRecovery(observation, { ...options, database, files: options.files?.[database] }));
  const sections: RunbookSection[] = [
    {
      title: "Look",
      notes: ["Nothing here changes anything. Keep what is printed."],
      steps: numbered(lookSteps(verdict, options)),
    },
  ];
  for (const plan of plans) {
    if (plan.decision === "none") continue;
    const acting = plan.steps.filter(({ kind }) => kind !== "look");
    if (acting.length === 0 && plan.blockers.length === 0) {
      sections.push({ title: plan.title, notes: plan.because.map(noteOf), steps: [] });
      continue;
    }
    const notes = [
      ...plan.because.map(noteOf),
      ...plan.warnings.map((text) => `Mind: ${text}.`),
      ...plan.blockers.map(({ text }) => `Not yet: ${text}.`),
    ];
    sections.push({ title: plan.title, notes, steps: numbered(acting) });
  }
  const checks = verdict.databases.flatMap(
    ({ database }) =>
      observation.databases
        .find((one) => one.database === database)
        ?.members.map(({ member }) => statusLook({ database, member, site, observation })) ?? [],
  );
  sections.push({
    title: "See that all is well",
    notes: ["One leader, one cluster id, everybody caught up, nothing uncommitted: `ovn-ha gate` says so."],
    steps: numbered(checks),
  });
  return {
    title: titleOf(verdict),
    atMs: verdict.atMs,
    health: verdict.health,
    summary: summaryOf(verdict),
    sections,
    plans,
  };
}

function titleOf({ health, databases }: Verdict): string {
  const wrong = databases
    .filter((one) => one.health !== "ok" && one.health !== "not-applicable")
    .map(({ database }) => database);
  return wrong.length === 0 ? "Nothing is wrong" : `Runbook for ${wrong.join(" and ")}: ${health}`;
}

function summaryOf({ databases }: Verdict): string[] {
  return databases.map(({ database, health, quorum, leader, findings }) => {
    const codes = findings.filter((finding) => weightOf(finding) !== "info").map(({ code }) => code);
    return `${database}: ${health}; quorum ${quorum.state}: ${quorum.live} of ${quorum.configured} live, ${quorum.needed} needed; leader ${leader?.member ?? leader?.short ?? "unknown"}${codes.length > 0 ? `; ${codes.join(", ")}` : ""}`;
  });
}

function noteOf({ code, title, members, evidence, remedy }: Finding): string {
  const who = members.length > 0 ? ` (${members.join(", ")})` : "";
  const shown = evidence.slice(0, 3).map(({ member, text }) => (member === undefined ? text : `${member}: ${text}`));
  return `${code}${who}: ${title}. ${shown.join("; ")}. ${remedy.text}`;
}

/** Every member of every database, by every way there is; then what is outside of them. */
function lookSteps(
  verdict: Verdict,
  { observation, site = {}, looks = [] }: RunbookOptions,
): Omit<PlanStep, "number">[] {
  const steps: Omit<PlanStep, "number">[] = [];
  const about = { kind: "look", before: [], after: [], isDestructive: false, undo: "Nothing is changed." } as const;
  for (const { database, health } of verdict.databases) {
    if (health === "not-applicable") continue;
    for (const { member } of observation.databases.find((one) => one.database === database)?.members ?? []) {
      const { remote, logFile } = placeOf(site, observation, member, database);
      const where = { database, member, site, observation, stamp: "" };
      const query = JSON.stringify([
        "_Server",
        {
          op: "select",
          table: "Database",
          where: [["name", "==", database]],
          columns: ["name", "connected", "leader", "cid", "sid", "index"],
        },
      ]);
      steps.push(statusLook(where));
      const at = remote.startsWith("unix:") ? member : "here";
      steps.push({
        ...about,
        title: `Ask ${member} for its row of ${database}`,
        database,
        member,
        command: { at, program: "ovsdb-client", args: ["query", remote, query] },
      });
      if (health === "ok") continue;
      steps.push({
        ...about,
        title: `Read the end of ${member}'s log`,
        database,
        member,
        command: { at: member, program: "tail", args: ["-n", "50", logFile] },
      });
      steps.push(fileLook(where));
    }
  }
  for (const { title, command } of looks) steps.push({ ...about, title, database: "", command });
  return steps;
}
