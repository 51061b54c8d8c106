/** Which file a recovery should start from, told on files whose story is known. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createStandalone, type Fitness, rank } from "../../src/index.ts";
import { A, B, C, D, type Drawn, HEALTHY, joining, writeDrawn } from "../support/planted.ts";

const [LEADER, SECOND, THIRD] = HEALTHY as readonly [Drawn, Drawn, Drawn];
const behind = (drawn: Drawn, ...records: readonly Record<string, unknown>[]): Drawn => ({
  ...drawn,
  records: [...drawn.records, ...records],
});
/** An entry that changes this many rows. */
const write = (term: number, index: number, rows: number, from = 0): Record<string, unknown> => ({
  term,
  index,
  eid: `99999999-0000-4000-8000-${String(index).padStart(12, "0")}`,
  data: [
    null,
    {
      Node: Object.fromEntries(
        Array.from({ length: rows }, (_, row) => [
          `00000000-0000-4000-8000-0000000000${10 + row + from}`,
          { serial: row },
        ]),
      ),
    },
  ],
});

describe("rank", () => {
  let folder: string;
  let number = 0;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "ovnha-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const ranked = async (...files: readonly Drawn[]) => {
    const ranking = await rank(writeDrawn(folder, files, `${number++}-`));
    const name = (path: string): number => Number(/-(\d)\.db$/.exec(basename(path))?.[1]);
    return {
      ...ranking,
      order: ranking.files.map(({ path, rank: place }) => (place === undefined ? -1 : name(path))),
      fitness: (file: number): Fitness | undefined => ranking.files.find(({ path }) => name(path) === file)?.fitness,
      loses: (file: number) =>
        ranking.files
          .find(({ path }) => name(path) === file)
          ?.loses.map(({ file: path, ...loss }) => ({ from: name(path), ...loss })),
      reasons: (file: number): string =>
        ranking.files.find(({ path }) => name(path) === file)?.reasons.join("; ") ?? "",
    };
  };

  test("files that hold the same: any will do, and nothing is lost", async () => {
    const { best, files, majority, missing } = await ranked(LEADER, SECOND, THIRD);
    expect(best?.rank).toBe(1);
    expect(files.every(({ loses, fitness }) => loses.length === 0 && fitness === "good")).toBe(true);
    expect({ majority, missing }).toEqual({ majority: true, missing: [] });
  });

  test("a later term wins over a longer log", async () => {
    const long = behind(LEADER, write(1, 8, 2), write(1, 9, 1), write(1, 10, 3));
    const late = behind(SECOND, { term: 3 }, { term: 3, index: 8 }, { commit_index: 8 });
    const { order, loses, reasons } = await ranked(long, late, THIRD);
    expect(order).toEqual([1, 0, 2]);
    expect(reasons(1)).toContain("later term");
    // What the cluster never committed is lost by starting from the best, and that is told too.
    expect(loses(1)).toEqual([{ from: 0, fromIndex: 8, entries: 3, committed: 0, rows: 3, exact: true }]);
    expect(loses(0)).toEqual([{ from: 1, fromIndex: 8, entries: 1, committed: 1, rows: 0, exact: true }]);
    expect(loses(2)).toHaveLength(2);
  });

  test("in one term the longer log wins, whatever the commit index says", async () => {
    const longer = behind(SECOND, write(1, 8, 2), write(1, 9, 2, 1));
    const knows = behind(LEADER, write(1, 8, 2), { commit_index: 8 });
    const { order, loses, reasons } = await ranked(knows, longer, THIRD);
    expect(order).toEqual([1, 0, 2]);
    expect(loses(0)).toEqual([{ from: 1, fromIndex: 9, entries: 1, committed: 0, rows: 2, exact: true }]);
    expect(loses(2)).toEqual([
      { from: 0, fromIndex: 8, entries: 1, committed: 1, rows: 2, exact: true },
      { from: 1, fromIndex: 8, entries: 2, committed: 1, rows: 3, exact: true },
    ]);
    expect(reasons(2)).toContain("lacks entries through 8");
  });

  test("of equal logs, the one that knows more to be committed, then the one without trouble", async () => {
    const last = write(1, 8, 1);
    const torn: Drawn = {
      ...behind(SECOND, last, { commit_index: 8 }),
      spoil: (bytes) => Buffer.concat([bytes, Buffer.from("OVSDB")]),
    };
    const { order, fitness } = await ranked(behind(LEADER, last), torn, behind(THIRD, last, { commit_index: 8 }));
    expect(order).toEqual([2, 1, 0]);
    expect(fitness(1)).toBe("torn");
  });

  test("a damaged file counts with what can be read, and says what to do", async () => {
    const damaged: Drawn = {
      ...behind(LEADER, write(1, 8, 1), write(1, 9, 7)),
      spoil: (bytes) => {
        bytes[bytes.length - 5] = 0x21;
        return bytes;
      },
    };
    const first = await ranked(damaged, SECOND, THIRD);
    expect(first.order).toEqual([0, 1, 2]);
    expect(first.fitness(0)).toBe("damaged");
    expect(first.reasons(0)).toContain("do not start a server");
    const second = await ranked(damaged, behind(SECOND, write(1, 8, 1), write(1, 9, 7)), THIRD);
    expect(second.order).toEqual([1, 0, 2]);
  });

  test("who was removed, left, has not joined or is of another cluster is not in the race", async () => {
    const without = (drawn: Drawn, server: string): Drawn => {
      const { [server]: _gone, ...servers } = {
        [A]: "tcp:10.0.0.1:6643",
        [B]: "tcp:10.0.0.2:6643",
        [C]: "tcp:10.0.0.3:6643",
      };
      return behind(drawn, { term: 1, index: 8, servers }, { commit_index: 8 });
    };
    const foreign: Drawn = {
      ...SECOND,
      header: { ...SECOND.header, cluster_id: D },
      records: behind(SECOND, write(9, 8, 1)).records,
    };
    const { order, fitness, best } = await ranked(without(LEADER, B), SECOND, without(THIRD, B), joining(D), foreign);
    expect(order).toEqual([0, 2, -1, -1, -1]);
    expect([1, 3, 4].map(fitness)).toEqual(["removed", "joining", "foreign"]);
    expect(best?.serverId).toBe(A);
    const left = await ranked(behind(SECOND, write(1, 8, 1), { note: "left" }), LEADER);
    expect(left.order).toEqual([1, -1]);
    expect(left.fitness(0)).toBe("left");
  });

  test("a standalone file is not in the race, and is told from one that cannot be read", async () => {
    const path = join(folder, "standalone.db");
    const schema = { name: "Lab", version: "1.0.0", tables: {} };
    await createStandalone({ path, schema });
    const { best, files } = await rank([path]);
    expect([best, files[0]?.reasons]).toEqual([
      undefined,
      [expect.stringContaining("a standalone file, not a member's")],
    ]);
  });

  test("as a last resort, the file of one that left", async () => {
    const { order, reasons, majority } = await ranked(behind(SECOND, { note: "left" }), joining(D));
    expect(order).toEqual([0, -1]);
    expect(reasons(0)).toContain("no file of a present member");
    expect(majority).toBe(false);
  });

  test("members whose files are missing are named", async () => {
    const { majority, missing } = await ranked(LEADER);
    expect({ majority, missing: [...missing].sort() }).toEqual({ majority: false, missing: [B, C] });
  });

  test("what another file has only in its snapshot is counted as far as it can be", async () => {
    const compacted: Drawn = {
      header: {
        ...SECOND.header,
        prev_servers: { [A]: "tcp:10.0.0.1:6643", [B]: "tcp:10.0.0.2:6643", [C]: "tcp:10.0.0.3:6643" },
        prev_index: 20,
      },
      records: [{ term: 1 }, write(1, 21, 1)],
    };
    const { order, loses } = await ranked(LEADER, compacted, THIRD);
    expect(order[0]).toBe(1);
    expect(loses(0)).toEqual([{ from: 1, fromIndex: 8, entries: 14, committed: 13, rows: undefined, exact: false }]);
  });
});
