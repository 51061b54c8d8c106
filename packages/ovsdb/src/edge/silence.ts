import { TransportError } from "../error.ts";
import { request } from "../message.ts";
import { isPassive, parseRemotes } from "../remote.ts";
import type { Clock } from "./clock.ts";
import type { Connection, Dialer } from "./connection.ts";

/** No process is there that could have kept anything unread. */
const NOBODY = new Set(["ECONNREFUSED", "ENOENT"]);
const ROUNDS = 3;

/**
 * Whether a server has surely read everything that was sent to it before on links that are gone. A server that was stopped
 * finds the request of a closed link still in its socket when it wakes, and carries it out. If it answers several times
 * in a row on a new link, it has been through its old ones.
 */
export function isAwake(
  parts: { readonly dial: Dialer; readonly clock: Clock; readonly signal: AbortSignal },
  remote: string,
  withinMs: number,
): Promise<boolean> {
  const [endpoint] = parseRemotes(remote).endpoints;
  if (endpoint === undefined || isPassive(endpoint)) return Promise.resolve(false);
  return new Promise((resolve) => {
    let rounds = 0;
    const end = (awake: boolean): void => {
      disarm();
      parts.signal.removeEventListener("abort", onAbort);
      connection.close();
      resolve(awake);
    };
    const ask = (): void => connection.send(request(rounds, "echo", []));
    const onAbort = (): void => end(false);
    const disarm = parts.clock.after(withinMs, () => end(false));
    parts.signal.addEventListener("abort", onAbort, { once: true });
    const connection: Connection = parts.dial(endpoint, {
      opened: ask,
      bytes: () => {},
      message: () => (++rounds < ROUNDS ? ask() : end(true)),
      closed: (error) => end(error instanceof TransportError && NOBODY.has(error.reason ?? "")),
    });
  });
}
