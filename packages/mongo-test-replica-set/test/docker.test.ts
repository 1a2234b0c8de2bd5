import { MongoClient } from 'mongodb';
import { createDatabaseName, startReplicaSet } from 'mongo-test-replica-set';
import { getContainerRuntimeClient } from 'testcontainers';
import { describe, expect, test } from 'vitest';
import { runHost } from './run-host.ts';
import { until } from './traces.ts';

const image = process.env['MONGO_TEST_REPLICA_SET_IMAGE'];
const client = image === undefined ? undefined : await getContainerRuntimeClient().catch(() => undefined);
const missing = image === undefined ? 'MONGO_TEST_REPLICA_SET_IMAGE is not set' : 'no Docker daemon answers';
const reason = client === undefined ? ` (skipped: ${missing})` : '';

/** Ids of the containers of this package. */
async function containers(): Promise<string[]> {
  const filters = JSON.stringify({ label: ['mongo-test-replica-set.owner'] });
  const found = await client?.container.dockerode.listContainers({ all: true, filters });
  return (found ?? []).map((container) => container.Id);
}

describe.skipIf(client === undefined)(`Docker${reason}`, () => {
  test('three members in one container: transaction, step-down, kill, restart, and nothing left', async () => {
    const set = await startReplicaSet({ provider: 'docker' });
    expect(set).toMatchObject({ provider: 'docker', storage: 'tmpfs' });
    expect(await containers()).toHaveLength(1);

    await using mongo = new MongoClient(set.uri);
    const items = mongo.db(createDatabaseName('docker')).collection<{ _id: string }>('items');
    await mongo.withSession((session) =>
      session.withTransaction(async () => {
        await items.insertOne({ _id: 'a' }, { session });
        await items.insertOne({ _id: 'b' }, { session });
      }),
    );
    expect(await items.countDocuments({}, { readConcern: 'majority' })).toBe(2);

    const old = await set.primary();
    expect((await set.stepDown()).index).not.toBe(old.index);
    const killed = await set.killMember('primary');
    expect((await set.primary()).index).not.toBe(killed.index);
    await set.restartMember(killed);
    // Needs all three, so the restarted member takes part again.
    await items.insertOne({ _id: 'c' }, { writeConcern: { w: 3, wtimeoutMS: 20_000 } });

    await set.stop();
    expect(await containers()).toEqual([]);
  });

  test('members listen on the loopback address only', async () => {
    await using set = await startReplicaSet({ provider: 'docker', members: 1 });
    const [id = ''] = await containers();
    const ports = (await client?.container.getById(id).inspect())?.NetworkSettings.Ports ?? {};
    expect(Object.values(ports).flat()).toEqual([{ HostIp: '127.0.0.1', HostPort: String(set.members[0]?.port) }]);
  });

  test('an aborted start leaves no container', async () => {
    const controller = new AbortController();
    const start = startReplicaSet({ provider: 'docker', signal: controller.signal });
    const outcome = start.catch((error: unknown) => error);
    let seen: string[] = [];
    await until('a container', 30_000, () => {
      void containers().then((ids) => (seen = ids));
      return seen.length > 0;
    });
    controller.abort();
    expect(await outcome).toMatchObject({ code: 'aborted' });
    expect(await containers()).toEqual([]);
  });

  test('SIGINT ends the container and then the host', async () => {
    await using host = runHost('host-in-docker.ts', []);
    await host.printed('ready');
    host.kill('SIGINT');
    expect(await host.ended()).toEqual({ code: null, signal: 'SIGINT' });
    expect(await containers()).toEqual([]);
  });

  test('the container of a host killed with -9 is removed by the next start', async () => {
    await using host = runHost('host-in-docker.ts', []);
    await host.printed('ready');
    host.kill('SIGKILL');
    await host.ended();
    const left = await containers();
    expect(left).toHaveLength(1);

    const set = await startReplicaSet({ provider: 'docker', members: 1 });
    expect(await containers()).not.toContain(left[0]);
    await set.stop();
    expect(await containers()).toEqual([]);
  });

  test('an image that cannot be had is a one-line reason', async () => {
    const start = startReplicaSet({ provider: 'docker', image: 'localhost:1/no-such-image:0' });
    await expect(start).rejects.toMatchObject({
      code: 'no-mongodb',
      message: expect.stringMatching(/^ {2}docker: image localhost:1\/no-such-image:0: .+$/m),
    });
    expect(await containers()).toEqual([]);
  });
});
