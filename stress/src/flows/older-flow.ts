import type { Pool } from 'rotation-core';
import { checkedClaim } from './mutants/checked-claim.ts';
import { keptKey } from './mutants/kept-key.ts';
import type { RotationFlow } from './rotation-flow.ts';

/** Opens the flow that the pool's service had before: it claims first, and makes the key some commands later. */
export const openOlderFlow: RotationFlow['open'] = (db, pool, observer, surroundings) =>
  olderFlowOf(pool).open(db, pool, observer, surroundings);

/** The services that keep failed keys did so before, too. */
const olderFlowOf = ({ retirement }: Pool): RotationFlow => (retirement.kind === 'keep' ? keptKey : checkedClaim);
