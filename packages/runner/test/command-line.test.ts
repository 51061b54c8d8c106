import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RunnerError } from "../src/error.ts";
import { kubectlLine, quote, sshLine } from "../src/command-line.ts";

const NASTY = [
  "",
  " ",
  "a b",
  "it's",
  `"`,
  "$(id)",
  "`id`",
  "\n",
  "*",
  "~",
  "-n",
  "\\",
  "!x",
  "ü€",
  "a;b",
  "#",
  "&&",
  "'\\''",
];

describe("quoting", () => {
  it("gives a real shell the words as they were", () => {
    const words = fc.array(fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: "grapheme" })), { maxLength: 6 });
    const clean = words.map((list) => list.map((word) => word.replaceAll("\0", "")));
    fc.assert(
      fc.property(clean, (list) => {
        const script = `printf '%s\\0' ${["x", ...list].map(quote).join(" ")}`;
        const { stdout } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
        expect(stdout.split("\0").slice(1, -1)).toEqual(list);
      }),
      { numRuns: 60 },
    );
  });
});

describe("command lines", () => {
  it("of kubectl put everything of the program behind --", () => {
    const options = { pod: "p-0", namespace: "kube-system", container: "c", context: "x", kubeconfig: "/k c" };
    const line = kubectlLine(options, "ovs-appctl", ["-t", "a b"], true);
    expect(line).toEqual([
      ...["kubectl", "--kubeconfig=/k c", "--context=x", "--namespace=kube-system", "exec", "--stdin", "p-0"],
      ...["--container=c", "--", "ovs-appctl", "-t", "a b"],
    ]);
    expect(kubectlLine({ pod: "p-0" }, "true", [], false)).toEqual(["kubectl", "exec", "p-0", "--", "true"]);
  });

  it("of ssh are one quoted word behind the host", () => {
    const options = { host: "h", user: "u", port: 2222, identityFile: "/id", options: { LogLevel: "ERROR" } };
    expect(sshLine(options, "cat", ["it's"])).toEqual([
      ...["ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR", "-p", "2222"],
      ...["-i", "/id", "-l", "u", "--", "h", `cat 'it'\\''s'`],
    ]);
  });

  it("of ssh share a connection, unless the caller has a say in that", () => {
    const shared = sshLine({ host: "h" }, "true", [], "/s 100%").join(" ");
    expect(shared).toContain("-o ControlMaster=auto -o ControlPath=/s 100%%/%C -o ControlPersist=30");
    for (const options of [
      { host: "h", shareConnection: false },
      { host: "h", options: { controlPath: "none" } },
    ])
      expect(sshLine(options, "true", [], "/s").join(" ")).not.toContain("ControlMaster");
  });

  it("refuse names that would be options, and NULs", () => {
    for (const make of [
      () => sshLine({ host: "-oProxyCommand=id" }, "true", []),
      () => sshLine({ host: "h", user: "-x" }, "true", []),
      () => kubectlLine({ pod: "--all" }, "true", [], false),
      () => kubectlLine({ pod: "p" }, "printf", ["a\0b"], false),
      () => sshLine({ host: "h" }, "", []),
    ])
      expect(make).toThrow(expect.objectContaining({ name: RunnerError.name, code: "BAD_ARGUMENT" }) as Error);
  });
});
