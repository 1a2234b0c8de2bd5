import mongoose from 'mongoose';
import { pool } from './pool.ts';
import { runProxy, type StoredKey } from './proxy.ts';

/* The proxy on mongoose, which brings its own copy of the driver. */

/** `incarnation` and `createdAt` tell which incarnation of a key has failed. What the schema lacks, mongoose leaves out. */
const keySchema = new mongoose.Schema<StoredKey>({
  _id: String,
  apiKey: String,
  status: String,
  createdAt: Date,
  incarnation: String,
  cooldownUntil: Date,
});
const bindingSchema = new mongoose.Schema({
  proxyId: String,
  [pool.bindingKeyField]: String,
  priority: Number,
  isActive: Boolean,
});

const { connection } = await mongoose.connect(process.env['MONGODB_URI'] ?? '', {
  dbName: process.env['DATABASE'] ?? '',
  appName: 'proxy-on-mongoose',
});
const { db } = connection;
if (db === undefined) throw new Error('mongoose is not connected');
const Key = connection.model<StoredKey>('Key', keySchema, pool.collections.keys);
const Binding = connection.model('Binding', bindingSchema, pool.collections.bindings);

await runProxy(db, {
  findBoundKeyId: async (proxyId) => {
    const binding = await Binding.findOne({ proxyId, isActive: true }).sort({ priority: 1 });
    return binding?.get(pool.bindingKeyField) as string | undefined;
  },
  findKey: async (keyId) => (await Key.findById(keyId)) ?? undefined,
});
