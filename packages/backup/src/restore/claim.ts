/**
 * The claim of a restore: a file beside each database file that it will move, made by whoever comes first and taken away by
 * whoever finishes or undoes. Two restores of one cluster, begun on different machines, meet there and nowhere else: servers
 * are down meanwhile, so that no lock of a database could tell.
 */
import { z } from "zod";
import { baseName } from "../layout/profile.ts";
import { commandText } from "./facts.ts";
import type { RestorePlan } from "./types.ts";

/** Where a claim is made. */
export interface ClaimPlace {
  /** Name of the member. */
  readonly at: string;
  /** Of the database file. */
  readonly path: string;
}

export interface Claim {
  /** Of the plan; a resumed restore knows its own claim by it. */
  readonly plan: string;
  /** `user@host, process 12`. */
  readonly by: string;
  readonly host: string;
  /** With the journal, on `host`. */
  readonly workFolder: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

const claim: z.ZodType<Claim> = z.object({
  plan: z.string(),
  by: z.string(),
  host: z.string(),
  workFolder: z.string(),
  atMs: z.number().int().min(-8.64e15).max(8.64e15),
});

/** Every database file that the plan stops a server of, moves or makes. */
export function claimPlaces(plan: RestorePlan): ClaimPlace[] {
  const places = new Map<string, ClaimPlace>();
  for (const { before, after, undo } of plan.steps)
    for (const check of [...before, ...after, ...(undo.kind === "actions" ? undo.before : [])])
      if (check.kind === "unlocked") places.set(`${check.at}\0${check.path}`, { at: check.at, path: check.path });
  return [...places.values()];
}

/** `folder` is that of the database file, its symbolic links followed. */
export function claimPath(folder: string, file: string): string {
  return `${folder === "/" ? "" : folder}/${baseName(file)}.ovnha-restore`;
}

export function formatClaim(of: Claim): string {
  return `${JSON.stringify(of)}\n`;
}

/** Undefined if the text is no claim, as after a crash of the host. */
export function parseClaim(text: string): Claim | undefined {
  try {
    return claim.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Who has it, and what to do. `now`: what is known of that restore's process and work folder, if it is on this machine. */
export function foreignClaim(
  file: string,
  path: string,
  found: Claim | undefined,
  now: string | undefined,
): { readonly message: string; readonly remedy: string } {
  const byHand = `make sure that no restore works on this cluster, then remove ${commandText([path])} by hand, at every member`;
  if (found === undefined)
    return { message: `${file} is claimed by another restore, but ${path} does not tell by which`, remedy: byHand };
  const { plan, by, host, workFolder, atMs } = found;
  const folder = commandText([workFolder]);
  return {
    message:
      `${file} is claimed by another restore, ${plan}, begun on ${new Date(atMs).toISOString()} by ${by}, ` +
      `work folder ${folder} there${now === undefined ? "" : ` (${now})`}; the claim is ${path}`,
    remedy:
      `wait for it; or on ${host} look where it stands (--status ${folder}), and finish it (--resume ${folder} --execute) ` +
      `or take it back (--undo ${folder} --execute), which takes the claim away; if that folder is lost, ${byHand}`,
  };
}
