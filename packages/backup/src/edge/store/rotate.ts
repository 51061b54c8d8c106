/** Removes backups that a policy no longer keeps. Says what it would do, unless it is told to do it. */
import { rm } from "node:fs/promises";
import { BackupError } from "../../error.ts";
import { manifestName, verifiedName } from "../../names.ts";
import { planRotation, type RotationPlan, type RotationPolicy, type RotationSet } from "../../store/rotation.ts";
import { digestFile } from "../take/digest.ts";
import { syncFolder } from "../take/publish.ts";
import { type BackupFolder, type ListedBackup, listBackups } from "./list.ts";

export type RotateOptions = {
  readonly folder: string;
  readonly policy: RotationPolicy;
  /** False removes; default true: the plan alone. */
  readonly dryRun?: boolean | undefined;
  /** The present, for the rule `withinMs`; milliseconds since 1970. */
  readonly nowMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type Rotated = RotationPlan & {
  readonly dryRun: boolean;
  /** Files that are removed, or would be. */
  readonly files: readonly string[];
  /** Left alone: nobody can tell what they are worth. */
  readonly broken: BackupFolder["broken"];
  /** Drafts of killed programs, a day old or older; they go too. */
  readonly debris: readonly string[];
};

const DAY_MS = 86_400_000;

/**
 * Before anything goes, the verified backups that the rest relies on are hashed again.
 *
 * @throws BackupError `DAMAGED` if one of those is not what it was: then nothing is removed.
 */
export async function rotate(options: RotateOptions): Promise<Rotated> {
  const { folder, policy, dryRun = true, nowMs = Date.now(), signal } = options;
  const { backups, broken, debris } = await listBackups(folder);
  const bySet = new Map<string, ListedBackup[]>();
  for (const backup of backups) {
    const { id } = backup.manifest.set;
    bySet.set(id, [...(bySet.get(id) ?? []), backup]);
  }
  const plan = planRotation(
    [...bySet].map(([id, members]) => rotationSet(id, members)),
    policy,
    nowMs,
  );
  const removed = plan.remove.flatMap(({ id }) => bySet.get(id) ?? []);
  const old = debris.filter(({ modifiedMs }) => modifiedMs < nowMs - DAY_MS).map(({ path }) => path);
  const files = removed.flatMap(({ path }) => [path, verifiedName(path), manifestName(path)]);
  if (!dryRun) {
    if (removed.length > 0) await checkPillars(plan, bySet, signal);
    // The data goes before its manifest: what is left of an interrupted removal can still be named.
    for (const path of [...files, ...old]) {
      if (signal?.aborted) throw new BackupError("ABORTED", "the rotation was given up", { cause: signal.reason });
      await rm(path, { force: true });
    }
    await syncFolder(folder);
  }
  return { ...plan, dryRun, files: files.filter((path) => !path.endsWith(verifiedName(""))), broken, debris: old };
}

function rotationSet(id: string, members: readonly ListedBackup[]): RotationSet {
  return {
    id,
    createdMs: Math.max(...members.map(({ manifest }) => Date.parse(manifest.createdAt))),
    bytes: members.reduce((sum, { manifest }) => sum + manifest.file.bytes, 0),
    databases: members.map(({ manifest }) => manifest.database),
    verified: members.filter(({ verified }) => verified !== undefined).map(({ manifest }) => manifest.database),
  };
}

/** The newest verified backup of each database must still be there, to the bit. */
async function checkPillars(
  plan: RotationPlan,
  bySet: ReadonlyMap<string, readonly ListedBackup[]>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const seen = new Set<string>();
  for (const { set } of plan.keep)
    for (const { path, manifest, verified } of bySet.get(set.id) ?? []) {
      if (verified === undefined || seen.has(manifest.database)) continue;
      seen.add(manifest.database);
      const { sha256 } = await digestFile(path, signal);
      if (sha256 !== manifest.file.sha256)
        throw new BackupError(
          "DAMAGED",
          `${path} was verified on ${verified.verifiedAt}, and is not what it was then`,
          {
            path,
            remedy: "nothing was removed; take a new backup, and look at the disk",
          },
        );
    }
}
