import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameReader, type ReaderLimits, type RowSink } from "../src/framer.ts";
import type { Json, JsonObject } from "../src/json.ts";
import { bufferDecoding } from "../src/edge/link.ts";
import { bytesOf, exact, type Offer, offersOf, plain, readAll, scripts } from "./support/frames.ts";

describe("messages as ovsdb-server sends them", () => {
  const messages: string[] = [
    '{"id":1,"result":["_Server","Open_vSwitch"],"error":null}',
    '{"id":7,"error":"unknown method"}',
    '{"id":null,"method":"update2","params":["m",{"Bridge":{"u1":{"insert":{"name":"br0"}},"u2":{"delete":null}}}]}',
    '{"id":2,"result":[false,"00000000-0000-0000-0000-000000000000",{"Bridge":{"u1":{"initial":{"a":"{"}},"u2":{"initial":{"b":"}\\"]"}}},"Port":{}}],"error":null}',
    '{"id":3,"result":{"Bridge":{"u1":{"new":{"n":9223372036854775807,"m":-9223372036854775808}}}},"error":null}',
    '{"id":null,"method":"update3","params":["m","e1f0dd3a-0000-4000-8000-000000000000",{"T":{"u":{"modify":{"x":["set",[]],"y":["map",[["k","v"]]]}}}}]}',
    '{"id":4,"result":[{"rows":[{"name":"a"},{"name":"b\\\\"}]},{"count":2},{"rows":[]},null],"error":null}',
    '{"result":{},"id":[1,{"2":null}],"error":null}',
    '{"id":"echo","method":"echo","params":[]}',
    "{}",
    `{"id":5,"result":[${scripts.map((text) => JSON.stringify(text)).join(",")}],"error":null}`,
  ];
  const stream = bytesOf(` ${messages.join("\n")}\r\n\t`);
  const expected = messages.map(exact);

  const runs: [string, ReaderLimits][] = [
    ["in one piece", {}],
    ["piece by piece", { splitBytes: 1 }],
    ["piece by piece late", { splitBytes: 40 }],
  ];
  test.each(runs)("%s: every cut in two gives the same messages", (_name, limits) => {
    for (let cut = 0; cut <= stream.length; cut++) {
      expect(readAll([stream.subarray(0, cut), stream.subarray(cut)], limits)).toEqual(expected);
    }
  });

  test.each(runs)("%s: byte by byte", (_name, limits) => {
    expect(
      readAll(
        [...stream].map((byte) => Uint8Array.of(byte)),
        limits,
      ),
    ).toEqual(expected);
    expect(
      readAll(
        [...stream].map((byte) => Uint8Array.of(byte)),
        limits,
        undefined,
        bufferDecoding,
      ),
    ).toEqual(expected);
  });

  test("chunks may all be pushed before anything is read", () => {
    const reader = new FrameReader({ splitBytes: 10 });
    for (const byte of stream) reader.push(Uint8Array.of(byte));
    const read: Json[] = [];
    for (let message = reader.next(); message !== undefined; message = reader.next()) read.push(message);
    expect(read).toEqual(expected);
    expect(reader.idle).toBe(true);
    expect(reader.heldBytes).toBe(0);
  });

  test("the size of each message is told", () => {
    const reader = new FrameReader({ splitBytes: 10 });
    reader.push(stream);
    for (const message of messages) {
      reader.next();
      expect(reader.frameBytes).toBe(bytesOf(message).length);
    }
  });
});

