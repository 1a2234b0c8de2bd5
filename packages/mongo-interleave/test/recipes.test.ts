import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NestFactory } from '@nestjs/core';
import mongoose from 'mongoose';
import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet, snippetsOf } from 'test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGate } from '../src/gate/index.ts';
import { inThreads, interleave } from '../src/index.ts';
import { CouponModule, CouponService } from './recipes/nest-app.ts';

/* The code of the recipes in docs/ runs here. */

const run = promisify(execFile);
const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8');
const page = (name: string): Promise<string> => read(`../docs/${name}.md`);
const source = await read('recipes.test.ts');

const shown = snippetsOf(source);

const set = exploringSet();
const { uri } = set;
const database = createTestDatabaseName('recipes');
const control = new MongoClient(uri);
beforeAll(async () => {
  await control.db(database).createCollection('coupons');
});
afterAll(() => control.close());

const restock = async (db: Db): Promise<void> => {
  await db.collection('coupons').deleteMany({});
  await db.collection('coupons').insertOne({ code: 'c1', used: false });
};

const onceAtMost = {
  uri,
  database,
  clients: 2,
  reset: restock,
  check: (_db: Db, outcomes: readonly object[]): void => {
    const given = outcomes.filter((outcome) => 'value' in outcome && outcome.value === true);
    if (given.length !== 1) throw new Error(`given out ${given.length} times`);
  },
};

test('with mongoose', async () => {
  const couponSchema = new mongoose.Schema({ code: { type: String, unique: true }, used: Boolean });
  await using session = await interleave({
    ...onceAtMost,
    // MONGOOSE_PREPARE
    prepare: async (client) => {
      const connection = await mongoose.createConnection(client.uri, { dbName: database }).asPromise();
      client.track(connection.getClient());
      const Coupon = connection.model('Coupon', couponSchema);
      await Coupon.init();
      return { connection, Coupon };
    },
    dispose: ({ connection }) => connection.close(),
    // END
    // MONGOOSE_FLOW
    flow: async (_client, _db, { Coupon }) => {
      const coupon = await Coupon.findOne({ used: false });
      if (coupon === null) return false;
      coupon.used = true;
      await coupon.save();
      return true;
    },
    // END
  });
  const { complete, violations } = await session.explore();
  expect(complete).toBe(true);
  expect(violations[0]?.verdict.kind).toBe('violated');
  const text = await page('with-mongoose');
  for (const part of ['MONGOOSE_PREPARE', 'MONGOOSE_FLOW']) expect(text).toContain(shown(part));
});

test('with NestJS', async () => {
  await using session = await interleave({
    ...onceAtMost,
    // NEST
    prepare: (_client, db) => NestFactory.createApplicationContext(CouponModule.on(db), { logger: false }),
    dispose: (app) => app.close(),
    flow: (_client, _db, app) => app.get(CouponService).redeem(),
    // END
  });
  const { complete, violations } = await session.explore();
  expect(complete).toBe(true);
  expect(violations[0]?.verdict.kind).toBe('violated');
  const text = await page('with-nestjs');
  expect(text).toContain(shown('NEST'));
  expect(text).toContain((await read('recipes/nest-app.ts')).trim());
});

test('threads', async () => {
  const reset = async (db: Db): Promise<void> => void (await db.collection('members').deleteMany({}));
  // THREADS
  await using session = await interleave({
    ...inThreads<number>(new URL('./recipes/register.ts', import.meta.url)),
    freshLives: true,
    uri,
    database,
    clients: 2,
    reset,
    check: (_db, outcomes) => {
      for (const outcome of outcomes) if (outcome.kind === 'threw') throw outcome.error;
    },
  });
  // END
  const { violations } = await session.explore();
  expect(violations[0]?.verdict).toMatchObject({ kind: 'violated', error: { code: 11000 } });
  const text = await page('other-processes');
  expect(text).toContain(shown('THREADS'));
  expect(text).toContain((await read('recipes/register.ts')).trim());
});

