import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkMixed } from '../../src/checker/check-mixed.ts';
import { sequentialMixed, toMixedRun, type SequentialStep } from '../support/sequential-mixed.ts';

const RUNS = 500;
const SEED = Math.floor(Math.random() * 2 ** 31);
const MAX_CALLS = 40;

const violationsOf = (steps: readonly SequentialStep[]): string[] =>
  checkMixed(toMixedRun(steps).end()).map(({ sentence }) => sentence);

test(`accepts every run of all verbs that was made one call after the other (seed ${SEED})`, () => {
  fc.assert(
    fc.property(sequentialMixed(MAX_CALLS), (steps) => {
      expect(violationsOf(steps)).toEqual([]);
    }),
    { numRuns: RUNS, seed: SEED },
  );
});

const LATE_MS = 10_000;

/** Changes of one call or one commit, each of which no sequential pool can explain. Undefined where the call has no place for it. */
const mutations: Readonly<Record<string, (step: SequentialStep) => SequentialStep | undefined>> = {
  'a commit is missing': (step) =>
    step.writes === undefined || step.answer.kind === 'cooling-down' ? undefined : { ...step, writes: undefined },
  'a rotation leaves a part of its writes out': (step) => {
    const { writes } = step;
    return step.answer.kind === 'rotated' && writes !== undefined
      ? { ...step, writes: (run) => writes(run).slice(0, 2) }
      : undefined;
  },
  'nobody knows of a commit': (step) =>
    step.writes === undefined || step.call.op === 'sweep' || step.answer.kind === 'cooling-down'
      ? undefined
      : { ...step, answer: { kind: 'busy' } },
  'a key is marked while there is a backup': (step) =>
    step.answer.kind === 'cooling-down' && step.writes === undefined
      ? { ...step, answer: { kind: 'marked' } }
      : undefined,
  'a rotation is told under another id': (step) =>
    step.answer.kind === 'rotated' ? { ...step, answer: { ...step.answer, rotationId: 'r-other' } } : undefined,
  'a rotation is told with another replacement': (step) =>
    step.answer.kind === 'rotated' ? { ...step, answer: { ...step.answer, replacement: 'k1' } } : undefined,
  'who rotated is told already-rotated': (step) =>
    step.answer.kind === 'rotated'
      ? { ...step, answer: { kind: 'already-rotated', replacement: step.answer.replacement } }
      : undefined,
  'a restored backup keeps its mark': (step) =>
    step.answer.kind === 'restored' && step.call.op === 'restore'
      ? { ...step, writes: markedAsUsed(step.call.backupId) }
      : undefined,
  'a binding goes to a key that is not there': (step) => {
    const { call } = step;
    return step.answer.kind === 'bound' && call.op === 'bind'
      ? { ...step, writes: (run) => [run.binding(call.proxyId, 'nowhere')] }
      : undefined;
  },
  'a rotation was asked for after all else': (step) =>
    step.answer.kind === 'rotated' ? { ...step, times: [LATE_MS, LATE_MS + 1] } : undefined,
};

const markedAsUsed =
  (backupId: string): NonNullable<SequentialStep['writes']> =>
  (run) => [run.backup(backupId, { usedFor: 'k1' })];

test.each(Object.entries(mutations))(`refuses every run in which %s (seed ${SEED})`, (name, mutate) => {
  let tried = 0;
  fc.assert(
    fc.property(sequentialMixed(MAX_CALLS), fc.nat(), (steps, pick) => {
      const places = steps.flatMap((step, index) => {
        const mutated = mutate(step);
        return mutated === undefined ? [] : [{ index, mutated }];
      });
      const place = places[pick % Math.max(1, places.length)];
      // Nothing comes after it that would have to come before.
      if (place === undefined || (name.endsWith('after all else') && !steps.slice(place.index + 1).some(hasCommit)))
        return;
      tried++;
      expect(violationsOf(steps.with(place.index, place.mutated))).not.toEqual([]);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  expect(tried).toBeGreaterThan(0);
});

const hasCommit = ({ writes }: SequentialStep): boolean => writes !== undefined;
