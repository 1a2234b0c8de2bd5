import type { Db } from 'mongodb';
import type { Pool, RotationEvent, VerifyBackup } from 'rotation-core';
import { createRotatorOf, type Concerns, type FlowParts } from 'rotation-core/testing';
import { toAnswer, toError, toRotateError } from './answers.ts';
import { openOlderFlow } from './older-flow.ts';
import { operate, type Operator } from './operate.ts';
import type { RotationFlow, RotationObserver } from './rotation-flow.ts';

/** A storm on a slow machine may hold a caller up; the caller is to be judged by what it did, not by how long it waited. */
export const DEADLINE_MS = 60_000;

/** Bare callers have a transaction each; more than this at once per process stretch the time that a lock is held, for all. */
export const MAX_BARE_CONCURRENCY = 16;

export interface OpenRotatorOptions {
  readonly coalesce: boolean;
  /** Default: majority, both. */
  readonly concerns?: Concerns;
  /** Default: none. */
  readonly verify?: VerifyBackup;
  /** Verbs of operators that take the place of the rotator's own. */
  readonly operator?: (db: Db, pool: Pool) => Partial<Operator>;
}

/** Runs a flow of rotation-core, the reference or a mutant of it, through a rotator. */
export function openRotator(
  flow: (db: Db) => FlowParts,
  { coalesce, concerns, verify, operator }: OpenRotatorOptions,
): RotationFlow['open'] {
  return (db, pool, observer, surroundings) => {
    const { gated } = surroundings;
    const rotator = createRotatorOf(flow(db), db, pool, {
      coalesce,
      concerns,
      verify,
      onEvent: (event) => observe(event, observer),
      deadlineMs: DEADLINE_MS,
      ...(gated ? { random: () => 0, endAbandonedAfterMs: false } : {}),
    });
    const verbs = { ...rotator, ...operator?.(db, pool) };
    const olderFlow = openOlderFlow(db, pool, observer, surroundings);
    return {
      hasPatience: (call) => call.op === 'rotate' && call.by !== 'older-flow',
      call: (caller, call, patience) => {
        if (call.op !== 'rotate') return operate(call, db, pool, verbs).catch(toError);
        if (call.by === 'older-flow') return olderFlow.call(caller, call);
        const { keyId, incarnation } = call;
        const options = { ...(incarnation === undefined ? {} : { incarnation }), ...patience };
        return rotator.rotate(keyId, options).then(toAnswer, toRotateError);
      },
    };
  };
}

function observe(event: RotationEvent, observer: RotationObserver): void {
  if (event.type === 'claimed')
    observer.claimed({ keyId: event.keyId, backupId: event.backupId, rotationId: event.rotationId });
  else if (event.type === 'retried') observer.conflicted();
  else if (event.type === 'lost-race') observer.lostRace();
}
