import { fileURLToPath } from 'node:url';
import { CommandLine, createStore, oneMemberSet } from 'test-kit';
import { describe, test, vi } from 'vitest';
import type { Row } from '../../src/report/row.ts';
import type { StoredResult } from '../../src/report/store.ts';

/* Programs at the gate and in storms, by what they do beside their calls. */

const environment = { MONGODB_URI: oneMemberSet().uri };
vi.setConfig({ testTimeout: 120_000 });
const program = fileURLToPath(new URL('../support/seats-program.ts', import.meta.url));
const command = new CommandLine('packages/mongo-harness/test/support/main.ts', 'SEATS_');

/** @param argv as in `explore --exec-fresh` */
async function run(mode: string, ...argv: readonly string[]): Promise<{ code: number; row: Row; stderr: string }> {
  using store = createStore<StoredResult>();
  const exec = `${process.execPath} ${program} ${mode}`;
  const ended = await command.run(['seats', ...argv, '--exec', exec, '--store', store.path], environment);
  const [row] = store.result().rows;
  if (row === undefined) throw new Error(ended.stderr);
  return { code: ended.code ?? -1, row, stderr: ended.stderr };
}

describe.concurrent('explore', () => {
  // Red where the queries of the start are held as commands of the first run: diverged.
  test('what a program does before it says that it is ready passes the gate', async ({ expect }) => {
    const { code, row } = await run('prepared', 'explore');
    expect({ code, row }).toMatchObject({ code: 0, row: { verdict: 'valid', exploration: { classes: 2, runs: 2 } } });
  });

  // Red without a rehearsal at the gate: the first run has the query, and the others have not.
  test('a cache that is filled by the first call makes no run differ', async ({ expect }) => {
    const { code, row } = await run('lazy', 'explore');
    expect({ code, row }).toMatchObject({ code: 0, row: { verdict: 'valid', exploration: { classes: 2, runs: 2 } } });
  });

  test('also where a fresh process takes the place of one that crashed', async ({ expect }) => {
    const { code, row } = await run('prepared', 'explore', '--faults', 'crash-after');
    expect({ code, row }).toMatchObject({ code: 0, row: { verdict: 'valid', exploration: { complete: true } } });
  });

  test('what a program keeps in memory is told as its own, and what to do', async ({ expect }) => {
    const { code, row, stderr } = await run('remembers', 'explore');
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(row.reason).toMatch(/^the program took another way in the same order: .* --exec-fresh .*\(diverged: /);
  });

  test('with --exec-fresh nothing is kept', async ({ expect }) => {
    const { code, row } = await run('remembers', 'explore', '--exec-fresh');
    expect({ code, row }).toMatchObject({ code: 0, row: { verdict: 'valid', exploration: { classes: 2, runs: 2 } } });
    expect(row.reproduce).toContain(' --exec-fresh ');
  });
});

describe.concurrent('a storm', () => {
  const ticketsOf = ({ storm }: Row): number => storm?.answers['reserved']?.count ?? 0;

  test('of a program that takes many calls: one process, and all calls under way at once', async ({ expect }) => {
    const { code, row } = await run('many', '--scenario', 'one-seat', '--callers', '60');
    expect({ code, verdict: row.verdict, tickets: ticketsOf(row) }).toEqual({ code: 0, verdict: 'valid', tickets: 1 });
    expect(row.storm?.contention.overlap).toBeGreaterThan(8);
  });

  test('of one that says nothing: eight processes, with one call each', async ({ expect }) => {
    const { code, row } = await run('', '--scenario', 'one-seat', '--callers', '60');
    expect({ code, verdict: row.verdict, tickets: ticketsOf(row) }).toEqual({ code: 0, verdict: 'valid', tickets: 1 });
    expect(row.storm?.contention.overlap).toBeLessThanOrEqual(8);
  });
});
