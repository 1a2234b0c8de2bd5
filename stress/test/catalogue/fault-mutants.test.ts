import { oneMemberSet } from 'test-kit';
import { describe, expect, test, vi } from 'vitest';
import { faultMutants, mutants } from '../../src/flows/index.ts';
import { stress } from '../support/stress-command.ts';

/*
 * Storms with a fault catch what only faults show. Each takes a set of three members and some rounds of seconds; at night, ROTATION_FAULTS
 * names all flows, as `all` does.
 */

const MAX_TEST_MS = 400_000;
vi.setConfig({ testTimeout: MAX_TEST_MS });

const storms = [...mutants, ...faultMutants].flatMap(({ name, breaks, faultStorms = [] }) =>
  faultStorms.map(({ fault }) => ({ name, fault, breaks })),
);
const chosen = (process.env['ROTATION_FAULTS'] ?? 'lease-without-fence').split(',');
const isChosen = (name: string): boolean => chosen.includes('all') || chosen.includes(name);

describe.for(storms)('$name under $fault', ({ name, fault, breaks }) => {
  test.skipIf(!isChosen(name))(`breaks ${breaks[0]}, and the reference does not`, async () => {
    const command = `fault-catalogue --flow ${name} --fault ${fault} --tries 1 --budget 60 --json`;
    const { stdout, stderr, code } = await stress.run(command.split(' '), {});
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      rows: [
        { flow: name, tries: 1, violated: 1 },
        { flow: 'reference', tries: 1, violated: 0 },
      ],
    });
  });
});

/** The others have a clock of their own, and are wrong wherever a machine is slow enough. */
const WITHOUT_CLOCK = ['w1', 'local-evidence', 'intent-without-recovery'];

test.each(WITHOUT_CLOCK)('%s is valid where nothing goes wrong', async (flow) => {
  const command = `--flow ${flow} --scenario many-keys --keys 20 --callers 80 --deployment keypool --json`;
  const { stdout } = await stress.run(command.split(' '), { MONGODB_URI: oneMemberSet().uri });
  expect(JSON.parse(stdout)).toMatchObject({ rows: [{ verdict: 'valid', violations: [] }] });
});

test('a set of somebody else is not disturbed', async () => {
  const { code, stderr } = await stress.run(['fault-catalogue'], { MONGODB_URI: oneMemberSet().uri });
  expect({ code, stderr }).toEqual({
    code: 64,
    stderr: 'error: The replica set in MONGODB_URI is never disturbed: unset it for storms with faults.\n',
  });
});

test('the flows that are chosen are known', () => {
  const names = ['all', ...storms.map(({ name }) => name)];
  expect(chosen.filter((name) => !names.includes(name))).toEqual([]);
});
