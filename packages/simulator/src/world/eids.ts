/** Entry ids are counted, so that a run needs no chance for them; the next run counts the same ones. */
import { interned, uuidOf } from "./host.ts";

/** The id with a number. */
export function eidOf(n: number): string {
  if (n >= EIDS_MAX) return newEid(n);
  while (EIDS.length <= n) EIDS.push(interned(newEid(EIDS.length)));
  return EIDS[n]!;
}

function newEid(n: number): string {
  const digits = n.toString(16);
  return EID_PREFIX + ZEROS.slice(digits.length) + digits;
}

const EIDS: string[] = [];
/** Those beyond are rare, and made when they are asked for. */
const EIDS_MAX = 50_000;

const EID_PREFIX = uuidOf(0xe, 0).slice(0, -12);
const ZEROS = "000000000000";
