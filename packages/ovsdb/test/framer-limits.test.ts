import { describe, expect, test } from "vitest";
import { LimitError, ProtocolError } from "../src/error.ts";
import { DEFAULT_LIMITS, FrameReader, type ReaderLimits } from "../src/framer.ts";
import { bytesOf, readAll } from "./support/frames.ts";

/** Pushes the same piece again and again until the reader refuses, or `times` were taken. */
function flood(start: string, piece: string, times: number, limits: ReaderLimits): unknown {
  const reader = new FrameReader(limits);
  reader.push(bytesOf(start));
  const bytes = bytesOf(piece);
  try {
    for (let count = 0; count < times; count++) {
      reader.push(bytes);
      reader.next();
    }
  } catch (error) {
    return error;
  }
  return undefined;
}

const KIB = "x".repeat(1024);

describe("a hostile peer is stopped by a limit that names its option", () => {
  const cases: [string, keyof ReaderLimits, ReaderLimits, string, string][] = [
    ["an endless message", "frameBytesMax", { frameBytesMax: 1 << 20 }, '{"result":{"T":{', `"${KIB}":{},`],
    ["an endless string in a row", "valueBytesMax", { valueBytesMax: 1 << 20 }, '{"result":{"T":{"u":{"name":"', KIB],
    ["an endless string on top", "valueBytesMax", { valueBytesMax: 1 << 20 }, '{"id":"', KIB],
    ["an endless member name", "valueBytesMax", { valueBytesMax: 1 << 20 }, '{"', KIB],
    ["an endless number", "valueBytesMax", { valueBytesMax: 1 << 20 }, '{"id":1', "1".repeat(1024)],
    ["endless white space in a message", "frameBytesMax", { frameBytesMax: 1 << 20 }, '{"id":', " ".repeat(1024)],
    ["a flood of numbers", "valuesMax", { valuesMax: 100_000 }, '{"result":[', "1,".repeat(1024)],
    [
      "a flood of empty objects in a row",
      "valuesMax",
      { valuesMax: 100_000 },
      '{"result":{"T":{"u":[',
      "{},".repeat(1024),
    ],
    ["a flood of empty objects on top", "valuesMax", { valuesMax: 100_000 }, '{"result":[', "{},".repeat(1024)],
    ["a flood of rows", "valuesMax", { valuesMax: 10_000 }, '{"result":{"T":{', '"u":{},'.repeat(1024)],
    ["deep nesting from the first byte", "depthMax", {}, '{"a":', "[".repeat(1024)],
    ["deep nesting in a row", "depthMax", {}, `{"id":"${KIB}","result":{"T":{"u":`, '{"a":'.repeat(1024)],
  ];
  test.each(cases)("%s", (_name, limit, limits, start, piece) => {
    for (const splitBytes of [1, 64 * 1024]) {
      const error = flood(start, piece, 4096, { ...limits, splitBytes });
      expect(error).toBeInstanceOf(LimitError);
      expect(error).toMatchObject({ limit, code: "LIMIT", message: expect.stringContaining(limit) });
    }
  });

  test("a limit is exact: a message may have it, and not one byte more", () => {
    const message = '{"id":1,"result":[]}';
    const read = (limits: ReaderLimits): unknown => readAll([bytesOf(message)], limits);
    expect(read({ frameBytesMax: message.length })).toEqual([{ id: 1, result: [] }]);
    expect(() => read({ frameBytesMax: message.length - 1 })).toThrow(LimitError);
    expect(read({ depthMax: 2 })).toEqual([{ id: 1, result: [] }]);
    expect(() => read({ depthMax: 1 })).toThrow(LimitError);
    expect(() => read({ depthMax: 1, splitBytes: 1 })).toThrow(LimitError);
    expect(read({ valueBytesMax: message.length })).toEqual([{ id: 1, result: [] }]);
    expect(() => read({ valueBytesMax: message.length - 1 })).toThrow(LimitError);
  });

  test("white space between messages is no message", () => {
    expect(flood("", " ".repeat(1024), 4096, { frameBytesMax: 1024 * 1024 })).toBeUndefined();
  });

  test("a limit must be a positive number", () => {
    expect(() => new FrameReader({ depthMax: 0 })).toThrow(/depthMax/);
    expect(() => new FrameReader({ frameBytesMax: Number.NaN })).toThrow(/frameBytesMax/);
  });

  test("the defaults pass a reply of 84 MB several times over", () => {
    expect(DEFAULT_LIMITS.frameBytesMax).toBeGreaterThan(4 * 84e6);
    expect(DEFAULT_LIMITS.valuesMax).toBeGreaterThan(4 * 210_000 * 30);
  });
});

describe("what is no message is refused, and stays refused", () => {
  const refused = [
    "x",
    "[]",
    '"text"',
    "1",
    "null",
    "}",
    "{}{}]",
    "{]",
    '{"a" 1}',
    '{"a":}',
    '{"a":1,}',
    '{"a":[1,]}',
    '{"a":[1}}',
    '{"a":1]',
    "{1:2}",
    "{,}",
    '{"a":tru}',
    '{"a":01}',
    '{"a":"\n"}',
    '{"a":"\\x"}',
    '{"result":{"T":{"u":{]}}}',
    '{"result":[{"rows":[1 2]}]}',
    '{"result":{"T":{"u":+1}}}',
    '{"\t":1}',
    '{"a\\q":1}',
    "\ufeff{}",
  ];
  test.each(refused)("%j", (text) => {
    for (const splitBytes of [1, 1000]) {
      const reader = new FrameReader({ splitBytes });
      reader.push(bytesOf(`${text} `));
      const read = (): void => {
        while (reader.next() !== undefined);
      };
      expect(read).toThrow(ProtocolError);
      reader.push(bytesOf('{"id":1}'));
      expect(read).toThrow(ProtocolError);
    }
  });

  test.each(["{", '{"a"', '{"a":', '{"a":1', '{"a":"}', '{"a":"\\"}', '{"a":[{}'])("%j is only unfinished", (text) => {
    for (const splitBytes of [1, 1000]) {
      const reader = new FrameReader({ splitBytes });
      reader.push(bytesOf(text));
      expect(reader.next()).toBeUndefined();
      expect(reader.idle).toBe(false);
    }
  });
});

test("memory stays at one unfinished row, whatever the size of the message", () => {
  const row = `:{"initial":{"match":"${"m".repeat(300)}"}},`;
  let taken = 0;
  const reader = new FrameReader({}, () => {
    taken++;
    return true;
  });
  reader.push(bytesOf('{"id":1,"result":[false,"t",{"Logical_Flow":{'));
  let held = 0;
  for (let index = 0; index < 5000; index++) {
    const bytes = bytesOf(`"${index}"${row}`);
    reader.push(bytes.subarray(0, 100));
    reader.next();
    if (taken > 0) held = Math.max(held, reader.heldBytes);
    reader.push(bytes.subarray(100));
    reader.next();
  }
  reader.push(bytesOf('"last":{}}}],"error":null}'));
  expect(reader.next()).toEqual({ id: 1, result: [false, "t", { Logical_Flow: {} }], error: null });
  expect(taken).toBe(5001);
  expect(held).toBeLessThanOrEqual(row.length + 10);
});
