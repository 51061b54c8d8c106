/** The kinds of events in the queue; `switch` on them is the main loop. */
export const EVENT = {
  timer: 1,
  deliver: 2,
  synced: 3,
  dial: 4,
  down: 5,
  probe: 6,
  retransmit: 7,
  script: 8,
  invoke: 9,
  client: 10,
  compact: 11,
} as const;
