/** Files on the operator's machine. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { ioError } from "../take/io-error.ts";

export async function isThere(path: string): Promise<boolean> {
  try {
    await access(path, constants.F_OK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw ioError(error, path);
  }
}
