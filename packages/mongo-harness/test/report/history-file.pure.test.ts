import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createStore } from 'test-kit';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Run } from '../../src/index.ts';
import { Evidence } from '../../src/report/evidence.ts';
import { HISTORY_VERSION, readHistory, writeHistory, type HistoryFile } from '../../src/report/history-file.ts';
import type { Row } from '../../src/report/row.ts';
import { UsageError } from '../../src/trial/usage-error.ts';
import { history, operation } from '../support/operations.ts';
import { row } from '../support/rows.ts';
import type { Seats } from '../support/seats-system.ts';

const run: Run<Seats> = {
  scenario: 'one-seat',
  start: [{ _id: 's1', sold: 0 }],
  between: [[{ _id: 's1', sold: 1 }]],
  final: [{ _id: 's1', sold: 2 }],
  history: history([operation(0, 0, 10), operation(1, 5, 12)]),
  expectedErrors: [],
};
const violations = [{ invariant: 'S1', sentence: 'the seat s1 was sold 2 times' }];
const { trial } = row();
const file: HistoryFile<Seats> = {
  version: HISTORY_VERSION,
  system: 'seats',
  trial,
  verdict: 'violated',
  violations,
  run,
};

function storePath(): string {
  const store = createStore();
  onTestFinished(() => store[Symbol.dispose]());
  return store.path;
}

test('what is read is what was written', async () => {
  const path = join(storePath(), 'deep', 'down', 'history.json');
  await writeHistory(path, file);
  expect(await readHistory<Seats>(path, 'seats')).toEqual(file);
});

describe('a file that is no history of this system and version is refused in one line', () => {
  const write = (content: unknown): string => {
    const path = join(storePath(), 'file.json');
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };

  test.each<[string, unknown, string]>([
    [
      'another version',
      { ...file, version: 0 },
      `has version 0, and this program reads ${HISTORY_VERSION}: run the row again.`,
    ],
    ['another system', { ...file, system: 'jobs' }, 'is a history of the system jobs, not of seats.'],
    [
      'a result',
      { version: 2, system: 'seats', rows: [row()] },
      'is no history: give the history.json of a row, as in',
    ],
    ['null', null, 'is no history'],
    ['no JSON', '{', 'is not JSON: '],
  ])('%s', async (_, content, text) => {
    const path = write(content);
    const reading = readHistory(path, 'seats');
    await expect(reading).rejects.toThrow(UsageError);
    await expect(reading).rejects.toThrow(`${path} ${text}`);
    await expect(reading).rejects.not.toThrow('\n');
  });

  test('a file that is not there', async () => {
    const path = join(storePath(), 'missing.json');
    await expect(readHistory(path, 'seats')).rejects.toThrow(new RegExp(`^${path} can't be read: ENOENT[^\\n]*$`));
  });
});

describe('the history of a row', () => {
  const STARTED_AT = '2026-11-26T03:00:00.000Z';
  const FOLDER = '2026-11-26T03-00-00.000Z';
  const keepAll = async (...rows: readonly Row[]): Promise<{ store: string; files: string[]; kept: Row[] }> => {
    const store = createStore();
    onTestFinished(() => store[Symbol.dispose]());
    const evidence = new Evidence(store.path, STARTED_AT, 'seats');
    const kept: Row[] = [];
    for (const one of rows) kept.push(await evidence.keep(one, run));
    return { store: store.path, files: store.files(), kept };
  };

  test('is kept where it was violated or unknown, and not where it was valid', async () => {
    const violated = row({ verdict: 'violated', violations });
    const unknown = row({ trial: { scenario: 'two-seats' }, verdict: 'unknown', reason: 'nothing raced' });
    const { files, kept, store } = await keepAll(row(), violated, row(), unknown);
    const [first, second] = ['1-one-seat-atomic-hall/history.json', '2-two-seats-atomic-hall/history.json'];
    expect(files).toEqual([`${FOLDER}/${first}`, `${FOLDER}/${second}`]);
    expect(kept).toEqual([row(), { ...violated, history: first }, row(), { ...unknown, history: second }]);
    expect(await readHistory(join(store, FOLDER, first), 'seats')).toEqual(file);
  });

  test('has the schedule of an exploration', async () => {
    const { storm: _storm, ...rest } = row({ verdict: 'violated', violations });
    const exploration = {
      classes: 3,
      redundant: 0,
      runs: 3,
      complete: true,
      conditions: [],
      token: 'v1:AABB',
      durationMs: 9,
    };
    const { files, store } = await keepAll({ ...rest, exploration });
    expect(JSON.parse(readFileSync(join(store, files[0] ?? ''), 'utf8'))).toMatchObject({ token: 'v1:AABB' });
  });
});
