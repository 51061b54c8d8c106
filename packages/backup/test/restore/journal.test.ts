import { describe, expect, test } from "vitest";
import { formatLine, type JournalLine, parseJournal } from "../../src/index.ts";

const EVENTS: JournalLine[] = [
  { type: "opened", planId: "p", planSha256: "s", by: "process 1", atMs: 1 },
  { type: "begun", step: 'a\n"ü', attempt: 1, atMs: 2 },
  { type: "done", step: 'a\n"ü', how: "acted", facts: { "sha256 of x": "y" }, notes: ["n"], atMs: 3 },
  { type: "begun", step: "b", attempt: 1, atMs: 4 },
  { type: "failed", step: "b", reason: "r", atMs: 5 },
  { type: "undo-begun", step: "b", attempt: 2, atMs: 6 },
  { type: "undone", step: "b", atMs: 7 },
  { type: "closed", outcome: "undone", atMs: 8 },
];
const TEXT = EVENTS.map(formatLine).join("");

describe("the journal", () => {
  test("is read as it was written", () => {
    expect(parseJournal(TEXT, "j")).toEqual({ events: EVENTS, torn: false });
    expect(parseJournal("", "j")).toEqual({ events: [], torn: false });
  });

  test("cut anywhere, it has every whole line, and no other", () => {
    for (let length = 0; length < TEXT.length; length++) {
      const cut = TEXT.slice(0, length);
      const { events, torn } = parseJournal(cut, "j");
      // A line that lacks its line feed alone is whole.
      const whole = EVENTS.filter(
        (_event, index) =>
          EVENTS.slice(0, index + 1)
            .map(formatLine)
            .join("").length -
            1 <=
          length,
      );
      if (events.length !== whole.length || torn !== (cut !== "" && !cut.endsWith("\n")))
        expect({ length, events }).toEqual({ length, events: whole });
    }
  });

  test("cut anywhere and taken up again, what it said before is what it says later", () => {
    const again: JournalLine = { type: "opened", planId: "p", planSha256: "s", by: "process 2", atMs: 9 };
    for (let length = 0; length <= TEXT.length; length++) {
      const cut = TEXT.slice(0, length);
      const { events, torn } = parseJournal(cut, "j");
      const { events: later } = parseJournal(`${cut}${torn ? "\n" : ""}${formatLine(again)}`, "j");
      if (later.length !== events.length + 1) expect({ length, later }).toEqual({ length, later: [...events, again] });
    }
  });

  test("damaged in its middle, it is refused by line", () => {
    const lines = TEXT.split("\n");
    expect(() => parseJournal([lines[0], "{", ...lines.slice(2)].join("\n"), "/w/j")).toThrow(
      /\/w\/j:2: a line in the middle is damaged/,
    );
    expect(() => parseJournal(TEXT.replace('"begun"', '"began"'), "j")).toThrow(/j:2/);
  });
});
