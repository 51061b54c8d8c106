/** `@ovnha/cluster`: what a cluster is doing, what is wrong with it, and what may be done next. */
export type { CoverageCounter } from "./control/answers.ts";
export { Control, ELECTION_TIMER_MAX_MS, ELECTION_TIMER_MIN_MS } from "./control/control.ts";
export type { ControlCaller, ControlCallOptions, JsonAnswer } from "./control/types.ts";
export { unixctl, type UnixctlOptions } from "./edge/control/socket.ts";
export { type ThroughRunnerOptions, unixctlThrough } from "./edge/control/through-runner.ts";
export { type Extra, observe, type ObserveOptions } from "./edge/observe/observe.ts";
export { watch, type Watch, type WatchOptions, type WatchUpdate } from "./edge/observe/watch.ts";
export { ClusterError, type ClusterErrorCode, type ClusterErrorFields } from "./error.ts";
export { type Change, type ChangedFact, changesBetween } from "./observe/changes.ts";
export { elapsedBetween, elapsedMs, type Moment } from "./observe/elapsed.ts";
export { type DatabaseAccess, type MemberAccess, MEMBERS_MAX } from "./observe/members.ts";
export * from "./observe/types.ts";
export { formatClusterStatus } from "./status/format.ts";
export { parseClusterStatus, readStatusAnswer } from "./status/parse.ts";
export type * from "./status/types.ts";
export { assess, type AssessOptions } from "./judge/assess.ts";
export { type FindingCode, type FindingRule, FINDINGS, type Sight } from "./judge/catalogue/index.ts";
export { type FileFacts, fileFacts } from "./judge/checks/files.ts";
export { weightOf } from "./judge/context.ts";
export { type DatabaseHistory, emptyHistory, type History } from "./judge/history.ts";
export { majorityOf, toleranceOf } from "./judge/quorum.ts";
export { remember, track } from "./judge/track.ts";
export type * from "./judge/types.ts";
export { checkCondition, type Held, type JudgeOptions, quorumWithout } from "./plan/conditions.ts";
export { gate, type GateOptions, type GateReason, type GateReasonCode, type GateVerdict } from "./plan/gate.ts";
export { findVoters, type KickPlan, planKick, planLeave, type RemoveOptions } from "./plan/kick.ts";
export { rankFiles, type RankedFile } from "./plan/rank.ts";
export { planRecovery, type RecoveryPlan } from "./plan/recovery.ts";
export type { RecoveryDecision, RecoveryOptions } from "./plan/recovery-case.ts";
export { commandLine, conditionText, renderPlan, renderRunbook, type RenderFormat } from "./plan/render.ts";
export { nextMember, planRollingRestart, type RestartOptions, type RestartPlan } from "./plan/restart.ts";
export { runbook, type Runbook, type RunbookOptions, type RunbookSection } from "./plan/runbook.ts";
export type { CommandTemplate, Place, ServiceTemplate, Site } from "./plan/site.ts";
export { planElectionTimer, timerLadder, type TimerOptions } from "./plan/timer.ts";
export type { Blocker, BlockerCode, Command, Condition, Plan, PlanKind, PlanStep } from "./plan/types.ts";
export type { CommandOptions, Runners } from "./edge/plan/command.ts";
export { execute, type ExecuteOptions, type ExecuteReport, type StepOutcome } from "./edge/plan/execute.ts";
export { acquireOperationLock, type LockOptions, OPERATION_LOCK, type OperationLock } from "./edge/plan/lock.ts";
export { type RollingEvent, type RollingOptions, type RollingReport, runRollingRestart } from "./edge/plan/restart.ts";
export { compareContent, type ContentOptions, type ContentResult, type MemberContent } from "./edge/probe/content.ts";
export { type ProbeOptions, type ProbeResult, probeWrite } from "./edge/probe/write.ts";
export type { NoOpTarget } from "./probe/no-op.ts";
export {
  expose,
  type ExpositionInput,
  fillRegistry,
  type MetricDefinition,
  METRICS,
  type ProbeSample,
} from "./metrics/exposition.ts";
