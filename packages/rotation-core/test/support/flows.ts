import { referenceFlow, type FlowParts, type Steps } from '../../src/testing.ts';

/** The steps that the tests hold a flow at. */
type Place = 'readEvidence' | 'retireKeys' | 'readClaimedBackups' | 'moveBindings';

/** The reference flow with something done before one of its steps, inside the transaction. */
export function flowWithBefore(place: Place, before: () => Promise<unknown>): FlowParts {
  const steps: Pick<Steps, Place> = {
    readEvidence: async (...args) => before().then(() => referenceFlow.steps.readEvidence(...args)),
    retireKeys: async (...args) => before().then(() => referenceFlow.steps.retireKeys(...args)),
    readClaimedBackups: async (...args) => before().then(() => referenceFlow.steps.readClaimedBackups(...args)),
    moveBindings: async (...args) => before().then(() => referenceFlow.steps.moveBindings(...args)),
  };
  return flowWith({ [place]: steps[place] });
}

/** The reference flow with some of its steps replaced. */
export const flowWith = (steps: Partial<Steps>): FlowParts => ({
  ...referenceFlow,
  steps: { ...referenceFlow.steps, ...steps },
});
