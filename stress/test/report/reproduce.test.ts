import { describe, expect, test } from 'vitest';
import { stressOptions } from '../support/stress-options.ts';
import { planRuns } from '../../src/profile.ts';
import { runProfile } from '../../src/run-profile.ts';
import { seededRandom } from '../../src/seeded-random.ts';

const PROGRAM = 'pnpm stress ';
/** No row runs, so nobody is asked. */
const NO_URI = 'mongodb://127.0.0.1:1/?replicaSet=none';
const silent = { show: () => {}, clear: () => {} };

const reproductionsOf = async (argv: readonly string[]): Promise<string[]> => {
  const options = stressOptions(argv);
  const rows = await runProfile(NO_URI, planRuns(options), options, AbortSignal.abort(), silent);
  expect(rows.map(({ reason }) => reason)).toEqual(rows.map(() => 'not run'));
  return rows.map(({ reproduce }) => reproduce);
};

describe.each([
  ['the default profile', []],
  ['a part of it', ['--adapter', 'mixed', '--scenario', 'chain']],
  ['rows that it does not have', ['--subject', 'checked-claim', '--adapter', 'openhandspool', '--processes', '2']],
  ['sizes', '--callers 7 --keys 5 --backups 0 --concurrency 2 --seed 0'.split(' ')],
])('%s', (_, argv) => {
  test('the line of each row, given as a command, plans that row again, with the same calls', async () => {
    const options = stressOptions([...argv, '--seed', '41']);
    const planned = planRuns(options);
    const lines = await reproductionsOf([...argv, '--seed', '41']);
    expect(lines).toHaveLength(planned.length);
    for (const [index, line] of lines.entries()) {
      expect(line.startsWith(PROGRAM)).toBe(true);
      const again = stressOptions(line.slice(PROGRAM.length).split(' '));
      expect(planRuns(again)).toEqual([planned[index]]);
      const { callers, keys, backups, concurrency, seed } = options;
      expect(again).toMatchObject({ ...defined({ callers, keys, backups, concurrency }), seed });
      const plan = planned[index]?.scenario.plan(options, seededRandom(options.seed));
      expect(planned[index]?.scenario.plan(again, seededRandom(again.seed))).toEqual(plan);
    }
  });
});

test('another seed makes other calls: what the line says of chance matters', () => {
  const [run] = planRuns({ scenario: 'many-keys' });
  const callsOf = (seed: number) => run?.scenario.plan({ callers: 50 }, seededRandom(seed)).calls;
  expect(callsOf(1)).toEqual(callsOf(1));
  expect(callsOf(1)).not.toEqual(callsOf(2));
});

const defined = (numbers: Record<string, number | undefined>): Record<string, number | undefined> =>
  Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined));
