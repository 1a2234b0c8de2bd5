import { startReplicaSet } from 'mongo-test-replica-set';
import { MongoClient } from 'mongodb';
import { afterAll, expect, test } from 'vitest';
import { createRotator } from '../src/index.ts';
import { backup, binding, key, seed } from './support/documents.ts';
import { deletingPool as pool } from './support/pools.ts';

/* The set elects as late as MongoDB does by default: some 12 s after the primary has died, which is later than a call's default deadline. */
const ELECTION_SETTINGS = { electionTimeoutMillis: 10_000, heartbeatIntervalMillis: 2_000 };
const DEFAULT_DEADLINE_MS = 10_000;
const KEPT_WITHIN_MS = 500;

const set = await startReplicaSet();
const client = await new MongoClient(set.uri).connect();
const db = client.db('rotation_test');
afterAll(async () => {
  await client.close();
  await set.stop();
});

test(
  'who calls when the primary dies is answered in time, and served who waits twice as long',
  { timeout: 90_000 },
  async () => {
    const admin = client.db('admin');
    const { config } = await admin.command({ replSetGetConfig: 1 });
    const settings = { ...config.settings, ...ELECTION_SETTINGS };
    await admin.command({ replSetReconfig: { ...config, version: config.version + 1, settings } });
    const ids = ['1', '2'];
    const rotator = createRotator(db, pool);
    await rotator.ensureIndexes();
    await seed(db, pool, {
      keys: ids.map((id) => key(`k${id}`)),
      backups: ids.map((id) => backup(`b${id}`)),
      bindings: ids.map((id) => binding(`p${id}`, `k${id}`)),
    });
    // The secondaries have heard of the primary a moment ago.
    await db.collection('notes').insertOne({}, { writeConcern: { w: 3 } });

    await set.killMember('primary');
    const began = performance.now();
    const [atDefaults, patient] = await Promise.all([
      rotator.rotate('k1').then((outcome) => ({ kind: outcome.kind, tookMs: performance.now() - began })),
      rotator.rotate('k2', { deadlineMs: 2 * DEFAULT_DEADLINE_MS }),
    ]);
    expect(['busy', 'indeterminate', 'rotated']).toContain(atDefaults.kind);
    expect(atDefaults.tookMs).toBeLessThan(DEFAULT_DEADLINE_MS + KEPT_WITHIN_MS);
    expect(patient.kind).toBe('rotated');
  },
);
