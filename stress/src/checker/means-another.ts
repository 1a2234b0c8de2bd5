import type { PoolState } from '../model/pool-state.ts';
import type { RotationOperation } from './rotation-run.ts';

/** The caller asked for another incarnation than the one that was live when the run began: it can't have rotated the key. */
export function meansAnother({ keys }: PoolState, { keyId, incarnation }: RotationOperation): boolean {
  const key = keys.get(keyId);
  return (
    incarnation !== undefined && key?.live === true && key.incarnation !== undefined && incarnation !== key.incarnation
  );
}
