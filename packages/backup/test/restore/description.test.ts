import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { BackupError, parseDescription } from "../../src/index.ts";

const DEPLOY = fileURLToPath(new URL("../../deploy/", import.meta.url));
const member = (name: string, more: object = {}): object => ({
  name,
  runner: { kind: "ssh", host: name },
  addresses: { nb: `tcp:${name}:6643` },
  ...more,
});
const parse = (description: object): ReturnType<typeof parseDescription> =>
  parseDescription(JSON.stringify(description), "c.json");

describe("a cluster's description", () => {
  test("takes paths and commands from the layout, fills values in, and lets each be changed", () => {
    const { cluster, runners } = parse({
      profile: "kube-ovn",
      values: { namespace: "cozy-kubeovn", replicas: "5" },
      databases: { nb: { schema: "/schemas/nb" } },
      layout: { fileMode: "0640", freeze: [["echo", "{namespace}"]] },
      members: [
        member("n1"),
        member("n2", {
          databases: { nb: { file: "/x y/db", stop: [["halt", "{node}"]] } },
          values: { node: "worker-2" },
        }),
      ],
    });
    const { profile, members } = cluster;
    expect(profile.startAll[0]).toEqual([
      "kubectl",
      "scale",
      "deployment",
      "ovn-central",
      "--namespace=cozy-kubeovn",
      "--replicas=5",
    ]);
    expect(profile).toMatchObject({ fileMode: 0o640, freeze: [["echo", "cozy-kubeovn"]], form: "standalone" });
    expect(members[0]?.databases.nb).toMatchObject({ file: "/etc/origin/ovn/ovnnb_db.db", schema: "/schemas/nb" });
    expect(members[0]?.databases.nb.stop[0]).toContain("n1");
    expect(members[1]?.databases.nb).toMatchObject({ file: "/x y/db", stop: [["halt", "worker-2"]] });
    expect(runners).toEqual({
      here: { kind: "local" },
      n1: { kind: "ssh", host: "n1" },
      n2: { kind: "ssh", host: "n2" },
    });
  });

  test.each<[string, object, RegExp]>([
    ["no members", { profile: "debian", members: [] }, /members/],
    ["an unknown member of the object", { profile: "debian", members: [member("a")], x: 1 }, /Unrecognized key: "x"/],
    [
      "a relative path",
      { profile: "debian", members: [member("a", { databases: { nb: { file: "db" } } })] },
      /members\.0\.databases\.nb\.file: must be an absolute path/,
    ],
    [
      "an empty command",
      { profile: "debian", members: [member("a", { databases: { nb: { stop: [[]] } } })] },
      /stop\.0/,
    ],
    ...["systemctl stop ovn", ["systemctl", "stop", "ovn"], [["kill", 7]]].map((stop): [string, object, RegExp] => [
      `${JSON.stringify(stop)} as stop`,
      { profile: "debian", members: [member("a", { databases: { nb: { stop } } })] },
      /nb\.stop[.0-9]*: must be a list of commands, each a list of arguments/,
    ]),
    ["a name that is taken", { profile: "debian", members: [member("here")] }, /must not be here/],
    ["a name twice", { profile: "debian", members: [member("a"), member("a")] }, /two members have the same name/],
    ["an unknown layout", { profile: "x", members: [member("a")] }, /no layout profile "x"/],
    [
      "a server asked from here without a remote",
      { profile: "debian", members: [member("a", { askedAt: "here" })] },
      /a is asked from here, and has no remotes/,
    ],
    [
      "a value that is missing",
      { profile: "debian", members: [member("a", { databases: { nb: { stop: [["x", "{y}"]] } } })] },
      /needs a value for \{y\}/,
    ],
  ])("is refused with %s", (_what, description, message) => {
    expect(() => parse(description)).toThrow(message);
    expect(() => parse(description)).toThrow(BackupError);
  });

  test("the README's example is one", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const [, text = ""] = /```json\n(.*?)```/s.exec(readme) ?? [];
    const { cluster, runners } = parseDescription(text, "README.md");
    expect(runners["node-1"]).toEqual({ kind: "local" });
    expect([cluster.members[0]?.databases.nb.stop[0]?.[0], cluster.members[0]?.databases.nb.start[0]?.[0]]).toEqual([
      "ovs-appctl",
      "/usr/local/bin/start-nb",
    ]);
  });

  test("that is not JSON is refused by name", () => {
    expect(() => parseDescription("{", "c.json")).toThrow(/^c\.json is not JSON/);
  });

  test.each(readdirSync(DEPLOY).filter((name) => name.endsWith(".json")))(
    "example %s: three members, each with all that a plan needs",
    (name) => {
      const { cluster, runners } = parseDescription(readFileSync(join(DEPLOY, name), "utf8"), name);
      expect(cluster.members).toHaveLength(3);
      expect(new Set(cluster.members.flatMap(({ addresses }) => [addresses.nb, addresses.sb])).size).toBe(6);
      expect(Object.keys(runners)).toHaveLength(4);
      for (const { databases, addresses } of cluster.members)
        expect([databases.nb.stop.length > 0, databases.nb.start.length > 0, addresses.sb !== undefined]).toEqual([
          true,
          true,
          true,
        ]);
    },
  );
});
