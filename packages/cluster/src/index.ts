/** `@ovnha/cluster`: what a cluster is doing, what is wrong with it, and what may be done next. */
export type { CoverageCounter } from "./control/answers.ts";
export { Control, ELECTION_TIMER_MAX_MS, ELECTION_TIMER_MIN_MS } from "./control/control.ts";
export type { ControlCaller, ControlCallOptions, JsonAnswer } from "./control/types.ts";
export { unixctl, type UnixctlOptions } from "./edge/control/socket.ts";
export { type ThroughRunnerOptions, unixctlThrough } from "./edge/control/through-runner.ts";
export { type Extra, observe, type ObserveOptions } from "./edge/observe/observe.ts";
export { ClusterError, type ClusterErrorCode, type ClusterErrorFields } from "./error.ts";
export { type DatabaseAccess, type MemberAccess, MEMBERS_MAX } from "./observe/members.ts";
export * from "./observe/types.ts";
export { formatClusterStatus } from "./status/format.ts";
export { parseClusterStatus, readStatusAnswer } from "./status/parse.ts";
export type * from "./status/types.ts";