describe("text", () => {
  test.each(scripts)("%s survives every cut, in values and in names", (text) => {
    const rows = Object.fromEntries(
      [0, 1, 2].map((index) => [`${text}${index}`, { initial: { [text]: [text, `${text}\n"\\`] } }]),
    );
    const message = { id: 1, result: { [text]: rows }, error: null };
    const bytes = bytesOf(JSON.stringify(message));
    for (let cut = 1; cut < bytes.length; cut++) {
      for (const splitBytes of [1, 1000])
        expect(readAll([bytes.subarray(0, cut), bytes.subarray(cut)], { splitBytes })).toEqual([message]);
    }
  });

  test("escapes are left to the parser, lone surrogates among them", () => {
    const message = '{"\\u0041\\ud83d\\ude00":"\\ud800 \\u0000 \\/"}';
    for (const splitBytes of [1, 1000])
      expect(readAll([bytesOf(message)], { splitBytes })).toEqual([JSON.parse(message)]);
  });

  test.each([[[0xff]], [[0xc3, 0x28]], [[0xed, 0xa0, 0x80]], [[0xf0, 0x9f, 0x98]]])(
    "bytes %j are not UTF-8 and are refused, not replaced",
    (bytes) => {
      const message = [...bytesOf('{"id":1,"result":{"T":{"u":{"new":{"name":"'), ...bytes, ...bytesOf('"}}}}}')];
      for (const splitBytes of [1, 1000]) {
        for (const decoding of [undefined, bufferDecoding]) {
          expect(() => readAll([Uint8Array.from(message)], { splitBytes }, undefined, decoding)).toThrow(
            /not valid UTF-8/,
          );
        }
      }
    },
  );
});

describe("integers", () => {
  test("16 digits and more are read exactly, in their own row only", () => {
    const message =
      '{"id":1,"result":{"T":{"a":{"n":9007199254740993},"b":{"n":12.5},"c":{"n":[9223372036854775807,"12345678901234567890"]}}}}';
    const expected = {
      id: 1,
      result: {
        T: { a: { n: 9007199254740993n }, b: { n: 12.5 }, c: { n: [9223372036854775807n, "12345678901234567890"] } },
      },
    };
    for (const splitBytes of [1, 1000])
      expect(
        readAll(
          [...bytesOf(message)].map((byte) => Uint8Array.of(byte)),
          { splitBytes },
        ),
      ).toEqual([expected]);
  });

  test("a long integer as a member of the message itself", () => {
    const message = '{"id":9007199254740993,"result":{"T":{}}}';
    for (const splitBytes of [1, 1000])
      expect(readAll([bytesOf(message)], { splitBytes })).toEqual([{ id: 9007199254740993n, result: { T: {} } }]);
  });

  test("digits of neighbours don't add up", () => {
    const message = '{"id":[12345678,1234567812345,{"1":1}],"result":[-0.5]}';
    expect(readAll([bytesOf(message)])).toEqual([JSON.parse(message)]);
  });
});

