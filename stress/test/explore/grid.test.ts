import { formatGrid, formatRun } from 'mongo-interleave';
import { describe, expect, test } from 'vitest';
import { adapters } from '../../src/adapters.ts';
import { openRace } from '../../src/explore/open-race.ts';
import { planOne } from '../../src/explore/plan-explorations.ts';
import { startExploringSet } from '../support/exploring-set.ts';

/* Each fault at each command, alone and with a rival right after it: in every cell all promises hold, also in what is committed meanwhile. */

const set = await startExploringSet();
const TIME_LIMIT_MS = 120_000;

describe('the reference: each cell is green', { timeout: TIME_LIMIT_MS }, () => {
  test.each([...adapters.keys()])('%s', async (adapter) => {
    await using race = await openRace(set.uri, planOne({ subject: 'reference-bare', adapter }));
    const cells = await race.interleaving.grid();
    const red = cells.filter(({ result }) => result.verdict.kind === 'violated');
    expect(red.map(({ result }) => formatRun(result))).toEqual([]);
    // Eight commands (a ninth where the archive gets a copy), five faults, with and without a rival.
    expect(cells).toHaveLength((adapter === 'openhands' ? 9 : 8) * 5 * 2);
  });
});

test('checked-claim: red, and each red cell has its token', { timeout: TIME_LIMIT_MS }, async () => {
  await using race = await openRace(set.uri, planOne({ subject: 'checked-claim' }));
  const text = formatGrid(await race.interleaving.grid({ kinds: ['crash-after'] }));
  expect(text).toMatch(/^2 findAndModify backup_keys +x +x$/m);
  expect(text).toMatch(/^v1:AA\*A+ {2}crash-after at 2 findAndModify$/m);
});

test('nothing but the schedule decides: each twice', { timeout: TIME_LIMIT_MS }, async () => {
  await using race = await openRace(set.uri, planOne({ subject: 'reference-bare' }));
  expect(await race.interleaving.explore({ twice: true })).toMatchObject({
    classes: 6,
    complete: true,
    violations: [],
  });
});
