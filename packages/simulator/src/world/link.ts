/** The two ends of a session between servers, who keeps it, and what its messages weigh. */
import type { Message } from "@ovnha/raft";
import type { Server } from "./server.ts";

/** What one write adds to an append_request, and to the database. */
const ENTRY_BYTES = 300;

/** One TCP connection between two processes: end 0 has dialled, end 1 has accepted. */
export class Link {
  readonly ends: readonly [Server, Server];
  readonly sessions: readonly [number, number];
  readonly dialer: Dialer;
  readonly isUp: [boolean, boolean] = [true, true];
  /** When the last message towards this end arrives. */
  readonly lastUs: [number, number] = [0, 0];
  readonly heardUs: [number, number];
  /** Messages towards this end that a cut holds up, and since when the oldest of them is on its way. */
  readonly stalled: [Message[], Message[]] = [[], []];
  readonly stalledSinceUs: [number, number] = [0, 0];
  /** When the messages towards this end that a narrow way carries have left, one by one; those that have are forgotten. */
  readonly leaving: [number[], number[]] = [[], []];
  /** Since when data towards this end waits for its acknowledgement. */
  readonly unackedUs: [number, number] = [-1, -1];
  readonly isProbing: [boolean, boolean] = [false, false];

  constructor(dialer: Dialer, acceptor: Server, session: number, nowUs: number) {
    this.dialer = dialer;
    this.ends = [dialer.owner, acceptor];
    this.sessions = [session, session + 1];
    this.heardUs = [nowUs, nowUs];
  }
}

/** Sessions are counted so that the dialling end has the odd number and the accepting end the next one. */
export function endOf(session: number): 0 | 1 {
  return session % 2 === 1 ? 0 : 1;
}

/** What keeps a session to an address: dials, and dials again with a growing pause. */
export class Dialer {
  readonly owner: Server;
  readonly address: string;
  link: Link | undefined;
  backoffMs = 0;
  connectedAtUs = 0;
  isGone = false;
  constructor(owner: Server, address: string) {
    this.owner = owner;
    this.address = address;
  }
}

/** About as many bytes as the JSON of a message takes; a snapshot is the database before the run, and its writes. */
export function sizeOf(message: Message, databaseBytes: number): number {
  if (message.type === "append_request") return 330 + ENTRY_BYTES * message.log.length;
  if (message.type !== "install_snapshot_request") return 300;
  const [rows] = Array.isArray(message.data) ? (message.data as readonly unknown[]) : [];
  return databaseBytes + ENTRY_BYTES * Number(rows ?? 0);
}
