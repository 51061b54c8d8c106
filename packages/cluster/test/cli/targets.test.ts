import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { hostOf, parseMember } from "../../src/edge/cli/member-option.ts";
import { parseMembersFile } from "../../src/edge/cli/members-file.ts";
import { runOvnHa } from "../../src/edge/cli/ovn-ha.ts";
import { membersByRemotes, podsOf } from "../../src/edge/cli/targets.ts";
import { VERSION } from "../../src/version.ts";
import { fakeTerminal } from "../support/terminal.ts";

const dir = mkdtempSync(join(tmpdir(), "ovnha-members-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("who is asked", () => {
  it("is read from --member", () => {
    expect(
      parseMember("name=ovn1,nb=ssl:10.0.0.1:6641,tcp:10.0.0.1:6651,nb-ctl=/run/nb.ctl,db:IC_NB-ctl=/run/ic.ctl"),
    ).toEqual({
      name: "ovn1",
      databases: {
        nb: { remote: "ssl:10.0.0.1:6641,tcp:10.0.0.1:6651", control: "/run/nb.ctl" },
        IC_NB: { control: "/run/ic.ctl" },
      },
      runner: undefined,
    });
    expect(parseMember("name=a,nb-ctl=/x,pod=kube-system/ovn-central-0:ovn-central").runner?.name).toBe(
      "pod kube-system/ovn-central-0",
    );
    expect(parseMember("name=a,nb-ctl=/x,ssh=root@10.0.0.1").runner?.name).toBe("ssh root@10.0.0.1");
    expect(hostOf("a@b@c")).toEqual({ host: "c", user: "a@b" });
  });

  it.each([
    "nb=tcp:1.2.3.4",
    "name=a,foo=b",
    "name=a,name=b",
    "name=a,nb",
    "name=a,nb=",
    "name=a,pod=x,ssh=y",
    "name=a,pod=a/b/c",
  ])("refuses --member %s", (text) => {
    expect(() => parseMember(text)).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining(text) }),
    );
  });

  it("is one member per host of the remotes", () => {
    const members = membersByRemotes("tcp:10.0.0.1:6641,tcp:10.0.0.2:6641", "ssl:10.0.0.2:6642");
    expect(members).toEqual([
      { name: "10.0.0.1", nb: { remote: "tcp:10.0.0.1:6641" } },
      { name: "10.0.0.2", nb: { remote: "tcp:10.0.0.2:6641" }, sb: { remote: "ssl:10.0.0.2:6642" } },
    ]);
    expect(membersByRemotes("tcp:127.0.0.1:1,tcp:127.0.0.1:2", undefined).map(({ name }) => name)).toEqual([
      "127.0.0.1",
      "tcp:127.0.0.1:2",
    ]);
    expect(() => membersByRemotes("ptcp:6641", undefined)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("is every pod, by its node", () => {
    const pod = (name: string, nodeName?: string): object => ({ metadata: { name }, spec: { nodeName } });
    expect(podsOf(JSON.stringify({ items: [pod("a", "n1"), pod("b", "n1"), pod("c")] }))).toEqual([
      { pod: "a", node: "n1" },
      { pod: "b", node: "b" },
      { pod: "c", node: "c" },
    ]);
  });

  it("is told when kubectl printed no list", () => {
    expect(() => podsOf("No resources found")).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining("No resources found") }),
    );
    expect(podsOf("null")).toEqual([]);
  });

  it("and a fault of the command itself says that nobody can tell, not that all is but a warning", async () => {
    const terminal = fakeTerminal();
    const broken = {
      ...terminal,
      out: (): never => {
        throw new TypeError("planted");
      },
    };
    expect(await runOvnHa(["status", "--nb", "tcp:127.0.0.1:1", "--timeout", "1"], broken)).toBe(3);
    expect(terminal.errors()).toMatch(/a fault of ovn-ha itself:\nTypeError: planted/);
  });

  it("is read from a members file", () => {
    const { members, expected, tls } = parseMembersFile(
      `layout: plain
members:
  - name: ovn1
    nb: ssl:10.0.0.1:6641
    sb: { remote: [ssl:10.0.0.1:6642], control: /other.ctl }
    runner: { ssh: { host: 10.0.0.1, user: root } }
    databases:
      OVN_IC_Northbound: { control: /ic.ctl }
tls: { ca: /ca.pem }
expected: { members: 3, electionTimerMs: { nb: 5000 }, addresses: { sb: ["tcp:10.0.0.1:6644"] } }
`,
      "members.yaml",
    );
    expect(members[0]).toMatchObject({
      name: "ovn1",
      nb: {
        remote: "ssl:10.0.0.1:6641",
        control: "/var/run/ovn/ovnnb_db.ctl",
        logFile: "/var/log/ovn/ovsdb-server-nb.log",
      },
      sb: { remote: ["ssl:10.0.0.1:6642"], control: "/other.ctl" },
      databases: { OVN_IC_Northbound: { control: "/ic.ctl" } },
    });
    expect(members[0]?.runner?.name).toBe("ssh root@10.0.0.1");
    expect(expected).toEqual({
      members: 3,
      electionTimerMs: { OVN_Northbound: 5_000 },
      addresses: { OVN_Southbound: ["tcp:10.0.0.1:6644"] },
    });
    expect(tls?.options).toBeDefined();
  });

  it.each([
    ["members: []", "members"],
    ["members: [{name: a, nb: tcp:1.2.3.4:1, port: 5}]", "members[0]"],
    ["members: [{name: a, nb: {remote: 5}}]", "members[0].nb"],
    ["layout: mine\nmembers: [{name: a}]", "layout"],
    ["members: [", "members.yaml"],
    ["just text", "at the top"],
    ["expected: {members: 0}\nmembers: [{name: a, nb: x}]", "expected.members"],
  ])("refuses the members file %j and names the place", (source, place) => {
    expect(() => parseMembersFile(source, "members.yaml")).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining(place) }),
    );
  });
});

