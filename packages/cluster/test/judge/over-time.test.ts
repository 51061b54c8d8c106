import { describe, expect, it } from "vitest";
import { emptyHistory, type FindingCode, type History, track } from "../../src/index.ts";
import { addressOf, Built, idOf, keyOf, nameOf, shortOf } from "./build.ts";
import { AT_MS } from "./samples.ts";

/** Judged again and again, `stepMs` apart. */
function over(times: readonly ((built: Built) => void)[], stepMs: number): { codes: FindingCode[]; history: History } {
  let history = emptyHistory();
  let codes: FindingCode[] = [];
  for (const [index, make] of times.entries()) {
    const built = new Built(3);
    make(built);
    const tracked = track(history, built.observation(AT_MS + index * stepMs));
    history = tracked.history;
    codes =
      tracked.verdict.databases[0]?.findings.filter(({ isConfirmed }) => isConfirmed).map(({ code }) => code) ?? [];
  }
  return { codes, history };
}

const again = (make: (built: Built) => void, times: number): ((built: Built) => void)[] =>
  Array.from({ length: times }, () => make);

describe("over time", () => {
  const changing = (built: Built): void =>
    built.at(1).change(() => ({ electionTimer: { ms: 1_000, changingToMs: 2_000 } }));
  const removing = (built: Built): void =>
    built.at(1).change(() => ({
      removing: { nickname: "4444", short: "4444", address: addressOf(4), phase: "removing" },
    }));
  const adding = (built: Built): void =>
    built.at(1).change(() => ({
      adding: [{ nickname: "4444", short: "4444", address: addressOf(4), phase: "adding: catchup" }],
    }));
  const joining = (built: Built): void =>
    built
      .at(3)
      .change((status) =>
        Object.assign(status, { state: "joining cluster", clusterId: "not yet known", servers: [], leader: "unknown" }),
      );

  it.each([
    ["timer-change-stuck", changing, 4, 1_500],
    ["removal-stuck", removing, 4, 1_500],
    ["catchup-stuck", adding, 4, 6_000],
    ["joining-stuck", joining, 4, 6_000],
  ] as const)("%s only when it lasts", (code, make, times, stepMs) => {
    expect(over(again(make, 1), stepMs).codes).not.toContain(code);
    expect(over(again(make, times), stepMs).codes).toContain(code);
    expect(over([...again(make, times), () => {}], stepMs).codes).not.toContain(code);
  });

  it("a peer that is down for one look only is not told yet", () => {
    const down = (built: Built): void => void built.kill(3);
    expect(over([() => {}, down], 1_000).codes).not.toContain("peer-down");
    expect(over([down, down], 1_000).codes).toContain("peer-down");
  });

  it("looks that come fast confirm no sooner", () => {
    const down = (built: Built): void => void built.kill(3);
    expect(over(again(down, 3), 50).codes).not.toContain("peer-down");
    expect(over(again(down, 25), 50).codes).toContain("peer-down");
    // A clock that was set back.
    expect(over(again(down, 3), -5_000).codes).toContain("peer-down");
  });

  it("match_index that stands still, though the member is heard", () => {
    const frozen =
      (end: number) =>
      (built: Built): void => {
        built.at(1).change(() => ({ log: { start: 2, end } }));
        built
          .line(3, (line) => Object.assign(line, { matchIndex: 60, lastMessageMs: 20 }))
          .line(2, () => ({ matchIndex: end - 1 }));
      };
    expect(over([frozen(110), frozen(120), frozen(130)], 1_000).codes).toContain("peer-not-replicating");
  });

  it("elections are counted within the hour", () => {
    const term =
      (value: number) =>
      (built: Built): void =>
        built.members.forEach((one) => void one.change(() => ({ term: value })));
    expect(over([1, 2, 3, 4, 5, 6].map(term), 60_000).codes).toContain("frequent-elections");
    expect(over([1, 2, 3, 4, 5, 6].map(term), 3_000_000).codes).not.toContain("frequent-elections");
    expect(over([1, 90].map(term), 60_000).codes).not.toContain("frequent-elections");
  });

  it("links that flap", () => {
    const lost =
      (count: number) =>
      (built: Built): void =>
        built.at(2).change(() => ({ disconnections: count }));
    expect(over([0, 3, 6, 9].map(lost), 10_000).codes).toContain("link-flapping");
    expect(over([0, 2, 2, 2].map(lost), 10_000).codes).not.toContain("link-flapping");
  });

  it("another id at a member, and state that goes back", () => {
    const other = (built: Built): void =>
      built.at(3).change(() => ({ serverId: { short: shortOf(3), uuid: idOf(3).replace("aaaa", "bbbb") } }));
    expect(over([() => {}, other], 1_000).codes).toContain("identity-changed");
    const back = (built: Built): void =>
      built.at(3).change((status) => Object.assign(status, { term: 5, log: { start: 2, end: 40 } }));
    expect(over([() => {}, back], 1_000).codes).toContain("state-went-backwards");
  });

  it("entries that are not applied", () => {
    const stuck =
      (end: number) =>
      (built: Built): void => {
        built.at(1).change(() => ({ log: { start: 2, end } }));
        built.line(2, () => ({ matchIndex: end - 1 })).line(3, () => ({ matchIndex: end - 1 }));
        built.at(2).change((status) => Object.assign(status, { log: { start: 2, end }, unapplied: end - 101 }));
      };
    expect(over([110, 120, 130, 140].map(stuck), 1_000).codes).toContain("frozen-entries");
  });

  it("a member that believes that it was removed", () => {
    const gone = (built: Built): void =>
      void Object.assign(built.at(3), {
        status: { ok: true, value: { type: "unknown-cluster" }, via: "x", atMs: 0, tookMs: 1 },
        server: { ok: true, value: undefined, via: "x", atMs: 0, tookMs: 1 },
      });
    expect(over([() => {}, gone, gone], 1_000).codes).toContain("believes-removed");
  });

  it("remembers whole ids and names of the dead", () => {
    const { history } = over([() => {}, (built) => void built.kill(3)], 1_000);
    expect(history.databases["OVN_Southbound"]?.serverIds[keyOf(3)]).toBe(idOf(3));
    expect(history.databases["OVN_Southbound"]?.idOfMember[nameOf(3)]).toBe(idOf(3));
  });

  it("is bounded", () => {
    const { history } = over(
      again(() => {}, 200),
      1_000,
    );
    expect(history.databases["OVN_Southbound"]?.samples.length).toBeLessThanOrEqual(60);
    expect(JSON.parse(JSON.stringify(history))).toEqual(history);
  });
});
