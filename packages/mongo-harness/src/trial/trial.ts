import type { FaultKind } from 'mongo-interleave';
import type { JudgedStates } from '../system/judged-states.ts';
import type { Size } from '../system/scenario.ts';
import type { Expectation } from '../system/violation.ts';
import type { FaultStep } from '../system/storm-fault.ts';

/**
 * Which flow, in which scenario, on which deployment: one row, from the command line to the report. All by name, so a trial is JSON;
 * `resolveTrial` finds what the names stand for.
 */
export interface Trial {
  readonly flow: string;
  /** The command of `--exec`, where the flow runs in processes of its own. */
  readonly exec?: string;
  /** At the gate, each run starts that command anew. Default: a client keeps its process from run to run. */
  readonly execFresh?: boolean;
  readonly scenario: string;
  readonly deployment: string;
  readonly expected: Expectation;
  /** Default: the flow's. */
  readonly judged?: JudgedStates;
}

/** A trial with free-running callers. */
export interface StormTrial extends Trial {
  readonly processes: number;
  readonly size: Size;
  readonly seed: number;
  /** Calls under way at once in each process, at most. Default: the flow's. */
  readonly maxConcurrency?: number;
  /** The storm goes on in rounds. Default: one round. */
  readonly rounds?: Rounds;
}

/** A storm that goes on: in each round the scenario is filled anew, its calls are made, and what is left is judged. */
export interface Rounds {
  /** The last round begins before so many milliseconds are over, unless some kind of fault has not had its turn. */
  readonly forMs: number;
  /** What goes wrong, each in its turn; several in a round, where they come soon enough after each other. Default: nothing. */
  readonly faults: readonly FaultStep[];
  /** From the begin of a fault to the begin of the next one, where that one need not be over first. */
  readonly everyMs: number;
  /** No fault of a round begins later after its first: a round is judged at its end. */
  readonly roundMs: number;
  /** Steps of one round, at most. Default: as many as fit. */
  readonly maxSteps?: number;
  /** Go on after a violation. */
  readonly goOn: boolean;
}

/** So long a round is worth waiting for: it is judged when its faults are over. */
export const DEFAULT_ROUND_MS = 15_000;

/** A trial in which every interleaving of a few callers is run. */
export interface ExplorationTrial extends Trial {
  readonly callers: number;
  /** See `ExplorationPlace`. */
  readonly faults?: readonly FaultKind[];
  /** See `ExplorationPlace`. */
  readonly maxPreemptions?: number;
}

/** What the user asked for; an absent part means the default's. */
export type Selection<T extends Trial> = Partial<Omit<T, 'expected'>>;
