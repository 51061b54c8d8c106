/** The frame of a command file: what each of them exports, and what it is given. */
import type { Command } from "commander";
import type { Terminal } from "./terminal.ts";

export type CommandContext = {
  readonly terminal: Terminal;
  /** Sets the exit code; the last call counts. */
  readonly end: (code: number) => void;
};

/** A command file exports `define`: it gives the command its options, arguments, subcommands and action. */
export type CommandModule = { readonly define: (command: Command, context: CommandContext) => void };

/** A command in the table of `commands.ts`; its file is loaded when it is asked for. */
export type CommandEntry = {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
};
