import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabaseName, type ReplicaSet } from 'mongo-test-replica-set';
import { startLocalSet } from './local-set.ts';
import { mongodsOf, pidOf, until } from './traces.ts';

let set: ReplicaSet;
let client: MongoClient;

beforeAll(async () => {
  set = await startLocalSet();
  client = new MongoClient(set.uri);
});
afterAll(async () => {
  await client.close();
  await set.stop();
});

test('a killed primary is replaced, and comes back with its data', async () => {
  const items = client.db(createDatabaseName('kill')).collection<{ _id: string }>('items');
  await items.insertOne({ _id: 'before' }, { writeConcern: { w: 3 } });

  const killed = await set.killMember('primary');
  expect(mongodsOf(process.pid)).toHaveLength(2);
  const successor = await set.primary();
  expect(successor.index).not.toBe(killed.index);
  await items.insertOne({ _id: 'while it was down' }, { writeConcern: { w: 'majority' } });

  await set.restartMember(killed);
  expect(mongodsOf(process.pid)).toHaveLength(3);
  await using direct = new MongoClient(`mongodb://${killed.host}:${killed.port}/?directConnection=true`);
  // Waits for the majority: with all three needed it only answers when the restarted member has caught up.
  await items.insertOne({ _id: 'after' }, { writeConcern: { w: 3, wtimeoutMS: 20_000 } });
  const copies = direct.db(items.dbName).collection<{ _id: string }>('items').find({}, { readPreference: 'secondary' });
  expect((await copies.toArray()).map((item) => item._id).toSorted()).toEqual(['after', 'before', 'while it was down']);
});

test('a member is killed once and restarted once', async () => {
  const secondary = await otherThanPrimary();
  await expect(set.restartMember(secondary)).rejects.toMatchObject({ code: 'member-state' });
  await set.killMember(secondary);
  await expect(set.killMember(secondary)).rejects.toMatchObject({ code: 'member-state' });
  await set.restartMember(secondary);
  expect(mongodsOf(process.pid)).toHaveLength(3);
});

test('all members are brought back: one that ended by itself, one that was killed, one that is frozen', async () => {
  const [crashed, killed, frozen] = set.members;
  if (crashed === undefined || killed === undefined || frozen === undefined) throw new Error('not a set of three');
  process.kill(await pidOf(crashed), 'SIGABRT');
  await until('one has ended', 10_000, () => mongodsOf(process.pid).length === 2);
  await set.killMember(killed);
  await set.freezeMember(frozen);

  expect(await set.bringBack()).toEqual([`${crashed.host}:${crashed.port} had ended by itself (SIGABRT)`]);
  expect(mongodsOf(process.pid)).toHaveLength(3);
  const items = client.db(createDatabaseName('kill')).collection<{ _id: string }>('items');
  await items.insertOne({ _id: 'on all of them' }, { writeConcern: { w: 3, wtimeoutMS: 20_000 } });
  expect(await set.bringBack()).toEqual([]);
});

async function otherThanPrimary() {
  const primary = await set.primary();
  const other = set.members.find((member) => member.index !== primary.index);
  if (other === undefined) throw new Error('a set of one');
  return other;
}
