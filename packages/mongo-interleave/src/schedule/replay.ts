import type { Chooser, Offer } from '../execute-run.ts';
import { InterleaveError } from '../interleave-error.ts';
import { formatChoice, formatToken, type Choice } from './token.ts';
import type { TraceStep } from './trace.ts';

/**
 * Follows a schedule to the letter. `choose` throws `diverged` with what the schedule says and what there is.
 *
 * @param recorded the trace of the run that is to come again: then each command must be the same, too
 */
export function replayChooser(choices: readonly Choice[], recorded: readonly TraceStep[] = []): Chooser {
  return {
    participants: new Set(choices.map(({ client }) => client)),
    took: () => undefined,
    choose(offers, step) {
      const there = offers.map(({ id }) => id).join(', ');
      const wanted = choices[step];
      if (wanted === undefined) throw diverged(`The schedule ends after ${step} steps, but there is ${there}.`);
      const offer = offers.find(({ choice }) => isSame(choice, wanted));
      if (offer === undefined)
        throw diverged(`Step ${step + 1} of the schedule is ${formatChoice(wanted)}, but there is ${there}.`);
      const expected = recorded[step];
      const { name, body } = offer.command;
      const collection = body[name];
      if (
        expected !== undefined &&
        (name !== expected.command || (typeof collection === 'string' ? collection : '') !== expected.collection)
      )
        throw diverged(`Step ${step + 1} was ${expected.command} ${expected.collection}, but there is ${offer.id}.`);
      return { ...offer, choice: wanted };
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

const diverged = (message: string): InterleaveError => new InterleaveError('diverged', message);
