import type { Answer } from '../model/rotation-types.ts';
import type { RotationViolation } from './invariants.ts';
import type { RotationHistory } from './rotation-run.ts';

/** What may be told to everybody: nothing. */
const NOTHING: readonly Answer['kind'][] = ['crashed', 'error'];
const OF_ROTATE: readonly Answer['kind'][] = [
  ...NOTHING,
  'rotated',
  'already-rotated',
  'no-backup',
  'held-back',
  'not-found',
  'other-incarnation',
  'busy',
  'indeterminate',
];
/** `busy`, `indeterminate`: asked again. */
const OF_FIND_ROTATION: readonly Answer['kind'][] = [...NOTHING, 'found', 'unknown-rotation', 'busy', 'indeterminate'];

/** Each caller is told what the verb can tell: no check looks at an answer that it does not know. */
export function checkKinds({ operations, inquiries = [] }: RotationHistory): RotationViolation[] {
  return [
    ...operations.flatMap(({ caller, keyId, answer: { kind } }): RotationViolation[] =>
      OF_ROTATE.includes(kind)
        ? []
        : [
            {
              invariant: 'I5',
              sentence: `caller ${caller} was told ${kind} for ${keyId}, which is no answer of rotate`,
            },
          ],
    ),
    ...inquiries.flatMap(({ rotationId, answer: { kind } }): RotationViolation[] =>
      OF_FIND_ROTATION.includes(kind)
        ? []
        : [
            {
              invariant: 'I6',
              sentence: `who asked about the rotation ${rotationId} was told ${kind}, which is no answer of findRotation`,
            },
          ],
    ),
  ];
}
