import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkRun } from '../../src/checker/check-run.ts';
import type { RotationOperation } from '../../src/checker/rotation-run.ts';
import { isDoubtful } from '../../src/model/rotation-types.ts';
import { busy, heldBack, noBackup, notFound, otherIncarnation } from '../support/histories.ts';
import { asRun, sequentialRun, type SequentialRun } from '../support/random-run.ts';

const RUNS = 1_000;
const SEED = Math.floor(Math.random() * 2 ** 31);
const isAccepted = (run: SequentialRun, isLogged: boolean): boolean => checkRun(asRun(run, isLogged)).length === 0;

test(`accepts every run that was made one call after the other (seed ${SEED})`, () => {
  fc.assert(
    fc.property(sequentialRun(25), fc.boolean(), (run, isLogged) => {
      expect(checkRun(asRun(run, isLogged))).toEqual([]);
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
      const inDoubt = operations.some((other) => other.keyId === keyId && isDoubtful(other.answer));
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
    fc.property(sequentialRun(25), fc.boolean(), (run, isLogged) => {
      const replaced = mutate(run);
      fc.pre(replaced !== undefined);
      const { index, operation } = replaced;
      expect(isAccepted({ ...run, operations: run.operations.with(index, operation) }, isLogged)).toBe(false);
    }),
    { numRuns: RUNS / 10, maxSkipsPerRun: 1_000, seed: SEED },
  );
});

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
