import { seededRandom } from 'mongo-interleave';
import { planStorms } from 'mongo-harness/testing';
import { expect, test } from 'vitest';
import type { Answer, PoolCall } from '../../src/model/rotation-types.ts';
import rotationSystem from '../../src/rotation-system.ts';
import { mixedTraffic, nextDrawn } from '../../src/scenarios/mixed-traffic.ts';

const SEED = Math.floor(Math.random() * 2 ** 31);

/** What all callers ask, if each call were answered so. */
const drawnFor = (seed: number, answer: Answer): PoolCall[] =>
  (mixedTraffic.storm?.({}, seededRandom(seed)).calls ?? []).flatMap(({ call, follow = 0 }) => {
    const calls = [call];
    for (let time = 0; time < follow; time++) {
      const next = nextDrawn(calls.at(-1) ?? call, answer);
      if (next !== undefined) calls.push(next);
    }
    return calls;
  });

test(`the same seed and answers make the same calls, of all kinds (seed ${SEED})`, () => {
  const answer: Answer = { kind: 'rotated', replacement: 'b1', rotationId: 'r1' };
  const drawn = drawnFor(SEED, answer);
  expect(drawnFor(SEED, answer)).toEqual(drawn);
  expect(drawnFor(SEED + 1, answer)).not.toEqual(drawn);
  expect(drawn.length).toBeGreaterThanOrEqual(300);
  expect([...new Set(drawn.map(({ op }) => op))].toSorted()).toEqual([
    'add-backup',
    'add-key',
    'bind',
    'delete-backup',
    'delete-key',
    'find-rotation',
    'handle-failure',
    'insert-binding',
    'put-back',
    'restore',
    'rotate',
    'sweep',
  ]);
});

test(`no id is drawn twice for what is new (seed ${SEED})`, () => {
  const drawn = drawnFor(SEED, { kind: 'busy' });
  const fresh = drawn.flatMap((call) => {
    if (call.op === 'add-backup') return [call.backupId];
    if (call.op === 'add-key') return [call.keyId];
    return call.op === 'bind' || call.op === 'insert-binding' ? [call.proxyId] : [];
  });
  expect(new Set(fresh).size).toBe(fresh.length);
});

test('a flow without an operator has no such storm', () => {
  const plan = (selection: object): string[] =>
    planStorms(rotationSystem, { ...selection, seed: 1 }).map(({ flow, scenario }) => `${flow} ${scenario}`);
  const operating = ['reference mixed-traffic', 'reference-bare mixed-traffic'];
  expect(plan({ scenario: mixedTraffic.name, deployment: 'braked' })).toEqual(operating);
  expect(plan({ flow: 'reference-verify', deployment: 'openhands' })).not.toContain('reference-verify mixed-traffic');
  expect(() => plan({ scenario: mixedTraffic.name, flow: 'naive' })).toThrow(
    'The flow naive has no calls for the operator of the scenario mixed-traffic.',
  );
});
