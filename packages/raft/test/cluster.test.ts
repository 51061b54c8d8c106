/** A cluster forms, writes, loses its leader, and goes on. */
import { describe, expect, it } from "vitest";
import { Lab } from "./support/lab.ts";

describe.each(["2.13.0", "2.15.0", "2.17.0", "3.1.0", "3.3.0", "3.5.0", "3.7.1", "main"])(
  "servers of release %s",
  (version) => {
    it("form a cluster of three, write through each member, and survive the loss of the leader", () => {
      const lab = new Lab({ members: 3, version }).form();
      expect(lab.leaders()).toEqual(["s1"]);
      for (const name of ["s1", "s2", "s3"]) expect(lab.write(name, `by ${name}`)).toBe(true);
      lab.kill("s1");
      lab.until("another leader", () => lab.leaders().length === 1);
      const [leader = ""] = lab.leaders();
      expect(lab.write(leader === "s2" ? "s3" : "s2", "after")).toBe(true);
      lab.start("s1");
      lab.until("s1 to have all", () => lab.member("s1").database.length === 4);
      for (const { name, database } of lab.members)
        expect([name, database]).toEqual([name, ["by s1", "by s2", "by s3", "after"]]);
    });

    it("hand over at once when the leader exits in good order", () => {
      const lab = new Lab({ members: 3, version }).form();
      const before = lab.nowMs;
      lab.exit("s1");
      lab.until("another leader", () => lab.leaders().length === 1);
      expect(lab.nowMs - before).toBeLessThan(50);
    });

    it("install a snapshot on a member that was away for too long", () => {
      const lab = new Lab({ members: 3, version }).form();
      lab.kill("s3");
      for (let i = 0; i < 5; i++) expect(lab.write("s1", i)).toBe(true);
      lab.compact(lab.leader());
      lab.start("s3");
      lab.until("s3 to have all", () => lab.member("s3").database.length === 5);
      expect(lab.member("s3").notes.some(({ type }) => type === "snapshot_installed")).toBe(true);
    });
  },
);
