import { openGatedScenario, planExploration, type GatedScenario } from 'mongo-harness/testing';
import { formatGrid, formatRun } from 'mongo-interleave';
import { exploringSet } from 'test-kit';
import { describe, expect, test } from 'vitest';
import { unbrakedDeployments } from '../../src/deployments.ts';
import rotationSystem from '../../src/rotation-system.ts';

/* Each fault at each command, alone and with a rival right after it: in every cell all invariants hold, also in what is committed meanwhile. */

const set = exploringSet();
const MAX_DURATION_MS = 120_000;
const open = (selection: { flow: string; deployment?: string }): Promise<GatedScenario> =>
  openGatedScenario(rotationSystem, set.uri, planExploration(rotationSystem, selection));

describe('the reference: each cell is green', { timeout: MAX_DURATION_MS }, () => {
  test.each(unbrakedDeployments.map(({ name }) => name))('%s', async (deployment) => {
    await using scenario = await open({ flow: 'reference-bare', deployment });
    const cells = await scenario.session.grid();
    const red = cells.filter(({ result }) => result.verdict.kind === 'violated');
    expect(red.map(({ result }) => formatRun(result))).toEqual([]);
    // Nine commands (a tenth where the archive gets a copy), five faults, with and without a rival.
    expect(cells).toHaveLength((deployment === 'openhands' ? 10 : 9) * 5 * 2);
  });
});

test('checked-claim: red, and each red cell has its token', { timeout: MAX_DURATION_MS }, async () => {
  await using scenario = await open({ flow: 'checked-claim' });
  const text = formatGrid(await scenario.session.grid({ kinds: ['crash-after'] }));
  expect(text).toMatch(/^2 findAndModify backup_keys +x +x$/m);
  expect(text).toMatch(/^ {2}v1:AA\*A+ {2}crash-after at 2 findAndModify$/m);
});

test('nothing but the schedule decides: each twice', { timeout: MAX_DURATION_MS }, async () => {
  await using scenario = await open({ flow: 'reference-bare' });
  expect(await scenario.session.explore({ twice: true })).toMatchObject({
    classes: 6,
    complete: true,
    violations: [],
  });
});
