import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createCluster, createStandalone } from "@ovnha/dbfile";
import { localRunner } from "@ovnha/runner";
import { removeFolder, temporaryFolder } from "@ovnha/testkit";
import { afterAll, describe, expect, test } from "vitest";
import {
  type CheckDirectoriesOptions,
  type CheckedDirectories,
  checkDirectories,
  findProfile,
  type LayoutProfile,
} from "../../src/index.ts";
import { runCommandLine } from "../real/commands.ts";

const SCHEMA = {
  name: "OVN_Northbound",
  version: "1.0.0",
  tables: { T: { columns: { n: { type: "integer" } }, isRoot: true } },
};
const HAS_MEMORY = existsSync("/dev/shm");

describe("check-dirs", () => {
  const root = temporaryFolder();
  const memory = HAS_MEMORY ? mkdtempSync("/dev/shm/ovnha-") : root;
  afterAll(() => {
    removeFolder(root);
    rmSync(memory, { recursive: true, force: true });
  });
  let made = 0;

  /** A layout whose one database folder is new; that it may lie on the overlay of a container is left out. */
  async function scene(): Promise<{
    readonly folder: string;
    readonly file: string;
    readonly profile: LayoutProfile;
    readonly identityPath: string;
  }> {
    const folder = join(root, `db ${made++} '$(x)'`);
    const run = join(root, `run ${made}`);
    mkdirSync(folder);
    mkdirSync(run);
    const base = findProfile("debian");
    const file = join(folder, "ovnnb_db.db");
    await createCluster({ path: file, schema: SCHEMA, localAddress: "tcp:10.0.0.1:6643" });
    const [rule] = base.directories;
    if (rule === undefined) throw new Error("the layout has a folder of databases");
    const nb = { ...base.databases.nb, file, pidFile: join(run, "ovnnb_db.pid") };
    const uid = statSync(folder).uid;
    const profile: LayoutProfile = {
      ...base,
      databases: { nb, sb: nb },
      directories: [
        { ...rule, path: folder, persistent: false, owner: { user: `${uid}`, group: `${uid}` }, freeBytesMin: 0 },
      ],
    };
    return { folder, file, profile, identityPath: join(root, `identity ${made}`, "identity.json") };
  }

  const check = async (options: CheckDirectoriesOptions): Promise<[boolean, string[], CheckedDirectories]> => {
    const result = await checkDirectories({ databases: ["nb"], ...options });
    return [result.fit, result.findings.map(({ code }) => code), result];
  };

  test("remembers who the member is, and says that the disk was wiped before the server starts", async () => {
    const { profile, file, identityPath } = await scene();
    expect((await check({ profile, identityPath })).slice(0, 2)).toEqual([true, ["IDENTITY_UNKNOWN"]]);
    expect((await check({ profile, identityPath, remember: true }))[2].remembered).toBe(true);
    expect((await check({ profile, identityPath })).slice(0, 2)).toEqual([true, []]);
    expect(JSON.parse(readFileSync(identityPath, "utf8"))).toMatchObject({
      files: [{ path: file, address: "tcp:10.0.0.1:6643", term: 1, lastIndex: 1 }],
    });

    rmSync(file);
    const [fit, codes, result] = await check({ profile, identityPath, remember: true });
    expect([fit, codes, result.remembered]).toEqual([false, ["WIPED"], false]);
    expect(result.findings[0]?.message).toContain("this disk was wiped on boot");

    // Whoever bootstraps now is another server, of another cluster.
    await createCluster({ path: file, schema: SCHEMA, localAddress: "tcp:10.0.0.1:6643" });
    expect((await check({ profile, identityPath, remember: true })).slice(0, 2)).toEqual([
      false,
      ["IDENTITY_CHANGED", "IDENTITY_CHANGED"],
    ]);
    expect((await check({ profile, identityPath, remember: true, replace: true }))[2].remembered).toBe(true);
    expect((await check({ profile, identityPath })).slice(0, 2)).toEqual([true, []]);
  });

  test("tells damage, a mode that is too wide, a stale pid file, and a folder that is a link", async () => {
    const { profile, folder, file } = await scene();
    chmodSync(folder, 0o777);
    writeFileSync(profile.databases.nb.pidFile, "4194304999\n");
    writeFileSync(file, readFileSync(file).subarray(0, -3));
    expect((await check({ profile })).slice(0, 2)).toEqual([false, ["MODE", "STALE_PID", "DAMAGED_FILE"]]);
    const link = `${folder} link`;
    symlinkSync(folder, link);
    const [, , result] = await check({ profile, moved: { [folder]: link } });
    expect(result.findings.map(({ code }) => code)).toContain("MODE");
  });

  test.skipIf(!HAS_MEMORY)("a folder of databases in memory is refused", async () => {
    const { profile, folder, file } = await scene();
    copyFileSync(file, join(memory, "ovnnb_db.db"));
    const [rule] = profile.directories;
    const persistent = { ...profile, directories: rule === undefined ? [] : [{ ...rule, persistent: true }] };
    const [fit, codes, result] = await check({ profile: persistent, moved: { [folder]: memory } });
    expect([fit, codes]).toEqual([false, ["VOLATILE"]]);
    expect(result.findings[0]?.message).toContain("tmpfs");
  });

  test("through a runner says the same of folders as natively", async () => {
    const { profile } = await scene();
    chmodSync(profile.directories[0]?.path ?? "", 0o775);
    const files = {
      ...profile,
      databases: { ...profile.databases, nb: { ...profile.databases.nb, file: join(root, "none.db") } },
    };
    const [native, remote] = [await check({ profile: files }), await check({ profile: files, runner: localRunner() })];
    expect(remote.slice(0, 2)).toEqual(native.slice(0, 2));
    const messages = (result: CheckedDirectories): string[] => result.findings.map(({ message }) => message);
    expect(messages(remote[2])).toEqual(messages(native[2]));
  });

  test("as a command ends with what ExecStartPre needs", async () => {
    const home = join(root, "command");
    for (const folder of ["lib", "run"]) mkdirSync(join(home, folder), { recursive: true });
    await createStandalone({ path: join(home, "lib/ovnnb_db.db"), schema: SCHEMA });
    const moved = [`/var/lib/ovn=${join(home, "lib")}`, `/var/run/ovn=${join(home, "run")}`].flatMap((pair) => [
      "--moved",
      pair,
    ]);
    const identity = join(root, "command-identity.json");
    const args = ["check-dirs", "--profile", "debian", "--db", "nb", "--identity", identity, ...moved];
    const json = JSON.parse((await runCommandLine(...args, "--json")).out) as CheckedDirectories;
    // What this machine's own disk may be, in memory or full, is no fault of the folders.
    const isUnfit = json.findings.some(
      ({ code, severity }) => ["VOLATILE", "SPACE"].includes(code) && severity === "refuse",
    );
    expect((await runCommandLine(...args)).code).toBe(isUnfit ? 1 : 0);
    writeFileSync(identity, "{}");
    expect((await runCommandLine(...args)).err).toContain("is not a remembered identity");
    expect((await runCommandLine("check-dirs", "--profile", "nothing")).code).toBe(2);
    expect((await runCommandLine("check-dirs", "--moved", "a=b")).code).toBe(2);
    rmSync(join(home, "lib"), { recursive: true });
    const missing = await runCommandLine("check-dirs", "--profile", "debian", "--db", "nb", "--quiet", ...moved);
    expect(missing.code).toBe(1);
    expect(missing.out).toMatch(/^REFUSED MISSING: .*lib \(databases\) is not there\n {2}remedy: /);
  });
});
