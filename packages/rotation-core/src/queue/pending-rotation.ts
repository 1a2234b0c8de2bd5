import type { Rotation } from '../rotation.ts';
import type { Caller } from './caller.ts';

/** A rotation without an answer yet, and the callers that wait for it. */
export interface PendingRotation {
  readonly rotation: Rotation;
  /** In the order of their calls. */
  readonly callers: Caller[];
  /** Transactions that were begun for the rotation. */
  attempts: number;
  /**
   * `idle`: no transaction for the rotation is under way. `sent`: it has written nothing yet, and writes nothing if a rotation in it has no caller
   * left then. `writing`: it goes on to its end.
   */
  transaction: 'idle' | 'sent' | 'writing';
  /** True if a commit got no clear reply, and no later transaction has shown how that commit ended. */
  commitInDoubt: boolean;
  /** True if a caller was answered `indeterminate`. */
  reportedIndeterminate: boolean;
  /** True if a caller was answered `busy`. */
  reportedBusy: boolean;
}

/** False once every caller has its answer, by its deadline or its signal. */
export const isAwaited = ({ callers }: PendingRotation): boolean => callers.some(({ open }) => open);

/** Resolves when every caller of the group has its answer. */
export const allAnswered = async (group: readonly PendingRotation[]): Promise<void> => {
  await Promise.allSettled(group.flatMap(({ callers }) => callers.map(({ promise }) => promise)));
};

/** Splits a group in two; a group of one comes back alone. */
export function halves(group: readonly PendingRotation[]): PendingRotation[][] {
  const middle = Math.ceil(group.length / 2);
  return [group.slice(0, middle), group.slice(middle)].filter(({ length }) => length > 0);
}
