import { isDeepStrictEqual } from 'node:util';
import type { RotationOperation } from '../../src/checker/rotation-run.ts';
import { isDoubtful, type Answer } from '../../src/model/rotation-types.ts';
import { incarnationIn } from './pool-states.ts';
import { answer, replace, type LoggedRotation, type SequentialPool } from './sequential-pool.ts';

/** What is known of the rotations that took effect. */
export interface Known {
  /** How the run ended. */
  readonly final: SequentialPool;
  /** What was committed, in its order: each entry is a transaction. Absent where no log was read. */
  readonly log?: readonly (readonly LoggedRotation[])[];
}

/**
 * Is there any order of these operations that the sequential pool explains, that ends as the run did, and in which the rotations come as the log
 * has them? Tries them all, so only for a handful of operations; the checker's answer in linear time is compared with it.
 */
export function hasOrder(state: SequentialPool, operations: readonly RotationOperation[], known: Known): boolean {
  const { final, log } = known;
  if (operations.length === 0) return (log ?? []).length === 0 && isSame(state, final);
  const isNext = (taken: readonly RotationOperation[]): boolean =>
    operations.every((other) => taken.every((one) => one.invokedAtMs <= endMs(other)));
  const without = (taken: readonly RotationOperation[]): RotationOperation[] =>
    operations.filter((other) => !taken.includes(other));

  const isUnchanged = operations.some(
    (one) => isNext([one]) && mayChangeNothing(state, one) && hasOrder(state, without([one]), known),
  );
  if (isUnchanged) return true;
  const [transaction, ...laterLog] = log ?? [];
  const nextTransactions: (readonly LoggedRotation[])[] =
    log === undefined
      ? rotationsIn(final).map((rotation) => [rotation])
      : transaction === undefined
        ? []
        : [transaction];
  return nextTransactions.some((rotations) => {
    const after = rotations.reduce(replace, state);
    return makersOf(state, operations, rotations).some(
      (makers) =>
        isNext(makers) && hasOrder(after, without(makers), { final, ...(log === undefined ? {} : { log: laterLog }) }),
    );
  });
}

/** A caller that could not know may have its effect after its answer. */
const endMs = ({ answer: told, completedAtMs }: RotationOperation): number =>
  isDoubtful(told) ? Infinity : completedAtMs;

/** The callers that may have made these rotations together, each one of them: in all ways. */
function makersOf(
  state: SequentialPool,
  operations: readonly RotationOperation[],
  [rotation, ...others]: readonly LoggedRotation[],
): RotationOperation[][] {
  if (rotation === undefined) return [[]];
  return operations
    .filter((operation) => mayMake(state, operation, rotation))
    .flatMap((maker) =>
      makersOf(
        state,
        operations.filter((other) => other !== maker),
        others,
      ).map((rest) => [maker, ...rest]),
    );
}

function mayMake(
  { live, free, allowed }: SequentialPool,
  { keyId, incarnation, answer: told }: RotationOperation,
  rotation: LoggedRotation,
): boolean {
  const isMeant = incarnation === undefined || incarnation === incarnationIn(keyId);
  const isPossible = live.has(rotation.keyId) && free.has(rotation.backupId) && allowed > 0;
  return rotation.keyId === keyId && isMeant && isPossible && mayTell(told, rotation);
}

function mayTell(told: Answer, { backupId, rotationId }: LoggedRotation): boolean {
  if (told.kind === 'crashed') return true;
  if (told.kind === 'indeterminate') return told.rotationId === rotationId;
  return told.kind === 'rotated' && told.replacement === backupId && told.rotationId === rotationId;
}

/** Whether the pool answers so at this instant, and stays as it is. */
function mayChangeNothing(state: SequentialPool, { keyId, incarnation, answer: told }: RotationOperation): boolean {
  if (['busy', 'indeterminate', 'crashed'].includes(told.kind)) return true;
  if (['error', 'rotated'].includes(told.kind)) return false;
  const [anyFree] = state.free;
  return JSON.stringify(answer(state, keyId, incarnation, anyFree)) === JSON.stringify(told);
}

const rotationsIn = ({ next }: SequentialPool): LoggedRotation[] =>
  [...next].map(([keyId, { backupId, rotationId }]) => ({ keyId, backupId, rotationId }));

const isSame = (state: SequentialPool, other: SequentialPool): boolean =>
  isDeepStrictEqual([state.live, state.free, state.next], [other.live, other.free, other.next]);
