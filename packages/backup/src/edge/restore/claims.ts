/** Claims at the hosts: made before anything is changed there, kept as long as the restore is not over. */
import { hostname, userInfo } from "node:os";
import type { RunResult } from "@ovnha/runner";
import { BackupError } from "../../error.ts";
import {
  type Claim,
  type ClaimPlace,
  claimPath,
  claimPlaces,
  foreignClaim,
  formatClaim,
  parseClaim,
} from "../../restore/claim.ts";
import { folderOf } from "../../layout/profile.ts";
import type { RestorePlan } from "../../restore/types.ts";
import type { Host } from "./hosts.ts";
import { whoWorks } from "./journal-file.ts";

/** Another restore may let go of its claim just then. */
const TRIES = 3;

export class Claims {
  readonly #plan: RestorePlan;
  readonly #places: readonly ClaimPlace[];
  readonly #host: (name: string) => Host;

  constructor(plan: RestorePlan, host: (name: string) => Host) {
    this.#plan = plan;
    this.#places = claimPlaces(plan);
    this.#host = host;
  }

  /**
   * Claims every database file, or finds it claimed by this restore already. `isBegun`: an earlier process has claimed them and
   * changed things; then a host that cannot be asked now does not matter.
   *
   * @throws BackupError `BUSY` with who has it; then nothing stays claimed by this call. `IO`, or the runner's error.
   */
  async take(isBegun: boolean): Promise<void> {
    for (const [index, place] of this.#places.entries()) {
      try {
        await this.#takeOne(place);
      } catch (error) {
        const isBusy = error instanceof BackupError && error.code === "BUSY";
        if (isBegun && !isBusy) continue;
        if (!isBegun) await this.#releaseAll(this.#places.slice(0, index));
        throw error;
      }
    }
  }

  /** @returns what could not be let go, in sentences. */
  async release(): Promise<string[]> {
    return this.#releaseAll(this.#places);
  }

  /** Claims of others, in sentences; makes none. A host that cannot be asked is not theirs. */
  async others(): Promise<string[]> {
    const told: string[] = [];
    for (const place of this.#places) {
      const host = this.#host(place.at);
      const path = await this.#pathOf(host, place).catch(() => undefined);
      if (path === undefined) continue;
      const text = await read(host, path).catch(() => undefined);
      if (text === undefined || parseClaim(text)?.plan === this.#plan.id) continue;
      told.push((await busy(host, place, path, text)).message);
    }
    return told;
  }

  async #pathOf(host: Host, { path }: ClaimPlace): Promise<string> {
    const folder = folderOf(path);
    const { exitCode, stdout } = await host.run(["readlink", "-f", "--", folder]);
    const real = stdout.replace(/\n$/, "");
    return claimPath(exitCode === 0 && real !== "" ? real : folder, path);
  }

  async #takeOne(place: ClaimPlace): Promise<void> {
    const host = this.#host(place.at);
    const path = await this.#pathOf(host, place);
    for (let tries = 0; tries < TRIES; tries++) {
      const text = await read(host, path);
      if (text === undefined) {
        if (await this.#make(host, path)) return;
        continue;
      }
      if (parseClaim(text)?.plan === this.#plan.id) return;
      throw await busy(host, place, path, text);
    }
    throw new BackupError("BUSY", `${host.name}: ${path} comes and goes: other restores begin and end there`, {
      path,
      remedy: "see who restores this cluster, and try again",
    });
  }

  /** False if another was faster. The name is given by link(2), so that it never stands for half a text. */
  async #make(host: Host, path: string): Promise<boolean> {
    const { id, workFolder } = this.#plan;
    const claim: Claim = { plan: id, by: whoAmI(), host: hostname(), workFolder, atMs: Date.now() };
    const draft = `${path}.${id}`;
    const fail = (result: RunResult): BackupError =>
      host.error(
        "IO",
        path,
        `cannot claim the database file: ${path} cannot be made: ${result.stderr.trim() || `exit code ${result.exitCode}`}`,
        /No space left|quota/.test(result.stderr) ? `free space on ${host.name}, and resume` : undefined,
      );
    const written = await host.run(["dd", `of=${draft}`, "conv=fsync"], undefined, textOf(formatClaim(claim)));
    if (written.exitCode !== 0) {
      await host.run(["rm", "-f", "--", draft]);
      throw fail(written);
    }
    const linked = await host.run(["ln", "-T", "--", draft, path]);
    await host.run(["rm", "-f", "--", draft]);
    if (linked.exitCode === 0) {
      await host.sync(folderOf(path));
      return true;
    }
    if (/File exists/.test(linked.stderr)) return false;
    throw fail(linked);
  }

  async #releaseAll(places: readonly ClaimPlace[]): Promise<string[]> {
    const left: string[] = [];
    for (const place of places) {
      const host = this.#host(place.at);
      try {
        const path = await this.#pathOf(host, place);
        const text = await read(host, path);
        if (text === undefined || parseClaim(text)?.plan !== this.#plan.id) continue;
        const { exitCode, stderr } = await host.run(["rm", "-f", "--", path, `${path}.${this.#plan.id}`]);
        if (exitCode !== 0)
          left.push(`${place.at}: the claim ${path} cannot be removed, do it by hand: ${stderr.trim()}`);
      } catch (error) {
        const what = `${place.at}: the claim beside ${place.path} (*.ovnha-restore) cannot be removed, do it by hand`;
        left.push(`${what}: ${(error as Error).message}`);
      }
    }
    return left;
  }
}

/** Undefined if it is not there. */
async function read(host: Host, path: string): Promise<string | undefined> {
  const { exitCode, stdout, stderr } = await host.run(["cat", "--", path]);
  if (exitCode === 0) return stdout;
  if (/No such file or directory|Not a directory/.test(stderr)) return undefined;
  throw host.error("IO", path, `cannot read ${path}: ${stderr.trim() || `exit code ${exitCode}`}`);
}

async function busy(host: Host, { path: file }: ClaimPlace, path: string, text: string): Promise<BackupError> {
  const claim = parseClaim(text);
  const now = claim?.host === hostname() ? await whoWorks(claim.workFolder) : undefined;
  const { message, remedy } = foreignClaim(file, path, claim, now);
  return new BackupError("BUSY", `${host.name} (${host.runner.name}): ${message}`, { path, remedy });
}

function whoAmI(): string {
  let user = `user ${process.getuid?.() ?? "?"}`;
  try {
    user = userInfo().username;
  } catch {
    // A container's user need not have a name.
  }
  return `${user}@${hostname()}, process ${process.pid}`;
}

async function* textOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
