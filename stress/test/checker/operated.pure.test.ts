import { describe, expect, test } from 'vitest';
import { checkAddedBindings } from '../../src/checker/check-added-bindings.ts';
import { checkEndedIncarnation } from '../../src/checker/check-ended-incarnation.ts';
import type { Operated } from '../../src/checker/rotation-run.ts';
import type { PoolState } from '../../src/model/pool-state.ts';
import { alreadyRotated, history, notFound, rotated, type Call } from '../support/histories.ts';
import { pool } from '../support/pool-states.ts';

describe('a binding that an operator adds', () => {
  const start = pool({ keys: ['k1'], free: ['b1'], bindings: { p1: 'k1' } });
  const left = (bindings: Record<string, string | string[]>): PoolState =>
    pool({ keys: ['b1'], used: { b1: 'k1' }, bindings });
  const sentences = (final: PoolState, told: 'bound' | 'already-bound' | 'not-found' = 'bound'): string[] =>
    checkAddedBindings({
      start,
      between: [],
      final,
      history: history([[0, 'k1', rotated('b1')]]),
      operated: [
        {
          call: { op: 'bind', keyId: 'k1', proxyId: 'p9' },
          answer: told === 'not-found' ? { kind: told } : { kind: told, boundTo: 'b1' },
        },
      ],
      expectedErrors: [],
    }).map(({ sentence }) => sentence);

  test('goes with the others, before the rotation or after it', () => {
    expect(sentences(left({ p1: 'b1', p9: 'b1' }))).toEqual([]);
  });

  test('stays on the retired key', () => {
    expect(sentences(left({ p1: 'b1', p9: 'k1' }))).toEqual([
      'a binding of k1 should point to b1, but points to k1: proxy p9',
      'a binding dangles on k1, which is not a live key: proxy p9',
    ]);
  });

  test('is lost, or doubled', () => {
    expect(sentences(left({ p1: 'b1' }))).toEqual(['a binding of k1 was lost: proxy p9']);
    expect(sentences(left({ p1: 'b1', p9: ['b1', 'b1'] }))).toEqual(['a binding was doubled, on b1: proxy p9']);
  });

  test('is there though the operator was told that it is not, or refused for a key that was live', () => {
    expect(sentences(left({ p1: 'b1', p9: 'b1' }), 'already-bound')).toEqual([
      'a binding was made up, on b1: proxy p9',
    ]);
    expect(sentences(left({ p1: 'b1' }), 'not-found')).toEqual([
      'the operator that bound p9 to k1 was told not-found, and k1 or its successor was live all along',
    ]);
  });
});

describe('late callers of an incarnation that has ended', () => {
  const start = pool({ keys: ['b2'], free: ['b3'], used: { b1: 'k1', b2: 'b1' }, bindings: { p1: 'b2' } });
  const restored: Operated = { call: { op: 'restore', backupId: 'b1' }, answer: { kind: 'restored' } };
  const added: Operated = {
    call: { op: 'add-key', keyId: 'k1', createdAt: '2026-02-01T00:00:00.000Z' },
    answer: { kind: 'added' },
  };
  const sentences = (final: PoolState, operated: readonly Operated[], ...calls: Call[]): string[] =>
    checkEndedIncarnation(
      { start, between: [], final, history: history(calls), operated, expectedErrors: [] },
      { keyId: 'k1', backupId: 'b1', liveKeyId: 'b2' },
    ).map(({ sentence }) => sentence);
  const operatedOn = pool({
    keys: ['b2', 'k1'],
    free: ['b1', 'b3'],
    used: { b2: 'b1' },
    bindings: { p1: 'b2' },
  });

  test('learn of the live key, or of none once the evidence is gone', () => {
    expect(sentences(start, [], [0, 'k1', alreadyRotated('b2')])).toEqual([]);
    expect(sentences(operatedOn, [restored, added], [0, 'k1', alreadyRotated('b2')], [1, 'k1', notFound])).toEqual([]);
  });

  test('of none while the evidence is there', () => {
    expect(sentences(start, [], [0, 'k1', notFound])).toEqual([
      'caller 0 was told not-found for an incarnation of k1 that had ended, and b2 is live',
    ]);
  });

  test('the key that was put back is rotated away', () => {
    const final = pool({
      keys: ['b2', 'b3'],
      free: ['b1'],
      used: { b2: 'b1', b3: 'k1' },
      bindings: { p1: 'b2' },
    });
    expect(sentences(final, [restored, added], [0, 'k1', rotated('b3')])).toEqual([
      'k1 was replaced, and nobody had called for it',
      'caller 0 was told rotated with replacement b3 for an incarnation of k1 that had ended, and b2 is live',
    ]);
  });
});
