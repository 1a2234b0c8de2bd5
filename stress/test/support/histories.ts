import type { Claim, History, Operation, ToldOutcome } from '../../src/history.ts';

/** `[caller, key, what it was told, called at, answered at]`; without times all overlap. */
export type Call = readonly [
  caller: number,
  keyId: string,
  outcome: ToldOutcome,
  invokedAtMs?: number,
  completedAtMs?: number,
];

const OVERLAP_MS = 100;

export const operation = ([caller, keyId, outcome, invokedAtMs = 0, completedAtMs = OVERLAP_MS]: Call): Operation => ({
  caller,
  process: 0,
  pool: 'keypool',
  keyId,
  invokedAtMs,
  completedAtMs,
  outcome,
});

export const history = (calls: readonly Call[], claims: readonly Claim[] = []): History => ({
  operations: calls.map((call) => operation(call)),
  claims,
  conflicts: 0,
  lostRaces: 0,
});

export const rotated = (replacement: string, rotationId?: string): ToldOutcome =>
  rotationId === undefined ? { kind: 'rotated', replacement } : { kind: 'rotated', replacement, rotationId };
export const alreadyRotated = (replacement: string): ToldOutcome => ({ kind: 'already-rotated', replacement });
export const noBackup: ToldOutcome = { kind: 'no-backup' };
export const notFound: ToldOutcome = { kind: 'not-found' };
export const busy: ToldOutcome = { kind: 'busy' };
export const indeterminate: ToldOutcome = { kind: 'indeterminate', rotationId: 'r-unknown' };
export const failed = (code: string, message = 'told'): ToldOutcome => ({ kind: 'error', code, message });
