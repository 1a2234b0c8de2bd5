import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkRun } from '../../src/checker/check-run.ts';
import type { RotationOperation } from '../../src/checker/rotation-run.ts';
import {
  alreadyRotated,
  busy,
  heldBack,
  indeterminate,
  noBackup,
  notFound,
  otherIncarnation,
  rotated,
} from '../support/histories.ts';
import { asRun, idsOfRuns, sequentialRun, type SequentialRun } from '../support/random-run.ts';
import { incarnationIn } from '../support/pool-states.ts';
import { hasOrder } from '../support/search-order.ts';

const RUNS = 1_000;
const SEED = Math.floor(Math.random() * 2 ** 31);
const isAccepted = (run: SequentialRun): boolean => checkRun(asRun(run)).length === 0;

test(`accepts every run that was made one call after the other (seed ${SEED})`, () => {
  fc.assert(
    fc.property(sequentialRun(25), (run) => {
      expect(checkRun(asRun(run))).toEqual([]);
    }),
    { numRuns: RUNS, seed: SEED },
  );
});

/** Changes of one answer or one window, each of which no order can explain. Undefined where a run has no place for it. */
const mutations: Readonly<Record<string, (run: SequentialRun) => Replaced | undefined>> = {
  'already-rotated was answered before the winner was called': ({ operations }) =>
    firstOf(operations, ({ answer, keyId }) => {
      const winner = answer.kind === 'already-rotated' ? winnerOf(operations, keyId) : undefined;
      return winner && endBefore(winner.invokedAtMs);
    }),
  'already-rotated was called after the rotation of the replacement was answered': ({ operations }) =>
    firstOf(operations, ({ answer }) => {
      const winner = answer.kind === 'already-rotated' ? winnerOf(operations, answer.replacement ?? '') : undefined;
      return winner && beginAfter(winner.completedAtMs);
    }),
  'no-backup was answered before the last backup was asked for': ({ operations }) => {
    const lastMs = Math.max(
      ...operations.filter(({ answer }) => answer.kind === 'rotated').map(({ invokedAtMs }) => invokedAtMs),
    );
    if (!Number.isFinite(lastMs)) return undefined;
    return firstOf(operations, ({ answer }) => (answer.kind === 'no-backup' ? endBefore(lastMs) : undefined));
  },
  'no-backup was told for a key that had a backup': ({ operations }) =>
    firstOf(operations, ({ answer }) => (answer.kind === 'already-rotated' ? { answer: noBackup } : undefined)),
  'not-found was called after the key was installed': ({ operations }) =>
    firstOf(operations, ({ answer, keyId }) => {
      const install = answer.kind === 'not-found' ? installOf(operations, keyId) : undefined;
      return install && beginAfter(install.completedAtMs);
    }),
  'a replacement was rotated before it was installed': ({ operations }) =>
    firstOf(operations, ({ answer, keyId }) => {
      const install = answer.kind === 'rotated' ? installOf(operations, keyId) : undefined;
      return install && endBefore(install.invokedAtMs);
    }),
  'two callers were told that they rotated one key': ({ operations }) =>
    firstOf(operations, ({ answer, keyId }) => {
      const winner = answer.kind === 'already-rotated' ? winnerOf(operations, keyId) : undefined;
      return winner && { answer: winner.answer };
    }),
  'nobody knows of a rotation': ({ operations }) =>
    firstOf(operations, ({ answer, keyId }) => {
      const inDoubt = operations.some((other) => other.keyId === keyId && other.answer.kind === 'indeterminate');
      return answer.kind === 'rotated' && !inDoubt ? { answer: busy } : undefined;
    }),
  'held-back was told while the brake allowed more': ({ start, final, operations }) =>
    firstOf(operations, ({ answer, keyId, incarnation }) =>
      answer.kind === 'no-backup' && incarnation === undefined && start.live.has(keyId) && final.allowed > 0
        ? { answer: heldBack }
        : undefined,
    ),
  'held-back was answered before the last rotation was asked for': ({ operations }) => {
    const lastMs = Math.max(
      ...operations.filter(({ answer }) => answer.kind === 'rotated').map(({ invokedAtMs }) => invokedAtMs),
    );
    if (!Number.isFinite(lastMs)) return undefined;
    return firstOf(operations, ({ answer }) => (answer.kind === 'held-back' ? endBefore(lastMs) : undefined));
  },
  'other-incarnation was called after the key was replaced': ({ operations }) =>
    firstOf(operations, ({ answer, keyId }) => {
      const winner = answer.kind === 'other-incarnation' ? winnerOf(operations, keyId) : undefined;
      return winner && beginAfter(winner.completedAtMs);
    }),
  'other-incarnation was told to a caller that had asked for none': ({ operations }) =>
    firstOf(operations, ({ answer, incarnation }) =>
      answer.kind === 'no-backup' && incarnation === undefined ? { answer: otherIncarnation('x') } : undefined,
    ),
  'who asked for another incarnation was told no-backup': ({ operations }) =>
    firstOf(operations, ({ answer }) => (answer.kind === 'other-incarnation' ? { answer: noBackup } : undefined)),
  'a live key was not found': ({ start, operations }) =>
    firstOf(operations, ({ keyId, incarnation }) =>
      start.live.has(keyId) && incarnation === undefined ? { answer: notFound } : undefined,
    ),
};

