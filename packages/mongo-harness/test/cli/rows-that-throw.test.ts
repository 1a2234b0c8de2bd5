import { CommandLine, createStore, oneMemberSet } from 'test-kit';
import { describe, test, vi } from 'vitest';
import type { Row } from '../../src/report/row.ts';
import type { StoredResult } from '../../src/report/store.ts';

/* What one row throws loses no other: not the rows before it, and not those after. */

const environment = { MONGODB_URI: oneMemberSet().uri };
vi.setConfig({ testTimeout: 120_000 });
const command = new CommandLine('packages/mongo-harness/test/support/main.ts', 'FAULTY_');

const summary = ({ trial: { flow, deployment }, verdict, reason = '' }: Row): string =>
  `${flow} ${deployment} ${verdict} ${reason.replace(/ \(.*/, '')}`.trim();

const FAILED = ['fill', 'read', 'check'].map((what) => `atomic fails-to-${what} unknown RangeError: no ${what} today`);

describe.concurrent('a row that throws is unknown, and says why', () => {
  test('explore', async ({ expect }) => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await command.run(
      ['faulty', 'explore', '--json', '--store', store.path],
      environment,
    );
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    const result = JSON.parse(stdout) as StoredResult;
    expect(result.rows.map(summary)).toEqual([
      'atomic hall valid',
      ...FAILED,
      expect.stringMatching(/^atomic fails-to-open unknown /),
      expect.stringMatching(/^forgetful hall unknown diverged: /),
      'atomic-again hall valid',
    ]);
    expect(result.rows[3]?.reason).toMatch(/ \(at failAt \(faulty\.ts:\d+:\d+\)\)$/);
    expect(store.result()).toEqual(result);
    expect(store.files().filter((file) => file.endsWith('.token'))).toEqual([]);
  });

  test('storms, and then the explorations', async ({ expect }) => {
    using store = createStore<StoredResult>();
    const { code, stdout } = await command.run(['faulty', '--store', store.path], environment);
    expect(code).toBe(2);
    const storms = store.result().rows.filter(({ trial }) => 'seed' in trial);
    expect(storms.map(summary)).toEqual([
      'atomic hall valid',
      ...FAILED,
      'atomic fails-to-open unknown a worker failed: RangeError: no open today',
      'atomic-again hall valid',
    ]);
    expect(storms[4]?.reason).toMatch(/ \(at failAt \(faulty\.ts:\d+:\d+\)\)$/);
    expect(stdout).toContain('4 passed, 0 failed, 9 unknown\n');
  });
});

test('replay of a schedule whose check throws', async ({ expect }) => {
  const { code, stderr } = await command.run(
    ['faulty', 'replay', 'v1:AB', '--flow', 'atomic', '--deployment', 'fails-to-check'],
    environment,
  );
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error: RangeError: no check today \(at failAt \(faulty\.ts:\d+:\d+\)\)\n$/);
});
