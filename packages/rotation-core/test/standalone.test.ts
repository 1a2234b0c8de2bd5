import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { expect, inject, test } from 'vitest';
import { createRotator, type Rotator } from '../src/index.ts';
import { backup, binding, key, readState, seed } from './support/documents.ts';
import { rejection } from './support/outcomes.ts';
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
  await withStandalone(async (db) => {
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
});

async function withStandalone(during: (db: Db) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'rotation-standalone-'));
  const port = await findFreePort();
  const options = ['--dbpath', folder, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket'];
  const server = spawn(mongod, options, { stdio: 'ignore' });
  const exited = once(server, 'exit');
  try {
    const uri = `mongodb://127.0.0.1:${String(port)}/?directConnection=true`;
    await using client = new MongoClient(uri, { serverSelectionTimeoutMS: 20_000 });
    await during(client.db('rotation_test_standalone'));
  } finally {
    server.kill('SIGKILL');
    await exited;
    await rm(folder, { recursive: true, force: true });
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return address.port;
}
