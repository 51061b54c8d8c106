/** What somebody meant who has mistyped. */

/** Letters that may be wrong, missing or too many. */
const MISTAKES_MAX = 2;

/** The word that is fewest mistakes away, at most two and fewer than half of its letters; undefined if none is. */
export function nearest(text: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = MISTAKES_MAX + 1;
  for (const word of words) {
    const mistakes = distance(text.slice(0, 40).toLowerCase(), word);
    if (mistakes >= fewest || mistakes * 2 >= word.length) continue;
    best = word;
    fewest = mistakes;
  }
  return best;
}

/** Letters to change, drop or insert (Levenshtein). */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const row = [i + 1];
    for (let j = 0; j < b.length; j++)
      row.push(Math.min(above[j + 1]! + 1, row[j]! + 1, above[j]! + (a[i] === b[j] ? 0 : 1)));
    above = row;
  }
  return above[b.length]!;
}
