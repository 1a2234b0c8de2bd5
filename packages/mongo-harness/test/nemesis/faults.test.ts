import { readFileSync } from 'node:fs';
import { startReplicaSet, type Member, type ReplicaSet } from 'mongo-test-replica-set';
import { MongoClient, type Document } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntilWell } from '../../src/nemesis/aftermath.ts';
import type { FaultSite, ReadyFault } from '../../src/nemesis/fault-method.ts';
import { Nemesis } from '../../src/nemesis/nemesis.ts';
import type { StormFault } from '../../src/system/storm-fault.ts';

/* Each fault of the database is seen to take place: a fault that does nothing would let every flow pass. */

const APP_NAME = 'nemesis-test';
let set: ReplicaSet;
let client: MongoClient;

beforeAll(async () => {
  set = await startReplicaSet();
  client = new MongoClient(set.uri, { appName: APP_NAME });
});
afterAll(async () => {
  await client.close();
  await set.stop();
});

const callers: FaultSite['callers'] = {
  numbers: [],
  kill: () => Promise.reject(new Error('there are no callers')),
  freeze: () => Promise.reject(new Error('there are no callers')),
  setImpatience: () => undefined,
};

/** @param random where in their ranges targets and durations lie, from 0 up to 1 */
const prepare = (kind: StormFault, random = 0): Promise<ReadyFault> =>
  new Nemesis({ set, callers, appName: APP_NAME }, { forMs: 1, faults: [kind], everyMs: 0, roundMs: 15_000 }).prepare(
    kind,
    () => random,
  );

const never = new AbortController().signal;

async function ask({ host, port }: Member, command: Document): Promise<Document> {
  await using direct = new MongoClient(`mongodb://${host}:${port}/?directConnection=true`);
  return await direct.db('admin').command(command);
}
const pidOf = async (member: Member): Promise<number> => Number((await ask(member, { serverStatus: 1 }))['pid']);
const pids = (): Promise<number[]> => Promise.all(set.members.map(pidOf));
const term = async (): Promise<number> => Number((await ask(await set.primary(), { replSetGetStatus: 1 }))['term']);
/** `T`: stopped by a signal. */
const isFrozen = (pid: number): boolean =>
  / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1) ?? '');

test('step-down: the term goes up, and another member is primary', async () => {
  const [before, primary] = [await term(), await set.primary()];
  const { target, run } = await prepare('step-down');
  expect(target).toBe(`member ${primary.index}`);
  await run(never);
  expect(await term()).toBeGreaterThan(before);
  expect((await set.primary()).index).not.toBe(primary.index);
  await waitUntilWell(set, client);
});

test.each([
  ['kill-primary', 1, true],
  ['kill-secondary', 1, false],
  ['kill-both', 2, true],
] as const)('%s: %d members have another pid, and all are members again', async (kind, killed, isPrimary) => {
  const primary = await set.primary();
  const before = await pids();
  const { target, run } = await prepare(kind);
  expect(target.includes(`member ${primary.index}`)).toBe(isPrimary);
  await run(never);
  const after = await pids();
  const changed = before.flatMap((pid, index) => (pid === after[index] ? [] : [`member ${index}`]));
  expect(changed).toHaveLength(killed);
  expect(target.split(' and ').toSorted()).toEqual(changed);
  await waitUntilWell(set, client);
});

test.each([
  ['freeze-primary', 1],
  ['freeze-secondaries', 2],
] as const)('%s: %d members are stopped meanwhile', async (kind, count) => {
  const before = await pids();
  const { target, run } = await prepare(kind);
  const ended = new AbortController();
  const running = run(ended.signal);
  await expect.poll(() => before.filter(isFrozen).length).toBe(count);
  const frozen = before.flatMap((pid, index) => (isFrozen(pid) ? [`member ${index}`] : []));
  expect(target.split(' and ').toSorted()).toEqual(frozen);
  // The signal ends the fault early, and mends it.
  ended.abort();
  await running;
  expect(before.filter(isFrozen)).toEqual([]);
  expect(await pids()).toEqual(before);
  await waitUntilWell(set, client);
});

/** Sends commands one after the other until the fault is over. @returns how many failed */
async function failuresDuring(running: Promise<unknown>, command: () => Promise<unknown>): Promise<number> {
  let failures = 0;
  const over = new AbortController();
  void running.finally(() => over.abort());
  while (!over.signal.aborted) await command().catch(() => failures++);
  return failures;
}

const commit = async (): Promise<void> => {
  await using session = client.startSession();
  session.startTransaction();
  await client
    .db('nemesis_test')
    .collection('items')
    .updateOne({}, { $inc: { n: 1 } }, { session });
  await client.db('admin').command({ commitTransaction: 1 }, { session });
};

test('fail-command: commands of the callers fail, and are counted; those of others do not', async () => {
  await client.db('nemesis_test').collection('items').insertOne({ n: 0 });
  await using other = new MongoClient(set.uri, { appName: 'somebody else' });
  const { target, run } = await prepare('fail-command', 0.99);
  expect(target).toMatch(/^50 % of commands: error \d+$/);
  const running = run(never);
  const find = (by: MongoClient) => () => by.db('nemesis_test').command({ find: 'items' });
  const [failed, failedOfOthers] = await Promise.all([
    failuresDuring(running, find(client)),
    failuresDuring(running, find(other)),
  ]);
  expect(await running).toBeGreaterThanOrEqual(failed);
  expect(failed).toBeGreaterThan(0);
  expect(failedOfOthers).toBe(0);
  expect(await find(client)()).toMatchObject({ ok: 1 });
});

test.each([
  ['a commit that was not made', 0.49, false],
  ['a commit that was made', 0.51, true],
])('commit-unknown, both as likely: %s is told as an error', async (_, random, isMade) => {
  const items = client.db('nemesis_test').collection<{ n: number }>('items');
  const { run } = await prepare('commit-unknown', random);
  const sum = async (): Promise<number> => (await items.findOne({}))?.n ?? 0;
  const before = await sum();
  let calls = 0;
  const running = run(never);
  const failures = await failuresDuring(running, async () => {
    calls++;
    await commit();
  });
  expect(failures).toBeGreaterThan(0);
  expect(await running).toBeGreaterThanOrEqual(failures);
  expect((await sum()) - before).toBe(isMade ? calls : calls - failures);
});

test('rollback: what only the primary had is gone, and what a majority had is not', async () => {
  interface Item {
    readonly _id: string;
  }
  const items = client.db('nemesis_test').collection<Item>('rolled-back');
  await items.insertOne({ _id: 'of a majority' }, { writeConcern: { w: 'majority' } });
  const { run } = await prepare('rollback', 0.9);
  const running = run(never);
  // Acknowledged by the primary alone, in the time in which nobody fetches.
  const alone: string[] = [];
  await failuresDuring(running, async () => {
    const _id = `alone ${alone.length}`;
    await items.insertOne({ _id }, { writeConcern: { w: 1 }, maxTimeMS: 500 });
    alone.push(_id);
  });
  await running;
  await waitUntilWell(set, client);
  const left = (await items.find().toArray()).map(({ _id }) => _id);
  expect(left).toContain('of a majority');
  expect(alone.filter((_id) => !left.includes(_id)).length).toBeGreaterThan(0);
  await client.db('nemesis_test').dropDatabase();
});
