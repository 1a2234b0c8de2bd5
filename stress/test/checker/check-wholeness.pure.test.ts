import { expect, test } from 'vitest';
import { sentencesOf } from '../support/check.ts';
import { pool, withKey } from '../support/pool-states.ts';

const start = pool({ keys: ['k1', 'k2'], free: ['b1', 'b2'], bindings: { p1: 'k1', p2: 'k1', p3: 'k2' } });
const used = { b1: 'k1' };
const wholeness = (final: ReturnType<typeof pool>): string[] => sentencesOf.wholeness({ start, final });

test('a key that was retired without a live one in its place', () => {
  expect(wholeness(pool({ keys: ['k2'], used, bindings: { p3: 'k2' } }))).toContain(
    'k1 was retired, and no live key took its place',
  );
});

test('two keys that took the place of each other', () => {
  const left = {
    start: pool({ keys: ['k1'], free: ['b1', 'k1'] }),
    final: pool({ used: { b1: 'k1', k1: 'b1' } }),
  };
  expect(sentencesOf.wholeness(left)).toEqual(['k1 was retired, and no live key took its place']);
});

test('a binding that was lost', () => {
  expect(wholeness(pool({ keys: ['b1', 'k2'], used, bindings: { p1: 'b1', p3: 'k2' } }))).toEqual([
    'a binding of k1 was lost: proxy p2',
  ]);
});

test('a binding of a key that was not rotated was lost', () => {
  expect(wholeness(pool({ keys: ['b1', 'k2'], used, bindings: { p1: 'b1', p2: 'b1' } }))).toEqual([
    'a binding of k2 was lost: proxy p3',
  ]);
});

test('a binding that stayed with the failed key', () => {
  expect(wholeness(pool({ keys: ['b1', 'k2'], used, bindings: { p1: 'b1', p2: 'k1', p3: 'k2' } }))).toEqual([
    'a binding of k1 should point to b1, but points to k1: proxy p2',
    'a binding dangles on k1, which is not a live key: proxy p2',
  ]);
});

test('a binding that moved to a key which has nothing to do with it', () => {
  expect(wholeness(pool({ keys: ['b1', 'k2'], used, bindings: { p1: 'b1', p2: 'k2', p3: 'k2' } }))).toEqual([
    'a binding of k1 should point to b1, but points to k2: proxy p2',
  ]);
});

test('a binding that was doubled: one proxy on two keys', () => {
  const doubled = pool({
    keys: ['b1', 'b2', 'k2'],
    used: { ...used, b2: 'k1' },
    bindings: { p1: ['b1', 'b2'], p2: 'b1', p3: 'k2' },
  });
  expect(wholeness(doubled)).toEqual(['a binding was doubled, on b1 and b2: proxy p1']);
});

test('a binding whose other fields changed, with the field and both values', () => {
  const moved = pool({ keys: ['b1', 'k2'], used, bindings: { p1: 'b1', p2: 'b1', p3: 'k2' } });
  const changed = moved.bindings.map((binding) =>
    binding.rest.includes('p2') ? { ...binding, rest: JSON.stringify({ isActive: false, proxyId: 'p2' }) } : binding,
  );
  expect(wholeness({ ...moved, bindings: changed })).toEqual([
    'a binding of k1 was changed: proxy p2, isActive was true and is false',
  ]);
});

test('one of two bindings that were alike was lost', () => {
  const alike = pool({ keys: ['k1'], free: ['b1'], bindings: { p1: ['k1', 'k1'] } });
  const final = pool({ keys: ['b1'], used, bindings: { p1: 'b1' } });
  expect(sentencesOf.wholeness({ start: alike, final })).toEqual([
    'a binding of k1 should point to b1, but points to b1: proxy p1',
  ]);
});

test('a replacement with another apiKey, which is not told', () => {
  const moved = pool({ keys: ['b1', 'k2'], used, bindings: { p1: 'b1', p2: 'b1', p3: 'k2' } });
  expect(wholeness(withKey(moved, { id: 'b1', apiKey: 'swapped' }))).toEqual([
    "b1 is a key with another apiKey than the backup's",
  ]);
});

test('in a chain the bindings of the first key belong to the last one', () => {
  const chain = { start, final: pool({ keys: ['b2', 'k2'], used: { b1: 'k1', b2: 'b1' }, bindings: {} }) };
  expect(
    sentencesOf.wholeness({
      ...chain,
      final: {
        ...chain.final,
        bindings: pool({ bindings: { p1: 'b2', p2: 'b1', p3: 'k2' } }).bindings,
      },
    }),
  ).toEqual([
    'a binding of k1 should point to b2, but points to b1: proxy p2',
    'a binding dangles on b1, which is not a live key: proxy p2',
  ]);
});

test('a proxy without a name is shown as it is', () => {
  const nameless = { keyId: 'k1', rest: '{"priority":1}' };
  const left = {
    start: { ...pool({ keys: ['k1'] }), bindings: [nameless] },
    final: pool({ keys: ['k1'] }),
  };
  expect(sentencesOf.wholeness(left)).toEqual(['a binding of k1 was lost: {"priority":1}']);
});

test('a key that was retired without a copy in the archive, where the pool has one', () => {
  const final = pool({ keys: ['b1', 'k2'], used, bindings: { p1: 'b1', p2: 'b1', p3: 'k2' } });
  expect(wholeness({ ...final, archived: new Set(['k2']) })).toEqual([
    'k1 was retired, and the archive has no copy of it',
  ]);
  expect(wholeness({ ...final, archived: new Set(['k1']) })).toEqual([]);
});
