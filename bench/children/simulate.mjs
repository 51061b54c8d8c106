// The simulator's promises, measured in a program of its own: prints one line of JSON. `simulate.mjs WHAT [ARGUMENT]`.
import { findScenario, finish, parseScenario, prepareWorld, simulate } from "@ovnha/simulator";

const [what, argument] = process.argv.slice(2);
const IDLE = parseScenario(
  "version: 1\nname: idle\ncluster: { members: 3, timer: 1s }\nclients: []\nrun: { for: 10h }\n",
);
const DAY_MS = 864e5;
/** Over a minute or so: one of them finds the machine to itself. */
const ROUNDS = 20;

/** Milliseconds of CPU time: what one core would take that has nothing else to do, with the collector's threads on top. */
const timed = (run) => {
  const before = process.cpuUsage();
  const value = run();
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1000, value };
};

/** Events a second in each round of many seeds of a cluster of five that is cut up and healed all the time (s25). */
function events() {
  const mixed = findScenario("s25");
  const round = (from, to) => {
    let count = 0;
    for (let seed = from; seed < to; seed++) count += simulate(mixed, { seed, trace: "none" }).events;
    return count;
  };
  round(1, 41);
  return Array.from({ length: ROUNDS }, () => {
    const { ms, value } = timed(() => round(100, 160));
    return (value * 1000) / ms;
  });
}

/** How many times faster than life an idle cluster of three runs. */
function idle() {
  simulate(IDLE, { trace: "none" });
  return Array.from({ length: ROUNDS }, (_, i) => {
    const { ms } = timed(() => simulate({ ...IDLE, forMs: DAY_MS }, { seed: i + 1, trace: "none" }));
    return DAY_MS / ms;
  });
}

/** Seconds for 10,000 elections of five servers, each after its leader was killed. */
function elections() {
  const restarts = Array.from({ length: 50 }, (_, i) => `  - { at: ${(i + 1) * 5}s, restart: leader, down: 3s }\n`);
  const five = parseScenario(
    `version: 1\nname: five\ncluster: { members: 5, timer: 1s }\nclients: []\nschedule:\n${restarts.join("")}run: { for: 255s }\n`,
  );
  const { ms } = timed(() => {
    let count = 0;
    for (let seed = 1; count < 10_000; seed++) count += simulate(five, { seed, trace: "none" }).leaderChanges;
  });
  return ms / 1000;
}

/** Bytes that are in use after three days, and what has come on top after so many days: a write every ten minutes. */
function memory(days) {
  const clients = [{ kind: "writer", name: "writer1", perSecond: 1 / 600, to: "any" }];
  const world = prepareWorld({ ...IDLE, clients, forMs: days * DAY_MS }, { trace: "none" });
  const used = (atMs) => {
    world.run(world.trace.zeroUs + atMs * 1000);
    globalThis.gc();
    return process.memoryUsage().heapUsed;
  };
  used(DAY_MS);
  const before = used(3 * DAY_MS);
  const after = used(days * DAY_MS);
  const { acked } = finish(world);
  return { before, grown: after - before, acked };
}

/** Trace hashes of runs that have little in common. */
function hashes() {
  const found = {};
  for (const name of ["s1", "s5", "s7", "s12", "s18", "s19", "s25"])
    for (const profile of ["2.13.0", "3.1.0", "3.7.1"])
      found[`${name} ${profile}`] = simulate(findScenario(name), { seed: 1, profile, trace: "none" }).traceHash;
  return { node: process.version, hashes: found };
}

const answers = { events, idle, elections, memory: () => memory(Number(argument)), hashes };
console.log(JSON.stringify(answers[what]()));
