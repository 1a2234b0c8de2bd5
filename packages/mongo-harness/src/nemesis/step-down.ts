import { nameOf, type FaultMethod } from './fault-method.ts';

/** Over when another member is primary. */
export const stepDown: FaultMethod = async ({ set }) => ({
  target: nameOf(await set.primary()),
  run: async () => {
    await set.stepDown();
  },
});
