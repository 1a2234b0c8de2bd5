import { planCalls, planStorms, runStorms, type StormTrial, type StressOptions } from 'mongo-harness/testing';
import { describe, expect, test } from 'vitest';
import rotationSystem from '../../src/rotation-system.ts';
import { stressOptions } from '../support/stress-options.ts';
import { createTestContext } from '../support/test-context.ts';

const PROGRAM = 'pnpm stress ';
/** No row runs, so nobody is asked. */
const NO_URI = 'mongodb://127.0.0.1:1/?replicaSet=none';
const context = { ...createTestContext(), signal: AbortSignal.abort() };
const planAll = ({ selection, seed }: Pick<StressOptions, 'selection' | 'seed'>): StormTrial[] =>
  planStorms(rotationSystem, { ...selection, seed });

const reproductionsOf = async (argv: readonly string[]): Promise<string[]> => {
  const rows = await runStorms(context, { uri: NO_URI }, planAll(stressOptions(argv)));
  expect(rows.map(({ reason }) => reason)).toEqual(rows.map(() => 'not run'));
  return rows.map(({ reproduce }) => reproduce);
};

describe.each([
  ['the default rows', []],
  ['a part of it', ['--deployment', 'mixed', '--scenario', 'chain']],
  ['rows that it does not have', ['--flow', 'checked-claim', '--deployment', 'openhandspool', '--processes', '2']],
  [
    'storms that go on',
    '--for 90s --fault step-down,kill-primary+kill-caller,step-down --every 1500ms --round 1m --go-on'.split(' '),
  ],
  ['sizes', '--callers 7 --keys 5 --backups 0 --max-concurrency 2 --seed 0'.split(' ')],
])('%s', (_, argv) => {
  test('the line of each row, given as a command, plans that row again, with the same calls', async () => {
    const options = stressOptions([...argv, '--seed', '41']);
    const planned = planAll(options);
    const lines = await reproductionsOf([...argv, '--seed', '41']);
    expect(lines).toHaveLength(planned.length);
    for (const [index, line] of lines.entries()) {
      expect(line.startsWith(PROGRAM)).toBe(true);
      const again = stressOptions(line.slice(PROGRAM.length).split(' '));
      const [trial, ...others] = planAll(again);
      expect([trial, ...others]).toEqual([planned[index]]);
      const { size, maxConcurrency } = options.selection;
      expect(again.selection).toMatchObject(defined({ size, maxConcurrency }));
      expect(again.seed).toBe(options.seed);
      expect(callsOf(trial)).toEqual(callsOf(planned[index]));
    }
  });
});

test('another seed makes other calls: what the line says of chance matters', () => {
  const callsFor = (seed: number) =>
    planCalls(rotationSystem, { scenario: 'many-keys', size: { callers: 50 }, seed }).calls;
  expect(callsFor(1)).toEqual(callsFor(1));
  expect(callsFor(1)).not.toEqual(callsFor(2));
});

const callsOf = (trial: StormTrial | undefined) => trial && planCalls(rotationSystem, trial);

const defined = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
