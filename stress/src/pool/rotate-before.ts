import type { Db } from 'mongodb';
import { createRotator, type Pool } from 'rotation-core';
import { openOlderFlow } from '../flows/older-flow.ts';
import type { RotationObserver } from '../flows/rotation-flow.ts';
import type { PastRotation } from '../model/start-state.ts';

const NOBODY: RotationObserver = { claimed: () => {}, conflicted: () => {}, lostRace: () => {} };

/** Makes a rotation before the run, alone. The old flow is the one that the pool's service had: alone, it does what it should. */
export async function rotateBefore(db: Db, pool: Pool, { keyId, backupId, by }: PastRotation): Promise<void> {
  const surroundings = { gated: false, uri: '' };
  const answer =
    by === 'rotation-core'
      ? await createRotator(db, pool).rotate(keyId)
      : await openOlderFlow(db, pool, NOBODY, surroundings).call(0, { op: 'rotate', keyId });
  if (answer.kind !== 'rotated' || answer.replacement !== backupId)
    throw new Error(
      `expected ${keyId} to be replaced by ${backupId} before the run, but got ${JSON.stringify(answer)}`,
    );
}
