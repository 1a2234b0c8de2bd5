import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { startReplicaSet, type ReplicaSet } from 'mongo-test-replica-set';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { installOutside } from './support/outside.ts';
import { runOrThrow } from './support/run.ts';
import { versionOf } from './support/versions.ts';

/* A project that has only the tarballs, mongoose with its own copy of the driver, and a database whose primary steps down. */

const PROCESSES = 8;
const ROUNDS = 6;
const STEP_DOWNS = 3;
/** Forced where no secondary has caught up with the storm within 5 s, as when a primary dies. */
const STEP_DOWN = { replSetStepDown: 10, secondaryCatchUpPeriodSecs: 5, force: true };
const KEYS = 20;
const BINDINGS_OF_A_KEY = 3;
/** As many as there were rotations if no two processes ever met. */
const BACKUPS = PROCESSES * ROUNDS * KEYS;
const SECRET = 'sk-stranger-';
const OLD = new Date('2026-01-01T00:00:00Z');

interface KeyOrBackup {
  readonly _id: string;
  readonly apiKey: string;
  readonly status?: string;
  readonly isUsed?: boolean;
  readonly usedFor?: string;
  readonly createdAt: Date;
}
interface Binding {
  readonly proxyId: string;
  readonly openhandsKeyId: string;
}

const keysOf = (db: Db) => db.collection<KeyOrBackup>('openhands_keys');
const backupsOf = (db: Db) => db.collection<KeyOrBackup>('openhands_backup_keys');
const bindingsOf = (db: Db) => db.collection<Binding>('openhands_bindings');
const ids = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => prefix + index);
const documentOf = (_id: string): KeyOrBackup => ({ _id, apiKey: SECRET + _id, createdAt: OLD });
const keyOf = (_id: string): KeyOrBackup => ({ ...documentOf(_id), status: 'healthy' });

const folder = join(inject('temporary'), 'stranger');
let set: ReplicaSet;
let client: MongoClient;
beforeAll(async () => {
  const registry = { mongoose: '^9.0.0', mongodb: versionOf('mongodb') };
  await installOutside({ folder, tarballs: inject('tarballs'), packages: ['openhands', 'rotation-core'], registry });
  await cp(join(import.meta.dirname, 'programs/stranger.mjs'), join(folder, 'stranger.mjs'));
  set = await startReplicaSet();
  client = await new MongoClient(set.uri).connect();
});
afterAll(async () => {
  await client?.close();
  await set?.stop();
});

async function fill(db: Db): Promise<void> {
  await keysOf(db).insertMany(ids('k', KEYS).map(keyOf));
  await backupsOf(db).insertMany(ids('b', BACKUPS).map((_id) => ({ ...documentOf(_id), isUsed: false })));
  const bindings = ids('k', KEYS).flatMap((openhandsKeyId) =>
    ids(`${openhandsKeyId}-proxy-`, BINDINGS_OF_A_KEY).map((proxyId) => ({ proxyId, openhandsKeyId })),
  );
  await bindingsOf(db).insertMany(bindings);
}

const runProcess = (database: string, rounds: number): Promise<string> =>
  runOrThrow(process.execPath, ['stranger.mjs', set.uri, database, String(rounds)], { cwd: folder });

/** What all processes were told, and how often. */
function sumOf(outputs: readonly string[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const output of outputs) {
    const [, told = '{}'] = /^told (.*)$/m.exec(output) ?? [];
    for (const [kind, count] of Object.entries(JSON.parse(told) as Record<string, number>))
      sum[kind] = (sum[kind] ?? 0) + count;
  }
  return sum;
}

const thrownIn = (output: string): string[] => output.match(/^threw .*$/gm) ?? [];

describe('a project of somebody else', () => {
  const database = 'rotation_stranger';
  let outputs: string[];
  let db: Db;
  let stepDowns = 0;

  beforeAll(async () => {
    db = client.db(database);
    await fill(db);
    const storm = { runs: true };
    const processes = Promise.all(Array.from({ length: PROCESSES }, () => runProcess(database, ROUNDS))).finally(
      () => (storm.runs = false),
    );
    while (storm.runs && stepDowns < STEP_DOWNS) {
      await client.db('admin').command(STEP_DOWN);
      await set.primary();
      stepDowns += 1;
    }
    outputs = await processes;
  });
  afterAll(() => db.dropDatabase());

  test('has met as many step-downs as it should', () => {
    expect(stepDowns).toBe(STEP_DOWNS);
  });

  test('is told in each case, and nothing is thrown', () => {
    expect(outputs.flatMap(thrownIn)).toEqual([]);
    const { rotated = 0, 'already-rotated': already = 0, ...others } = sumOf(outputs);
    expect(Object.keys(others).filter((kind) => !['busy', 'indeterminate', 'held-back'].includes(kind))).toEqual([]);
    expect(rotated).toBeGreaterThanOrEqual(KEYS);
    // Otherwise the processes have not met.
    expect(already).toBeGreaterThan(0);
  });

  test('loses no key, no binding and no backup', async () => {
    const live = (await keysOf(db).find().toArray()).map(({ _id }) => _id);
    expect(live).toHaveLength(KEYS);

    const used = await backupsOf(db).find({ isUsed: true }).toArray();
    const replacementOf = new Map(used.map(({ _id, usedFor = '' }) => [usedFor, _id]));
    expect(replacementOf.size).toBe(used.length);
    // From each key through its replacements to one that is live: there is no used backup beside these.
    let followed = 0;
    const ends = ids('k', KEYS).map((first) => {
      let id = first;
      for (let next = replacementOf.get(id); next !== undefined; next = replacementOf.get(id)) {
        id = next;
        followed += 1;
      }
      return id;
    });
    expect(ends.toSorted()).toEqual(live.toSorted());
    expect(followed).toBe(used.length);

    const bindings = await bindingsOf(db).find().toArray();
    const expected = ids('k', KEYS).flatMap((key, index) =>
      ids(`${key}-proxy-`, BINDINGS_OF_A_KEY).map((proxyId) => `${proxyId} ${ends[index]}`),
    );
    const found = bindings.map(({ proxyId, openhandsKeyId }) => `${proxyId} ${openhandsKeyId}`);
    expect(found.toSorted()).toEqual(expected.toSorted());
  });

  test('prints no key', () => {
    expect(outputs.filter((output) => output.includes(SECRET))).toEqual([]);
    expect(outputs.join('')).toContain('told');
  });
});

test('a backup that the database refuses with a key in the error is passed over, and a logger sees no key', async () => {
  const db = client.db('rotation_stranger_error');
  try {
    // Another key has the backup's apiKey, and E11000 repeats it.
    await keysOf(db).insertMany([keyOf('k0'), { ...keyOf('k1'), status: 'error' }]);
    await keysOf(db).createIndex({ apiKey: 1 }, { unique: true });
    await backupsOf(db).insertOne({ ...documentOf('b0'), apiKey: keyOf('k1').apiKey, isUsed: false });
    const output = await runProcess(db.databaseName, 1);
    expect(thrownIn(output)).toEqual([]);
    expect(output).not.toContain(SECRET);
    expect((await keysOf(db).find().toArray()).map(({ _id }) => _id).toSorted()).toEqual(['k0', 'k1']);
  } finally {
    await db.dropDatabase();
  }
});
