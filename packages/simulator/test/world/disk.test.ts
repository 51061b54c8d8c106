/** What a power cut leaves of a file. */
import { createCluster, ZERO_UUID } from "@ovnha/raft";
import { expect, test } from "vitest";
import { STREAM, Stream } from "../../src/kernel/random.ts";
import { Disk } from "../../src/world/disk.ts";

const SID = "00000001-0000-4000-8000-000000000000";
const { header } = createCluster({ cid: SID, sid: SID, eid: SID, name: "Lab", address: "unix:a", data: [] });
const entry = { term: 1, data: undefined, eid: ZERO_UUID, servers: undefined, election_timer: 0 };

test("a file that is replaced while an fsync of the old one is under way stays whole, whatever that fsync says", () => {
  const disk = new Disk();
  disk.replace(header, []);
  disk.append(2, entry);
  disk.beginSync(1);
  disk.nextTicket = 2;
  const vote = { type: "vote", term: 7, vote: SID, comment: undefined } as const;
  disk.replace({ ...header, prev_index: 5 } as typeof header, [{ ...vote, type: "term" }, vote]);
  expect(disk.endSync()).toBe(1);
  expect(disk.nextTicket).toBe(2);
  expect([disk.syncedIndex, disk.syncedTerm, disk.syncedVote]).toEqual([5, 7, SID]);
  for (let seed = 0; seed < 20; seed++) expect(disk.losePower(new Stream(seed, STREAM.boot, 0))).toBe(0);
  expect(disk.image()?.records).toHaveLength(2);
});

test("a new file has no entries that stand in the place of others", () => {
  const disk = new Disk();
  disk.replace(header, []);
  for (const index of [2, 3, 4, 3]) disk.append(index, entry);
  expect(disk.rewrittenTo).toBe(4);
  disk.wipe("all");
  disk.replace(header, []);
  expect(disk.rewrittenTo).toBe(0);
});
