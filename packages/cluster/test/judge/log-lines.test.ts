/** How much of a log is read: the work for a line is bounded, whoever wrote it. */
import { describe, expect, it } from "vitest";
import { LINE_CHARACTERS_MAX, recentLines } from "../../src/judge/checks/log-lines.ts";
import { LOG_PATTERNS } from "../../src/judge/checks/logs.ts";
import { AT_MS } from "./samples.ts";

const HOSTILE = ["host ip ", "joining ", "SSL_connect: ", "attempts to truncate log ", "deferred vote_request "];

describe("the lines of a log", () => {
  it("are cut before any pattern sees them, so that the work grows as the log does", () => {
    for (const piece of HOSTILE) {
      const text = piece.repeat(Math.ceil(262_144 / piece.length));
      const [line, ...others] = recentLines(`${text}\n`, AT_MS);
      expect([line?.text.length, others.length]).toEqual([LINE_CHARACTERS_MAX, 0]);
      expect(text.startsWith(line?.text ?? "-")).toBe(true);
    }
  });

  it("are whole where servers wrote them", () => {
    const line = "2023-11-14T22:10:00.000Z|00012|raft|WARN|deferred vote_request past last synced index 0";
    expect(recentLines(`${line}\n${line}\n`, AT_MS).map(({ text }) => text)).toEqual([line, line]);
  });

  it("are searched by patterns that look only so far from any place", () => {
    for (const { code, pattern } of LOG_PATTERNS) expect(pattern.source, code).not.toMatch(/(?<!\\)\.[*+]/);
  });
});
