import type { Transactions } from '../footprint/transactions.ts';
import { clientLetter } from '../gate/client-letter.ts';
import { InterleaveError } from '../interleave-error.ts';
import { describe } from './enabled-steps.ts';
import type { Loop, LoopWatch } from './loops.ts';
import type { Numbered } from './numbering.ts';

/**
 * No client can go on: each awaits a change or waits for an open transaction.
 *
 * @param repetitionsOf how often a loop was repeated at least
 */
export function neverEnds(
  held: readonly Numbered[],
  transactions: Transactions,
  awaiting: ReadonlyMap<number, Loop>,
  repetitionsOf: (loop: Loop) => number,
): InterleaveError {
  const whys = held.map(({ command, number }) => {
    const loop = awaiting.get(command.client);
    if (loop !== undefined)
      return `${clientLetter(command.client)} repeats ${namesOf(loop)} and gets the same reply each time, ${repetitionsOf(loop)} times so far`;
    const blockers = transactions.blockersOf(command).map((client) => clientLetter(client ?? command.client));
    return `${describe({ command, number })} waits for the open transaction of ${[...new Set(blockers)].join(', ')}, which nobody ends`;
  });
  return new InterleaveError(
    'never-ends',
    `The run never ends, because nobody is left to change anything: ${whys.join('; ')}.`,
  );
}

export function tooLong(live: readonly number[], watch: LoopWatch, maxSteps: number): InterleaveError {
  const cycles = live
    .map((client) => ({ client, cycle: watch.cycleOf(client) }))
    .filter(({ cycle }) => cycle.length > 0);
  const whys = cycles.map(({ client, cycle }) => `${clientLetter(client)} repeats ${cycle.join(', ')}`);
  return new InterleaveError(
    'never-ends',
    `The run did not end within ${maxSteps} steps (maxSteps), and probably never ends: ${whys.join('; ')}.`,
  );
}

const namesOf = ({ steps }: Loop): string => steps.map(({ name }) => name).join(', ');
