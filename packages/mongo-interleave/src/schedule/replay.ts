import type { Chooser, Offer } from '../execute-run.ts';
import { clientLetter } from '../gate/gate.ts';
import { InterleaveError } from '../interleave-error.ts';
import { formatToken, type Choice } from './token.ts';

/** Follows a schedule to the letter. `choose` throws `diverged` with what the schedule says and what there is. */
export function replayChooser(choices: readonly Choice[]): Chooser {
  return {
    took: () => undefined,
    choose(offers, step) {
      const there = offers.map(({ id }) => id).join(', ');
      const wanted = choices[step];
      if (wanted === undefined) throw diverged(`The schedule ends after ${step} steps, but there is ${there}.`);
      const offer = offers.find(({ choice }) => isSame(choice, wanted));
      if (offer === undefined)
        throw diverged(`Step ${step + 1} of the schedule is ${letter(wanted)}, but there is ${there}.`);
      return offer;
    },
  };
}

/** @throws InterleaveError `diverged` unless all of the schedule was needed */
export function expectWhole(choices: readonly Choice[], steps: number): void {
  if (steps === choices.length) return;
  throw diverged(
    `The run was over after ${steps} steps, but the schedule ${formatToken(choices)} has ${choices.length}.`,
  );
}

const isSame = (one: Offer['choice'], other: Choice): boolean =>
  one.client === other.client && one.position === other.position;

const letter = ({ client, position }: Choice): string => clientLetter(client) + (position === 0 ? '' : position + 1);

const diverged = (message: string): InterleaveError => new InterleaveError('diverged', message);
