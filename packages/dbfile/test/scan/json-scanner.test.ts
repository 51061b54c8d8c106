import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { DEPTH_MAX, JsonScanner, type JsonVisitor } from "../../src/scan/json-scanner.ts";

/** Bytes beyond ASCII are whatever they are. */
const DECODER = new TextDecoder("latin1");
const PLACE = 1000;

/** What JSON.parse says, with what ovsdb-server's parser is stricter in: high surrogates in pairs, and no U+0000. */
function isJsonByDefinition(bytes: Uint8Array): boolean {
  try {
    const text = DECODER.decode(bytes);
    let isClean = true;
    const look = (value: unknown): void => {
      if (typeof value === "string")
        isClean &&= !/[\ud800-\udbff](?![\udc00-\udfff])/.test(value) && !value.includes("\0");
      else if (typeof value === "object" && value !== null)
        for (const [name, member] of Object.entries(value)) [name, member].forEach(look);
    };
    look(JSON.parse(text));
    return isClean;
  } catch {
    return false;
  }
}

/** Events as text, pieces cut at `cuts`. `depth`: how many containers inside each other are opened. */
function scan(
  bytes: Uint8Array,
  cuts: readonly number[],
  depth: number,
): { readonly ok: boolean; readonly events: string[] } {
  const events: string[] = [];
  let opened = 0;
  const text = (start: number, end: number): string =>
    Buffer.from(bytes.subarray(start - PLACE, end - PLACE)).toString();
  const visitor: JsonVisitor = {
    open(isObject) {
      if (opened === depth) return false;
      opened++;
      events.push(isObject ? "{" : "[");
      return true;
    },
    key: (start, end) => void events.push(`key ${text(start, end)}`),
    value: (start, end) => void events.push(`value ${text(start, end)}`),
    close(end) {
      opened--;
      events.push(`end ${end - PLACE}`);
    },
  };
  const scanner = new JsonScanner(visitor);
  const edges = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  for (let piece = 1; piece < edges.length; piece++) {
    const [from, to] = [edges[piece - 1] as number, edges[piece] as number];
    // A fresh buffer with a margin: the scanner may keep nothing and look at nothing outside.
    const copy = new Uint8Array(to - from + 6).fill(0x22);
    copy.set(bytes.subarray(from, to), 3);
    if (!scanner.push(copy, 3, 3 + to - from, PLACE + from)) return { ok: false, events };
  }
  return { ok: scanner.finish(PLACE + bytes.length), events };
}

const texts = fc.oneof(
  fc.json({ maxDepth: 5 }),
  fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value, null, 1)),
  fc.string({ unit: "grapheme" }).map((text) => JSON.stringify([text, { [text]: -0.5e-7 }])),
  fc.constantFrom(
    '"\\ud834\\udd1e"',
    '"\\ud834"',
    '"\\udd1e"',
    '"\\u0000"',
    "[01]",
    "1.",
    "-",
    "1e+",
    "1E5",
    "[1,]",
    '{"a":1,}',
    "{1:2}",
    "tru",
    "nul\u006c",
    '"\\x"',
    '"a\tb"',
    "",
    " ",
    "1 2",
    "{}[]",
    '{"a" : [ ] }',
  ),
);
const bytesOf = texts.map((text) => new TextEncoder().encode(text));
const spoilt = fc
  .tuple(bytesOf, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }))
  .map(([bytes, changes]) => {
    const copy = Uint8Array.from(bytes);
    for (const [at, byte] of changes) if (copy.length > 0) copy[at % copy.length] = byte;
    return copy;
  });

describe("JsonScanner", () => {
  test("takes what JSON.parse takes, whole or with wrong bytes, wherever the pieces end", () => {
    fc.assert(
      fc.property(spoilt, fc.array(fc.nat(), { maxLength: 6 }), fc.nat({ max: 3 }), (bytes, places, depth) => {
        const cuts = places.map((place) => place % (bytes.length + 1));
        expect(scan(bytes, cuts, depth).ok).toBe(isJsonByDefinition(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  test("tells the same whatever the pieces", () => {
    fc.assert(
      fc.property(bytesOf, fc.array(fc.nat(), { maxLength: 6 }), fc.nat({ max: 3 }), (bytes, places, depth) => {
        const cuts = places.map((place) => place % (bytes.length + 1));
        expect(scan(bytes, cuts, depth)).toEqual(scan(bytes, [], depth));
      }),
      { numRuns: 2000 },
    );
  });

  test("what it tells is the text again", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat({ max: 4 }), (value, depth) => {
        const json = JSON.stringify(value);
        const { events } = scan(new TextEncoder().encode(json), [], depth);
        let text = "";
        const open: string[] = [];
        let needsComma = false;
        for (const event of events) {
          const isEnd = event.startsWith("end");
          if (needsComma && !isEnd) text += ",";
          if (event === "{" || event === "[") open.push(event === "{" ? "}" : "]");
          text += isEnd
            ? open.pop()
            : event.startsWith("key ")
              ? `${event.slice(4)}:`
              : event.startsWith("value ")
                ? event.slice(6)
                : event;
          needsComma = isEnd || event.startsWith("value ");
        }
        expect(text).toBe(json);
      }),
      { numRuns: 1000 },
    );
  });

  test("nesting has a bound, and the fault names its place", () => {
    const nested = (depth: number): Uint8Array => new TextEncoder().encode("[".repeat(depth) + "]".repeat(depth));
    expect(scan(nested(DEPTH_MAX), [], 0).ok).toBe(true);
    expect(scan(nested(DEPTH_MAX + 1), [], 0).ok).toBe(false);
    const scanner = new JsonScanner({
      open: () => false,
      key: () => undefined,
      value: () => undefined,
      close: () => undefined,
    });
    scanner.push(new TextEncoder().encode('{"a":1,]'), 0, 8, 50);
    expect(scanner.fault).toBe('"]" where a member name is expected, at offset 57');
  });
});
