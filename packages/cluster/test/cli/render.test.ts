import { describe, expect, it } from "vitest";
import { renderStatus } from "../../src/edge/cli/render.ts";
import { findingNews, screenText } from "../../src/edge/cli/watch.ts";
import { duration, exitOf } from "../../src/edge/cli/terminal.ts";
import { assess, emptyHistory, type Observation, readStatusAnswer, track, type Verdict } from "../../src/index.ts";
import { Built } from "../judge/build.ts";
import { AT_MS } from "../judge/samples.ts";
import { LAB_SAMPLES } from "../support/samples.ts";
import { fakeTerminal } from "../support/terminal.ts";

function observationOf(name: string): Observation {
  const text = LAB_SAMPLES.find((sample) => sample.name === name)?.text;
  if (text === undefined) throw new Error(`no sample ${name}`);
  const when = { via: "/run/ovn/ovnnb_db.ctl", atMs: 2, tookMs: 1 };
  const members = [
    { member: "ovn1", asked: {}, status: { ok: true as const, value: readStatusAnswer(text), ...when } },
  ];
  return { startedMs: 0, endedMs: 2, databases: [{ database: "OVN_Northbound", members }] };
}

const shown = (name: string, terminal = fakeTerminal()): string => {
  const observation = observationOf(name);
  return renderStatus(terminal, observation, assess(observation));
};

describe("the table of status", () => {
  it("shows every sample of the laboratory without a throw, and the leader's words about the others", () => {
    for (const { name } of LAB_SAMPLES) expect(shown(name)).toMatch(/^OVN_Northbound {2}\S/);
    const lines = shown("lab-three-one-down-leader").split("\n");
    expect(lines.find((line) => line.includes("silent"))).toMatch(/\(unnamed\) +silent +ee69 +tcp:\S+ +1 +4\.1 s/);
    expect(shown("lab-joining-remotes-down")).toContain("joining");
    expect(shown("lab-kicked-member")).toContain("no such cluster");
    expect(shown("lab-not-clustered")).toContain("not clustered");
  });

  it("shows of a member that does not answer what the others know of it", () => {
    const built = new Built(3).kill(3);
    const observation = built.observation();
    const lines = renderStatus(fakeTerminal(), observation, assess(observation)).split("\n");
    expect(lines.find((line) => line.startsWith("  node3"))).toMatch(
      /^ {2}node3 +no answer +3333 +tcp:10\.0\.0\.3:6643 +0 +9\.0 s +_Server: UNREACHABLE, control: UNREACHABLE$/,
    );
    expect(lines.join()).not.toContain("(unnamed)");
  });

  it("leaves columns out where a terminal is narrow, and nowhere else", () => {
    const width = (text: string): number =>
      Math.max(
        ...text
          .split("\n")
          .filter((line) => /^ {2}\S/.test(line) && !/ (warning|critical|info) /.test(` ${line.trim()}`))
          .map(({ length }) => length),
      );
    const environment = { NO_COLOR: "1" };
    const narrow = shown("lab-three-one-down-leader", fakeTerminal({ isTerminal: true, columns: 80, environment }));
    expect(width(narrow)).toBeLessThanOrEqual(80);
    expect(narrow).not.toContain("says");
    expect(narrow).toContain("behind");
    expect(shown("lab-three-one-down-leader", fakeTerminal({ columns: 40 }))).toContain("says");
  });

  it("shows the top of what is too long for the screen, as the terminal breaks its lines", () => {
    const at = "2026-01-02T03:04:05.678Z";
    const text = "head\n0123456789ABCDEF\nthree\nfour\n";
    const on = (rows: number, columns = 80): string =>
      screenText(fakeTerminal({ isTerminal: true, rows, columns, environment: { NO_COLOR: "1" } }), at, text);
    expect(on(7)).toBe(`${text}\n03:04:05 UTC, Ctrl-C ends`);
    expect(on(6)).toBe("head\n0123456789ABCDEF\n… 2 lines more; `ovn-ha status` has them\n\n03:04:05 UTC, Ctrl-C ends");
    expect(on(7, 10)).toContain("head\n0123456789ABCDEF\n… 2 lines more");
    expect(on(1, 0)).toContain("head\n… 3 lines more");
  });

  it("a line for a finding comes when it is believed, and when it is over", () => {
    let history = emptyHistory();
    const verdictAt = (atMs: number, one: Built): Verdict => {
      const tracked = track(history, one.observation(AT_MS + atMs));
      history = tracked.history;
      return tracked.verdict;
    };
    const verdicts = [verdictAt(0, new Built(3)), ...[1_000, 2_000].map((at) => verdictAt(at, new Built(3).kill(3)))];
    verdicts.push(verdictAt(3_000, new Built(3)));
    const news = verdicts.map((verdict, index) =>
      findingNews(verdicts[index - 1], verdict)
        .filter(({ finding }) => finding.code === "peer-down")
        .map(({ isNew }) => isNew),
    );
    expect(news).toEqual([[], [], [true], [false]]);
  });

  it("has words for times, and codes for verdicts", () => {
    expect([0, 999, 1_000, 9_999, 60_000, 3_600_000, 86_400_000, 864_000_000].map(duration)).toEqual([
      "0 ms",
      "999 ms",
      "1.0 s",
      "10.0 s",
      "60 s",
      "60 min",
      "24 h",
      "10 d",
    ]);
    expect((["ok", "not-applicable", "warning", "critical", "unknown"] as const).map(exitOf)).toEqual([0, 0, 1, 2, 3]);
  });
});
