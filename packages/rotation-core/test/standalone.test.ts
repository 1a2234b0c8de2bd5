import { expect, inject, test } from 'vitest';
import { createRotator, type Rotator } from '../src/index.ts';
import { backup, binding, key, readState, seed } from './support/documents.ts';
import { rejection } from './support/outcomes.ts';
import { startOwnMongod } from 'test-kit';
import { deletingPool } from './support/pools.ts';

/** For a server that is no replica set; where the tests' set is not a local one, the test is skipped. */
const mongod = inject('mongod') ?? '';

const verbs: readonly ((rotator: Rotator) => Promise<unknown>)[] = [
  (rotator) => rotator.rotate('k1'),
  (rotator) => rotator.bind({ proxyId: 'p2', keyId: 'k1' }),
  (rotator) => rotator.restoreBackup('b2'),
  (rotator) => rotator.sweep(),
  (rotator) => rotator.ensureIndexes(),
];

// Red where nobody asks the server what it is: the caller would read `IllegalOperation`.
test.skipIf(mongod === '')('a standalone server is refused with the remedy, and nothing happens', async () => {
  await using server = await startOwnMongod(mongod, { hasUsers: false });
  const db = (await server.connect()).db('rotation_test_standalone');
  await seed(db, deletingPool, {
    keys: [key('k1')],
    backups: [backup('b1'), backup('b2', { isUsed: true })],
    bindings: [binding('p1', 'k1'), binding('p1', 'gone')],
  });
  const before = await readState(db, deletingPool);
  for (const call of verbs) {
    const error = await rejection(call(createRotator(db, deletingPool)), 'not-a-replica-set');
    expect(error.message).toMatch(/--replSet .* rs\.initiate\(\)/);
  }
  expect(await readState(db, deletingPool)).toEqual(before);
});
