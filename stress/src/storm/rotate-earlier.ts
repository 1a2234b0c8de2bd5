import type { Db } from 'mongodb';
import { createRotator, type Pool } from 'rotation-core';
import type { EarlierRotation } from '../scenarios/scenario.ts';
import { checkedClaim } from '../subjects/known-bad/checked-claim.ts';
import { keptKey } from '../subjects/known-bad/kept-key.ts';
import type { Observer } from '../subjects/subject.ts';

const nobody: Observer = { claimed: () => {}, conflicted: () => {}, lostRace: () => {} };

/** Makes a rotation of the past, alone. The old flow is the one that the pool's service had: alone, it does what it should. */
export async function rotateEarlier(db: Db, pool: Pool, { keyId, backupId, by }: EarlierRotation): Promise<void> {
  const oldFlow = pool.retirement.kind === 'keep' ? keptKey : checkedClaim;
  const outcome =
    by === 'rotation-core'
      ? await createRotator(db, pool).rotate(keyId)
      : await oldFlow.open(db, pool, nobody).rotate(0, keyId);
  if (outcome.kind !== 'rotated' || outcome.replacement !== backupId)
    throw new Error(
      `expected ${keyId} to be replaced by ${backupId} before the run, but got ${JSON.stringify(outcome)}`,
    );
}
