/** What is left of a record when its rows are dropped does not depend on how its bytes come. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecordSieve } from "../../src/check/record-sieve.ts";
import {
  decodeClusterHeader,
  decodeClusterRecord,
  encodeClusterHeader,
  encodeClusterRecord,
} from "../../src/clustered.ts";
import { HEALTHY, PLANTED } from "../support/planted.ts";

type Sifted = { readonly result: unknown; readonly fault: string | undefined };

function sift(sieve: RecordSieve, bytes: Uint8Array, cuts: readonly number[]): Sifted {
  sieve.reset();
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut <= from) continue;
    sieve.push(bytes.subarray(from, cut));
    from = cut;
  }
  return { result: sieve.finish(), fault: sieve.dataFault };
}

/** The dumb twin: everything is parsed, and rows are dropped from the result. */
function siftByParsing(text: string): unknown {
  const json = JSON.parse(text) as Record<string, unknown>;
  for (const name of ["data", "prev_data"]) {
    const data = json[name];
    const drop = (value: unknown): unknown => (typeof value === "object" && value !== null ? {} : value);
    if (Array.isArray(data)) json[name] = data.map(drop);
    else if (data !== undefined) json[name] = drop(data);
  }
  return json;
}

const leaf = fc.oneof(
  fc.string(),
  fc.constantFrom("data", "prev_data", "ü", "𝄞", '"', "\\"),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constant("data")), tie("value"), { maxKeys: 4 }),
  ),
}));
const record = fc.dictionary(
  fc.constantFrom("data", "prev_data", "term", "datum", "d", "a longer name than any other", "é"),
  value,
);

describe("RecordSieve", () => {
  test("keeps what the twin keeps, however the bytes are cut", () => {
    const sieve = new RecordSieve();
    const property = fc.property(
      record,
      fc.array(fc.nat({ max: 400 })),
      fc.constantFrom(undefined, 1),
      (json, cuts, indent) => {
        const text = `${JSON.stringify(json, undefined, indent)}\n`;
        const { result } = sift(
          sieve,
          new TextEncoder().encode(text),
          cuts.sort((a, b) => a - b),
        );
        expect(result).toEqual({ value: siftByParsing(text) });
      },
    );
    fc.assert(property, { numRuns: 1_000 });
  });

  test("every cut of the planted records in two gives the same", () => {
    const sieve = new RecordSieve();
    const records = [...HEALTHY, ...PLANTED.flatMap(({ files }) => files)].flatMap((file) => file.records);
    for (const text of new Set(records.map((each) => JSON.stringify(each)))) {
      const bytes = new TextEncoder().encode(`${text}\n`);
      const whole = JSON.stringify(sift(sieve, bytes, []));
      for (let cut = 1; cut < bytes.length; cut++) {
        if (JSON.stringify(sift(sieve, bytes, [cut])) !== whole) expect.fail(`cut at ${cut}: ${text}`);
      }
    }
  });

  test("what is no JSON is told", () => {
    const sieve = new RecordSieve();
    for (const text of ["", "{", '{"a":}', '{"data":[{"a":1},}]}', '{"data":[{"a" 1}]}', "nul", '{"a":1} x'])
      expect(sift(sieve, new TextEncoder().encode(text), []).result).toBe("json");
    for (const text of ["[]", "1", "null", '"data"'])
      expect(sift(sieve, new TextEncoder().encode(text), []).result).toBe("object");
  });

  test("headers and records survive without their rows", () => {
    const sieve = new RecordSieve();
    for (const { header, records } of HEALTHY) {
      for (const [at, each] of [header, ...records].entries()) {
        const bytes = new TextEncoder().encode(JSON.stringify(each));
        const { result } = sift(sieve, bytes, []) as { readonly result: { readonly value: never } };
        const [decode, encode] = [
          at === 0 ? decodeClusterHeader : decodeClusterRecord,
          at === 0 ? encodeClusterHeader : encodeClusterRecord,
        ];
        expect(Object.keys(encode(decode(result.value) as never)).sort()).toEqual(Object.keys(each).sort());
      }
    }
  });
});
