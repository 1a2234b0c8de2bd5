import type { Effect } from './check-effects.ts';
import type { RotationViolation } from './invariants.ts';
import type { RotationHistory } from './rotation-run.ts';

/**
 * I6: who asks what became of a rotation is told what took effect. Who was in doubt asks at once: what it is told as found is never undone, and what is not found may
 * still be committed.
 */
export function checkInquiries(
  { operations, inquiries = [] }: RotationHistory,
  effects: readonly Effect[],
  isLogged: boolean,
): RotationViolation[] {
  const effectOf = new Map(effects.map((effect) => [effect.rotationId, effect]));
  const inDoubt = new Set(
    operations.flatMap(({ caller, answer }) =>
      answer.kind === 'indeterminate' ? [`${caller} ${answer.rotationId}`] : [],
    ),
  );
  return inquiries.flatMap(({ caller, rotationId, answer }): RotationViolation[] => {
    const effect = effectOf.get(rotationId);
    const made = effect === undefined ? 'no commit has it' : `it replaced ${effect.keyId} by ${effect.backupId}`;
    const broken = (told: string): RotationViolation[] => [
      { invariant: 'I6', sentence: `who asked about the rotation ${rotationId} was told ${told}, and ${made}` },
    ];
    if (answer.kind === 'unknown-rotation')
      return effect === undefined || inDoubt.has(`${caller} ${rotationId}`) ? [] : broken('that there is none');
    if (answer.kind !== 'found') return [];
    // Without the log, of a rotation whose backup was replaced in its turn nothing is left to see.
    const isTrue =
      effect === undefined ? !isLogged : effect.keyId === answer.keyId && effect.backupId === answer.replacement;
    return isTrue ? [] : broken(`${answer.keyId} and ${answer.replacement}`);
  });
}
