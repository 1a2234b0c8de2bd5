import type { BindingDocument } from 'keypool';
import { MongoClient } from 'mongodb';
import { pool } from './pool.ts';
import { runProxy, type StoredKey } from './proxy.ts';

/* The proxy on the driver `mongodb`. */

const client = new MongoClient(process.env['MONGODB_URI'] ?? '', { appName: 'proxy-on-mongodb' });
const db = client.db(process.env['DATABASE']);
const keys = db.collection<StoredKey>(pool.collections.keys);
const bindings = db.collection<BindingDocument>(pool.collections.bindings);

await runProxy(db, {
  findBoundKeyId: async (proxyId) => {
    const binding = await bindings.findOne({ proxyId, isActive: true }, { sort: { priority: 1 } });
    return binding?.[pool.bindingKeyField] as string | undefined;
  },
  findKey: async (keyId) => (await keys.findOne({ _id: keyId })) ?? undefined,
});
