import { describe, expect, test } from 'vitest';
import { checkRun } from '../../src/checker/check-run.ts';
import { readPast, retireKept } from '../../src/checker/past-rotations.ts';
import { sentencesOf } from '../support/check.ts';
import { alreadyRotated, history, notFound, rotated, type Call } from '../support/histories.ts';
import { pool, withKey } from '../support/pool-states.ts';

/* What older flows left before the run is no violation, and nothing of it is taken for a part of the run. */

describe('several backups were used for one key', () => {
  const wasted = pool({ keys: ['b0'], used: { w1: 'k0', b0: 'k0', w2: 'k0' }, bindings: { p0: 'b0' } });

  test('the one that is live counts', () => {
    expect(readPast(wasted).replacementOf('k0')).toBe('b0');
    expect(judge(wasted, wasted, [1, 'k0', alreadyRotated('b0')])).toEqual([]);
    expect(judge(wasted, wasted, [1, 'k0', alreadyRotated('w1')])).toHaveLength(1);
    expect(judge(wasted, wasted, [1, 'k0', notFound])).toEqual([
      'I5 caller 1 was told not-found for k0, which was rotated before the run',
    ]);
  });

  test('or the one that was followed by a live one', () => {
    const chain = pool({ keys: ['b00'], used: { w1: 'k0', b0: 'k0', b00: 'b0' } });
    expect(readPast(chain).replacementOf('k0')).toBe('b0');
  });

  test('a chain that goes round in a circle ends', () => {
    const circle = pool({ used: { b0: 'k0', b1: 'b0', b2: 'b1', b0again: 'b2', k0: 'b2' } });
    expect(readPast(circle).replacementOf('k0')).toBe('b0');
  });
});

describe('a key that an older flow replaced and kept without a mark', () => {
  const left = { keys: ['k0', 'b0'], free: ['b1'], used: { b0: 'k0' } };
  const kept = withKey(pool({ ...left, bindings: { p0: 'b0' } }), { id: 'k0', mayBeKept: true });

  test('is not live, and its callers are sent to the replacement', () => {
    expect([...readPast(kept).keptUnmarked.keys()]).toEqual(['k0']);
    expect(judge(kept, kept, [1, 'k0', alreadyRotated('b0')])).toEqual([]);
  });

  test('must not be rotated again', () => {
    const again = withKey(pool({ ...left, kept: ['k0'], keys: ['b0', 'b1'], free: [], used: { b0: 'k0', b1: 'k0' } }), {
      id: 'k0',
      live: false,
    });
    expect(judge(kept, again, [1, 'k0', rotated('b1')])).toContain(
      'I1 k0 took b1 by somebody, and had been replaced by b0 before',
    );
  });

  test('is live where it has a binding, no replacement that lives, or another status: it waits for a backup', () => {
    const bound = withKey(pool({ ...left, bindings: { p0: 'k0' } }), { id: 'k0', mayBeKept: true });
    const unreplaced = withKey(pool({ keys: ['k0'], used: { w1: 'k0' } }), { id: 'k0', mayBeKept: true });
    for (const state of [bound, unreplaced, pool(left)]) expect(readPast(state).keptUnmarked.size).toBe(0);
  });

  test('counts as live again as soon as somebody touched it', () => {
    const touched = withKey(kept, { id: 'k0', content: 'k0 healthy again' });
    expect(retireKept(touched, readPast(kept)).keys.get('k0')?.live).toBe(true);
    expect(retireKept(kept, readPast(kept)).keys.get('k0')?.live).toBe(false);
  });
});

test('a binding that dangled before is not blamed on the run; a new one is', () => {
  const start = pool({ keys: ['k1'], bindings: { p0: 'gone' } });
  expect(sentencesOf.wholeness({ start, final: start })).toEqual([]);
  const final = pool({ keys: ['k1'], bindings: { p0: 'elsewhere' } });
  expect(sentencesOf.wholeness({ start, final })).toEqual([
    'a binding dangles on elsewhere, which is not a live key: proxy p0',
  ]);
});

const judge = (start: ReturnType<typeof pool>, final: ReturnType<typeof pool>, ...calls: readonly Call[]): string[] =>
  checkRun({ start, between: [], final, history: history(calls), expectedErrors: [] }).map(
    ({ invariant, sentence }) => `${invariant} ${sentence}`,
  );
