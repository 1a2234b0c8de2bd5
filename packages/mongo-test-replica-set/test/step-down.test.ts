import { createDatabaseName, type ReplicaSet } from 'mongo-test-replica-set';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startLocalSet } from './local-set.ts';

let set: ReplicaSet;
let single: ReplicaSet;

beforeAll(async () => {
  [set, single] = await Promise.all([startLocalSet(), startLocalSet({ members: 1 })]);
});
afterAll(async () => {
  await Promise.all([set.stop(), single.stop()]);
});

test('steps down again and again, before the first ones could be elected again by themselves', async () => {
  for (let time = 0; time < 4; time++) {
    const old = await set.primary();
    expect((await set.stepDown()).index).not.toBe(old.index);
  }
});

test('the primary steps down and another member takes over', async () => {
  const old = await set.primary();
  const successor = await set.stepDown();
  expect(successor.index).not.toBe(old.index);
  expect(await set.primary()).toEqual(successor);
});

test('in a set of one the same member is primary again', async () => {
  expect(await single.stepDown()).toEqual(single.members[0]);
});

test('a step-down that nobody can follow says why', async () => {
  const primary = await set.primary();
  await using client = new MongoClient(`mongodb://${primary.host}:${primary.port}/?directConnection=true`);
  for (const member of set.members) {
    if (member.index !== primary.index) await set.killMember(member);
  }
  // With both secondaries gone nobody will ever have this write.
  await client
    .db(createDatabaseName('step-down'))
    .collection('items')
    .insertOne({}, { writeConcern: { w: 1 } });
  await expect(set.stepDown()).rejects.toMatchObject({
    code: 'step-down-failed',
    message: expect.stringContaining('did not step down: '),
  });
});
