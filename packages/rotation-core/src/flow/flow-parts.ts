import { rotateBatch } from './rotate-batch.ts';
import { referenceSteps, type Steps } from './steps/index.ts';

/** The parts of the flow. A test harness exchanges one of them for a broken one. */
export interface FlowParts {
  readonly steps: Steps;
  readonly rotateBatch: typeof rotateBatch;
}

/** The flow that `createRotator` runs. */
export const referenceFlow: FlowParts = { steps: referenceSteps, rotateBatch };
