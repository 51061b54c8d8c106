/** Who holds a lock, told from what Linux lists. The test against a running server is in real/create.test.ts. */
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseLocks } from "../../src/edge/lock.ts";
import { lockFileOf, lockState } from "../../src/index.ts";

describe("locks", () => {
  let folder: string;
  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "ovnha-")));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("held ones are told from those that wait, and POSIX locks from flock", () => {
    const text = [
      "1: POSIX  ADVISORY  WRITE 16413 fe:00:2147122 0 EOF",
      "1: -> POSIX  ADVISORY  WRITE 99 fe:00:2147122 0 EOF",
      "2: FLOCK  ADVISORY  WRITE 17 08:01:5 0 EOF",
      "3: OFDLCK ADVISORY  WRITE -1 08:0a:6 0 EOF",
      "4: POSIX  ADVISORY  READ 18 00:2d:7 0 0",
      "",
    ].join("\n");
    expect(parseLocks(text)).toEqual([
      { pid: 16413, device: "fe:0", inode: 2147122n },
      { pid: 0, device: "8:a", inode: 6n },
      { pid: 18, device: "0:2d", inode: 7n },
    ]);
  });

  test("the lock of a file lies beside what the name leads to", async () => {
    const target = join(folder, "real.db");
    writeFileSync(target, "");
    symlinkSync("real.db", join(folder, "first.db"));
    symlinkSync(join(folder, "first.db"), join(folder, "second.db"));
    symlinkSync("nowhere.db", join(folder, "dangling.db"));
    symlinkSync("loop.db", join(folder, "loop.db"));
    const lockFile = join(folder, ".real.db.~lock~");
    for (const name of ["real.db", "first.db", "second.db"])
      expect(await lockFileOf(join(folder, name))).toBe(lockFile);
    expect(await lockFileOf(join(folder, "dangling.db"))).toBe(join(folder, ".nowhere.db.~lock~"));
    expect(await lockFileOf(join(folder, "loop.db"))).toBe(join(folder, ".loop.db.~lock~"));
  });

  test("a lock file that nobody holds means nothing", async () => {
    const target = join(folder, "left.db");
    expect(await lockState(target)).toEqual({ state: "free" });
    writeFileSync(join(folder, ".left.db.~lock~"), "");
    expect((await lockState(target)).state).not.toBe("held");
  });
});
