import type { Row } from 'mongo-harness/testing';
import { oneMemberSet } from 'test-kit';
import { expect, test, vi } from 'vitest';
import rotationSystem from '../../src/rotation-system.ts';
import { stress } from '../support/stress-command.ts';

const MAX_TEST_MS = 300_000;
vi.setConfig({ testTimeout: MAX_TEST_MS });

// Seen red with write concern majority: no round is violated, and the cell must be.
test('with write concern 1 a rotation that was told is lost in a rollback, and with majority it is not', async () => {
  const cell = async (flow: string, budget: string): Promise<unknown> => {
    const argv = ['matrix', '--flow', flow, '--fault', 'rollback', '--budget', budget, '--json'];
    const { stdout, stderr, code } = await stress.run(argv, {});
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { rows } = JSON.parse(stdout) as { rows: Row[] };
    return rows[0];
  };
  expect(await cell('majority-w-1-bare', '30')).toMatchObject({
    values: ['majority', '1', 'on', 'off'],
    broken: expect.arrayContaining(['I5']),
    // One round, with its one fault.
    reproduce: expect.stringContaining(' --for 1ms --fault rollback --every 1ms '),
    reasons: [],
  });
  expect(await cell('local-w-majority-unretried', '1')).toMatchObject({
    values: ['local', 'majority', 'off', 'on'],
    violated: 0,
    broken: [],
    reasons: [],
  });
});

test('a set of somebody else is not disturbed', async () => {
  const { code, stderr } = await stress.run(['matrix'], { MONGODB_URI: oneMemberSet().uri });
  expect({ code, stderr }).toEqual({
    code: 64,
    stderr: 'error: The replica set in MONGODB_URI is never disturbed: unset it for storms with faults.\n',
  });
});

test('each combination of settings is a cell of its own', () => {
  const cells = rotationSystem.matrix?.cells ?? [];
  expect(cells).toHaveLength(24);
  expect(new Set(cells.map(({ values }) => values.join(' '))).size).toBe(24);
  expect(new Set(cells.map(({ flow }) => flow.name)).size).toBe(24);
});
