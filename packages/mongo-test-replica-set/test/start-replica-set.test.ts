import { MongoClient } from 'mongodb';
import { expect, test } from 'vitest';
import { createDatabaseName, startReplicaSet, type ReplicaSetError } from 'mongo-test-replica-set';
import { LOCAL_ENVIRONMENT, startLocalSet } from './local-set.ts';

async function failure(start: Promise<unknown>): Promise<ReplicaSetError> {
  return start.then(
    () => expect.fail('it started'),
    (error: ReplicaSetError) => error,
  );
}

test('three members are up and take a transaction with our parameters', async () => {
  await using set = await startLocalSet({ setParameters: { transactionLifetimeLimitSeconds: 7 } });
  await using client = new MongoClient(set.uri);

  const status = await client.db('admin').command({ replSetGetStatus: 1 });
  const states = status['members'].map((member: { stateStr: string }) => member.stateStr).toSorted();
  expect(states).toEqual(['PRIMARY', 'SECONDARY', 'SECONDARY']);
  expect(set.members.map((member) => member.index)).toEqual([0, 1, 2]);

  const collection = client.db(createDatabaseName('start')).collection<{ _id: string }>('items');
  await client.withSession((session) =>
    session.withTransaction(async () => {
      await collection.insertOne({ _id: 'a' }, { session });
      await collection.insertOne({ _id: 'b' }, { session });
    }),
  );
  expect(await collection.countDocuments({}, { readConcern: 'majority' })).toBe(2);

  const parameters = await client.db('admin').command({
    getParameter: 1,
    transactionLifetimeLimitSeconds: 1,
    enableTestCommands: 1,
    ttlMonitorEnabled: 1,
  });
  expect(parameters).toMatchObject({
    transactionLifetimeLimitSeconds: 7,
    enableTestCommands: true,
    ttlMonitorEnabled: false,
  });
  expect(set.serverVersion).toMatch(/^\d+\.\d+\.\d+/);
  expect(['tmpfs', 'disk']).toContain(set.storage);
});

test('one member, with majority writes that do not wait for the journal', async () => {
  await using set = await startLocalSet({ members: 1, journaledMajority: false });
  await using client = new MongoClient(set.uri);
  const { config } = await client.db('admin').command({ replSetGetConfig: 1 });
  expect(config).toMatchObject({ members: [{ _id: 0 }], writeConcernMajorityJournalDefault: false });
  const result = await client
    .db(createDatabaseName('one'))
    .collection('items')
    .insertOne({}, { writeConcern: { w: 'majority' } });
  expect(result.acknowledged).toBe(true);
});

test('two sets at once do not disturb each other', async () => {
  const [first, second] = await Promise.all([startLocalSet({ members: 1 }), startLocalSet({ members: 1 })]);
  expect(first.uri).not.toBe(second.uri);
  await first.stop();
  expect(await second.primary()).toEqual(second.members[0]);
  await second.stop();
});

test('options that make no sense are refused before anything starts', async () => {
  // @ts-expect-error a provider that does not exist
  const provider = await failure(startReplicaSet({ provider: 'cloud' }));
  expect(provider.code).toBe('invalid-option');
  expect(provider.message).toBe('There is no provider "cloud"; there are: uri, binary, docker, download, wheel.');
  for (const members of [0, 8, 2.5]) {
    expect((await failure(startReplicaSet({ members }))).code).toBe('invalid-option');
  }
  expect((await failure(startReplicaSet({ setParameters: { 'a=1 --fork': 1 } }))).code).toBe('invalid-option');
});

test('a parameter that mongod refuses fails the start and names mongod', async () => {
  const error = await failure(startLocalSet({ members: 1, setParameters: { noSuchParameter: 1 } }));
  expect(error.code).toBe('start-failed');
});

test('without any MongoDB the error lists each provider with its reason and says what to do', async () => {
  const environment = { PATH: '/nowhere', HOME: '/nowhere', DOCKER_HOST: 'unix:///nowhere', https_proxy: '' };
  const seen: string[] = [];
  const error = await failure(
    startReplicaSet({
      environment,
      provider: 'binary',
      onEvent: (event) => seen.push(`${event.kind} ${event.provider}`),
    }),
  );
  expect(error.code).toBe('no-mongodb');
  expect(error.message).toContain(
    'binary: MONGOD is not set, no mongod on PATH, no usable one in /nowhere/.cache/mongo-test-replica-set',
  );
  expect(error.message).toContain('Set MONGODB_URI to a replica set');
  expect(seen).toEqual(['trying binary', 'passed-over binary']);

  const docker = await failure(startReplicaSet({ environment, provider: 'docker' }));
  expect(docker.message).toContain('docker: no Docker daemon answers at unix:///nowhere');
});

test('a MONGOD that does not run is refused, not replaced', async () => {
  const environment = { ...LOCAL_ENVIRONMENT, MONGOD: '/bin/false' };
  const error = await failure(startReplicaSet({ environment }));
  expect(error.code).toBe('unusable');
  expect(error.message).toMatch(/^MONGOD=\/bin\/false: it does not run: .*Correct the path or unset MONGOD\.$/s);
});