describe("wrong usage ends with 3 and says what to do", () => {
  const file = join(dir, "members.yaml");
  writeFileSync(file, "members: [{name: a, nb: {control: /nowhere.ctl}}]");
  it.each([
    [["status", "--members", join(dir, "absent.yaml")], "members file that can be read"],
    [["status", "--members", file, "--runner", "ssh"], "give one of them"],
    [["status", "--runner", "ssh"], "--host"],
    [["status", "--runner", "rsh"], "kubectl or ssh"],
    [["status", "--layout", "mine"], "there is no layout"],
    [["status", "--members", file, "--db", "sb"], "no member has the database OVN_Southbound"],
    [["status", "--members", file, "--timeout", "0"], "--timeout"],
    [["status", "--members", file, "--expect", "many"], "--expect"],
    [["watch", "--members", file, "--interval", "x"], "--interval"],
    [["status", "--nb", "10.0.0.1"], "remote"],
    [["status", "--nb", "tcp:10.0.0.1:6641", "-c", "/only-a-certificate.pem"], "key"],
    [["frobnicate"], "unknown command"],
    [["status", "--frobnicate"], "unknown option"],
  ])("%j", async (args, message) => {
    const terminal = fakeTerminal();
    expect(await runOvnHa(args, terminal)).toBe(3);
    expect(terminal.errors()).toContain(message);
    expect(terminal.text()).toBe("");
  });

  it("shows help, of commands too", async () => {
    for (const args of [["--help"], ["help"], ["status", "--help"], ["help", "watch"]]) {
      const terminal = fakeTerminal();
      expect(await runOvnHa(args, terminal)).toBe(0);
      expect(terminal.text()).toContain("Usage: ovn-ha");
    }
  });

  it("tells its version", async () => {
    const terminal = fakeTerminal();
    expect(await runOvnHa(["--version"], terminal)).toBe(0);
    expect(terminal.text()).toBe(`${VERSION}\n`);
  });

  it("cannot tell where nobody answers", async () => {
    const terminal = fakeTerminal();
    expect(await runOvnHa(["status", "--members", file], terminal)).toBe(3);
    expect(terminal.text()).toContain("UNREACHABLE");
  });
});