describe("rows", () => {
  const reply =
    '{"id":2,"result":[false,"t0",{"A":{"u1":{"initial":{"x":1}},"u2":{"initial":{}}},"B":{"u3":{"initial":{"y":[]}}}}],"error":null}';
  const collect =
    (offers: Offer[], takes: boolean): RowSink =>
    (context, table, uuid, row) => {
      offers.push({ context, table, uuid, row });
      return takes;
    };

  test("are offered as they complete, with what is known by then", () => {
    const offers: Offer[] = [];
    const [message] = readAll([bytesOf(reply)], { splitBytes: 1 }, collect(offers, true));
    expect(message).toEqual({ id: 2, result: [false, "t0", { A: {}, B: {} }], error: null });
    expect(offers.map(({ table, uuid, row }) => [table, uuid, row])).toEqual([
      ["A", "u1", { initial: { x: 1 } }],
      ["A", "u2", { initial: {} }],
      ["B", "u3", { initial: { y: [] } }],
    ]);
    expect(offers[0]?.context).toMatchObject({ id: 2, method: undefined });
    expect(offers[0]?.context.head.slice(0, 2)).toEqual([false, "t0"]);
  });

  test("that are not taken stay in the message", () => {
    expect(readAll([bytesOf(reply)], { splitBytes: 1 }, collect([], false))).toEqual([JSON.parse(reply)]);
  });

  test("of small messages are not offered", () => {
    const offers: Offer[] = [];
    expect(readAll([bytesOf(reply)], {}, collect(offers, true))).toEqual([JSON.parse(reply)]);
    expect(offers).toEqual([]);
  });

  test("the id is unknown if it comes behind the rows", () => {
    const offers: Offer[] = [];
    readAll(
      [bytesOf('{"result":{"A":{"u1":{"new":{}}}},"error":null,"id":9}')],
      { splitBytes: 1 },
      collect(offers, false),
    );
    expect(offers[0]?.context).toEqual({ id: undefined, method: undefined, head: [] });
  });

  test("are handed over before the message is complete", () => {
    const offers: Offer[] = [];
    const reader = new FrameReader({ splitBytes: 1 }, collect(offers, true));
    reader.push(bytesOf(reply.slice(0, reply.indexOf('"u2"'))));
    expect(reader.next()).toBeUndefined();
    expect(offers).toHaveLength(1);
    expect(reader.heldBytes).toBe(0);
  });

  test("an error of the sink ends the stream", () => {
    const reader = new FrameReader({ splitBytes: 1 }, () => {
      throw new RangeError("bad row");
    });
    reader.push(bytesOf(reply));
    expect(() => reader.next()).toThrow("bad row");
    expect(() => reader.next()).toThrow("bad row");
  });
});

describe("against JSON.parse", () => {
  const member = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("result", "params", "rows", "id", "method", "u", "__proto__", "1") },
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6, depthSize: "small" },
      fc.oneof(
        fc.constantFrom(null, true, false),
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.maxSafeInteger(),
        fc.string({ unit: "binary", maxLength: 12 }),
      ),
      tie("array"),
      tie("object"),
    ),
    array: fc.array(tie("value"), { maxLength: 4 }),
    object: fc.array(fc.tuple(member, tie("value")), { maxLength: 4 }).map((members) => {
      const object = {};
      for (const [name, element] of members)
        Object.defineProperty(object, name, { value: element, enumerable: true, configurable: true, writable: true });
      return object;
    }),
  })).value;
  const object = value.map((inner) => ({ id: 1, result: inner }));
  const text = fc
    .oneof(
      object,
      value.map((inner) => ({ method: "m", params: [0, inner] })),
      fc.dictionary(member, value),
    )
    .chain((message) => fc.constantFrom(JSON.stringify(message), JSON.stringify(message, undefined, " \t")));
  const stream = fc.array(text, { minLength: 1, maxLength: 4 });
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });

  /** Pieces of the given sizes, taken in turn. */
  const cut = (bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] => {
    const chunks: Uint8Array[] = [];
    for (let start = 0, turn = 0; start < bytes.length; turn++) {
      const end = start + (lengths[turn % lengths.length] as number);
      chunks.push(bytes.subarray(start, end));
      start = end;
    }
    return chunks;
  };

  test("any messages, any chunks, any point of splitting", () => {
    fc.assert(
      fc.property(stream, sizes, fc.integer({ min: 1, max: 60 }), (texts, lengths, splitBytes) => {
        const read = readAll(cut(bytesOf(texts.join("")), lengths), { splitBytes });
        expect(read.map(plain)).toEqual(texts.map((source) => plain(JSON.parse(source) as Json)));
      }),
      { numRuns: 500 },
    );
  });

  test("the rows offered are those that the whole message has, in order", () => {
    fc.assert(
      fc.property(text, sizes, (source, lengths) => {
        const offered: string[] = [];
        readAll(cut(bytesOf(source), lengths), { splitBytes: 1 }, (_context, table, uuid, row) => {
          offered.push(plain([table, uuid, row]));
          return false;
        });
        expect(offered).toEqual(offersOf(JSON.parse(source) as JsonObject).map(plain));
      }),
      { numRuns: 500 },
    );
  });
});
