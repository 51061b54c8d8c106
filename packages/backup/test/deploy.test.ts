/** The examples of cron, systemd and Kubernetes: they parse, and name nothing that is not there. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { ovnBackup } from "../src/edge/cli/ovn-backup.ts";

const folder = fileURLToPath(new URL("../deploy/", import.meta.url));
const text = (name: string): string => readFileSync(join(folder, name), "utf8");
const nothing = (): void => {};

/** What is wrong with a command line, without running it. */
function complaint(args: readonly string[]): string | undefined {
  const program = ovnBackup({
    out: nothing,
    err: nothing,
    end: nothing,
    signal: new AbortController().signal,
    isTerminal: false,
    progressStream: undefined,
  });
  const [name, ...rest] = args;
  const command = program.commands.find((one) => one.name() === name);
  if (command === undefined) return `no command ${name}`;
  command.action(nothing);
  try {
    program.parse([...args], { from: "user" });
    return rest.length === 0 ? "no arguments" : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Every `ovn-backup …` of a line of shell. */
function commandLines(line: string): string[][] {
  return line
    .split(/&&|;|\|/)
    .map((part) => part.trim().split(/\s+/))
    .filter(([command]) => command?.endsWith("ovn-backup") === true)
    .map(([_command, ...args]) => args);
}

type Container = {
  readonly command: string[];
  readonly args: string[];
  readonly env?: { name: string }[];
  readonly volumeMounts: { name: string }[];
};

describe("examples of deployment", () => {
  test("complain about what is not an option", () => {
    expect(complaint(["rotate", "/backup", "--keep-daily", "7"])).toBeUndefined();
    expect(complaint(["rotate", "/backup", "--keep-hourly-ish", "7"])).toMatch(/unknown option/);
    expect(complaint(["take", "--gzip"])).toMatch(/--into/);
    expect(complaint(["rotate", "--keep-daily", "7"])).toMatch(/missing required argument/);
    expect(complaint(["rotate", "/backup", "--keep-daily", "seven"])).toMatch(/whole number/);
    expect(complaint(["back-up"])).toMatch(/no command/);
  });

  test("cron: one line with five fields, a user and commands that exist", () => {
    const lines = text("ovn-backup.cron")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#") && !/^\w+=/.test(line));
    expect(lines).toHaveLength(1);
    const [, minute, hour, user, command = ""] = /^(\d+) (\d+) \* \* \* (\w+) (.*)$/.exec(lines[0] ?? "") ?? [];
    expect([Number(minute) < 60, Number(hour) < 24, user]).toEqual([true, true, "root"]);
    // A % begins the input of a cron job's command.
    expect(command).not.toContain("%");
    expect(commandLines(command).map(([name]) => name)).toEqual(["take", "rotate"]);
    for (const args of commandLines(command)) expect(complaint(args)).toBeUndefined();
  });

  test.each(readdirSync(folder).filter((name) => name.endsWith(".service")))("%s: commands that exist", (name) => {
    const lines = text(name).split("\n");
    const starts = lines.filter((line) => line.startsWith("ExecStart=")).map((line) => line.slice("ExecStart=".length));
    expect(starts.length).toBeGreaterThan(0);
    for (const start of starts) {
      expect(start).toMatch(/^\/usr\/local\/bin\/ovn-backup /);
      for (const args of commandLines(start)) expect(complaint(args)).toBeUndefined();
    }
    for (const line of lines.filter((one) => one !== "" && !one.startsWith("#")))
      expect(line).toMatch(/^(\[\w+\]|\w+=.*)$/);
  });

  test.each(readdirSync(folder).filter((name) => name.endsWith(".timer")))("%s belongs to a service", (name) => {
    expect(text(name)).toMatch(/^OnCalendar=\S/m);
    expect(readdirSync(folder)).toContain(name.replace(".timer", ".service"));
  });

  test("systemd itself takes the units", ({ skip }) => {
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0) skip("systemd-analyze is not installed");
    const copies = mkdtempSync(join(tmpdir(), "ovnha-units-"));
    // It looks for the program, which is not installed here.
    for (const name of readdirSync(folder).filter((one) => /\.(service|timer)$/.test(one)))
      writeFileSync(join(copies, name), text(name).replaceAll("/usr/local/bin/ovn-backup", "/bin/true"));
    for (const name of readdirSync(copies)) {
      const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", join(copies, name)], { encoding: "utf8" });
      expect(stderr.split("\n").filter((line) => line.includes(name.replace(/\..*/, "")))).toEqual([]);
    }
  });

  test("Kubernetes: a claim, and a job that takes first and rotates only then, with commands that exist", () => {
    // The parser of another package of this house, for this package needs none.
    const simulator = createRequire(new URL("../../simulator/package.json", import.meta.url));
    const { parseAllDocuments } = simulator("yaml") as {
      // biome-ignore lint/suspicious/noExplicitAny: a document of Kubernetes
      parseAllDocuments: (of: string) => { errors: unknown[]; toJS(): any }[];
    };
    const documents = parseAllDocuments(text("cronjob.yaml"));
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    const [claim, job] = documents.map((document) => document.toJS());
    expect([claim.kind, job.apiVersion, job.kind]).toEqual(["PersistentVolumeClaim", "batch/v1", "CronJob"]);
    expect(job.spec.schedule).toMatch(/^\d+ \d+ \* \* \*$/);
    const pod = job.spec.jobTemplate.spec.template.spec;
    const [take, rotate] = [...pod.initContainers, ...pod.containers] as Container[];
    expect([take?.args[0], rotate?.args[0]]).toEqual(["take", "rotate"]);
    for (const { command, args, volumeMounts } of [take, rotate] as Container[]) {
      expect(command).toEqual(["ovn-backup"]);
      expect(args.every((arg) => typeof arg === "string")).toBe(true);
      expect(complaint(args)).toBeUndefined();
      const volumes = (pod.volumes as { name: string }[]).map(({ name }) => name);
      expect(volumes).toEqual(expect.arrayContaining(volumeMounts.map(({ name }) => name)));
    }
    expect(take?.env?.map(({ name }) => name)).toEqual(["OVN_NB_DB", "OVN_SB_DB"]);
    expect(pod.volumes[0].persistentVolumeClaim.claimName).toBe(claim.metadata.name);
  });
});
