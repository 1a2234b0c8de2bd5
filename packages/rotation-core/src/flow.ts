import { rotateBatch } from './rotate-batch.ts';
import { referenceSteps, type Steps } from './steps/index.ts';

/** The flow as exchangeable parts, so that a harness can break one of them on purpose. */
export interface Flow {
  readonly steps: Steps;
  readonly rotateBatch: typeof rotateBatch;
}

export const referenceFlow: Flow = { steps: referenceSteps, rotateBatch };
