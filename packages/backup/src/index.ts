/** `@ovnha/backup`: backups of OVN's databases that one can trust. */
export { BackupError, type BackupErrorCode, type BackupErrorOptions } from "./error.ts";
export {
  type DatabaseSource,
  takeBackup,
  type TakenBackup,
  type TakenSet,
  type TakeOptions,
  type TakeProgress,
} from "./edge/take/take-backup.ts";
export { type BackupCluster, type BackupSource, formatManifest, type Manifest, parseManifest } from "./manifest.ts";
