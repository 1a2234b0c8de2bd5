import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { beforeAll, describe, expect, test } from 'vitest';

/*
 * The package's own driver: the peer dependency. A program with all that the package does with it runs with other versions.
 * INTERLEAVE_PEERS=all runs all of them.
 */

const set = exploringSet();
const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The ends of the peer range `^6.9.0 || ^7.0.0`, by alias. Driver 5.9 throws past every promise when a client is closed during a commit. */
const PEERS = ['mongodb69', 'mongodb6', 'mongodb70'];
const some = process.env['INTERLEAVE_PEERS'] === 'all' ? PEERS : ['mongodb69'];

async function run(driver: string): Promise<unknown> {
  const database = createTestDatabaseName('peers');
  const args = ['--import', file('support/use-driver.ts'), file('support/peer-program.ts'), set.uri, database];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, DRIVER: driver } });
  return JSON.parse(stdout);
}

let expected: unknown;
beforeAll(async () => {
  expected = await run('mongodb');
});

describe.each(some)('%s', (driver) => {
  test('finds what the newest driver finds', async () => {
    expect(await run(driver)).toEqual(expected);
  });
});
