import { RotationError, type RotationOutcome } from 'rotation-core';
import type { NoAnswer } from 'mongo-harness';
import type { FlowAnswer } from '../model/rotation-types.ts';

/** An outcome as the history keeps it: without the key's id, which the call has. */
export function toAnswer(outcome: RotationOutcome): FlowAnswer {
  switch (outcome.kind) {
    case 'rotated': {
      const { replacement, rotationId, attempts } = outcome;
      return { kind: 'rotated', replacement, rotationId, ...(attempts === 1 ? {} : { attempts }) };
    }
    case 'already-rotated':
      return { kind: 'already-rotated', replacement: outcome.replacement };
    case 'indeterminate':
      return { kind: 'indeterminate', rotationId: outcome.rotationId };
    case 'other-incarnation':
      return { kind: 'other-incarnation', live: outcome.live };
    case 'held-back':
      return { kind: 'held-back', waitMs: outcome.until.getTime() - Date.now() };
    case 'no-backup':
    case 'not-found':
    case 'busy':
      return { kind: outcome.kind };
  }
}

/** A caller that gave up knows as much as one whose deadline came: nothing has been done for it, or it is not known. */
export function toRotateError(error: unknown): FlowAnswer | NoAnswer {
  if (!(error instanceof RotationError) || error.code !== 'aborted') return toError(error);
  return error.rotationId === undefined ? { kind: 'busy' } : { kind: 'indeterminate', rotationId: error.rotationId };
}

export const toError = (error: unknown): NoAnswer => ({
  kind: 'error',
  code: error instanceof RotationError ? error.code : 'unexpected',
  message: error instanceof Error ? error.message : String(error),
});
