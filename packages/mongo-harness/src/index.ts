/* What a system is described by. */
export type { Expectation, Verdict, Violation } from './system/violation.ts';
export {
  isExplored,
  isMutant,
  isProgram,
  type AnyFlow,
  type AnyMutant,
  type ExplorationPlace,
  type FaultMutant,
  type FaultPlace,
  type Flow,
  type FlowDescription,
  type Mutant,
  type Observer,
  type OpenFlow,
  type Patience,
  type ProgramFlow,
  type StormPlace,
  type Surroundings,
} from './system/flow.ts';
export type { JudgedStates } from './system/judged-states.ts';
export type { Change, Commit } from './system/commit.ts';
export type { Fault, History, Operation } from './system/history.ts';
export type { AnswerField, Protocol } from './system/protocol.ts';
export type { Matrix, MatrixCell } from './system/matrix.ts';
export type { Run } from './system/run.ts';
export type { ClientPlan, GatedPlan, PlannedCall, Scenario, Size, SizeOption, StormPlan } from './system/scenario.ts';
export type { FaultStep, StormFault } from './system/storm-fault.ts';
export type { NoAnswer, SystemTypes } from './system/system-types.ts';
export type { Deployment, Show, System } from './system/system.ts';

/* The command line, and the core of an order check. */
export { runCommandLine } from './cli/run-command-line.ts';
export { Order, type OrderProblem, type Point } from './order/order.ts';
