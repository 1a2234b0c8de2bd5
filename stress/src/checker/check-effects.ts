import type { BackupState, PoolState } from '../model/pool-state.ts';
import type { Answer } from '../model/rotation-types.ts';
import { isClaim } from './committed-pool.ts';
import type { RotationViolation } from './invariants.ts';
import { meansAnother } from './means-another.ts';
import { groupBy, type Replacements } from './replacements.ts';
import type { PoolCommit, RotationHistory, RotationOperation } from './rotation-run.ts';

/** A rotation that took effect. */
export interface Effect {
  readonly keyId: string;
  readonly backupId: string;
  /** Absent where the flow draws none. */
  readonly rotationId?: string;
  /** The number of the commit that made it, from 1 up. Absent where no log was read. */
  readonly commit?: number;
}

/** By the log, in its order. */
export const loggedEffects = (commits: readonly PoolCommit[]): Effect[] =>
  commits.flatMap(({ writes }, index) =>
    writes.flatMap((write) =>
      write.of === 'backup' && write.after !== undefined && isClaim(write)
        ? [toEffect(write.after.usedFor ?? '', write.after, index + 1)]
        : [],
    ),
  );

/** As far as the end shows them, in no order. */
export const effectsLeft = ({ takenFor, replacementOf }: Replacements): Effect[] =>
  [...takenFor].flatMap(([keyId, taken]) => {
    const backup = taken.find(({ id }) => id === replacementOf(keyId));
    return backup === undefined ? [] : [toEffect(keyId, backup)];
  });

const toEffect = (keyId: string, { id, rotationId }: BackupState, commit?: number): Effect => ({
  keyId,
  backupId: id,
  ...(rotationId === undefined ? {} : { rotationId }),
  ...(commit === undefined ? {} : { commit }),
});

/**
 * I6: what callers were told and what took effect agree, whatever went wrong. Each rotation has a caller that was told `rotated`, or one that
 * could not know: it was told `indeterminate` with the rotation's id, or never answered. Whoever was told `rotated` has rotated. Where nothing went wrong
 * everybody can know, and this is I5.
 */
export function checkEffects(
  start: PoolState,
  { operations, faults = [] }: RotationHistory,
  effects: readonly Effect[],
  isLogged: boolean,
): RotationViolation[] {
  const violations = checkRotationIds(operations);
  const broken = (sentence: string): void =>
    void violations.push({ invariant: faults.length > 0 ? 'I6' : 'I5', sentence });

  const operationsOf = groupBy(operations, ({ keyId }) => keyId);
  for (const effect of effects) {
    const { keyId, backupId, commit } = effect;
    const asked = operationsOf.get(keyId) ?? [];
    const isOwned = asked.some((operation) => !meansAnother(start, operation) && mayHaveMade(operation.answer, effect));
    // A rotation that nobody called for is a matter of I5.
    if (isOwned || asked.length === 0) continue;
    const how = commit === undefined ? '' : ` by ${backupId} in commit ${commit}`;
    broken(`${keyId} was replaced${how}, and no caller was told rotated or could not know: ${countAnswers(asked)}`);
  }

  const effectsOf = groupBy(effects, ({ keyId }) => keyId);
  for (const { caller, keyId, answer } of operations) {
    const made = effectsOf.get(keyId) ?? [];
    if (answer.kind !== 'rotated' || made.some((effect) => mayHaveMade(answer, effect))) continue;
    const told = `caller ${caller} was told rotated for ${keyId} with replacement ${answer.replacement}`;
    if (isLogged) broken(`${told}, and no commit has this rotation`);
    // Else I5 says that the key is live as before.
    else if (made.length > 0) broken(`${told}, and another rotation did it`);
  }
  return violations;
}

/** Whether a caller with this answer may be the one whose rotation this is. */
export function mayHaveMade(answer: Answer, { rotationId }: Effect): boolean {
  if (answer.kind === 'crashed') return true;
  if (answer.kind !== 'rotated' && answer.kind !== 'indeterminate') return false;
  return rotationId === undefined || answer.rotationId === undefined || answer.rotationId === rotationId;
}

/** A caller that can't know is told what it can ask about later. */
const checkRotationIds = (operations: readonly RotationOperation[]): RotationViolation[] =>
  operations.flatMap(({ caller, keyId, answer }): RotationViolation[] =>
    answer.kind === 'indeterminate' && answer.rotationId === ''
      ? [
          {
            invariant: 'I6',
            sentence: `caller ${caller} was told indeterminate for ${keyId} without a rotationId to ask about`,
          },
        ]
      : [],
  );

/** As in `2 already-rotated, 1 busy`. */
const countAnswers = (operations: readonly RotationOperation[]): string =>
  [...groupBy(operations, ({ answer }) => answer.kind)].map(([kind, { length }]) => `${length} ${kind}`).join(', ');
