/** A deterministic simulator of OVSDB clusters: what happens if I restart these in this order? */
export { finish, prepareWorld, simulate, type SimulateOptions } from "./simulate.ts";
export type { TraceLevel } from "./recorder.ts";
export type { MemberEnd, Outage, Run, TraceEvent, Violation } from "./trace.ts";
export { ScenarioError } from "./scenario/error.ts";
export type {
  Action,
  BootPolicy,
  ClientSpec,
  ClusterSpec,
  Condition,
  Delay,
  Expectation,
  Finding,
  GroupSpec,
  ModelSpec,
  Scenario,
  Step,
  StopHow,
  Target,
  VerdictWord,
  WipeWhat,
} from "./scenario/types.ts";
export { parseScenario } from "./scenario/parse.ts";
export { broken, disappointments, outageDisappointments, quantile } from "./expectation.ts";
export { findScenario, shippedFiles, shippedScenarios } from "./edge/scenarios.ts";
export { formatScenario } from "./scenario/format.ts";
export { type JsonSchema, scenarioSchema } from "./scenario/schema.ts";
export { type RestartPlan, type Wait, whatIf } from "./what-if.ts";
export { type Odds, odds, type OddsQuestion } from "./odds/odds.ts";
export {
  failoverMs,
  type FailoverQuestion,
  firstTimeoutMs,
  healMs,
  overlap,
  overlapInARow,
  splitVote,
  staleLeaderMs,
  unavailability,
  zonedUnavailability,
} from "./odds/closed.ts";
export { type Losses, quorumLosses, type RepairQuestion } from "./odds/repair.ts";
export { advise, ladder, type Stalls, type TimerAdvice, type TimerQuestion } from "./plan/advise.ts";
export {
  type PlanQuestion,
  type PlanVariant,
  planWait,
  type RestartAdvice,
} from "./plan/plan.ts";
export type { PlanStep } from "./plan/steps.ts";
export type { PlanWord } from "./plan/word.ts";
export type { HeatMap, MapCell, MapQuestion } from "./heat-map.ts";
export { heatMap, type HeatMapOptions } from "./edge/heat-map.ts";
export { heatMapHtml, heatMapSvg } from "./picture/heat-map.ts";
export { type Apart, type LiveCluster, liveCluster, readStatus, type StatusLike } from "./plan/live.ts";
export { type Diff, diff, type DiffOptions, withSettings } from "./diff.ts";
export { failuresOf, type Replay, replay, type ReplayOptions } from "./replay/finding.ts";
export { shrink, type Shrunk, type ShrinkOptions } from "./replay/shrink.ts";
export { runSeed, type SeedResult, summarize, type Sweep } from "./search/sweep.ts";
export { type Smallest, swarm, type SwarmOptions, type SwarmResult } from "./search/swarm.ts";
export { sweep, type SweepOptions } from "./edge/sweep.ts";
export { report } from "./picture/html.ts";
export { type Lane, type LaneState, lanesOf, type Stretch } from "./picture/lanes.ts";
export { mermaid, type MermaidOptions } from "./picture/mermaid.ts";
export { storyOf, type StoryOptions } from "./picture/story.ts";
export { timeline } from "./picture/timeline.ts";
export type { Checkpoint } from "./trace.ts";
export { MEASURE_IDS, measure, type MeasureRow } from "./measures.ts";
export { type Duration, scenario, type ScenarioBuilder, type StepBuilder } from "./scenario/builder.ts";
export { type Exploration, explore, type ExploreOptions } from "./explore/explore.ts";