test.each(Object.entries(mutations))(`refuses: %s (seed ${SEED})`, (_, mutate) => {
  fc.assert(
    fc.property(sequentialRun(25), (run) => {
      const replaced = mutate(run);
      fc.pre(replaced !== undefined);
      const { index, operation } = replaced;
      expect(isAccepted({ ...run, operations: run.operations.with(index, operation) })).toBe(false);
    }),
    { numRuns: RUNS / 10, maxSkipsPerRun: 1_000, seed: SEED },
  );
});

// Small times, so that windows touch each other often; most runs have one answer or window changed, whether it fits or not.
const anyAnswer = fc.oneof(
  fc.constantFrom(...idsOfRuns).chain((id) => fc.constantFrom(rotated(id), alreadyRotated(id))),
  fc.constantFrom(noBackup, notFound, heldBack, indeterminate, busy),
  fc.constantFrom(...idsOfRuns).map((id) => otherIncarnation(incarnationIn(id))),
);
const perturbation = fc.record({ answer: anyAnswer, window: fc.tuple(fc.nat(40), fc.nat(12)) }, { requiredKeys: [] });

interface Perturbation {
  readonly answer?: RotationOperation['answer'];
  readonly window?: readonly [number, number];
}

test(`says what a search through all orders says (seed ${SEED})`, () => {
  const verdicts = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(sequentialRun(6), fc.nat(5), fc.option(perturbation, { nil: {} }), (made, position, change) => {
      const run = perturb(made, position, change);
      const explained = hasOrder(run.start, run.final, run.operations);
      verdicts[explained ? 'accepted' : 'refused']++;
      expect(isAccepted(run)).toBe(explained);
    }),
    { numRuns: 4 * RUNS, seed: SEED },
  );
  expect(Math.min(verdicts.accepted, verdicts.refused)).toBeGreaterThan(RUNS / 2);
});

function perturb(made: SequentialRun, position: number, { answer, window }: Perturbation): SequentialRun {
  const index = position % Math.max(1, made.operations.length);
  const before = made.operations[index];
  if (before === undefined) return made;
  const after = {
    ...before,
    ...(answer === undefined ? {} : { answer }),
    ...(window === undefined ? {} : { invokedAtMs: window[0], completedAtMs: window[0] + window[1] }),
  };
  return { ...made, operations: made.operations.with(index, after) };
}

type Change = Partial<RotationOperation> | undefined;

interface Replaced {
  readonly index: number;
  readonly operation: RotationOperation;
}

/** The first operation that can be changed like this, changed. */
function firstOf(
  operations: readonly RotationOperation[],
  changeOf: (operation: RotationOperation) => Change,
): Replaced | undefined {
  for (const [index, operation] of operations.entries()) {
    const change = changeOf(operation);
    if (change !== undefined) return { index, operation: { ...operation, ...change } };
  }
  return undefined;
}

const winnerOf = (operations: readonly RotationOperation[], keyId: string): RotationOperation | undefined =>
  operations.find((other) => other.keyId === keyId && other.answer.kind === 'rotated');
const installOf = (operations: readonly RotationOperation[], keyId: string): RotationOperation | undefined =>
  operations.find(({ answer }) => answer.kind === 'rotated' && answer.replacement === keyId);
const endBefore = (atMs: number): Change => ({ invokedAtMs: atMs - 2, completedAtMs: atMs - 1 });
const beginAfter = (atMs: number): Change => ({ invokedAtMs: atMs + 1, completedAtMs: atMs + 2 });
