/** What `ovn-backup restore` says while it acts, and at the end. */
import { commandText, visible } from "../../restore/facts.ts";
import { isByHand } from "../../restore/format.ts";
import type { RestoreState } from "../../restore/machine.ts";
import { HERE, type RestorePlan, type RestoreStep } from "../../restore/types.ts";
import type { RestoreProgress, RestoreResult } from "../restore/execute.ts";

const place = (step: RestoreStep): string => (step.host === HERE ? "here" : step.host);

/** One line per event, for people; undefined for those that say nothing new. */
export function progressLine(progress: RestoreProgress): string | undefined {
  const { step } = progress;
  switch (progress.type) {
    case "step": {
      const again = progress.attempt > 1 ? ` (attempt ${progress.attempt})` : "";
      return visible(
        `[${progress.number}/${progress.of}] ${isByHand(step) ? "yours: " : ""}${step.title}, ${place(step)}${again}`,
      );
    }
    case "waiting":
      return visible(`    waiting: ${progress.reason}`);
    case "done":
      return (
        [
          ...(progress.how === "found" ? ["    done already"] : []),
          ...progress.notes.map((note) => visible(`    ${note}`)),
        ].join("\n") || undefined
      );
    case "undo":
      return visible(`undo: ${step.undo.kind === "actions" ? step.undo.title : `${step.title}: nothing to take back`}`);
    case "undone":
      return progress.notes.map((note) => visible(`    ${note}`)).join("\n") || undefined;
    case "action":
    case "acted":
      return undefined;
    default:
      return progress satisfies never;
  }
}

/** How far it has come, after its plan; ends with a line feed. */
export function stateText(plan: RestorePlan, { closed, undoing, steps, lastFailure }: RestoreState): string {
  const failure = lastFailure === undefined ? "" : `Failed last at ${lastFailure.step}: ${lastFailure.reason}`;
  const folder = commandText([plan.workFolder]);
  const lines = ["", ...(failure === "" ? [] : [failure])];
  if (closed === "restored")
    lines.push(`It is restored.${plan.steps.some(isByHand) ? " Steps marked [yours] are for you." : ""}`);
  else if (closed === "undone") lines.push("It is undone: the old files are back.");
  else if (undoing) lines.push(`It is being undone; to finish that: ovn-backup restore --undo ${folder} --execute`);
  else if ([...steps.values()].every((step) => step === "waiting")) lines.push("No step was begun.");
  else lines.push(`It was begun and is not finished; resume it: ovn-backup restore --resume ${folder} --execute`);
  return `${lines.map(visible).join("\n")}\n`;
}

/** For people; ends with a line feed. */
export function resultText(plan: RestorePlan, result: RestoreResult): string {
  const resume = `ovn-backup restore --resume ${commandText([plan.workFolder])} --execute`;
  const undo = `ovn-backup restore --undo ${commandText([plan.workFolder])} --execute`;
  switch (result.outcome) {
    case "restored": {
      const lines = ["Restored."];
      if (plan.clients.length > 0)
        lines.push(
          "Reset the clients that remember the old cluster:",
          ...plan.clients.map(({ who, command, note }) => `  ${who}: ${commandText(command)}   # ${note}`),
        );
      lines.push(
        `Keep the folders ovnha-restore-${plan.id} on the members until a backup of the new cluster is verified. To go back: ${undo}`,
      );
      return `${lines.map(visible).join("\n")}\n`;
    }
    case "undone":
      return `${["Undone: the old files are back.", ...result.notes].map(visible).join("\n")}\n`;
    case "stopped":
      return `${visible(`Stopped at ${result.step}: ${result.reason}`)}\nNothing after it was begun. ${result.remedy}:\n  ${resume}\n  ${undo}\n`;
    case "dry run":
      return result.failures.length === 0
        ? "The conditions of its beginning hold now.\n"
        : `${["Would stop at once:", ...result.failures.map((failure) => `  ${failure}`)].map(visible).join("\n")}\n`;
    default:
      return result satisfies never;
  }
}

/** For programs. */
export function resultJson(plan: RestorePlan, result: RestoreResult): object {
  const { state, ...rest } = result;
  return {
    ...rest,
    planId: plan.id,
    workFolder: plan.workFolder,
    steps: plan.steps.map(({ id }) => ({ id, state: state.steps.get(id), attempts: state.attempts.get(id) ?? 0 })),
    clients: plan.clients,
  };
}
