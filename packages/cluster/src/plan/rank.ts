/**
 * Which file to build on: the newer log, by the rule of elections: the term of the last entry, then its index (thesis
 * §3.6.1). The server's own term says nothing: whoever is cut off raises it again and again. Never the file of a server
 * that left, or a damaged one.
 */
import type { FileFacts } from "../judge/checks/files.ts";

export type RankedFile = FileFacts & {
  readonly member: string;
  /** Why it may not be built on. */
  readonly unfit?: string;
};

export function rankFiles(files: readonly (FileFacts & { readonly member: string })[]): RankedFile[] {
  const ranked = files.map((file): RankedFile => {
    const unfit = unfitness(file);
    return unfit === undefined ? file : { ...file, unfit };
  });
  const isFit = ({ unfit }: RankedFile): boolean => unfit === undefined;
  const hasTerms = ranked.filter(isFit).every(({ lastTerm }) => lastTerm !== undefined);
  const newest = (one: FileFacts, other: FileFacts): number =>
    (hasTerms ? (other.lastTerm ?? 0) - (one.lastTerm ?? 0) : (other.commitIndex ?? 0) - (one.commitIndex ?? 0)) ||
    (other.lastIndex ?? 0) - (one.lastIndex ?? 0);
  return ranked.sort((one, other) => Number(isFit(other)) - Number(isFit(one)) || newest(one, other));
}
/** Whether it is plain which of two files is the newer one. */
export function isRankSure(one: FileFacts, other: FileFacts): boolean {
  if (one.lastIndex === undefined || other.lastIndex === undefined) return false;
  if (one.lastTerm !== undefined && other.lastTerm !== undefined) return true;
  return one.term !== undefined && one.term === other.term && one.lastIndex === other.lastIndex;
}

function unfitness({ hasLeft, hasJoined, damage, isTorn, commitIndex, lastIndex }: FileFacts): string | undefined {
  if (hasLeft === true) return "its server has left the cluster";
  if (hasJoined === false) return "its server never joined";
  if (damage !== undefined && isTorn !== true) return damage;
  if (commitIndex !== undefined && lastIndex !== undefined && commitIndex > lastIndex)
    return `commit index ${commitIndex} is beyond its last entry ${lastIndex}`;
  return undefined;
}
