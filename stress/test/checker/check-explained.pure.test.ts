import { expect, test } from 'vitest';
import { checkRun } from '../../src/checker/check-run.ts';
import type { BackupState, KeyState, PoolState } from '../../src/model/pool-state.ts';
import { commitsBetween } from '../support/commits.ts';
import { history, rotated } from '../support/histories.ts';
import { pool } from '../support/pool-states.ts';

/* k1 is rotated; what a commit of its own does to the rest of the pool, no rotation explains. */

const start = pool({ keys: ['k1', 'k2'], kept: ['k0'], free: ['b1', 'b2'], bindings: { p1: 'k1', p2: 'k2' } });
const once = pool({
  keys: ['b1', 'k2'],
  kept: ['k0'],
  free: ['b2'],
  used: { b1: 'k1' },
  bindings: { p1: 'b1', p2: 'k2' },
});

const withKey = (id: string, change: Partial<KeyState>): PoolState => {
  const key = once.keys.get(id);
  if (key === undefined) throw new TypeError(`there is no key ${id}`);
  return { ...once, keys: new Map([...once.keys, [id, { ...key, ...change }]]) };
};
const withBackup = (id: string, change: Partial<BackupState>): PoolState => {
  const found = once.backups.get(id);
  if (found === undefined) throw new TypeError(`there is no backup ${id}`);
  return { ...once, backups: new Map([...once.backups, [id, { ...found, ...change }]]) };
};
const withoutKey = (id: string): PoolState => ({
  ...once,
  keys: new Map([...once.keys].filter(([keyId]) => keyId !== id)),
});

const sentences = (final: PoolState): string[] =>
  checkRun({
    start,
    between: [],
    commits: [...commitsBetween(start, once), ...commitsBetween(once, final)],
    final,
    history: history([[0, 'k1', rotated('b1')]]),
    expectedErrors: [],
  }).map(({ invariant, sentence }) => `${invariant} ${sentence}`);

const unexplained = (what: string): string => `I3 after commit 2 of 2: ${what} was changed, and no rotation does that`;

test('a rotation alone', () => {
  expect(sentences(once)).toEqual([]);
});

test.each<[string, PoolState, string]>([
  ['a live key', withKey('k2', { content: 'other' }), 'the key k2'],
  ['its incarnation', withKey('k2', { incarnation: 'another', content: 'other' }), 'the key k2'],
  ['the replacement', withKey('b1', { content: 'other' }), 'the key b1'],
  ['a kept key', withKey('k0', { content: 'other' }), 'the key k0'],
  ['a kept key that is deleted', withoutKey('k0'), 'the key k0'],
  ['a free backup', withBackup('b2', { apiKey: 'other', content: 'other' }), 'the backup b2'],
])('%s', (_, final, what) => {
  expect(sentences(final)).toContain(unexplained(what));
});

test('a backup that was refused is set aside', () => {
  expect(sentences(withBackup('b2', { isSetAside: true, content: 'aside' }))).toEqual([]);
});
