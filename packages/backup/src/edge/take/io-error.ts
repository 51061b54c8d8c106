/** What the file system refused, as an error that says what to do. */
import { BackupError } from "../../error.ts";

const REMEDIES: { readonly [code: string]: string } = {
  ENOSPC: "free space there, or take the backup into another folder",
  EDQUOT: "raise the quota, or take the backup into another folder",
  EROFS: "the file system is mounted read-only; choose another folder",
  EACCES: "give this user the right to it",
  EPERM: "give this user the right to it",
  ENOENT: "look whether the path is right",
  ENOTDIR: "name a folder",
  EIO: "the disk fails: choose another one, and look at the kernel's log",
};

/** The `BackupError` for a system error; errors that are none pass as they are. `missing` is the remedy where the path is not there. */
export function ioError(cause: unknown, path: string, missing?: string): unknown {
  if (!(cause instanceof Error) || !("code" in cause) || !("syscall" in cause)) return cause;
  const code = String(cause.code);
  if (code === "EEXIST")
    return new BackupError("EXISTS", `${path} is there already, and backups never overwrite`, {
      path,
      cause,
      remedy: "choose another name or folder",
    });
  if (code === "ENOENT")
    return new BackupError("NOT_FOUND", `${path} is not there`, { path, cause, remedy: missing ?? REMEDIES[code] });
  return new BackupError("IO", `${path}: ${cause.message}`, { path, cause, remedy: REMEDIES[code] });
}
