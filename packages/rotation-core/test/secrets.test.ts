import { openTestDatabase } from 'test-kit';
import { afterAll, expect, test } from 'vitest';
import { createRotator, type RotationEvent, type RotationOutcome } from '../src/index.ts';
import { SECRET_MARK, backup, backups, binding, claimedBefore, key, seed } from './support/documents.ts';
import { archivingPool, deletingPool, keepingPool } from './support/pools.ts';
import { expectNoSecret } from './support/secrets.ts';

const database = await openTestDatabase('secrets');
const { db } = database;
await createRotator(db, archivingPool).ensureIndexes();
afterAll(() => database.close());

test('the search itself finds a secret wherever it hides', () => {
  const hidden = new Error('outer', { cause: Object.assign(new Error('inner'), { op: { apiKey: SECRET_MARK } }) });
  expect(() => expectNoSecret(hidden)).toThrow(SECRET_MARK);
  expect(() => expectNoSecret(Object.defineProperty({}, 'x', { value: SECRET_MARK }))).toThrow(SECRET_MARK);
  expect(() => expectNoSecret([{ a: { b: { c: { d: { e: [SECRET_MARK] } } } } }])).toThrow(SECRET_MARK);
  expect(() => expectNoSecret({ kind: 'rotated' })).not.toThrow();
});

test.each([deletingPool, archivingPool, keepingPool])(
  'no outcome and no event has an apiKey in it ($name)',
  async (pool) => {
    const events: RotationEvent[] = [];
    const rotator = createRotator(db, pool, { onEvent: (event) => events.push(event) });
    await seed(db, pool, {
      keys: [key('k1'), key('k2'), key('k3')],
      backups: backups(2),
      bindings: [binding('p1', 'k1')],
    });
    const rounds: RotationOutcome[][] = [];
    for (let round = 0; round < 2; round++)
      rounds.push(await Promise.all(['k1', 'k1', 'k2', 'k3', 'k4'].map((id) => rotator.rotate(id))));
    const kinds = new Set(rounds.flat().map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['rotated', 'already-rotated', 'no-backup', 'not-found']));
    expectNoSecret(rounds);
    expectNoSecret(events);
    expectNoSecret(await rotator.bind({ proxyId: 'p2', keyId: 'k1' }));
    expectNoSecret(await rotator.sweep());
    expectNoSecret(await rotator.restoreBackup('b1'));
  },
);

/** Data that makes the server answer with an error about a document. */
const refusals = {
  'a double claim': { keys: [key('k1')], backups: [backup('b1'), claimedBefore(key('k1'))] },
  'a document that fails validation': { keys: [key('k1')], backups: [backup('b1', { refused: true })] },
};

// Red where toRotationError keeps a server's error as the cause: a failed validation carries the whole document.
test.each(Object.entries(refusals))('no error has an apiKey in it: %s', async (_title, documents) => {
  await seed(db, deletingPool, documents);
  await db.command({ collMod: 'keys', validator: { refused: { $ne: true } }, validationLevel: 'strict' });
  try {
    const error: unknown = await createRotator(db, deletingPool)
      .rotate('k1')
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expectNoSecret(error);
  } finally {
    await db.command({ collMod: 'keys', validator: {} });
  }
});
