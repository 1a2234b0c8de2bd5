import { setTimeout as sleep } from 'node:timers/promises';
import { MongoError } from 'mongodb';
import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationFaultMutant } from '../rotation-flow.ts';
import { asSomebodyNew } from './as-somebody-new.ts';
import { openWithBatch } from './broken-reference.ts';
import { contendedKeys } from './fault-storm.ts';
import { inOwnTransaction } from './own-transaction.ts';

/** More than a transaction takes where nothing goes wrong. */
const MAX_ATTEMPT_MS = 1_000;

export const timeoutIsFailure: RotationFaultMutant = {
  name: 'timeout-is-failure',
  about:
    'takes an attempt of more than a second for failed, and rotates again as somebody new; the first attempt goes on to its commit',
  expected: 'violated',
  breaks: ['I6'],
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [],
  faultStorms: [contendedKeys('freeze-secondaries')],
  open: openWithBatch((transaction, rotations, options) =>
    asSomebodyNew(rotations, (renamed) =>
      inTime(inOwnTransaction(transaction, (own) => referenceFlow.rotateBatch(own, renamed, options))),
    ),
  ),
};

async function inTime<T>(attempt: Promise<T>): Promise<T> {
  const answered = new AbortController();
  const timeout = sleep(MAX_ATTEMPT_MS, undefined, { signal: answered.signal }).then(() => {
    const error = new MongoError('the attempt took too long');
    error.addErrorLabel('TransientTransactionError');
    throw error;
  });
  try {
    return await Promise.race([attempt, timeout]);
  } finally {
    answered.abort();
    // Neither the attempt that goes on nor the timer that was stopped has anybody left to tell.
    for (const left of [attempt, timeout]) left.catch(() => undefined);
  }
}
