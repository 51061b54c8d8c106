/** Every command with what is wrong: the error names the place and the remedy, and nothing is asked or done. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runOvnHa } from "../../src/edge/cli/ovn-ha.ts";
import { fakeTerminal } from "../support/terminal.ts";

const dir = mkdtempSync(join(tmpdir(), "ovnha-usage-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const put = (name: string, text: string | Uint8Array): string => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};
const GOOD = put("good.yaml", "members: [{ name: a, nb: { control: /nowhere.ctl } }]");
const TARGET = ["--members", GOOD, "--timeout", "0.2"];

/** Each command with arguments that it takes. */
const COMMANDS: readonly (readonly string[])[] = [
  ["status"],
  ["watch"],
  ["doctor"],
  ["plan", "restart"],
  ["plan", "kick", "nb", "abcd"],
  ["plan", "leave", "nb", "a"],
  ["plan", "timer", "nb", "2000"],
  ["plan", "recovery", "nb"],
  ["gate"],
  ["runbook"],
  ["metrics"],
];

async function run(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = fakeTerminal();
  const code = await runOvnHa(args, terminal);
  return { code, out: terminal.text(), err: terminal.errors() };
}

async function refused(args: readonly string[], ...words: readonly (string | RegExp)[]): Promise<void> {
  const { code, out, err } = await run(args);
  expect({ args, code, out }).toEqual({ args, code: 3, out: "" });
  for (const word of words) expect(err).toMatch(word);
  expect(err).not.toContain("fault of ovn-ha");
}

describe("every command", () => {
  it.each(COMMANDS.map((words) => [words]))("%j has help, and refuses what it does not know", async (words) => {
    const names = words.slice(0, words[0] === "plan" ? 2 : 1);
    const help = await run([...names, "--help"]);
    expect(help).toMatchObject({ code: 0, err: "" });
    expect(help.out).toContain(`Usage: ovn-ha ${names.join(" ")} [options]`);
    expect(help.out).toContain("--members <file>");
    expect(await run(["help", ...names.slice(0, 1)])).toMatchObject({ code: 0, err: "" });
    await refused([...words, ...TARGET, "--frobnicate"], "unknown option '--frobnicate'");
    await refused([...words, ...TARGET, "surplus", "surplus"], /too many arguments|no member is named surplus/);
    await refused([...words, "--timeout"], "argument missing");
  });

  it.each(COMMANDS.map((words) => [words]))("%j tells what is wrong with the members file", async (words) => {
    const binary = put("binary.yaml", Uint8Array.of(0xff, 0xfe, 0x00, 0x41));
    await refused([...words, "--members", join(dir, "absent.yaml")], "absent.yaml: there is no such file; give a");
    await refused([...words, "--members", dir], `${dir}: is a folder; give a members file`);
    await refused([...words, "--members", binary], "binary.yaml: is no UTF-8");
    const empty = put("empty.yaml", "");
    await refused([...words, "--members", empty], "empty.yaml is no members file", "at the top", "it is as in");
    const nobody = put("nobody.yaml", "members: []");
    await refused([...words, "--members", nobody], "nobody.yaml", "members: there is no member; name at least one");
    const twins = put("twins.yaml", "members: [{ name: a, nb: tcp:10.0.0.1:1 }, { name: a, nb: tcp:10.0.0.2:1 }]");
    const tls = ["--nb", "ssl:127.0.0.1:1"];
    await refused([...words, ...tls, "-C", join(dir, "absent.pem")], "absent.pem can't be read: ENOENT; see --ca-cert");
    await refused([...words, ...tls, "-c", join(dir, "absent.pem")], "give both or neither; see --ca-cert");
    await refused([...words, "--members", twins], "twins.yaml: two members have the name a; each needs its own");
    const bare = put("bare.yaml", "members: [{ name: a }]");
    await refused([...words, "--members", bare], "bare.yaml: member a has no database; give it nb, sb or databases");
  });

  it("has a members file of at most a MiB, which its user may read", async () => {
    const large = put("large.yaml", `members: [] # ${"x".repeat(1024 * 1024)}`);
    await refused(["status", "--members", large], "large.yaml: has more than 1048576 bytes");
    const secret = put("secret.yaml", "members: []");
    chmodSync(secret, 0);
    if (process.getuid?.() !== 0)
      await refused(["status", "--members", secret], "secret.yaml: may not be read by this user");
  });

  it("has both servers of a member of which only the name is told, where the layout says", async () => {
    const usual = put("usual.yaml", "layout: plain\nmembers: [{ name: a, runner: { ssh: { host: 127.0.0.1 } } }]");
    const { out } = await run(["status", "--members", usual, "--timeout", "0.1", "--json"]);
    const { observation } = JSON.parse(out);
    expect(observation.databases.map(({ database }: { database: string }) => database)).toEqual([
      "OVN_Northbound",
      "OVN_Southbound",
    ]);
    expect(observation.databases[0].members[0].asked).toEqual({ control: "/var/run/ovn/ovnnb_db.ctl" });
  });

  it("is known by its place, and not by a word that comes later", async () => {
    // A database, and a member, may have the name of a command.
    await refused(["gate", "watch", ...TARGET], "no member is named watch; there are a");
    await refused(["plan", "leave", "nb", "status", ...TARGET], "no member is named status; there are a");
    await refused(["doctor", ...TARGET, "--db", "status"], "no member has the database status");
  });
});

