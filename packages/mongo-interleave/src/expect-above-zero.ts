import { InterleaveError } from './interleave-error.ts';

/** @throws InterleaveError `invalid-option`, with the name of the first limit that leaves nothing to do */
export function expectAboveZero(limits: Readonly<Record<string, number>>): void {
  for (const [name, limit] of Object.entries(limits)) {
    if (!(limit > 0)) throw new InterleaveError('invalid-option', `${name} is above 0, not ${limit}.`);
  }
}
