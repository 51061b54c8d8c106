/**
 * Each member in a network namespace of its own, on one bridge that leads nowhere else, so that any direction between two can
 * be cut and an address can move. Needs root, as `ip netns` does; without it the members share the loopback.
 */
import { spawnSync } from "node:child_process";
import { atExit } from "./at-exit.ts";
import { command } from "./commands.ts";

const PREFIX = "quorum-";
const LINK = "eth0";
/** Nobody on the bridge has it: what is sent there is lost without a word. */
const NOWHERE = "02:00:00:00:de:ad";
let made = 0;

const ip = (...args: readonly string[]): Promise<string> => command("ip", args);

/** Whether this process may make namespaces. Tries it once. */
export function canNetns(): boolean {
  known ??= tryNetns();
  return known;
}
let known: boolean | undefined;

function tryNetns(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const name = `${PREFIX}${process.pid}-try`;
  const isMade = spawnSync("ip", ["netns", "add", name]).status === 0;
  const isUsable = isMade && spawnSync("ip", ["-n", name, "link", "add", "br0", "type", "bridge"]).status === 0;
  if (isMade) spawnSync("ip", ["netns", "del", name]);
  return isUsable;
}

export class Networks {
  readonly #tag: string = `${PREFIX}${process.pid}-${made++}`;
  readonly #members: { readonly name: string; address: string; moves: number }[] = [];
  #forget: (() => void) | undefined;

  get #hub(): string {
    return `${this.#tag}-hub`;
  }

  async make(): Promise<void> {
    await removeStale();
    this.#forget = atExit(() => {
      for (const name of this.#names()) spawnSync("ip", ["netns", "del", name]);
    });
    await ip("netns", "add", this.#hub);
    await ip("-n", this.#hub, "link", "add", "br0", "type", "bridge");
    await ip("-n", this.#hub, "link", "set", "br0", "up");
  }

  /** One more member. Gives its address, and what runs a command in its namespace. */
  async add(): Promise<{ readonly address: string; readonly prefix: readonly string[] }> {
    const index = this.#members.length;
    const name = `${this.#tag}-m${index + 1}`;
    const address = `10.198.0.${index + 1}`;
    await ip("netns", "add", name);
    this.#members.push({ name, address, moves: 0 });
    await ip("-n", name, "link", "set", "lo", "up");
    await ip("-n", this.#hub, "link", "add", `p${index}`, "type", "veth", "peer", "name", LINK, "netns", name);
    await ip("-n", this.#hub, "link", "set", `p${index}`, "master", "br0", "up");
    await ip("-n", name, "addr", "add", `${address}/16`, "dev", LINK);
    await ip("-n", name, "link", "set", LINK, "up");
    return { address, prefix: ["ip", "netns", "exec", name] };
  }

  /** From now on, or no longer, everything is lost on its way from one member to another; the way back stays. */
  async cut(from: number, to: number, isCut: boolean): Promise<void> {
    const [a, b] = [this.#members[from], this.#members[to]];
    if (a === undefined || b === undefined) return;
    if (isCut)
      await ip("-n", a.name, "neigh", "replace", b.address, "lladdr", NOWHERE, "dev", LINK, "nud", "permanent");
    // It may not be there: then there is nothing to heal.
    else await ip("-n", a.name, "neigh", "del", b.address, "dev", LINK).catch(() => "");
  }

  /** The member gets an address of another range; nobody is told. */
  async move(member: number): Promise<void> {
    const each = this.#members[member];
    if (each === undefined) return;
    const address = `10.198.${++each.moves}.${member + 1}`;
    await ip("-n", each.name, "addr", "add", `${address}/16`, "dev", LINK);
    await ip("-n", each.name, "addr", "del", `${each.address}/16`, "dev", LINK);
    // The next address of the same network became its first when the old one went; if not, it is put back.
    await ip("-n", each.name, "addr", "replace", `${address}/16`, "dev", LINK);
    each.address = address;
  }

  async remove(): Promise<void> {
    for (const name of this.#names()) await ip("netns", "del", name).catch(() => "");
    this.#forget?.();
  }

  #names(): string[] {
    return [...this.#members.map((each) => each.name), this.#hub];
  }
}

/** Namespaces of processes that have ended without removing theirs. */
async function removeStale(): Promise<void> {
  for (const line of (await ip("netns", "list").catch(() => "")).split("\n")) {
    const [, name, pid] = /^(quorum-(\d+)-\S+)/.exec(line) ?? [];
    if (name === undefined || isAlive(Number(pid))) continue;
    await ip("netns", "del", name).catch(() => "");
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
