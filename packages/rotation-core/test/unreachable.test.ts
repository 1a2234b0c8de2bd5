import { MongoClient } from 'mongodb';
import { oneMemberSet } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { createRotator, type RotationEvent } from '../src/index.ts';
import { rejection } from './support/outcomes.ts';
import { deletingPool } from './support/pools.ts';
import { openRelay } from './support/relay.ts';
import { VERBS } from './support/verbs.ts';

/*
 * No server at all. The `patient` client was never connected, and its driver waits for 30 s, which is longer than any deadline here.
 * The `impatient` client had a server, which is gone.
 */
const relay = await openRelay(oneMemberSet().port);
const direct = (port: number): string => `mongodb://127.0.0.1:${String(port)}/?directConnection=true`;
const impatient = await new MongoClient(direct(relay.port), { serverSelectionTimeoutMS: 2_000 }).connect();
await relay.close();
const patient = new MongoClient(direct(relay.port));
afterAll(() => Promise.all([patient.close(), impatient.close()]));

const DEADLINE_MS = 1_000;
/** What a call may take on a busy machine. */
const MAX_MS = 1_500;

async function timed<T>(call: Promise<T>): Promise<T> {
  const begun = performance.now();
  const value = await call;
  expect(performance.now() - begun).toBeLessThan(MAX_MS);
  return value;
}

// Red where the verbs have no deadline: each still waited after 6 s.
describe.each(Object.entries(VERBS))('%s without a server', (verb, call) => {
  test('ends at its deadline and says so', async () => {
    const rotator = createRotator(patient.db('d'), deletingPool);
    const error = await timed(rejection(call(rotator, { deadlineMs: DEADLINE_MS }), 'database'));
    expect(error.message).toMatch(new RegExp(`^${verb} was not finished within 1000 ms: .*\\.$`));
    expect(error.message).not.toContain('rotation was undone');
    expect(error.rotationId).toBeUndefined();
  });

  test('takes the deadline of the rotator', async () => {
    const rotator = createRotator(patient.db('d'), deletingPool, { deadlineMs: 50 });
    expect((await timed(rejection(call(rotator), 'database'))).message).toContain('within 50 ms');
  });

  test('names the remedy where the driver loses patience first', async () => {
    const rotator = createRotator(impatient.db('d'), deletingPool, { maxAttempts: 1 });
    const error = await rejection(call(rotator, { deadlineMs: 30_000 }), 'database');
    expect(error.message).toContain(`${verb}: the driver could not run`);
    expect(error.message).toContain('MongoServerSelectionError. Check that the members of the replica set are up');
    expect(error.cause).toMatchObject({ name: 'MongoServerSelectionError' });
  });

  test('is aborted by its signal, before and while it waits', async () => {
    const rotator = createRotator(patient.db('d'), deletingPool);
    const fired = await rejection(call(rotator, { signal: AbortSignal.abort('no') }), 'aborted');
    expect(fired.cause).toBe('no');
    const controller = new AbortController();
    const waiting = rejection(call(rotator, { signal: controller.signal, deadlineMs: undefined }), 'aborted');
    controller.abort(new Error('shutting down'));
    expect((await timed(waiting)).cause).toEqual(new Error('shutting down'));
  });
});

describe('rotate without a server', () => {
  // Red where a transaction under way counts as one that may have been committed: the answer was `indeterminate`.
  test('is busy at its deadline, for nothing was sent, and an event says why', async () => {
    const events: RotationEvent[] = [];
    const rotator = createRotator(patient.db('d'), deletingPool, { onEvent: (event) => events.push(event) });
    const outcomes = await timed(
      Promise.all([
        rotator.rotate('k1', { deadlineMs: DEADLINE_MS }),
        rotator.rotate('k1', { deadlineMs: DEADLINE_MS }),
      ]),
    );
    expect(outcomes).toEqual([
      { kind: 'busy', keyId: 'k1' },
      { kind: 'busy', keyId: 'k1' },
    ]);
    expect(events).toMatchObject([{ type: 'busy', keyId: 'k1', attempts: 1, reason: 'unreachable', error: undefined }]);
  });

  // Red where each retry is called a conflict.
  test('tells the reason of each retry', async () => {
    const events: RotationEvent[] = [];
    const rotator = createRotator(impatient.db('d'), deletingPool, {
      maxAttempts: 2,
      deadlineMs: 30_000,
      onEvent: (event) => events.push(event),
    });
    expect(await rotator.rotate('k1')).toEqual({ kind: 'busy', keyId: 'k1' });
    const failure = { reason: 'unreachable', error: 'MongoServerSelectionError' };
    expect(events).toMatchObject([
      { type: 'retried', attempt: 1, ...failure },
      { type: 'busy', attempts: 2, ...failure },
    ]);
  });

  test('an abort names no rotation, for nothing was sent', async () => {
    const controller = new AbortController();
    const refused = rejection(
      createRotator(patient.db('d'), deletingPool).rotate('k1', { signal: controller.signal, incarnation: undefined }),
      'aborted',
    );
    setTimeout(() => controller.abort(), 50);
    expect((await timed(refused)).rotationId).toBeUndefined();
  });
});
