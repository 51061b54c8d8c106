import { existsSync, renameSync } from "node:fs";
import { realOvs } from "@ovnha/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type FileFacts, planRecovery, renderPlan, type RecoveryPlan } from "../../../src/index.ts";
import { type Lab, NB, SB, startLab } from "./lab.ts";

const DATABASES = [NB, SB] as const;

describe
  .skipIf(realOvs() === "skip")
  .sequential("a member whose folder is empty after a reboot, in both databases", () => {
    let lab: Lab;

    beforeAll(async () => {
      lab = await startLab();
    }, 120_000);
    afterEach(() => lab.forget(), 120_000);
    afterAll(() => lab?.[Symbol.asyncDispose]());

    /** The machine goes down without a word, and its folder is empty when it comes back. Gives its former ids. */
    async function wipe(index: number): Promise<Record<string, string>> {
      const former: Record<string, string> = {};
      for (const database of DATABASES) {
        const cluster = lab.cluster(database);
        former[database] = await cluster.sid(index);
        await cluster.member(index).kill("SIGKILL");
        renameSync(cluster.file(index), `${cluster.file(index)}.wiped-${former[database]}`);
      }
      return former;
    }

    async function isBack(index: number, former: Readonly<Record<string, string>>): Promise<void> {
      await lab.untilWell();
      for (const database of DATABASES) {
        expect(await lab.cluster(database).sid(index)).not.toBe(former[database]);
        expect((await lab.judge()).verdict.databases.map(({ quorum }) => quorum.configured)).toEqual([3, 3]);
      }
    }

    const actsOf = ({ steps }: RecoveryPlan): string[] =>
      steps
        .filter(({ kind }) => kind === "act")
        .map(({ member, command }) => {
          const words = [command?.program, ...(command?.args ?? [])];
          const what = ["lab-start", "lab-stop", "mv", "cluster/kick", "join-cluster"].find((word) =>
            words.includes(word),
          );
          return `${what} ${what === "cluster/kick" ? words.at(-1) : member}`;
        });

    it("with the two others alive: its id is forgotten, and it joins anew", async () => {
      const [index = 0] = await lab.cluster().followers();
      const name = lab.name(index);
      const former = await wipe(index);
      for (const database of DATABASES) {
        const { finding } = await lab.until("peer-down", database);
        expect(finding).toMatchObject({ members: [name], remedy: { kind: "start", isDestructive: false } });
        expect(finding.remedy.text).toContain("If its file is gone");
        const plan = await lab.recovery({ database, lost: [name] });
        expect(plan).toMatchObject({ decision: "rejoin", blockers: [], warnings: [] });
        expect(actsOf(plan)).toEqual([`cluster/kick ${former[database]}`, `join-cluster ${name}`, `lab-start ${name}`]);
        expect(plan.witnesses).toEqual(expect.arrayContaining(["operator", "observer"]));
        expect((await lab.execute(plan)).isComplete).toBe(true);
        // Another id than before is told once; then nothing is left to do for this database.
        await lab.judge();
        expect(await lab.recovery({ database, lost: [name] })).toMatchObject({ decision: "none", isDone: true });
      }
      await isBack(index, former);
    }, 120_000);

    it("with a second one down at the same time: that one is started, then the wiped one joins anew", async () => {
      const survivor = await lab.cluster().waitForLeader();
      const [down = 0, wiped = 0] = await lab.cluster().followers();
      await lab.write(SB);
      await lab.write(NB);
      for (const database of DATABASES) await lab.cluster(database).waitConnected();
      const sids = await Promise.all(DATABASES.map((database) => lab.cluster(database).sid(down)));
      const files: Record<string, Record<string, FileFacts>> = {};
      for (const database of DATABASES) await lab.cluster(database).member(down).kill("SIGKILL");
      const former = await wipe(wiped);
      // Nobody remembers anything: the tool is run for the first time when it is too late.
      lab.history = { version: 1, databases: {} };
      for (const database of DATABASES) {
        files[database] = { [lab.name(down)]: await lab.readFile(down, database) };
        const { verdict } = await lab.until("no-quorum", database);
        expect(verdict).toMatchObject({
          health: "critical",
          quorum: { state: "no", configured: 3, needed: 2, live: 1 },
        });
      }
      for (const database of DATABASES) {
        const options = { database, lost: [lab.name(wiped)], files: files[database] };
        const plan = await lab.recovery(options);
        expect(plan).toMatchObject({ decision: "start", blockers: [], warnings: [] });
        expect(actsOf(plan)).toEqual([
          `lab-start ${lab.name(down)}`,
          `cluster/kick ${former[database]}`,
          `join-cluster ${lab.name(wiped)}`,
          `lab-start ${lab.name(wiped)}`,
        ]);
        expect(plan.steps.filter(({ isDestructive }) => isDestructive)).toHaveLength(1);
        const [kick] = plan.steps.filter(({ isDestructive }) => isDestructive);
        expect(kick?.before).toEqual(
          expect.arrayContaining([expect.objectContaining({ type: "one-leader", database })]),
        );
        expect((await lab.execute(plan)).isComplete).toBe(true);
      }
      expect(await Promise.all(DATABASES.map((database) => lab.cluster(database).sid(down)))).toEqual(sids);
      expect(lab.cluster().member(survivor).pid).toBeDefined();
      await isBack(wiped, former);
    }, 120_000);

    it("where nobody can be started from here: it is printed what a person does, and nothing is done instead", async () => {
      const [index = 0] = await lab.cluster().followers();
      const name = lab.name(index);
      const former = await wipe(index);
      await lab.until("peer-down", SB);
      const { places = {} } = lab.site;
      const plan = planRecovery(await lab.look(), {
        database: SB,
        expected: lab.expected,
        history: lab.history,
        site: { places, start: "by hand", stop: "by hand", restart: "by hand" },
        lost: [name],
      });
      expect(plan).toMatchObject({ decision: "rejoin", blockers: [] });
      const text = renderPlan(plan);
      expect(text).toContain(`cluster/kick ${SB} ${former[SB]}`);
      expect(text).toContain(`join-cluster ${lab.cluster().file(index)} ${SB}`);
      expect(text).toContain(`Start ${name}'s server of ${SB}`);
      expect(text).toContain(`by hand, with its file ${lab.cluster().file(index)}`);
      // What has a command is done; then it stops and says what is left.
      await expect(lab.execute(plan)).rejects.toMatchObject({
        code: "PRECONDITION",
        message: expect.stringContaining("do it by hand, then plan again"),
      });
      expect(existsSync(lab.cluster().file(index))).toBe(true);
      await lab.cluster().member(index).start();
      const rest = await lab.recovery({ database: NB, lost: [name] });
      expect((await lab.execute(rest)).isComplete).toBe(true);
      await isBack(index, former);
    }, 120_000);
  });
