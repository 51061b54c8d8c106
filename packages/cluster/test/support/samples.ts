/**
 * Outputs of cluster/status to test with. Those of the project's own laboratory lie in test/fixtures; those that others
 * have published are read where they lie, beside the repository, if they do.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

export type SampleFacts = {
  readonly id: string | null;
  readonly name: string | null;
  readonly cid: string | null;
  readonly sid: string | null;
  readonly address: string | null;
  readonly status: string | null;
  readonly role: string | null;
  readonly term: number | null;
  readonly leader: string | null;
  readonly vote: string | null;
  readonly log: string | null;
  readonly uncommitted: number | null;
  readonly unapplied: number | null;
  readonly members: number;
  readonly connDown: number;
  readonly connUp: number;
  readonly dupAddr: boolean;
  readonly disconnections: number | null;
  readonly timerMs: number | null;
  readonly timerChangingToMs: number | null;
};

export type Sample = {
  readonly name: string;
  readonly text: string;
  readonly facts: SampleFacts | undefined;
};

const LAB = fileURLToPath(new URL("../fixtures/lab/", import.meta.url));
/** Beside the repository's top folder. */
const FACTS = fileURLToPath(new URL("../../../../../shared/facts/", import.meta.url));

function samplesIn(folder: string): Sample[] {
  if (!existsSync(folder)) return [];
  const list = join(folder, "expected.json");
  const expected = (existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : {}) as Record<
    string,
    { facts?: SampleFacts }
  >;
  return readdirSync(folder)
    .filter((file) => file.endsWith(".txt") && !file.endsWith(".server.txt"))
    .sort()
    .map((file) => {
      const name = basename(file, ".txt");
      return { name, text: readFileSync(join(folder, file), "utf8"), facts: expected[name]?.facts };
    });
}

export const LAB_SAMPLES: readonly Sample[] = samplesIn(LAB);
export const PUBLIC_SAMPLES: readonly Sample[] = [
  ...samplesIn(join(FACTS, "cluster-status-samples")).filter(({ name }) => !name.startsWith("lab-")),
  ...samplesIn(join(FACTS, "cluster-status")),
];
export const SAMPLES: readonly Sample[] = [...LAB_SAMPLES, ...PUBLIC_SAMPLES];
