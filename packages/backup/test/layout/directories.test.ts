import { describe, expect, test } from "vitest";
import {
  type CheckFacts,
  type DatabaseFacts,
  type DirectoryFacts,
  type DirectoryRule,
  judgeDirectories,
  type Mount,
  type Remembered,
  type RememberedFile,
} from "../../src/index.ts";

const GIBI = 2 ** 30;
const mount = (type: string, readOnly = false): Mount => ({
  id: 1,
  parentId: 0,
  mountPoint: "/",
  root: "/",
  type,
  source: "x",
  readOnly,
});
const RULE: DirectoryRule = {
  path: "/db",
  holds: "databases",
  persistent: true,
  required: true,
  owner: { user: "root", group: "root" },
  forbiddenMode: 0o022,
  freeBytesMin: GIBI,
};
const FOLDER: DirectoryFacts & { state: "present" } = {
  state: "present",
  path: "/db",
  realPath: "/db",
  uid: 0,
  gid: 0,
  user: "root",
  group: "root",
  mode: 0o755,
  freeBytes: 2 * GIBI,
  freeInodes: 10,
  mount: mount("ext4"),
  names: ["a"],
};
const CID = "11111111-1111-4111-8111-111111111111";
const SID = "22222222-2222-4222-8222-222222222222";
const FILE: RememberedFile = {
  database: "OVN_Northbound",
  model: "clustered",
  cid: CID,
  sid: SID,
  address: "tcp:[10.0.0.1]:6643",
  term: 5,
  lastIndex: 100,
  path: "/db/nb.db",
  sizeBytes: 1,
  modifiedMs: 0,
  inode: "7",
  fileSystem: "ext4",
};
const present = (file: Partial<RememberedFile> = {}, damage?: string): DatabaseFacts => ({
  state: "present",
  file: { ...FILE, ...file },
  uid: 0,
  mode: 0o640,
  damage,
});
const remembered: Remembered = { format: "ovnha-identity", formatVersion: 1, rememberedMs: 0, files: [FILE] };

function judge(facts: Partial<CheckFacts>, rule: Partial<DirectoryRule> = {}): string[] {
  const verdict = judgeDirectories([{ ...RULE, ...rule }], {
    host: "h",
    directories: [FOLDER],
    files: [],
    stalePids: [],
    remembered: undefined,
    identityPath: "/other/id.json",
    ...facts,
  });
  expect(verdict.fit).toBe(verdict.findings.every(({ severity }) => severity !== "refuse"));
  for (const { remedy, message } of verdict.findings)
    expect([remedy.length > 3, message.length > 3]).toEqual([true, true]);
  return verdict.findings.map(({ severity, code }) => `${severity} ${code}`);
}

describe("a folder", () => {
  test("that is as it should be has no finding", () => {
    expect(judge({})).toEqual([]);
  });
  const cases: [string, DirectoryFacts, Partial<DirectoryRule>, string[]][] = [
    ["missing and required", { state: "missing", path: "/db" }, {}, ["refuse MISSING"]],
    ["missing and not required", { state: "missing", path: "/db" }, { required: false }, ["warn MISSING"]],
    ["a file", { state: "not a folder", path: "/db", what: "a file" }, {}, ["refuse NOT_A_FOLDER"]],
    ["unreadable", { state: "unreadable", path: "/db", reason: "EACCES" }, {}, ["refuse UNREADABLE"]],
    ["on tmpfs", { ...FOLDER, mount: mount("tmpfs") }, {}, ["refuse VOLATILE"]],
    ["on overlay", { ...FOLDER, mount: mount("overlay") }, {}, ["refuse VOLATILE"]],
    ["on tmpfs, as run directories are", { ...FOLDER, mount: mount("tmpfs") }, { persistent: false }, []],
    ["read-only", { ...FOLDER, mount: mount("ext4", true) }, {}, ["refuse READ_ONLY"]],
    ["on NFS", { ...FOLDER, mount: mount("nfs4") }, {}, ["warn NETWORK"]],
    ["of another owner", { ...FOLDER, uid: 5, user: "five" }, {}, ["warn OWNER"]],
    [
      "of the right number",
      { ...FOLDER, uid: 65534, user: "nobody" },
      { owner: { user: "65534", group: "65534" } },
      [],
    ],
    [
      "of the wrong number",
      { ...FOLDER, uid: 1, user: "nobody" },
      { owner: { user: "65534", group: "65534" } },
      ["warn OWNER"],
    ],
    ["that all may write", { ...FOLDER, mode: 0o777 }, {}, ["warn MODE"]],
    ["nearly full", { ...FOLDER, freeBytes: 5 }, {}, ["warn SPACE"]],
    ["full", { ...FOLDER, freeBytes: 0 }, {}, ["refuse SPACE"]],
    ["without inodes", { ...FOLDER, freeInodes: 0 }, {}, ["refuse SPACE"]],
    [
      "without the file that is expected",
      FOLDER,
      { expected: { anyOf: ["b"], why: "the agent writes it" } },
      ["warn EXPECTED_FILE"],
    ],
    ["with the file that is expected", FOLDER, { expected: { anyOf: ["b", "a"], why: "the agent writes it" } }, []],
  ];
  test.each(cases)("%s", (_what, directory, rule, findings) => {
    expect(judge({ directories: [directory] }, rule)).toEqual(findings);
  });
});

