/** The arithmetic of majorities. */

/** How many of `n` configured servers make a majority. */
export function majority(n: number): number {
  return Math.floor(n / 2) + 1;
}

/**
 * The highest index that a majority of the configuration holds: the n-th highest match index for a majority of n.
 * `matchIndexes` has one number per configured server; it is sorted in place.
 */
export function majorityIndex(matchIndexes: number[]): number {
  // Insertion sort, highest first: configurations are small.
  for (let i = 1; i < matchIndexes.length; i++) {
    const value = matchIndexes[i]!;
    let at = i;
    while (at > 0 && matchIndexes[at - 1]! < value) {
      matchIndexes[at] = matchIndexes[at - 1]!;
      at--;
    }
    matchIndexes[at] = value;
  }
  return matchIndexes[Math.floor(matchIndexes.length / 2)] ?? 0;
}
