import { expect } from 'vitest';
import { RotationError, type RotationErrorCode, type RotationOutcome } from '../../src/index.ts';

export type Rotated = Extract<RotationOutcome, { kind: 'rotated' }>;

/** Expects this outcome to be `rotated`, and returns it as such. */
export function asRotated(outcome: RotationOutcome | undefined): Rotated {
  expect(outcome).toMatchObject({ kind: 'rotated' });
  if (outcome?.kind !== 'rotated') throw new TypeError('unreachable');
  return outcome;
}

/** Says how often each kind of outcome came. */
export function countKinds(outcomes: readonly RotationOutcome[]): Partial<Record<RotationOutcome['kind'], number>> {
  const counts: Partial<Record<RotationOutcome['kind'], number>> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Expects a rejection with a RotationError of this code, and returns it. */
export async function rejection(promise: Promise<unknown>, code: RotationErrorCode): Promise<RotationError> {
  const error: unknown = await promise.then(
    (value) => {
      throw new Error(`Expected a RotationError ${code}, got ${JSON.stringify(value)}`);
    },
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RotationError);
  expect(error).toMatchObject({ code });
  if (!(error instanceof RotationError)) throw new TypeError('unreachable');
  return error;
}

/** Expects a throw of a RotationError of this code, and returns it. */
export function rejectionOf(call: () => unknown, code: RotationErrorCode): RotationError {
  try {
    call();
  } catch (error) {
    expect(error).toMatchObject({ code });
    if (error instanceof RotationError) return error;
  }
  throw new Error(`Expected a RotationError ${code}`);
}
