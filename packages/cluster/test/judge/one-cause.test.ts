/** One cause is told once, and what follows from it is not called a trouble of its own. */
import { describe, expect, it } from "vitest";
import { assess, planKick, planLeave, planRecovery } from "../../src/index.ts";
import { addressOf, Built, idOf, keyOf, nameOf, shortOf } from "./build.ts";

const database = "OVN_Southbound";

/** The third member was wiped and has joined again as the fourth; its former life still counts. */
function withGhost(): Built {
  const one = new Built(4);
  const moved = (index: number): void =>
    one.at(index).change((status) => {
      status.servers = (status.servers ?? []).map((line) =>
        line.short === shortOf(4) ? { ...line, address: addressOf(3) } : line,
      );
    });
  for (const index of [1, 2, 4]) moved(index);
  one.at(4).change((status) => {
    status.address = addressOf(3);
  });
  one.kill(3);
  one.members.splice(2, 1);
  return one;
}

const codesOf = (one: Built): string[] =>
  (assess(one.observation()).databases[0]?.findings ?? []).map(({ code, severity }) => `${severity} ${code}`);

describe("a ghost", () => {
  it("makes the number even, which passes", () => {
    const codes = codesOf(withGhost());
    expect(codes).toContain("info even-members");
    expect(codes).toContain("warning duplicate-address");
    expect(codesOf(new Built(4))).toContain("warning even-members");
  });

  it("is forgotten before anybody leaves", () => {
    const { blockers } = planLeave(withGhost().observation(), nameOf(2), { database });
    expect(blockers).toContainEqual({ code: "NOT_HEALTHY", text: expect.stringContaining(shortOf(3)) });
    expect(planLeave(new Built(4).observation(), nameOf(2), { database }).blockers).toEqual([]);
  });

  it("is kicked by the whole id that was asked for, or that a log tells, and by no other", () => {
    const ghost = withGhost().observation();
    const codes = (target: string, seen = ghost): string[] =>
      planKick(seen, target, { database }).blockers.map(({ code }) => code);
    expect(codes(keyOf(3))).toContain("FULL_ID_UNKNOWN");
    expect(codes(idOf(3))).not.toContain("FULL_ID_UNKNOWN");
    const act = planKick(ghost, idOf(3), { database }).steps.find(({ kind }) => kind === "act");
    expect(act?.command?.args.at(-1)).toBe(idOf(3));
    const unknown = planKick(ghost, keyOf(3), { database }).steps.find(({ kind }) => kind === "act");
    expect(unknown?.command?.args.at(-1)).toBe("<the whole id of 3333>");

    const logged = withGhost();
    const line = `2026-11-25T00:00:00.000Z|1|raft|WARN|misrouted message (addressed to ${idOf(3)} but we're ${idOf(4)})`;
    Object.assign(logged.at(1), { logText: `${line}\n${line}\n` });
    const plan = planKick(logged.observation(), keyOf(3), { database });
    expect(plan.steps.find(({ kind }) => kind === "act")?.command?.args.at(-1)).toBe(idOf(3));
    expect(plan.warnings.join()).toContain("the whole id is from node1's log");
    Object.assign(logged.at(2), { logText: `${line.replace(idOf(3), `${idOf(3).slice(0, -1)}9`)}\n` });
    expect(codes(keyOf(3), logged.observation())).toContain("FULL_ID_UNKNOWN");
  });
});

describe("a silent member", () => {
  it("is hung, not down, as long as its control socket takes calls: starting it would change nothing", () => {
    const frozen = new Built(3).kill(3);
    const at = { via: "/run/node3.ctl", atMs: 0, tookMs: 1_000 };
    frozen.at(3).status = { ok: false, error: { code: "TIMEOUT", message: "no answer within 1000 ms" }, ...at };
    const codes = codesOf(frozen);
    expect(codes).toContain("warning peer-hung");
    expect(codes).not.toContain("warning peer-down");
    const plan = planRecovery(frozen.observation(), { database });
    expect(plan.decision).toBe("look");
    expect(plan.title).toContain("(node3)");
    expect(codesOf(new Built(3).kill(3))).toContain("warning peer-down");
  });

  it("is not called reachable for others when nobody hears it", () => {
    const alone = new Built(3).kill(2).kill(3);
    for (const member of alone.members) delete (member as { asked: object & { remote?: string } }).asked.remote;
    expect(codesOf(alone).join()).not.toContain("member-unreachable");
    expect(codesOf(alone).join()).toContain("peer-down");
  });
});
