import type { Rotation } from '../rotation.ts';
import type { Caller } from './caller.ts';

/** A rotation without an answer yet, and the callers that wait for it. */
export interface PendingRotation {
  readonly rotation: Rotation;
  /** In the order of their calls. */
  readonly callers: Caller[];
  /** Transactions that were begun for the rotation. */
  attempts: number;
  /** True while a transaction for the rotation is under way. */
  running: boolean;
  /** True if a commit got no clear reply, and no later transaction has shown how that commit ended. */
  commitInDoubt: boolean;
  /** True if a caller was answered `indeterminate`. */
  reportedIndeterminate: boolean;
}

/** False once every caller has its answer, by its deadline or its signal. */
export const isAwaited = ({ callers }: PendingRotation): boolean => callers.some(({ open }) => open);

/** Splits a group in two; a group of one comes back alone. */
export function halves(group: readonly PendingRotation[]): PendingRotation[][] {
  const middle = Math.ceil(group.length / 2);
  return [group.slice(0, middle), group.slice(middle)].filter(({ length }) => length > 0);
}
