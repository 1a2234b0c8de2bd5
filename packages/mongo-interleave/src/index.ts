export { interleave, type Interleaving } from './interleave.ts';
export type { ExploreOptions, FlowClient, InterleaveOptions } from './options.ts';
export type { Exploration } from './explore/explore.ts';
export { formatRun, type Outcome, type RunResult, type Verdict } from './run-result.ts';
export { formatTrace, type TraceStep } from './schedule/trace.ts';
export { formatToken, parseToken, type Choice } from './schedule/token.ts';
export { openGate, type Gate, type GateOptions, type HeldCommand } from './gate/gate.ts';
export type { Reply, ServerAddress } from './gate/relay.ts';
export { InterleaveError, type InterleaveErrorCode } from './interleave-error.ts';
