import type { Db } from 'mongodb';
import type { Pool, RotationEvent } from 'rotation-core';
import { createRotatorOf, type Flow } from 'rotation-core/parts';
import type { Observer, RunningFlow } from './subject.ts';
import { toldError, toldOutcome } from './told.ts';

/** A storm on a slow machine may hold a caller up; it is to be judged by what it did, not by how long it waited. */
const DEADLINE_MS = 60_000;

/** Bare callers have a transaction each; more than this at once per process stretch the time that a lock is held, for all. */
export const BARE_CONCURRENCY = 16;

/** Runs a flow of rotation-core, the reference or a broken one, through a rotator. */
export function openRotator(
  flow: (db: Db) => Flow,
  { coalesce }: { coalesce: boolean },
): (db: Db, pool: Pool, observer: Observer) => RunningFlow {
  return (db, pool, observer) => {
    const onEvent = (event: RotationEvent): void => {
      if (event.type === 'claimed')
        observer.claimed({ keyId: event.keyId, backupId: event.backupId, rotationId: event.rotationId });
      else if (event.type === 'retried') observer.conflicted();
      else if (event.type === 'lost-race') observer.lostRace();
    };
    const rotator = createRotatorOf(flow(db), db, pool, { coalesce, onEvent, deadlineMs: DEADLINE_MS });
    return { rotate: (_caller, keyId) => rotator.rotate(keyId).then(toldOutcome, toldError) };
  };
}
