import { referenceFlow, type Flow, type Steps } from '../../src/parts.ts';

/** The steps that the tests hold a flow at. */
type Place = 'readEvidence' | 'retireKeys' | 'readClaimedBackups' | 'moveBindings';

/** The reference flow with something done before one of its steps, inside the transaction. */
export function flowWithBefore(place: Place, before: () => Promise<unknown>): Flow {
  const steps: Pick<Steps, Place> = {
    readEvidence: async (...args) => before().then(() => referenceFlow.steps.readEvidence(...args)),
    retireKeys: async (...args) => before().then(() => referenceFlow.steps.retireKeys(...args)),
    readClaimedBackups: async (...args) => before().then(() => referenceFlow.steps.readClaimedBackups(...args)),
    moveBindings: async (...args) => before().then(() => referenceFlow.steps.moveBindings(...args)),
  };
  return flowWith({ [place]: steps[place] });
}

/** The reference flow with some of its steps replaced. */
export const flowWith = (steps: Partial<Steps>): Flow => ({
  ...referenceFlow,
  steps: { ...referenceFlow.steps, ...steps },
});
