/** A machine: an address, a disk, power, and at most one ovsdb-server. */
import type { Profile } from "@ovnha/raft";
import { Stream, STREAM } from "../kernel/random.ts";
import type { BootPolicy, Delay } from "../scenario/types.ts";
import type { Chain } from "../check/chain.ts";
import { Disk } from "./disk.ts";
import type { Server } from "./server.ts";

export class Host {
  readonly index: number;
  readonly name: string;
  readonly disk: Disk = new Disk();
  readonly chance: Stream;
  readonly fsyncs: Stream;
  address: string;
  profile: Profile;
  server: Server | undefined;
  /** What the file held when the last server ended. */
  lastChain: Chain | undefined;
  hasPower = true;
  /** How many server ids and how many starts it has had. */
  identities = 0;
  starts = 0;
  boot: BootPolicy = "join";
  fsync: Delay;
  /** Milliseconds of its clock per millisecond of the world's. */
  clockRate = 1;
  /** The disk as it was, for `rollback`. */
  #rateSinceUs = 0;
  #clockThenUs = 0;
  /** False for a machine that has left, or is not asked to join yet. */
  isMember = true;
  /** Why it did not start. */
  refusal: string | undefined;
  readonly marks: { readonly atUs: number; readonly mark: ReturnType<Disk["mark"]> }[] = [];

  constructor(options: {
    readonly index: number;
    readonly seed: number;
    readonly profile: Profile;
    readonly fsync: Delay;
  }) {
    this.index = options.index;
    this.name = `m${options.index + 1}`;
    this.address = addressOf(options.index, 0);
    this.profile = options.profile;
    this.fsync = options.fsync;
    this.chance = new Stream(options.seed, STREAM.boot, options.index);
    this.fsyncs = new Stream(options.seed, STREAM.fsync, options.index);
  }

  /** A fresh server id; its first digits tell the member and how often it was made anew. */
  newSid(): string {
    const n = this.identities++;
    return uuidOf(((this.index + 1) << 24) | ((n & 0xff) << 16), this.index * 1000 + n);
  }

  /** From now on its clock gains `ppm` microseconds a second; it never jumps. */
  setClock(ppm: number, nowUs: number): void {
    const clockUs = this.#clockUs(nowUs);
    this.clockRate = 1 + ppm / 1e6;
    this.#rateSinceUs = nowUs;
    this.#clockThenUs = clockUs;
  }

  clockMs(worldUs: number): number {
    return Math.floor((this.clockRate === 1 && this.#rateSinceUs === 0 ? worldUs : this.#clockUs(worldUs)) / 1000);
  }

  #clockUs(worldUs: number): number {
    return this.#clockThenUs + (worldUs - this.#rateSinceUs) * this.clockRate;
  }

  /** The first moment of the world at which its clock shows `ms`. */
  worldUs(ms: number): number {
    if (this.clockRate === 1 && this.#rateSinceUs === 0) return ms * 1000;
    return this.#rateSinceUs + Math.ceil((ms * 1000 - this.#clockThenUs) / this.clockRate);
  }
}

/** Each move gives a member an address of another network. */
export function addressOf(index: number, moves: number): string {
  return `tcp:10.0.${moves}.${index + 1}:6643`;
}

export function uuidOf(kind: number, n: number): string {
  return interned(`${(kind >>> 0).toString(16).padStart(8, "0")}-0000-4000-8000-${n.toString(16).padStart(12, "0")}`);
}

/**
 * The same string as the engine's one copy of it, which property names are: then two ids are compared by address and not
 * letter by letter, which every step does many times.
 */
export function interned(text: string): string {
  NAMES[text] = true;
  const [name = text] = Object.keys(NAMES);
  delete NAMES[text];
  return name;
}

/** Without a prototype, so that the engine keeps it as a table from the start and makes no class for each name. */
const NAMES: Record<string, true> = Object.create(null);
