/** `@ovnha/backup`: backups of OVN's databases that one can trust. */
export { BackupError, type BackupErrorCode, type BackupErrorOptions } from "./error.ts";
