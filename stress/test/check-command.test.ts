import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HistoryFile, Row, StoredResult } from 'mongo-harness/testing';
import { createStore, oneMemberSet, type StoreFolder } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { INVARIANTS, type InvariantName } from '../src/checker/invariants.ts';
import type { RotationTypes } from '../src/model/rotation-types.ts';
import { stress } from './support/stress-command.ts';

/* The histories that the real command keeps, and `pnpm stress check`, which judges them again. */

const environment = { MONGODB_URI: oneMemberSet().uri };
/** Nobody answers there: a command that ends at once did not ask. */
const NO_MONGODB = { MONGODB_URI: 'mongodb://127.0.0.1:1/?replicaSet=none' };
/** What a storm's made-up apiKeys look like; none may be seen outside the database. */
const API_KEY = /key of [kb]\d/;
vi.setConfig({ testTimeout: 120_000 });

const stores: StoreFolder<StoredResult>[] = [];
const createResult = async (line: string): Promise<StoreFolder<StoredResult>> => {
  const store = createStore<StoredResult>();
  stores.push(store);
  await stress.run([...line.split(' '), '--store', store.path], environment);
  return store;
};
afterAll(() => {
  for (const store of stores) store[Symbol.dispose]();
});

const onKeypool = (flow: string): string => `--scenario same-key --flow ${flow} --deployment keypool --processes 2`;
let violated: StoreFolder<StoredResult>;
let unknown: StoreFolder<StoredResult>;
let valid: StoreFolder<StoredResult>;
let explored: StoreFolder<StoredResult>;
beforeAll(async () => {
  [violated, unknown, valid, explored] = await Promise.all([
    createResult(`${onKeypool('checked-claim')} --callers 20`),
    createResult('--scenario same-key --flow reference --deployment keypool --processes 1 --callers 1'),
    createResult(`${onKeypool('reference')} --callers 20`),
    createResult('explore --flow checked-claim --max-violations 1'),
  ]);
}, 240_000);

/** The only row of a result, and its history. */
function historyOf(store: StoreFolder<StoredResult>): { row: Row; path: string; file: HistoryFile<RotationTypes> } {
  const [row] = store.result().rows;
  if (row?.history === undefined) throw new Error('the row has no history');
  const path = join(store.path, 'latest', row.history);
  return { row, path, file: JSON.parse(readFileSync(path, 'utf8')) as HistoryFile<RotationTypes> };
}

const check = (file: string) => stress.run(['check', file], NO_MONGODB);

/** As the command prints a row's violations. */
const sentencesOf = ({ violations }: Row): string =>
  violations
    .map(({ invariant, sentence }) => `${invariant} (${INVARIANTS[invariant as InvariantName]}): ${sentence}\n`)
    .join('');

test('a history is kept of a violated and of an unknown row, and of no valid one', () => {
  for (const store of [violated, unknown, explored]) {
    const { row, file } = historyOf(store);
    const { verdict, violations, trial } = row;
    expect(file).toMatchObject({ version: 1, system: 'rotation', verdict, violations, trial });
    expect(file.run.history.operations.length).toBe(row.callers);
  }
  expect(valid.result().rows).toMatchObject([{ verdict: 'valid' }]);
  expect(valid.result().rows[0]).not.toHaveProperty('history');
  expect(valid.files().map((file) => file.split('/').at(-1))).toEqual(['result.json']);
});

test('no file of a store has an apiKey in it', () => {
  for (const store of [violated, unknown, valid, explored]) {
    expect(store.files().length).toBeGreaterThan(0);
    for (const file of store.files()) expect(store.read(file), `in ${file}`).not.toMatch(API_KEY);
  }
  // The pool that was read is in it, with digests in their place.
  const [key] = historyOf(violated).file.run.start.keys;
  expect(key).toEqual({
    id: 'k1',
    incarnation: expect.stringMatching(/^created /) as string,
    live: true,
    mayBeKept: false,
    apiKey: expect.stringMatching(/^[\w-]{16}$/),
    content: expect.any(String),
  });
});

describe.concurrent('check judges a history again, without MongoDB', () => {
  test('a violated storm: the sentences of the run, and 1', async () => {
    const { row, path } = historyOf(violated);
    expect(row.violations.length).toBeGreaterThan(1);
    expect(await check(path)).toMatchObject({
      code: 1,
      stderr: '',
      stdout: `checked-claim on keypool, same-key, 20 calls: violated\n${sentencesOf(row)}`,
    });
  });

  test('a violated schedule: with its token', async () => {
    const { row, path } = historyOf(explored);
    expect(await check(path)).toMatchObject({
      code: 1,
      stderr: '',
      stdout: `checked-claim on keypool, same-key, 2 calls, schedule v1:AAAABBBBBBA: violated\n${sentencesOf(row)}`,
    });
  });

  test('a storm in which nothing raced: 2', async () => {
    expect(await check(historyOf(unknown).path)).toMatchObject({
      code: 2,
      stderr: '',
      stdout: 'reference on keypool, same-key, 1 call: unknown (nothing raced)\n',
    });
  });

  test('what the checker reads is what counts: a history without the second winner is another one', async () => {
    const { file } = historyOf(explored);
    const path = join(explored.path, 'changed.json');
    const { operations } = file.run.history;
    const history = { ...file.run.history, operations: operations.slice(0, 1) };
    writeFileSync(path, JSON.stringify({ ...file, violations: [], run: { ...file.run, history } }));
    const { code, stdout } = await check(path);
    expect(code).toBe(1);
    expect(stdout).toContain('same-key, 1 call');
    expect(stdout).toContain('I1 (no backup claimed twice): ');
  });
});

describe.concurrent('a file that is no such history: 64, and why, in one line', () => {
  const refused = async (path: string): Promise<string> => {
    const { code, stdout, stderr } = await check(path);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
    return stderr;
  };
  const changed = (name: string, parts: object): string => {
    const path = join(violated.path, name);
    writeFileSync(path, JSON.stringify({ ...historyOf(violated).file, ...parts }));
    return path;
  };

  test('of an old version', async () => {
    const path = changed('old.json', { version: 0 });
    expect(await refused(path)).toBe(`error: ${path} has version 0, and this program reads 1: run the row again.\n`);
  });

  test('of another system', async () => {
    const path = changed('jobs.json', { system: 'jobs' });
    expect(await refused(path)).toBe(`error: ${path} is a history of the system jobs, not of rotation.\n`);
  });

  test('a result.json', async () => {
    const path = join(violated.path, 'latest', 'result.json');
    expect(await refused(path)).toContain(`error: ${path} is no history: give the history.json of a row`);
  });

  test('a file that is not there', async () => {
    const path = join(violated.path, 'nowhere.json');
    expect(await refused(path)).toContain(`error: ${path} can't be read: ENOENT`);
  });

  test('no file at all', async () => {
    const { code, stderr } = await stress.run(['check'], NO_MONGODB);
    expect(code).toBe(64);
    expect(stderr).toContain("missing required argument 'file'");
  });
});
