import type { RotationHistory, RotationOperation } from '../../src/checker/rotation-run.ts';
import type { Claim, Answer } from '../../src/model/rotation-types.ts';

/** `[caller, key, what it was told, called at, answered at]`; without times all overlap. */
export type Call = readonly [
  caller: number,
  keyId: string,
  answer: Answer,
  invokedAtMs?: number,
  completedAtMs?: number,
  incarnation?: string,
];

const OVERLAP_MS = 100;

const operation = ([
  caller,
  keyId,
  answer,
  invokedAtMs = 0,
  completedAtMs = OVERLAP_MS,
  incarnation,
]: Call): RotationOperation => ({
  caller,
  keyId,
  invokedAtMs,
  completedAtMs,
  answer,
  ...(incarnation === undefined ? {} : { incarnation }),
});

export const history = (calls: readonly Call[], claims: readonly Claim[] = []): RotationHistory => ({
  unit: 'ms',
  operations: calls.map((call) => operation(call)),
  claims,
});

export const rotated = (replacement: string, rotationId?: string): Answer =>
  rotationId === undefined ? { kind: 'rotated', replacement } : { kind: 'rotated', replacement, rotationId };
export const alreadyRotated = (replacement: string): Answer => ({ kind: 'already-rotated', replacement });
export const noBackup: Answer = { kind: 'no-backup' };
export const notFound: Answer = { kind: 'not-found' };
export const heldBack: Answer = { kind: 'held-back', waitMs: 1_000 };
export const otherIncarnation = (live: string): Answer => ({ kind: 'other-incarnation', live });
export const busy: Answer = { kind: 'busy' };
export const indeterminate: Answer = { kind: 'indeterminate', rotationId: 'r-unknown' };
export const crashed: Answer = { kind: 'crashed' };
export const failed = (code: string, message = 'told'): Answer => ({ kind: 'error', code, message });
