import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClusterError, formatClusterStatus, parseClusterStatus, readStatusAnswer } from "../../src/index.ts";
import { SAMPLES } from "../support/samples.ts";
import { anyStatus } from "../support/statuses.ts";

/** A status, or an error that names a line of the text; anything else is thrown. */
function readOrRefuse(text: string): "status" | "refused" {
  try {
    parseClusterStatus(text);
    return "status";
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    expect(["MALFORMED_STATUS", "UNKNOWN_CLUSTER", "UNKNOWN_COMMAND"]).toContain(error.code);
    expect(error.line).toBeGreaterThanOrEqual(1);
    expect(error.line).toBeLessThanOrEqual(text.split("\n").length);
    expect(text).toContain(error.text);
    return "refused";
  }
}

describe("properties of cluster/status", () => {
  it("formatting, then parsing, is the identity on any status", () => {
    fc.assert(
      fc.property(anyStatus, (status) => {
        expect(parseClusterStatus(formatClusterStatus(status))).toEqual(status);
      }),
      { numRuns: 600 },
    );
  });

  it("formatting writes what is read back the same, or refuses, whatever the texts are", () => {
    const soup = fc.string({ unit: fc.constantFrom(..."a4 .:/()\n->[]=") });
    fc.assert(
      fc.property(anyStatus, soup, soup, soup, (status, name, nickname, leader) => {
        const odd = { ...status, name, nickname, leader };
        let text: string;
        try {
          text = formatClusterStatus(odd);
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_VALUE" });
          return;
        }
        expect(parseClusterStatus(text)).toEqual(odd);
      }),
      { numRuns: 600 },
    );
  });

  it("any text is a status or an error that names the line", () => {
    const lines = SAMPLES.flatMap(({ text }) => text.split("\n"));
    const piece = fc.oneof(
      fc.constantFrom(...lines),
      fc.string(),
      fc
        .tuple(fc.constantFrom(...lines), fc.nat(60), fc.nat(60), fc.string())
        .map(([line, from, to, put]) => line.slice(0, from) + put + line.slice(to)),
    );
    const text = fc.array(piece, { maxLength: 40 }).map((parts) => parts.join("\n"));
    const seen = { status: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: "binary" })), (given) => {
        seen[readOrRefuse(given)]++;
      }),
      { numRuns: 1_500 },
    );
    // Otherwise the property would say nothing.
    expect(seen.status).toBeGreaterThan(50);
    expect(seen.refused).toBeGreaterThan(50);
  });

  it("what is parsed can be written, and is read the same again", () => {
    const lines = SAMPLES.flatMap(({ text }) => text.split("\n"));
    const text = fc.array(fc.constantFrom(...lines), { minLength: 1, maxLength: 30 }).map((parts) => parts.join("\n"));
    fc.assert(
      fc.property(text, (given) => {
        if (readOrRefuse(given) === "refused") return;
        const status = parseClusterStatus(given);
        expect(parseClusterStatus(formatClusterStatus(status))).toEqual(status);
      }),
      { numRuns: 600 },
    );
  });

  it("loses no line", () => {
    fc.assert(
      fc.property(
        anyStatus,
        fc.array(fc.stringMatching(/^[a-z]{1,8}: [a-z]{0,8}$/), { maxLength: 5 }),
        (status, foreign) => {
          const text = formatClusterStatus(status) + foreign.map((line) => `${line}\n`).join("");
          const read = parseClusterStatus(text);
          expect(read.unknownLines.map((line) => line.text)).toEqual(foreign);
          expect({ ...read, unknownLines: [] }).toEqual(status);
        },
      ),
      { numRuns: 300 },
    );
  });

  // What takes time is the characters that are looked at; so these are counted, in place of a clock.
  it.each([
    ["open brackets", "Servers:\n    ", "a (", ""],
    ["closing brackets", "Servers:\n    a (aaaa at unix:/", ") ", ""],
    ["ids without an end", "Servers:\n    ", " (aaaa at tcp", ""],
    ["blank lines", "Term: 1\n", "\n", ""],
    ["added servers and blank lines", "Name: x\n", "Adding server a (a at tcp:x) (y)\n\n", ""],
    ["repeated lines", "", "Term: 1\n", ""],
    ["servers", "Servers:\n", "    a (aaaa at tcp:x) (voted for a\n", ""],
    ["links", "Connections:", " (->a", ""],
    ["halves of links", "Connections: ->a", " -", ""],
    ["remotes", "Remotes for joining:", " unix:a tcp", ""],
    ["digits", "Term: ", "9", ""],
    ["quotes", '"', '" is not a valid', ""],
    ["unknown lines before a name", "", "x\n", "Name: x\n"],
    ["blanks", " ", " ", "x"],
    ["carriage returns", "Term: 1", "\r", "\n"],
  ])("takes linear time for many %s", (_what, before, piece, after) => {
    const steps = (count: number): number =>
      countSteps(() => readOrRefuseQuietly(before + piece.repeat(count) + after));
    const [small, large] = [steps(1_000), steps(8_000)];
    expect(large / small).toBeLessThan(9);
  });
});

function readOrRefuseQuietly(text: string): void {
  try {
    readStatusAnswer(text);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
  }
}

/** Counts the characters that the methods of strings look at while something runs, and the calls of those that look at one. */
function countSteps(run: () => void): number {
  let steps = 0;
  const original = Object.getOwnPropertyDescriptors(String.prototype);
  const wrap = (
    name: "indexOf" | "slice" | "charCodeAt" | "startsWith" | "endsWith" | "trimEnd",
    cost: (self: string, result: unknown, args: readonly unknown[]) => number,
  ): void => {
    const method = original[name].value as (...args: unknown[]) => unknown;
    Object.defineProperty(String.prototype, name, {
      configurable: true,
      writable: true,
      value(this: string, ...args: unknown[]): unknown {
        const result = method.apply(this, args);
        steps += cost(this, result, args);
        return result;
      },
    });
  };
  wrap("indexOf", (self, result, [, from = 0]) => (result === -1 ? self.length : Number(result)) - Number(from) + 1);
  wrap("slice", (_self, result) => String(result).length + 1);
  wrap("trimEnd", (_self, result) => String(result).length + 1);
  for (const name of ["charCodeAt", "startsWith", "endsWith"] as const) wrap(name, () => 1);
  try {
    run();
  } finally {
    Object.defineProperties(String.prototype, original);
  }
  return steps;
}
