/** What a plan does, done. Every action may be repeated after it was cut off anywhere. */
import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import { link, open, unlink } from "node:fs/promises";
import { BackupError } from "../../error.ts";
import { commandText } from "../../restore/facts.ts";
import type { Facts } from "../../restore/journal.ts";
import type { Action } from "../../restore/types.ts";
import { digestFile } from "../take/digest.ts";
import { ioError } from "../take/io-error.ts";
import { compareRows, convertSource, makeFirst, makeJoining } from "./content.ts";
import type { Context } from "./context.ts";
import { isThere } from "./local.ts";

/** What an action leaves for the journal. */
export interface Outcome {
  readonly facts: Facts;
  readonly notes: readonly string[];
}

const NOTHING: Outcome = { facts: {}, notes: [] };
const note = (text: string): Outcome => ({ facts: {}, notes: [text] });

/** @throws BackupError, or the runner's error; then the step has failed, and may be tried again. */
export async function perform(action: Action, context: Context, attempt: number): Promise<Outcome> {
  switch (action.kind) {
    case "run":
      return runCommand(action, context);
    case "folder":
      await context.host(action.at).makeFolder(action.path);
      return NOTHING;
    case "copy":
      return copyFile(action, context, attempt);
    case "move":
      return moveFile(action, context);
    case "put":
      return putFile(action, context, attempt);
    case "fetch":
      return fetchFile(action, context);
    case "convert":
      return convertSource(action, context.signal);
    case "create-cluster":
      return makeFirst(action, context.signal);
    case "join-cluster":
      return makeJoining(action, context.signal);
    case "compare-rows":
      return compareRows(action, context);
    case "backup": {
      if (context.freshBackup === undefined) return note("no backup was taken: take one now (ovn-backup take)");
      try {
        return note(await context.freshBackup(action.remotes, context.signal));
      } catch (error) {
        context.signal?.throwIfAborted();
        // The cluster is up: controllers that wait to be started again must not wait for this.
        return note(`the fresh backup failed, take one now (ovn-backup take): ${(error as Error).message}`);
      }
    }
    case "tell":
      return note(action.text);
    default:
      return action satisfies never;
  }
}

type Of<K extends Action["kind"]> = Extract<Action, { readonly kind: K }>;

async function runCommand({ at, command, timeoutMs, mayFail }: Of<"run">, context: Context): Promise<Outcome> {
  const host = context.host(at);
  const text = `${host.runner.name}: ${commandText(command)}`;
  try {
    const { exitCode, stderr } = await host.exec(command, { timeoutMs });
    if (exitCode === 0) return NOTHING;
    const failed = `${text} failed with exit code ${exitCode}: ${stderr.trim().slice(0, 1000)}`;
    if (mayFail === true) return note(failed);
    throw new BackupError("TOOL_FAILED", failed);
  } catch (error) {
    context.signal?.throwIfAborted();
    if (mayFail === true && !(error instanceof BackupError)) return note(`${text} failed: ${(error as Error).message}`);
    throw error;
  }
}

async function copyFile({ at, from, to }: Of<"copy">, context: Context, attempt: number): Promise<Outcome> {
  const host = context.host(at);
  if (await host.exists(to)) return note(`${to} is there already`);
  if (!(await host.exists(from))) return note(`${from} is not there`);
  return note(`${to} has the SHA-256 ${await host.copy(from, to, attempt)}`);
}

async function moveFile({ at, from, to, onlyIf }: Of<"move">, context: Context): Promise<Outcome> {
  const host = context.host(at);
  if (onlyIf !== undefined && !(await host.exists(onlyIf))) return NOTHING;
  const [source, target] = [await host.exists(from), await host.exists(to)];
  if (!source) return target ? NOTHING : note(`${from} is not there`);
  if (target)
    throw host.error(
      "EXISTS",
      to,
      `both ${from} and ${to} are there, and nothing is ever overwritten`,
      "see which of them is wanted, and move the other away by hand",
    );
  await host.rename(from, to);
  return note(`${from} is now ${to}`);
}

async function putFile(action: Of<"put">, context: Context, attempt: number): Promise<Outcome> {
  const host = context.host(action.at);
  const { from, to, via, owner, mode } = action;
  const sha256 = context.fact(action.sha256);
  const local = await digestFile(from, context.signal);
  if (local.sha256 !== sha256)
    throw new BackupError("DAMAGED", `${from} has the SHA-256 ${local.sha256}, and was made with ${sha256}`, {
      path: from,
      remedy: "make a new plan",
    });
  await host.put(from, to, via, sha256, owner, mode, attempt);
  return NOTHING;
}

/** Reads a file of a member into one here that appears when it is whole. */
async function fetchFile({ at, from, to }: Of<"fetch">, context: Context): Promise<Outcome> {
  const host = context.host(at);
  const wanted = await host.hash(from);
  if (await isThere(to)) {
    const { sha256 } = await digestFile(to, context.signal);
    if (sha256 === wanted) return NOTHING;
    throw host.error("EXISTS", to, `${to} is there, and is not ${from}`, "make a new plan");
  }
  const partial = `${to}.${process.pid}.partial`;
  const hash = createHash("sha256");
  const file = await open(partial, "w", 0o600);
  try {
    // Written at once, so that nothing piles up here: a slow disk slows the pipe.
    let refused: unknown;
    const write = (chunk: Uint8Array): void => {
      try {
        for (let done = 0; done < chunk.length; ) done += writeSync(file.fd, chunk, done);
      } catch (error) {
        refused = error;
      }
    };
    const { exitCode, stderr } = await host.exec(["cat", "--", from], {
      timeoutMs: 3_600_000,
      onStdout: (chunk) => {
        hash.update(chunk);
        if (refused === undefined) write(chunk);
      },
    });
    if (refused !== undefined) throw refused;
    if (exitCode !== 0) throw host.error("IO", from, `cannot read ${from}: ${stderr.trim()}`);
    const arrived = hash.digest("hex");
    if (arrived !== wanted)
      throw host.error(
        "DAMAGED",
        from,
        `${from} arrived with the SHA-256 ${arrived}, not ${wanted}`,
        "see whether a server writes to it, and try again",
      );
    await file.sync();
    await file.close();
    await link(partial, to);
  } catch (error) {
    throw ioError(error, to);
  } finally {
    await file.close().catch(() => {});
    await unlink(partial).catch(() => {});
  }
  return note(`${to} has the SHA-256 ${wanted}`);
}
