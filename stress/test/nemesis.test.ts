import type { StoredResult } from 'mongo-harness/testing';
import { createStore, oneMemberSet } from 'test-kit';
import { describe, expect, test, vi } from 'vitest';
import { stress } from './support/stress-command.ts';

/* A storm with faults sees what a storm without them does not: the same flow, with and without. */

vi.setConfig({ testTimeout: 120_000 });

/** @param uri a set that is there; a set that is disturbed must be the command's own */
const storm = async (flow: string, faults: string, uri?: string, keys = 60): Promise<StoredResult> => {
  using store = createStore<StoredResult>();
  const where = `--flow ${flow} --scenario many-keys --keys ${keys} --deployment keypool --processes 2 --members 1 --seed 3`;
  await stress.run(
    `${where} ${faults} --store ${store.path}`.split(' '),
    uri === undefined ? {} : { MONGODB_URI: uri },
  );
  return store.result();
};

test('faults of callers meet calls under way, whatever they are at', async () => {
  const kinds = ['kill-caller', 'freeze-caller', 'abort', 'tiny-deadline'];
  const { rows } = await storm('reference', `--for 1ms --fault ${kinds.join(',')} --every 1s`, undefined, 400);
  expect(rows.map(({ verdict, violations }) => ({ verdict, violations }))).toEqual([
    { verdict: 'valid', violations: [] },
  ]);
  const faults = rows[0]?.storm?.rounds?.faults ?? [];
  expect(faults.map(({ kind }) => kind).toSorted()).toEqual(kinds.toSorted());
  for (const { kind, hit } of faults) expect({ kind, hasHit: hit > 0 }).toEqual({ kind, hasHit: true });
  // Who gave up asks what became of it, when all is mended.
  expect(rows[0]?.storm?.rounds?.inquired).toBeGreaterThan(0);
  // Nobody is told an error who only was not patient enough.
  expect(rows[0]?.storm?.answers['error']).toBeUndefined();
});

describe('commits that are told wrongly', () => {
  test('the reference finds out', async () => {
    expect(await storm('reference', '--for 1s --fault commit-unknown')).toMatchObject({
      rows: [{ verdict: 'valid', storm: { rounds: { faults: [{ kind: 'commit-unknown', hit: 1 }] } } }],
    });
  });

  test.each([
    ['commit-not-retried', 'I5'],
    ['unknown-is-undone', 'I6'],
  ])('%s does not', async (flow, invariant) => {
    const { rows } = await storm(flow, '--for 20s --fault commit-unknown --every 1ms');
    expect(rows).toMatchObject([{ verdict: 'violated', storm: { rounds: { violated: 1 } } }]);
    expect(rows[0]?.violations.map((violation) => violation.invariant)).toContain(invariant);
    // What shows the round again names its faults in their order.
    expect(rows[0]?.reproduce).toMatch(/ --fault commit-unknown(,commit-unknown)+ --every 1ms --seed \d+$/);
  });

  test.each(['commit-not-retried', 'unknown-is-undone'])('%s is valid where nothing goes wrong', async (flow) => {
    expect(await storm(flow, '--for 1s', oneMemberSet().uri)).toMatchObject({ rows: [{ verdict: 'valid' }] });
  });
});
