/** The arithmetic of majorities. */

/** How many of `n` configured servers make a majority. */
export function majority(n: number): number {
  return Math.floor(n / 2) + 1;
}

/**
 * The highest index above `floor` that a majority of the servers of a configuration holds, `floor` for none: the greatest
 * match index that a majority reaches. Configurations are small, so each is held against all: nothing is sorted and nothing
 * allocated. A leader has nothing to gain from what is committed, and most answers are about that.
 */
export function majorityIndex(servers: readonly { readonly matchIndex: number }[], floor = 0): number {
  const needed = majority(servers.length);
  let best = floor;
  for (let i = 0; i < servers.length; i++) {
    const index = servers[i]!.matchIndex;
    if (index <= best) continue;
    let holders = 0;
    for (let j = 0; j < servers.length; j++) if (servers[j]!.matchIndex >= index) holders++;
    if (holders >= needed) best = index;
  }
  return best;
}
