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
export { type BackupFolder, type ListedBackup, listBackups } from "./edge/store/list.ts";
export { rotate, type Rotated, type RotateOptions } from "./edge/store/rotate.ts";
export { verifyBackup, type VerifyOptions, type VerifyReport } from "./edge/verify/verify-backup.ts";
export { compareWithServer, type LiveComparison, type LiveOptions } from "./edge/verify/live.ts";
export type { VerifiedMark } from "./store/mark.ts";
export { planRotation, type RotationPlan, type RotationPolicy, type RotationSet } from "./store/rotation.ts";
export type { Difference, RowDifference, TableDifference } from "./verify/comparison.ts";
export type { Problem, ProblemCode } from "./verify/problem.ts";
export {
  type ClientReset,
  type Command,
  type DatabaseKey,
  type DatabaseLayout,
  DATABASE_KEYS,
  DATABASE_NAMES,
  type DirectoryRule,
  fillCommand,
  type LayoutProfile,
  type Owner,
} from "./layout/profile.ts";
export { findProfile, PROFILES } from "./layout/profiles.ts";
export {
  type CheckCode,
  type CheckFacts,
  type CheckFinding,
  type CheckSeverity,
  type CheckVerdict,
  type DatabaseFacts,
  type DirectoryFacts,
  judgeDirectories,
  type StalePid,
} from "./layout/directories.ts";
export {
  compareIdentity,
  type FileIdentity,
  formatRemembered,
  type IdentityChange,
  type IdentityFinding,
  parseRemembered,
  type Remembered,
  type RememberedFile,
} from "./layout/identity.ts";
export { judgeMount, type Mount, type MountKind, mountOf, parseMounts } from "./layout/mounts.ts";
export type {
  ClusterDescription,
  ConfiguredServer,
  FileFacts,
  MemberDatabaseFacts,
  MemberDescription,
  MemberFacts,
  RestoreFacts,
  ServerFacts,
  SourceFacts,
} from "./restore/facts.ts";
export { formatPlan, formatPlanMarkdown, type FormatOptions } from "./restore/format.ts";
export {
  type Facts,
  formatLine,
  type JournalEvent,
  type JournalLine,
  type ParsedJournal,
  parseJournal,
} from "./restore/journal.ts";
export {
  applyEvent,
  type Direction,
  foldJournal,
  initialState,
  type Move,
  nextMove,
  type RestoreState,
  type StepState,
} from "./restore/machine.ts";
export { type PlanOptions, planRestore } from "./restore/plan.ts";
export { planMember } from "./restore/plan-member.ts";
export {
  type Action,
  type Check,
  type ExpectedContent,
  type FactRef,
  HERE,
  isRefused,
  type Phase,
  type PlanCode,
  type PlanFinding,
  type PlannedMember,
  type PlannedSource,
  type PlanSeverity,
  type RestorePlan,
  type RestoreStep,
  type ServerRef,
  type Undo,
} from "./restore/types.ts";
export type { FreshBackup, Runners } from "./edge/restore/context.ts";
export {
  executeRestore,
  type ExecuteOptions,
  type RestoreProgress,
  type RestoreResult,
} from "./edge/restore/execute.ts";
export { JOURNAL_FILE, PLAN_FILE, planHash, readJournal, readPlan } from "./edge/restore/journal-file.ts";
export { lookAtSource, type SourceOptions } from "./edge/restore/source.ts";
export { survey as surveyRestore, type SurveyOptions } from "./edge/restore/survey.ts";
export { ovsdbTool } from "./edge/tool/tool.ts";
export type {
  CheckResult,
  ClusterToStandaloneResult,
  CompareOperator,
  OfflineTransaction,
  OvsdbTool,
  ToolOptions,
  ToolVersion,
} from "./edge/tool/types.ts";
export {
  type CheckDirectoriesOptions,
  checkDirectories,
  type CheckedDirectories,
} from "./edge/layout/check-directories.ts";
export { rehearse, type Rehearsal, type RehearsalStep, type RehearseOptions } from "./edge/rehearse/rehearse.ts";
export { type Described, parseDescription, type RunnerSpec } from "./restore/description.ts";
export { runnerOf, runnersOf } from "./edge/restore/runners.ts";
