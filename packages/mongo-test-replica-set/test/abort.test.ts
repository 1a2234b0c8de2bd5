import { MongoClient } from 'mongodb';
import { expect, test } from 'vitest';
import { startReplicaSet } from 'mongo-test-replica-set';
import { startLocalSet } from './local-set.ts';
import { foldersOf, mongodsOf, until } from './traces.ts';

test('a signal aborted before the start starts nothing', async () => {
  const seen: unknown[] = [];
  const start = startReplicaSet({
    signal: AbortSignal.abort(new Error('not today')),
    onEvent: (event) => seen.push(event),
  });
  await expect(start).rejects.toMatchObject({ code: 'aborted', message: 'The start was aborted: not today' });
  expect(seen).toEqual([]);
});

test('a start aborted while mongods are launched leaves nothing', async () => {
  const controller = new AbortController();
  const start = startLocalSet({ signal: controller.signal });
  const outcome = start.catch((error: unknown) => error);
  await until('a mongod of this process', 10_000, () => mongodsOf(process.pid).length > 0);
  controller.abort();
  expect(await outcome).toMatchObject({ code: 'aborted' });
  expect(mongodsOf(process.pid)).toEqual([]);
  expect(foldersOf(process.pid)).toEqual([]);
});

test('a start aborted while the set is initiated leaves nothing', async () => {
  const controller = new AbortController();
  const start = startLocalSet({ signal: controller.signal });
  const outcome = start.catch((error: unknown) => error);
  await until('three mongods', 10_000, () => mongodsOf(process.pid).length === 3);
  await untilAnswering();
  controller.abort();
  expect(await outcome).toMatchObject({ code: 'aborted' });
  expect(mongodsOf(process.pid)).toEqual([]);
  expect(foldersOf(process.pid)).toEqual([]);
});

/** Until one of the mongods answers: the launch is over, and the election takes another second. */
async function untilAnswering(): Promise<void> {
  const { readFileSync } = await import('node:fs');
  const [pid] = mongodsOf(process.pid);
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  const port = words[words.indexOf('--port') + 1];
  await using client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  await client.db('admin').command({ hello: 1 });
}
