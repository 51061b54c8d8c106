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
  ModelSpec,
  Scenario,
  Step,
  StopHow,
  Target,
  VerdictWord,
  WipeWhat,
} from "./scenario/types.ts";
export { parseScenario } from "./scenario/parse.ts";
export { disappointments, outageDisappointments, quantile } from "./expectation.ts";
export { findScenario, shippedFiles, shippedScenarios } from "./edge/scenarios.ts";
export { formatScenario } from "./scenario/format.ts";
export { type RestartPlan, whatIf } from "./what-if.ts";
export { runSeed, type SeedResult, summarize, type Sweep } from "./search/sweep.ts";
export { broken, type Smallest, swarm, type SwarmOptions, type SwarmResult } from "./search/swarm.ts";
export { sweep, type SweepOptions } from "./edge/sweep.ts";
export { htmlReport } from "./picture/html.ts";
export { type Lane, type LaneState, lanesOf, type Stretch } from "./picture/lanes.ts";
export { mermaid, type MermaidOptions } from "./picture/mermaid.ts";
export { storyOf, type StoryOptions } from "./picture/story.ts";
export { timeline } from "./picture/timeline.ts";
export type { Checkpoint } from "./trace.ts";
export { MEASURE_IDS, measure, type MeasureRow } from "./measures.ts";
export { type Duration, scenario, type ScenarioBuilder, type StepBuilder } from "./scenario/builder.ts";
export { type Exploration, explore, type ExploreOptions } from "./explore/explore.ts";
