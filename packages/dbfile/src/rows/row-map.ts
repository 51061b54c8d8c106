/**
 * Row uuid to the bytes of a row: an open-addressed table over plain arrays, in the order in which rows came. A row costs
 * its bytes and about 40 more.
 */
import { Arena } from "./arena.ts";
import { readUuidText, uuidText } from "./uuid-bytes.ts";

const FIRST_SLOTS = 8;
/** Dropped bytes below this are not worth the work of moving the rest. */
const GARBAGE_BYTES_MIN = 4 << 20;
/** Value of `#pieces` for a slot whose row is gone. */
const GONE = 0xffffffff;

export class RowMap {
  #arena = new Arena();
  /** Four words for each slot. */
  #uuids = new Uint32Array(FIRST_SLOTS * 4);
  #pieces = new Uint32Array(FIRST_SLOTS);
  #offsets = new Uint32Array(FIRST_SLOTS);
  #lengths = new Uint32Array(FIRST_SLOTS);
  /** The turn in which each slot was set last. */
  #turns = new Uint32Array(FIRST_SLOTS);
  #turn = 1;
  /** Slot + 1 by hash, twice as long as there may be slots; 0 for none. */
  #index = new Int32Array(FIRST_SLOTS * 2);
  #slots = 0;
  #size = 0;
  #liveBytes = 0;
  readonly #key = new Uint32Array(4);

  get size(): number {
    return this.#size;
  }

  /** Of all rows together. */
  get bytes(): number {
    return this.#liveBytes;
  }

  get(uuid: Uint32Array): Uint8Array | undefined {
    const slot = this.#find(uuid);
    return slot === -1 ? undefined : this.#at(slot);
  }

  getText(uuid: string): Uint8Array | undefined {
    return readUuidText(uuid, this.#key) ? this.get(this.#key) : undefined;
  }

  /** Begins a turn, in which each row is set once. */
  nextTurn(): void {
    this.#turn++;
  }

  /** @returns whether the row was set in this turn for the first time. */
  set(uuid: Uint32Array, bytes: Uint8Array): boolean {
    let slot = this.#find(uuid);
    if (slot === -1) slot = this.#append(uuid);
    else this.#liveBytes -= this.#lengths[slot] as number;
    this.#store(slot, bytes);
    const isFirst = this.#turns[slot] !== this.#turn;
    this.#turns[slot] = this.#turn;
    this.#collect();
    return isFirst;
  }

  /** Whether the row was set in this turn. */
  isSetNow(uuid: Uint32Array): boolean {
    const slot = this.#find(uuid);
    return slot !== -1 && this.#turns[slot] === this.#turn;
  }

  delete(uuid: Uint32Array): boolean {
    const slot = this.#find(uuid);
    if (slot === -1) return false;
    this.#liveBytes -= this.#lengths[slot] as number;
    this.#pieces[slot] = GONE;
    this.#size--;
    this.#collect();
    return true;
  }

  /** The bytes are views into memory that stays as it is until rows are set or deleted. */
  *entries(): Generator<readonly [string, Uint8Array]> {
    for (let slot = 0; slot < this.#slots; slot++)
      if (this.#pieces[slot] !== GONE) yield [this.#text(slot), this.#at(slot)];
  }

  *keys(): Generator<string> {
    for (let slot = 0; slot < this.#slots; slot++) if (this.#pieces[slot] !== GONE) yield this.#text(slot);
  }

  #text(slot: number): string {
    const u = this.#uuids;
    const at = slot * 4;
    return uuidText(u[at] as number, u[at + 1] as number, u[at + 2] as number, u[at + 3] as number);
  }

  #at(slot: number): Uint8Array {
    return this.#arena.at(this.#pieces[slot] as number, this.#offsets[slot] as number, this.#lengths[slot] as number);
  }

  #store(slot: number, bytes: Uint8Array): void {
    const { piece, offset } = this.#arena.add(bytes);
    this.#pieces[slot] = piece;
    this.#offsets[slot] = offset;
    this.#lengths[slot] = bytes.length;
    this.#liveBytes += bytes.length;
  }

  /** A slot whose row is gone is found too if its uuid is asked for again: then it is not there. */
  #find(uuid: Uint32Array): number {
    const mask = this.#index.length - 1;
    for (let at = hash(uuid) & mask; ; at = (at + 1) & mask) {
      const slot = (this.#index[at] as number) - 1;
      if (slot === -1) return -1;
      if (this.#pieces[slot] !== GONE && this.#isSame(slot, uuid)) return slot;
    }
  }

  #isSame(slot: number, uuid: Uint32Array): boolean {
    const u = this.#uuids;
    const at = slot * 4;
    return u[at] === uuid[0] && u[at + 1] === uuid[1] && u[at + 2] === uuid[2] && u[at + 3] === uuid[3];
  }

  #append(uuid: Uint32Array): number {
    if (this.#slots === this.#pieces.length) this.#resize(this.#size * 2 > this.#slots ? this.#slots * 2 : this.#slots);
    const slot = this.#slots++;
    this.#uuids.set(uuid, slot * 4);
    this.#insert(slot);
    this.#size++;
    return slot;
  }

  #insert(slot: number): void {
    const mask = this.#index.length - 1;
    let at = hash(this.#uuids, slot * 4) & mask;
    while (this.#index[at] !== 0) at = (at + 1) & mask;
    this.#index[at] = slot + 1;
  }

  /** Makes room and closes the gaps of rows that are gone; the order stays. */
  #resize(slots: number): void {
    const [uuids, pieces, offsets, lengths, turns, before] = [
      this.#uuids,
      this.#pieces,
      this.#offsets,
      this.#lengths,
      this.#turns,
      this.#slots,
    ];
    this.#uuids = new Uint32Array(slots * 4);
    this.#pieces = new Uint32Array(slots);
    this.#offsets = new Uint32Array(slots);
    this.#lengths = new Uint32Array(slots);
    this.#turns = new Uint32Array(slots);
    this.#index = new Int32Array(slots * 2);
    this.#slots = 0;
    for (let old = 0; old < before; old++) {
      if (pieces[old] === GONE) continue;
      const slot = this.#slots++;
      this.#uuids.set(uuids.subarray(old * 4, old * 4 + 4), slot * 4);
      this.#pieces[slot] = pieces[old] as number;
      this.#offsets[slot] = offsets[old] as number;
      this.#lengths[slot] = lengths[old] as number;
      this.#turns[slot] = turns[old] as number;
      this.#insert(slot);
    }
  }

  /** Copies the rows together when more than half of the bytes belong to none. */
  #collect(): void {
    const garbage = this.#arena.totalBytes - this.#liveBytes;
    if (garbage < GARBAGE_BYTES_MIN || garbage < this.#liveBytes) return;
    const old = this.#arena;
    this.#arena = new Arena();
    this.#liveBytes = 0;
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#pieces[slot] === GONE) continue;
      this.#store(
        slot,
        old.at(this.#pieces[slot] as number, this.#offsets[slot] as number, this.#lengths[slot] as number),
      );
    }
  }
}

/** Row uuids are random already, but a hostile file's need not be. */
function hash(words: Uint32Array, from = 0): number {
  let mixed = 0;
  for (let at = from; at < from + 4; at++) {
    mixed = Math.imul(mixed ^ (words[at] as number), 0x9e3779b1);
    mixed ^= mixed >>> 15;
  }
  return mixed;
}
