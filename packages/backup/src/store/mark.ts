/** The mark that a check leaves beside a backup: when it was found whole, and how thoroughly it was looked at; or damaged. */
import { z } from "zod";

export type VerifiedMark = {
  readonly format: "ovnha-verified";
  readonly formatVersion: 1;
  /** Of the file that was checked; a mark for other bytes counts for nothing. */
  readonly sha256: string;
  /** ISO 8601, UTC. */
  readonly verifiedAt: string;
  /** `rehearsed`: a real ovsdb-server served it, row by row the same. */
  readonly level: "verified" | "rehearsed";
};

/** What a check that finds damage puts in the place of a mark. Good for the name, not for some bytes, until a check finds it whole. */
export type DamagedMark = {
  readonly format: "ovnha-verified";
  readonly formatVersion: 1;
  /** Of the file as it was found. */
  readonly sha256: string;
  /** ISO 8601, UTC. */
  readonly verifiedAt: string;
  readonly level: "damaged";
};

const markSchema: z.ZodType<VerifiedMark | DamagedMark> = z.object({
  format: z.literal("ovnha-verified"),
  formatVersion: z.literal(1),
  sha256: z.string(),
  verifiedAt: z.iso.datetime(),
  level: z.enum(["verified", "rehearsed", "damaged"]),
});

/** Undefined if it is none: then the backup counts as not verified. */
export function parseMark(text: string): VerifiedMark | DamagedMark | undefined {
  try {
    const read = markSchema.safeParse(JSON.parse(text));
    return read.success ? read.data : undefined;
  } catch {
    return undefined;
  }
}

export function formatMark(mark: VerifiedMark | DamagedMark): string {
  return `${JSON.stringify(mark, undefined, 2)}\n`;
}
