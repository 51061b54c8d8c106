/** A cluster of three whose members do what a fake runner is told, and a clock that moves with each look. */
import type { Runner, RunOptions, RunResult } from "@ovnha/runner";
import type { Observation } from "../../../src/index.ts";
import { Built, nameOf } from "../../judge/build.ts";
import { AT_MS } from "../../judge/samples.ts";

export const LOOK_MS = 1_000;

type Run = (member: string, program: string, args: readonly string[], options: RunOptions) => unknown;

export class World {
  leader = 1;
  readonly down = new Set<number>();
  /** Who was told what, in order. */
  readonly commands: string[] = [];
  looks = 0;
  /** Called before each look, which it may change. */
  onLook: ((look: number) => void) | undefined;
  /** What a command does; undefined ends with 0. */
  onRun: Run = () => undefined;
  /** What is different from a healthy cluster. */
  edit: (built: Built) => unknown = () => undefined;

  readonly observe = async (): Promise<Observation> => {
    this.looks++;
    this.onLook?.(this.looks);
    const built = new Built(3, this.leader);
    for (const index of this.down) built.kill(index);
    this.edit(built);
    return built.observation(AT_MS + this.looks * LOOK_MS);
  };

  readonly runners = (at: string): Runner | undefined =>
    [1, 2, 3].map(nameOf).includes(at) ? { name: at, run: (...line) => this.#run(at, ...line) } : undefined;

  async #run(at: string, program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    this.commands.push(`${at}: ${[program, ...args].join(" ")}`);
    const result = (await this.onRun(at, program, args, options)) as Partial<RunResult> | undefined;
    return { exitCode: 0, signal: undefined, stdout: "", stderr: "", durationMs: 0, ...result };
  }
}