test('a child process', async () => {
  const program = fileURLToPath(new URL('recipes/redeem.ts', import.meta.url));
  await using session = await interleave({
    ...onceAtMost,
    // CHILD
    flow: async (client) => {
      const { stdout } = await run(process.execPath, [program, client.uri, database]);
      return JSON.parse(stdout) as boolean;
    },
    // END
  });
  const { complete, violations } = await session.explore();
  expect(complete).toBe(true);
  expect(violations[0]?.verdict.kind).toBe('violated');
  const text = await page('other-processes');
  expect(text).toContain(shown('CHILD'));
  expect(text).toContain((await read('recipes/redeem.ts')).trim());
});

test('a child process that sends several commands at once is told so', async () => {
  const program = `
    const { MongoClient } = await import('mongodb');
    const mongo = new MongoClient(process.argv[1]);
    await mongo.connect();
    const c = mongo.db('${database}').collection('coupons');
    const second = new Promise((resolve) => process.stdin.once('data', () => resolve(c.findOne({ n: 2 }))));
    await Promise.allSettled([c.findOne({ n: 1 }), second]);
    process.exit();`;
  await using gate = await openGate({ server: { host: '127.0.0.1', port: set.port }, clients: 1 });
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, gate.uri(0)], {
    cwd: import.meta.dirname,
  });
  const exited = once(child, 'exit');
  const flow = gate.enter(0, () => exited);
  expect(await gate.quiet()).toMatchObject([{ name: 'find', body: { filter: { n: 1 } } }]);
  child.stdin.write('now');
  await expect
    .poll(() => gate.takeSpoilt(), { timeout: 20_000 })
    .toMatchObject({
      code: 'unscheduled',
      message: expect.stringContaining('must send one command at a time'),
    });
  child.kill();
  await flow;
});

const hasGo = await run('go', ['version']).then(
  () => true,
  () => false,
);

test.skipIf(!hasGo)('a service in Go', { timeout: 300_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'recipes-'));
  try {
    const program = join(folder, 'coupons');
    await run('go', ['build', '-o', program, '.'], { cwd: fileURLToPath(new URL('recipes/service', import.meta.url)) });
    await using session = await interleave({
      ...onceAtMost,
      // SERVICE
      flow: async (client) => {
        const { stdout } = await run(program, [client.uri, database]);
        return JSON.parse(stdout) as boolean;
      },
      // END
    });
    const { complete, violations } = await session.explore();
    expect(complete).toBe(true);
    expect(violations[0]?.verdict.kind).toBe('violated');
    const text = await page('other-processes');
    expect(text).toContain(shown('SERVICE'));
    expect(text).toContain((await read('recipes/service/main.go')).trim());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** Runs a test file of another runner, which fails. @returns what it printed */
const failureOf = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> =>
  run(process.execPath, args, {
    cwd: import.meta.dirname,
    env: { PATH: process.env['PATH'], MONGODB_URI: uri, ...env },
  }).then(
    ({ stdout }) => expect.fail(`it passed: ${stdout}`),
    ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
  );

test('with node:test', async () => {
  const file = 'recipes/coupons.node-test.mjs';
  const output = await failureOf(['--test', file]);
  expect(output).toContain('given out 2 times');
  expect(output).toMatch(/^# fail 1$|ℹ fail 1/m);
  expect(await page('with-node-test')).toContain((await read(file)).trim());
});

test('with jest', async () => {
  const file = 'recipes/coupons.jest.mjs';
  const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
  const args = ['--experimental-vm-modules', jest, '--config', 'recipes/jest.config.mjs', '--watchman=false'];
  const output = await failureOf(args);
  expect(output).toContain('expected');
  expect(output).toMatch(/1 failed/);
  expect(await page('with-jest')).toContain((await read(file)).trim());
});
