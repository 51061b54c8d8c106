/** Writes at a steady pace to whichever member takes it, and notes when nothing came through. */
import type { RealCluster } from "./cluster.ts";
import { DATABASE, type RealMember } from "./member.ts";
import { Asker, askOnce } from "./rpc.ts";

/** A stretch without an acknowledged write counts from here on, as in the simulator. */
const OUTAGE_MIN_MS = 100;
const SILENCE_MS = 10_000;
/** How often a server that has not answered yet is asked whether it is cut off. */
const WATCH_MS = 200;

export class Writer {
  readonly acked: number[] = [];
  unknown = 0;
  /** From, to, in milliseconds since the start. */
  readonly outages: (readonly [number, number])[] = [];
  readonly #cluster: RealCluster;
  readonly #everyMs: number;
  readonly #startMs: number;
  #isOver = false;
  #done: Promise<void> | undefined;
  #next = 0;
  #asker: Asker | undefined;
  lastAckMs = 0;

  constructor(cluster: RealCluster, perSecond: number, startMs: number) {
    this.#cluster = cluster;
    this.#everyMs = 1000 / perSecond;
    this.#startMs = startMs;
  }

  start(): void {
    this.#done = this.#run();
  }

  /** `at once`: without the answer that is still out. */
  async stop(how?: "at once"): Promise<void> {
    this.#isOver = true;
    if (how === "at once") this.#asker?.close();
    await this.#done;
  }

  async #run(): Promise<void> {
    let asker: Asker | undefined;
    let waitingMs: number | undefined;
    let at: RealMember | undefined;
    let turn = 0;
    const now = (): number => performance.now() - this.#startMs;
    let dueMs = now();
    while (!this.#isOver) {
      if (dueMs > now()) await new Promise((resolve) => setTimeout(resolve, dueMs - now()));
      waitingMs ??= now();
      const { members } = this.#cluster;
      if (asker === undefined) {
        const member = members[turn++ % members.length];
        if (member !== undefined && (await member.isConnected())) {
          asker = new Asker(member.socket);
          this.#asker = asker;
          at = member;
        } else if (turn % members.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
        if (asker === undefined) continue;
      }
      const number = ++this.#next;
      const insert = { op: "insert", table: "Write", row: { number } };
      try {
        const isOver = { yes: false };
        const reply = asker.ask("transact", [DATABASE, insert], SILENCE_MS);
        await Promise.race([reply, disconnected(at, isOver)]).finally(() => {
          isOver.yes = true;
          reply.catch(() => {});
        });
        this.acked.push(number);
        this.lastAckMs = now();
        if (this.lastAckMs - waitingMs >= OUTAGE_MIN_MS) this.outages.push([waitingMs, this.lastAckMs]);
        waitingMs = undefined;
        dueMs = Math.max(dueMs + this.#everyMs, now() - this.#everyMs);
      } catch {
        this.unknown++;
        asker.close();
        asker = undefined;
      }
    }
    asker?.close();
    if (waitingMs !== undefined && now() - waitingMs >= OUTAGE_MIN_MS * 10) this.outages.push([waitingMs, now()]);
  }
}

/** Rejects once the server says of itself that it is cut off, as OVSDB's clients watch for; never resolves. */
async function disconnected(member: RealMember | undefined, isOver: { readonly yes: boolean }): Promise<never> {
  while (!isOver.yes) {
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    if (!isOver.yes && (await member?.connection()) === false) throw new Error("the server is not connected any more");
  }
  return new Promise(() => {});
}

/** Every number that a member holds, read from the member itself even if it has no leader. */
export async function numbersOf(socket: string): Promise<Set<number> | undefined> {
  const select = { op: "select", table: "Write", where: [], columns: ["number"] };
  const monitor = { Write: { columns: ["number"] } };
  const rows = (await askOnce(socket, "transact", [DATABASE, select], 5000).catch(() => undefined)) as
    | [{ readonly rows?: readonly { readonly number: number }[] }]
    | undefined;
  const found = rows?.[0].rows;
  if (found !== undefined) return new Set(found.map(({ number }) => number));
  const initial = (await askOnce(socket, "monitor", [DATABASE, "all", monitor], 5000).catch(() => undefined)) as
    | { readonly Write?: Readonly<Record<string, { readonly new: { readonly number: number } }>> }
    | undefined;
  return initial === undefined ? undefined : new Set(Object.values(initial.Write ?? {}).map((row) => row.new.number));
}
