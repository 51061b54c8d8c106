import { describe, expect, test } from "vitest";
import { BackupError, DATABASE_KEYS, fillCommand, findProfile, PROFILES } from "../../src/index.ts";
import { fillCommands, folderOf, lockPath } from "../../src/layout/profile.ts";

describe.each(PROFILES.map((profile) => [profile.name, profile] as const))("layout %s", (_name, profile) => {
  test("has absolute paths, ports that differ, and a checked folder around each database", () => {
    const { nb, sb } = profile.databases;
    expect(new Set([nb.clientPort, nb.raftPort, sb.clientPort, sb.raftPort]).size).toBe(4);
    for (const key of DATABASE_KEYS) {
      const { file, controlSocket, clientSocket, pidFile, logFile, schema, companions } = profile.databases[key];
      for (const path of [file, controlSocket, clientSocket, pidFile, logFile, schema, ...companions])
        expect(path).toMatch(/^\/[^{}]+$/);
      const rule = profile.directories.find(({ path }) => path === folderOf(file));
      expect(rule).toMatchObject({ persistent: true, required: true });
      expect(profile.directories.find(({ path }) => path === folderOf(pidFile))).toMatchObject({ persistent: false });
    }
  });

  test("knows how its servers are stopped and started, with every value given", () => {
    const values = { ...profile.values, node: "n" };
    const all = [
      profile.stopAll,
      profile.startAll,
      profile.freeze,
      profile.thaw,
      profile.clients.map(({ command }) => command),
    ];
    const each = DATABASE_KEYS.flatMap((key) => [profile.databases[key].stop, profile.databases[key].start]);
    for (const commands of [...all, ...each])
      expect(fillCommands(commands, values).flat().join("")).not.toMatch(/[{}]/);
    for (const commands of each) expect(commands.length).toBeGreaterThan(0);
    if (profile.control === "together")
      expect([profile.stopAll.length > 0, profile.startAll.length > 0]).toEqual([true, true]);
  });
});

test("a value is one argument, whatever it holds", () => {
  const nasty = "a b'$(x)\n{namespace}";
  expect(fillCommand(["kubectl", "--namespace={namespace}"], { namespace: nasty })).toEqual([
    "kubectl",
    `--namespace=${nasty}`,
  ]);
});

test("a value that is missing, and a layout that there is not, are named", () => {
  expect(() => fillCommand(["kubectl", "{toString}"], {})).toThrow(BackupError);
  expect(() => findProfile("ubuntu")).toThrow(/there is no layout profile "ubuntu"; choose one of debian, rpm/);
});

test("the lock file lies beside the database", () => {
  expect(lockPath("/etc/ovn/ovnnb_db.db")).toBe("/etc/ovn/.ovnnb_db.db.~lock~");
  expect(lockPath("/db")).toBe("/.db.~lock~");
});
