import { MongoClient } from 'mongodb';
import { expect, test } from 'vitest';
import { startLocalSet } from './local-set.ts';
import { foldersOf, mongodsOf } from './traces.ts';

test('stop leaves no process, no folder and no listener, and may be called again', async () => {
  const listenersBefore = ['SIGINT', 'SIGTERM', 'SIGHUP', 'exit'].map((name) => process.listenerCount(name));
  const set = await startLocalSet();
  expect(mongodsOf(process.pid)).toHaveLength(3);
  expect(foldersOf(process.pid)).toHaveLength(1);

  await Promise.all([set.stop(), set.stop()]);
  await set.stop();

  expect(mongodsOf(process.pid)).toEqual([]);
  expect(foldersOf(process.pid)).toEqual([]);
  expect(['SIGINT', 'SIGTERM', 'SIGHUP', 'exit'].map((name) => process.listenerCount(name))).toEqual(listenersBefore);
  await expect(set.primary()).rejects.toMatchObject({ code: 'stopped' });
  await expect(set.killMember('primary')).rejects.toMatchObject({ code: 'stopped' });
  await expect(set.stepDown()).rejects.toMatchObject({ code: 'stopped' });
});

test('a set with a killed member stops as well', async () => {
  const set = await startLocalSet({ members: 1 });
  await set.killMember('primary');
  await set.stop();
  expect(foldersOf(process.pid)).toEqual([]);
});

test('await using stops the set', async () => {
  let uri: string;
  {
    await using set = await startLocalSet({ members: 1 });
    uri = set.uri;
  }
  await using client = new MongoClient(uri, { serverSelectionTimeoutMS: 300 });
  await expect(client.connect()).rejects.toThrow('ECONNREFUSED');
  expect(mongodsOf(process.pid)).toEqual([]);
});
