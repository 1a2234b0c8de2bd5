import type { RotationOperation } from '../../src/checker/rotation-run.ts';
import { incarnationIn } from './pool-states.ts';
import { answer, replace, type SequentialPool } from './sequential-pool.ts';

/**
 * Is there any order of these operations that the sequential pool explains and that ends in `final`? Tries them all, so only
 * for a handful of operations; the checker's answer in linear time is compared with it.
 */
export function hasOrder(
  start: SequentialPool,
  final: SequentialPool,
  operations: readonly RotationOperation[],
): boolean {
  if (operations.length === 0) return sameRotations(start, final);
  return operations.some((candidate, index) => {
    const rest = operations.filter((_, other) => other !== index);
    if (rest.some((other) => endMs(other) < candidate.invokedAtMs)) return false;
    return effects(start, final, candidate).some((state) => hasOrder(state, final, rest));
  });
}

/** A caller that could not know may have its effect after its answer. */
const endMs = ({ answer: told, completedAtMs }: RotationOperation): number =>
  told.kind === 'indeterminate' ? Number.POSITIVE_INFINITY : completedAtMs;

/** The states that the operation can lead to, none where its answer can't have been given. */
function effects(
  state: SequentialPool,
  final: SequentialPool,
  { keyId, incarnation, answer: told }: RotationOperation,
): SequentialPool[] {
  const isMeant = incarnation === undefined || incarnation === incarnationIn(keyId);
  const mayRotate = isMeant && state.live.has(keyId) && state.allowed > 0;
  switch (told.kind) {
    case 'busy':
      return [state];
    case 'error':
      return [];
    case 'indeterminate': {
      const taken = final.next.get(keyId);
      const could = taken !== undefined && mayRotate && state.free.has(taken);
      return could ? [state, replace(state, keyId, taken)] : [state];
    }
    case 'rotated':
      return mayRotate && state.free.has(told.replacement) ? [replace(state, keyId, told.replacement)] : [];
    default: {
      const [anyFree] = state.free;
      return JSON.stringify(answer(state, keyId, incarnation, anyFree)) === JSON.stringify(told) ? [state] : [];
    }
  }
}

const sameRotations = (a: SequentialPool, b: SequentialPool): boolean =>
  a.next.size === b.next.size && [...a.next].every(([keyId, backupId]) => b.next.get(keyId) === backupId);
