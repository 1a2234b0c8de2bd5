import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createStore, exploringSet } from 'test-kit';
import { afterAll, expect, test, vi } from 'vitest';

/* A reader that has enough, such as `head`, closes the pipe. Exit code 1 would say that an invariant was broken. */

vi.setConfig({ testTimeout: 60_000 });

const MAIN = join(import.meta.dirname, '../support/main.ts');
const { uri } = exploringSet();
const store = createStore();
afterAll(() => store[Symbol.dispose]());
const start = (line: string, stdout: 'pipe' | number = 'pipe') =>
  spawn(process.execPath, [MAIN, ...line.split(' ')], {
    env: { ...process.env, MONGODB_URI: uri, BARE_STORE: store.path },
    stdio: ['ignore', stdout, 'pipe'],
  });

/** Reads so many pieces of a stream of the command, and closes that stream. @returns how the command ended */
async function closeAfter(line: string, pieces: number, stream: 'stdout' | 'stderr'): Promise<object> {
  const child = start(line);
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const exited = once(child, 'exit');
  const read = child[stream];
  if (read === null) throw new Error(`${stream} is no pipe`);
  for (let piece = 0; piece < pieces; piece++) await once(read, 'data');
  read.destroy();
  const [code] = await exited;
  return { code, complaint };
}

test.each([
  ['bare --help', 0, 'stdout'],
  ['bare explore --help', 0, 'stdout'],
  ['bare catalogue', 0, 'stderr'],
  ['bare explore', 0, 'stdout'],
  ['bare explore', 1, 'stdout'],
  ['bare explore --json', 0, 'stdout'],
  ['bare replay v1:AB', 0, 'stdout'],
  ['bare --callers 20', 1, 'stdout'],
] as const)('%s ends with 141 and without a stack after %i pieces of %s', async (line, pieces, stream) => {
  expect(await closeAfter(line, pieces, stream)).toEqual({ code: 141, complaint: '' });
});

test('a full disk is an internal error', async () => {
  await using full = await open('/dev/full', 'w');
  const child = start('bare --help', full.fd);
  child.stderr?.resume();
  const [code] = await once(child, 'exit');
  expect(code).toBe(70);
});