describe("a database file", () => {
  const cases: [string, Partial<CheckFacts>, string[]][] = [
    ["the one that was remembered", { files: [present()], remembered }, []],
    ["gone on", { files: [present({ term: 6, lastIndex: 3 })], remembered }, []],
    ["gone", { files: [{ state: "missing", path: FILE.path }], remembered }, ["refuse WIPED"]],
    ["of another server", { files: [present({ sid: CID })], remembered }, ["refuse IDENTITY_CHANGED"]],
    ["of another cluster", { files: [present({ cid: SID })], remembered }, ["refuse IDENTITY_CHANGED"]],
    [
      "at another address",
      { files: [present({ address: "tcp:10.0.0.1:6643" })], remembered },
      ["refuse IDENTITY_CHANGED"],
    ],
    [
      "a cluster's, and standalone before, as a start script makes it",
      {
        files: [present({})],
        remembered: {
          ...remembered,
          files: remembered.files.map((file) => ({
            ...file,
            model: "standalone" as const,
            cid: undefined,
            sid: undefined,
            address: undefined,
            term: undefined,
            lastIndex: undefined,
          })),
        },
      },
      ["warn IDENTITY_CHANGED"],
    ],
    [
      "standalone now",
      { files: [present({ model: "standalone", cid: undefined, sid: undefined, address: undefined })], remembered },
      ["refuse IDENTITY_CHANGED", "refuse IDENTITY_CHANGED", "refuse IDENTITY_CHANGED"],
    ],
    ["of an earlier term", { files: [present({ term: 4, lastIndex: 900 })], remembered }, ["refuse WENT_BACK"]],
    ["shorter within its term", { files: [present({ lastIndex: 99 })], remembered }, ["refuse WENT_BACK"]],
    ["on another file system", { files: [present({ fileSystem: "overlay" })], remembered }, ["warn IDENTITY_CHANGED"]],
    [
      "unreadable",
      { files: [{ state: "damaged", path: FILE.path, reason: "no record" }], remembered },
      ["refuse DAMAGED_FILE"],
    ],
    ["damaged at its end", { files: [present({}, "damaged from offset 5 on")], remembered }, ["warn DAMAGED_FILE"]],
    ["of which nothing is remembered", { files: [present()] }, ["note IDENTITY_UNKNOWN"]],
    ["missing, and nothing is remembered", { files: [{ state: "missing", path: FILE.path }] }, ["warn FILE_MISSING"]],
    [
      "watched from its own folder",
      { files: [present()], remembered, identityPath: "/db/id.json" },
      ["warn IDENTITY_INSIDE"],
    ],
  ];
  test.each(cases)("%s", (_what, facts, findings) => {
    expect(judge(facts)).toEqual(findings);
  });
  test("a wiped disk is said in these words", () => {
    const facts = {
      host: "h",
      directories: [],
      files: [{ state: "missing", path: FILE.path } as const],
      stalePids: [{ path: "/run/x.pid", pid: 7 }],
      remembered,
      identityPath: undefined,
    };
    const { findings } = judgeDirectories([], facts);
    expect(findings.find(({ code }) => code === "WIPED")?.message).toContain(
      `of OVN_Northbound, server ${SID}, when it was remembered; this disk was wiped on boot`,
    );
    expect(findings.find(({ code }) => code === "STALE_PID")?.severity).toBe("note");
  });
});
