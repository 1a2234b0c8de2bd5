import type { Db } from 'mongodb';
import type { Pool, RotationEvent } from 'rotation-core';
import { createRotatorOf, type Flow } from 'rotation-core/parts';
import type { RunningFlow, Subject } from './subject.ts';
import { toldError, toldOutcome } from './told.ts';

/** A storm on a slow machine may hold a caller up; it is to be judged by what it did, not by how long it waited. */
const DEADLINE_MS = 60_000;

/** Bare callers have a transaction each; more than this at once per process stretch the time that a lock is held, for all. */
export const BARE_CONCURRENCY = 16;

export interface RotatorSubjectOptions {
  readonly coalesce: boolean;
  /** Verbs of operators that take the place of the rotator's own. */
  readonly operator?: (db: Db, pool: Pool) => Partial<NonNullable<RunningFlow['operator']>>;
}

/** Runs a flow of rotation-core, the reference or a broken one, through a rotator. */
export function openRotator(flow: (db: Db) => Flow, { coalesce, operator }: RotatorSubjectOptions): Subject['open'] {
  return (db, pool, observer, { gated = false } = {}): RunningFlow => {
    const onEvent = (event: RotationEvent): void => {
      if (event.type === 'claimed')
        observer.claimed({ keyId: event.keyId, backupId: event.backupId, rotationId: event.rotationId });
      else if (event.type === 'retried') observer.conflicted();
      else if (event.type === 'lost-race') observer.lostRace();
    };
    const rotator = createRotatorOf(flow(db), db, pool, {
      coalesce,
      onEvent,
      deadlineMs: DEADLINE_MS,
      ...(gated ? { random: () => 0, endAbandonedAfterMs: false } : {}),
    });
    return {
      rotate: (_caller, keyId, incarnation) =>
        rotator.rotate(keyId, incarnation === undefined ? {} : { incarnation }).then(toldOutcome, toldError),
      operator: { ...rotator, ...operator?.(db, pool) },
    };
  };
}
