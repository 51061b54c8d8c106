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

  describe("a finding about several", () => {
    const foreign =
      (...indexes: readonly number[]) =>
      (built: Built): void => {
        for (const index of indexes) {
          const uuid = `99999999-aaaa-4bbb-8ccc-00000000000${index}`;
          built.at(index).change(() => ({ clusterId: { short: "9999", uuid } }));
        }
      };
    const seenOf = (looks: readonly ((built: Built) => void)[]): readonly [string, boolean, number][] => {
      let history = emptyHistory();
      let found: readonly [string, boolean, number][] = [];
      for (const [index, make] of looks.entries()) {
        const built = new Built(5);
        make(built);
        const tracked = track(history, built.observation(AT_MS + index * 1_000));
        history = tracked.history;
        found =
          tracked.verdict.databases[0]?.findings.map(
            ({ code, members, isConfirmed, sightings }) =>
              [`${code} ${members.join("+")}`, isConfirmed, sightings] as const,
          ) ?? [];
      }
      return found;
    };

    it("stays confirmed for the one that it was about when others join it, and when they leave", () => {
      const name = "cluster-id-mismatch";
      expect(seenOf([foreign(4), foreign(4), foreign(4, 5)])).toContainEqual([
        `${name} ${nameOf(4)}+${nameOf(5)}`,
        true,
        3,
      ]);
      expect(seenOf([foreign(4, 5), foreign(4, 5), foreign(5)])).toContainEqual([`${name} ${nameOf(5)}`, true, 3]);
      // Nobody has seen this one before.
      expect(seenOf([foreign(4), foreign(4), foreign(5)])).toContainEqual([`${name} ${nameOf(5)}`, true, 1]);
    });

    it("needs as many sightings for a newcomer alone as before", () => {
      const down =
        (...indexes: readonly number[]) =>
        (built: Built): void =>
          indexes.forEach((index) => void built.kill(index));
      const last = seenOf([down(4), down(4), down(4, 5)]);
      expect(last).toContainEqual([`peer-down ${nameOf(4)}`, true, 3]);
      expect(last).toContainEqual([`peer-down ${nameOf(5)}`, false, 1]);
    });

    it("between two is another one if the pair is another", () => {
      const cut =
        (from: number, to: number) =>
        (built: Built): void =>
          built.at(from).change((status) => ({
            connections:
              status.connections?.map((link) =>
                link.nickname === shortOf(to) && link.direction === "out" ? { ...link, isConnected: false } : link,
              ) ?? [],
          }));
      expect(seenOf([cut(2, 3), cut(2, 3)])).toContainEqual([`one-way-link ${nameOf(2)}+${nameOf(3)}`, true, 2]);
      expect(seenOf([cut(2, 3), cut(2, 4)])).toContainEqual([`one-way-link ${nameOf(2)}+${nameOf(4)}`, false, 1]);
    });
  });

  describe("a file that is older than what its server had", () => {
    const file = (rest: object): object => ({ path: "/db3", serverId: idOf(3), term: 7, commitIndex: 60, ...rest });
    const put =
      (rest: object, isDown = true) =>
      (built: Built): void => {
        Object.assign(built.at(3), { file: file(rest) });
        if (isDown) built.kill(3);
      };
    const first = (): void => {};

    it("is told by the memory, and by the leader's match_index without one", () => {
      expect(over([first, put({ lastIndex: 60 })], 1_000).codes).toContain("state-went-backwards");
      expect(over([first, put({ term: 6, lastIndex: 100 })], 1_000).codes).toContain("state-went-backwards");
      expect(over([put({ lastIndex: 99 })], 1_000).codes).toContain("state-went-backwards");
    });

    it("is not one that is as it was left, or was looked at while its server ran, or before", () => {
      expect(over([first, put({ lastIndex: 100 })], 1_000).codes).not.toContain("state-went-backwards");
      expect(over([first, put({ lastIndex: 60 }, false)], 1_000).codes).not.toContain("state-went-backwards");
      expect(over([first, first, put({ lastIndex: 60, atMs: AT_MS })], 1_000).codes).not.toContain(
        "state-went-backwards",
      );
      expect(over([first, first, put({ lastIndex: 60, atMs: AT_MS + 1_500 })], 1_000).codes).toContain(
        "state-went-backwards",
      );
    });
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
