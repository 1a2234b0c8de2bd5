import assert from 'node:assert/strict';
import { join } from 'node:path';
import { config, up } from 'migrate-mongo';
import type { Scenario } from './scenario.ts';

/* Two services start at once, and each runs the pending migrations first. The lock of migrate-mongo is on. */

const LOCK_TTL_SECONDS = 60;

config.set({
  migrationsDir: join(import.meta.dirname, 'migrations'),
  migrationFileExtension: '.mjs',
  changelogCollectionName: 'changelog',
  lockCollectionName: 'changelog_lock',
  lockTtl: LOCK_TTL_SECONDS,
});

export const upTwice: Scenario = {
  clients: 2,

  reset: async (db) => {
    await Promise.all(['changelog', 'changelog_lock', 'albums'].map((name) => db.collection(name).deleteMany({})));
    await db.collection('albums').insertOne({ title: 'Abbey Road', price: 10 });
    // The lock's own index, as an earlier deployment has left it.
    await db.collection('changelog_lock').createIndex({ createdAt: 1 }, { expireAfterSeconds: LOCK_TTL_SECONDS });
  },

  flow: async ({ mongo }, db) => {
    const migrated = await up(db, mongo);
    return migrated.length;
  },

  check: async (db) => {
    const album = await db.collection('albums').findOne();
    const price: unknown = album?.['price'];
    assert.ok(price === 15, `a price of 10 was raised by 5, to ${String(price)}`);
  },

  showFields: ['price', 'fileName'],
};
