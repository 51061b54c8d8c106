/** Which file to build on: by term, then commit index, then length; never one of a server that left, or damaged. */
import type { FileFacts } from "../judge/checks/files.ts";

export type RankedFile = FileFacts & {
  readonly member: string;
  /** Why it may not be built on. */
  readonly unfit?: string;
};

export function rankFiles(files: readonly (FileFacts & { readonly member: string })[]): RankedFile[] {
  return files
    .map((file): RankedFile => {
      const unfit = unfitness(file);
      return unfit === undefined ? file : { ...file, unfit };
    })
    .sort(
      (one, other) =>
        Number(one.unfit !== undefined) - Number(other.unfit !== undefined) ||
        (other.term ?? 0) - (one.term ?? 0) ||
        (other.commitIndex ?? 0) - (one.commitIndex ?? 0) ||
        (other.lastIndex ?? 0) - (one.lastIndex ?? 0),
    );
}

function unfitness({ hasLeft, hasJoined, damage, isTorn, commitIndex, lastIndex }: FileFacts): string | undefined {
  if (hasLeft === true) return "its server has left the cluster";
  if (hasJoined === false) return "its server never joined";
  if (damage !== undefined && isTorn !== true) return damage;
  if (commitIndex !== undefined && lastIndex !== undefined && commitIndex > lastIndex)
    return `commit index ${commitIndex} is beyond its last entry ${lastIndex}`;
  return undefined;
}
