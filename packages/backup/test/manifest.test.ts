import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatManifest, type Manifest, parseManifest, totalRows } from "../src/manifest.ts";
import { backupName, isPartialName, manifestName, partialName, timeStamp } from "../src/names.ts";

const manifest: Manifest = {
  format: "ovnha-backup",
  formatVersion: 1,
  createdAt: "2026-11-25T19:56:13.123Z",
  durationMs: 12,
  database: "OVN_Northbound",
  schema: { version: "7.0.0", cksum: "94023179 32919" },
  cluster: { cid: "aaaaaaaa-0000-4000-8000-000000000000", index: 7, indexMax: 8, term: 2 },
  rows: { Logical_Switch: 3, ACL: 4 },
  file: {
    name: "OVN_Northbound-20261125T195613Z.db",
    compression: "none",
    bytes: 9,
    contentBytes: 9,
    sha256: "0".repeat(64),
  },
  source: {
    kind: "server",
    place: "tcp:10.0.0.1:6641",
    model: "clustered",
    role: "follower",
    asked: 3,
    answered: 3,
    warnings: [],
  },
  tool: { name: "@ovnha/backup", version: "0.1.0", engine: "native" },
  set: { id: "20261125T195613Z-01234567", databases: ["OVN_Northbound"] },
  nbCfg: 5,
};

const changed = (change: object): string => JSON.stringify({ ...manifest, ...change });
const parse = (text: string): Manifest => parseManifest(text, "x.manifest.json");

describe("a manifest", () => {
  test("is read as it was written; what a newer program adds is passed over", () => {
    expect(parse(formatManifest(manifest))).toEqual(manifest);
    expect(parse(changed({ colour: "red" }))).toEqual(manifest);
    expect(totalRows(manifest)).toBe(7);
  });

  test.each([
    ["no JSON", "{", /is not JSON/],
    ["null", "null", /the whole/],
    ["another thing", "{}", /format/],
    ["a newer format", changed({ formatVersion: 2 }), /format version 2.*newer ovn-backup/],
    [
      "a path that leaves the folder",
      changed({ file: { ...manifest.file, name: "../../etc/passwd" } }),
      /file\.name.*without a folder/,
    ],
    ["a folder as a name", changed({ file: { ...manifest.file, name: ".." } }), /file\.name/],
    ["a hash that is none", changed({ file: { ...manifest.file, sha256: "abc" } }), /file\.sha256/],
    ["a negative count", changed({ rows: { ACL: -1 } }), /rows\.ACL/],
    ["no moment", changed({ createdAt: "yesterday" }), /createdAt/],
    ["an empty set", changed({ set: { id: "x", databases: [] } }), /set\.databases/],
  ])("is refused with the place named: %s", (_what, text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: "MANIFEST", path: "x.manifest.json" }));
    expect(() => parse(text)).toThrow(message);
  });

  test("never throws anything but its own error, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(() => parse(text)).toThrow(expect.objectContaining({ code: "MANIFEST" }));
      }),
    );
  });
});

test("names sort by time, and drafts are told from everything else", () => {
  const moment = new Date("2026-11-25T19:56:13.999Z");
  expect(timeStamp(moment)).toBe("20261125T195613Z");
  const name = backupName("OVN_Northbound", moment, true);
  expect(name).toBe("OVN_Northbound-20261125T195613Z.db.gz");
  expect(isPartialName(partialName(manifestName(name), "0123abcd"))).toBe(true);
  for (const other of [name, manifestName(name), `.${name}`, ".ovnnb_db.db.~lock~", "x.partial-0123abcd"])
    expect(isPartialName(other)).toBe(false);
});