describe("the commands that plan", () => {
  it.each([
    [["plan"], "Usage: ovn-ha plan"],
    [["plan", "frobnicate"], "unknown command 'frobnicate'"],
    [["plan", "kick", "nb"], "missing required argument 'target'"],
    [["plan", "timer", "nb", "soon", ...TARGET], 'the election timer must be a whole number from 1 on, not "soon"'],
    [["plan", "timer", "sb", "2000", ...TARGET], "no member has the database sb; there are OVN_Northbound"],
    [["plan", "restart", "b", ...TARGET], "no member is named b; there are a"],
    [["plan", "restart", "--yes", ...TARGET], "--yes answers the questions of --execute"],
    [["plan", "restart", "--format", "pdf", ...TARGET], '--format is text, markdown or json, not "pdf"'],
    [["runbook", "--format", "pdf", ...TARGET], '--format is text, markdown or json, not "pdf"'],
    [["runbook", "--lost", "b", ...TARGET], "no member is named b; there are a"],
    [["runbook", "--start-command", "sh -c 'x'", ...TARGET], "--start-command: no shell reads it"],
    [["runbook", "--stop-command", "stop {node}", ...TARGET], "--stop-command: there is no placeholder {node}; there"],
    [["runbook", "--restart-command", "", ...TARGET], "--restart-command is empty"],
    [["gate", "--settle", "0", ...TARGET], "--settle must be a whole number"],
    [["doctor", "--looks", "0", ...TARGET], "--looks must be a whole number"],
    [["metrics", "--listen", "9476", ...TARGET], "--listen 9476: give it as :9476 or 127.0.0.1:9476"],
    [["metrics", "--listen", ":99999", ...TARGET], "--listen :99999: give it as"],
    [["status", "--nb", "tcp:10.0.0.1:6641", ...TARGET], "--nb and --members each say who the members are"],
    [
      ["gate", "--nb", "tcp:10.0.0.1:6641", "--sb", "tcp:10.0.0.1:6642", "--layout", "plain"],
      "--nb and --sb and --layout",
    ],
    [["status", "--host", "ovn1", ...TARGET], "--host is for --runner ssh"],
    [
      ["status", "--namespace", "x", "--kube-context", "y", ...TARGET],
      "--namespace, --kube-context: for --runner kubectl",
    ],
    [["metrics", "--listen", ":0", "--exit-code", ...TARGET], "--exit-code is for metrics once"],
    [["metrics", "--listen", "192.0.2.1:0", ...TARGET], "--listen 192.0.2.1:0: this machine has no such address"],
  ])("%j", (args, words) => refused(args, words));

  it("tell what is wrong with the files of --files and --history", async () => {
    const doctor = ["doctor", "--looks", "1", ...TARGET];
    const file = (name: string, text: string): string[] => [...doctor, "--files", put(name, text)];
    await refused([...doctor, "--files", join(dir, "none.json")], "none.json: there is no such file; it is {");
    await refused(file("f1.json", "{"), "f1.json: is no JSON: ");
    await refused(file("f2.json", "[]"), "f2.json: holds no object");
    await refused(file("f3.json", '{"nb": 1}'), "f3.json: nb is no object of members");
    await refused(file("f4.json", '{"nb": {"b": {"path": "x"}}}'), "f4.json: nb: no member is named b; there are a");
    await refused(
      file("f5.json", '{"nb": {"a": {"files": []}}}'),
      'nb, a: is no result of one file, which has a "path"',
    );
    await refused(
      file("f6.json", '{"nb": {"a": {"path": "x", "name": "OVN_Southbound"}}}'),
      /x is a file of OVN_South/,
    );
    const history = (name: string, text: string): string[] => [...doctor, "--history", put(name, text)];
    const damaged = "holds no history of ovn-ha, or one that is damaged";
    await refused(history("h1.json", ""), `h1.json: ${damaged}; give another file, or move this one away`);
    await refused(history("h2.json", '{"version":1,"databases":nul'), damaged);
    await refused(history("h3.json", '{"version":1,"databases":null}'), /damaged \(databases\)/);
    await refused(
      history("h4.json", '{"version":1,"databases":{"OVN_Northbound":{}}}'),
      /damaged \(databases\.OVN_North/,
    );
    await refused(history("h5.json", '{"version":2}'), /was written by a later ovn-ha \(version 2\)/);
    await refused([...doctor, "--history", dir], `${dir}: is a folder`);
  });
});
