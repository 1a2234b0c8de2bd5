import { createTestDatabaseName, exploringSet } from 'test-kit';
import { expect, test } from 'vitest';
import { interleave } from '../src/index.ts';
import { compareFlows } from './support/differential.ts';

/* `complete` without a violation must mean that there is none: on random flows, the classes give each result that all orders give. */

/** Drawn flows; each takes some twenty runs. Thousands run at night. */
const flowCount = Number(process.env['INTERLEAVE_SOUNDNESS_FLOWS'] ?? 100);
const firstSeed = Number(process.env['INTERLEAVE_SOUNDNESS_SEED'] ?? 0);
const MAX_MS_PER_FLOW = 5_000;

test(
  `all orders of ${flowCount} flows give what their classes give, from seed ${firstSeed}`,
  async ({ annotate }) => {
    const { uri } = exploringSet();
    const flows = { first: firstSeed, count: flowCount };
    const { differences, compared, ...counts } = await compareFlows(
      interleave,
      { uri, database: createTestDatabaseName('sound') },
      flows,
    );
    await annotate(JSON.stringify({ compared, ...counts }));
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThan(flowCount / 2);
  },
  60_000 + flowCount * MAX_MS_PER_FLOW,
);
