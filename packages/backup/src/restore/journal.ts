/** The journal of a restore: one JSON line per event, only ever appended to, so that a crash loses at most its last line. */
import { z } from "zod";
import { BackupError } from "../error.ts";

/** Facts that a step found or made, such as the id of the new cluster. */
export type Facts = Readonly<Record<string, string>>;

export type JournalEvent =
  /** A process took the journal up. `planSha256` ties it to its plan. */
  | { readonly type: "opened"; readonly planId: string; readonly planSha256: string; readonly by: string }
  | { readonly type: "begun"; readonly step: string; readonly attempt: number }
  /** `found`: it was done already. */
  | {
      readonly type: "done";
      readonly step: string;
      readonly how: "acted" | "found";
      readonly facts: Facts;
      readonly notes?: readonly string[] | undefined;
    }
  | { readonly type: "failed"; readonly step: string; readonly reason: string }
  | { readonly type: "undo-begun"; readonly step: string; readonly attempt: number }
  | { readonly type: "undone"; readonly step: string; readonly notes?: readonly string[] | undefined }
  | { readonly type: "closed"; readonly outcome: "restored" | "undone" };

export type JournalLine = JournalEvent & {
  /** Milliseconds since 1970. */
  readonly atMs: number;
};

const facts = z.record(z.string(), z.string());
const atMs = z.number();
const line: z.ZodType<JournalLine> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("opened"), planId: z.string(), planSha256: z.string(), by: z.string(), atMs }),
  z.object({ type: z.literal("begun"), step: z.string(), attempt: z.number().int().min(1), atMs }),
  z.object({
    type: z.literal("done"),
    step: z.string(),
    how: z.enum(["acted", "found"]),
    facts,
    notes: z.array(z.string()).optional(),
    atMs,
  }),
  z.object({ type: z.literal("failed"), step: z.string(), reason: z.string(), atMs }),
  z.object({ type: z.literal("undo-begun"), step: z.string(), attempt: z.number().int().min(1), atMs }),
  z.object({ type: z.literal("undone"), step: z.string(), notes: z.array(z.string()).optional(), atMs }),
  z.object({ type: z.literal("closed"), outcome: z.enum(["restored", "undone"]), atMs }),
]);

export function formatLine(event: JournalLine): string {
  return `${JSON.stringify(event)}\n`;
}

export interface ParsedJournal {
  readonly events: readonly JournalLine[];
  /** The text ends within a line: the next writer has to begin with a line feed. */
  readonly torn: boolean;
}

/**
 * Reads a journal. A line that a crash tore is passed over: it is the last one, or the one before an `opened`, with which
 * the next process began. Its event did not count, since whoever wrote it never saw it on the disk. A last line that lacks
 * nothing but its line feed counts, for the next writer makes it whole.
 *
 * @throws BackupError `JOURNAL` for damage anywhere else.
 */
export function parseJournal(text: string, path: string): ParsedJournal {
  const lines = text.split("\n");
  const torn = lines.at(-1) !== "";
  const events: JournalLine[] = [];
  let damaged: { readonly at: number; readonly reason: string } | undefined;
  for (const [index, content] of lines.entries()) {
    if (content === "") continue;
    const read = parseLine(content);
    if (typeof read === "string") {
      damaged ??= { at: index + 1, reason: read };
      continue;
    }
    if (damaged !== undefined && read.type !== "opened")
      throw new BackupError("JOURNAL", `${path}:${damaged.at}: a line in the middle is damaged: ${damaged.reason}`, {
        path,
        remedy: "the disk lost what was written; go by the plan and by what is on the hosts, by hand",
      });
    damaged = undefined;
    events.push(read);
  }
  return { events, torn };
}

function parseLine(content: string): JournalLine | string {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    return (error as Error).message;
  }
  const read = line.safeParse(json);
  return read.success ? read.data : (read.error.issues[0]?.message ?? "not an event");
}
