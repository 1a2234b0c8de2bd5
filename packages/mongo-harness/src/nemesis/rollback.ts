import { chooseSecondaries } from './choose-members.ts';
import { setFailPoint } from './fail-points.ts';
import { nameOf, type FaultMethod } from './fault-method.ts';
import { between, hold } from './hold.ts';

const MIN_ALONE_MS = 500;
const MAX_ALONE_MS = 2_000;
/** A secondary stops to fetch what the primary writes. */
const FAIL_POINT = 'stopReplProducer';

/**
 * The primary goes on alone, and is killed: what it wrote is on no other member. It comes back when another primary has been elected, and
 * has to roll back. What was acknowledged by a majority is not touched.
 */
export const rollback: FaultMethod = async ({ set, random }) => {
  const [primary, secondaries] = await Promise.all([set.primary(), chooseSecondaries(set, random)]);
  const aloneMs = between(MIN_ALONE_MS, MAX_ALONE_MS, random);
  return {
    target: nameOf(primary),
    run: async (signal) => {
      const failPoint = await setFailPoint(FAIL_POINT, secondaries, { mode: 'alwaysOn' });
      await hold(aloneMs, signal);
      await set.killMember(primary);
      await failPoint.end();
      await set.primary();
      await set.restartMember(primary);
      await set.primary();
    },
  };
};
