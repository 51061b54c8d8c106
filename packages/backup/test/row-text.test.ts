import { readFileSync } from "node:fs";
import { temporaryFolder } from "@ovnha/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { takeBackup } from "../src/index.ts";
import { initialText } from "../src/take/wire.ts";
import { fakeMember } from "./support/fake-member.ts";

test("a row's text is cut out of its update, whatever is in it", () => {
  const rows = fc.dictionary(
    fc.stringMatching(/^[a-z_]{1,5}$/),
    fc.oneof(fc.string(), fc.constantFrom('},"', "}}", '{"initial":{', "\\"), fc.integer()),
  );
  fc.assert(
    fc.property(rows, (row) => {
      for (const text of [
        JSON.stringify({ initial: row }),
        JSON.stringify({ initial: row }, undefined, 1),
        JSON.stringify({ new: row }),
      ])
        expect(JSON.parse(initialText(text) ?? "")).toEqual(row);
      expect(JSON.parse(initialText(JSON.stringify({ initial: row, more: { x: 1 } })) ?? "")).toEqual(row);
      expect(initialText(JSON.stringify({ modify: row }))).toBeUndefined();
    }),
  );
});

test("a reply of many rows goes into the file as it came, odd strings and long integers among it", async () => {
  const uuid = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
  const names = ["plain", '},"', 'quo"te', "back\\slash", "é☂😀", "\n\t"];
  const ports = Object.fromEntries(
    Array.from({ length: 5_000 }, (_none, index) => [
      uuid(index),
      { initial: { name: `${names[index % names.length]}${index}`, size: index } },
    ]),
  );
  const reply = [false, "00000000-0000-0000-0000-000000000000", { Port: ports }];
  await using member = await fakeMember({ model: "standalone", leader: true }, reply as never);
  const { backups } = await takeBackup({
    databases: [{ database: "Lab", remote: member.remote }],
    into: temporaryFolder(),
  });
  const last = readFileSync(backups[0]!.path, "utf8").trimEnd().split("\n").at(-1) ?? "";
  const { Port } = JSON.parse(last) as { Port: Record<string, unknown> };
  expect(Port).toEqual(Object.fromEntries(Object.entries(ports).map(([id, { initial }]) => [id, initial])));
  expect(backups[0]!.manifest.rows["Port"]).toBe(5_000);
});
