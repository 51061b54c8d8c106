/** Bodies of records that are legal, or nearly so, and that no server is likely to write. */
import { formatRecord } from "../../src/index.ts";
import { sha1 } from "./memory-file.ts";
import { row, SCHEMA } from "./samples.ts";

const ANT = `"${row("2")}":{"name":"ant"}`;
const FOLLOWING = Buffer.from(`{"Animal":{"${row("3")}":{"name":"bee"}}}\n`);

/** A record whose body is these bytes, with or without a line feed at their end. */
export function rawRecord(magic: "JSON" | "CLUSTER", body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`OVSDB ${magic} ${body.length} ${sha1(body)}\n`), body]);
}

type Case = {
  readonly what: string;
  readonly bytes: Buffer;
  /** Of all rows, in any order; undefined if ovsdb-tool refuses the file. */
  readonly names: readonly string[] | undefined;
};

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const standalone = (...bodies: readonly Uint8Array[]): Buffer =>
  Buffer.concat([
    Buffer.from(formatRecord("JSON", JSON.stringify(SCHEMA), sha1)),
    ...bodies.map((body) => rawRecord("JSON", body)),
  ]);

/** Standalone files; each has a usual record behind the unusual one. */
export const UNUSUAL: readonly Case[] = [
  {
    what: "a comment that is not UTF-8",
    body: `{"_comment":"ant \xff\xc3","Animal":{${ANT}}}\n`,
    names: ["ant", "bee"],
  },
  {
    what: "half of a surrogate pair in a comment",
    body: `{"_comment":"\\udc00","Animal":{${ANT}}}\n`,
    names: ["ant", "bee"],
  },
  {
    what: "a text of a column that is not UTF-8",
    body: `{"Animal":{"${row("2")}":{"name":"\xff"}}}\n`,
    names: undefined,
  },
  { what: "the other half of a surrogate pair", body: `{"_comment":"\\ud800","Animal":{${ANT}}}\n`, names: undefined },
  { what: "U+0000 in a comment", body: `{"_comment":"\\u0000","Animal":{${ANT}}}\n`, names: undefined },
  { what: "no line feed at the end", body: `{"Animal":{${ANT}}}`, names: ["ant", "bee"] },
  { what: "blanks and line feeds", body: ` \n\t{ "Animal" :\r\n{${ANT} } }  \n`, names: ["ant", "bee"] },
  { what: "a table twice", body: `{"Animal":{"${row("1")}":{}},"Animal":{${ANT}}}\n`, names: ["ant", "bee"] },
  {
    what: "names with escapes",
    body: `{"\\u0041nimal":{"\\u0032${row("2").slice(1)}":{"n\\u0061me":"ant"}}}\n`,
    names: ["ant", "bee"],
  },
  { what: "a column twice", body: `{"Animal":{"${row("2")}":{"name":"bat","name":"ant"}}}\n`, names: ["ant", "bee"] },
].map(({ what, body, names }) => ({ what, names, bytes: standalone(latin1(body), FOLLOWING) }));

export const WITHOUT_LINE_FEED: Buffer = Buffer.concat([
  rawRecord("JSON", Buffer.from(JSON.stringify(SCHEMA))),
  rawRecord("JSON", FOLLOWING),
]);
