import { BackupError } from "../../error.ts";
import type { Taken } from "./online.ts";
export type FileSource = { readonly database: string; readonly file: string; readonly warning?: string | undefined };
export async function takeFromFile(_s: FileSource, _d: string, _o: unknown): Promise<Taken> {
  throw new BackupError("UNSUPPORTED", "x");
}
