export { createSession, deadlineMs, monitorOfRequest, step } from "./step.ts";
export type {
  Conditions,
  Effect,
  Input,
  LifecycleEvent,
  MonitoredTable,
  MonitoredTables,
  ReloadReason,
  ServerChoice,
  SessionOptions,
  SessionState,
  SessionStatus,
} from "./types.ts";
export { judgeServer, type RowVerdict, type ServerRow, type VerdictContext } from "./server-row.ts";
