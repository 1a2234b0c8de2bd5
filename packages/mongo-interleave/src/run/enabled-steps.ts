import type { Footprint } from '../footprint/footprint.ts';
import type { Transactions } from '../footprint/transactions.ts';
import { clientLetter } from '../gate/client-letter.ts';
import type { EnabledStep } from '../schedule/scheduler.ts';
import type { Numbered } from './numbering.ts';
import type { TraceStep } from './trace-step.ts';

/** The held commands that can be released now: those that would not wait in the server for an open transaction. */
export function enabledSteps(held: readonly Numbered[], transactions: Transactions): EnabledStep[] {
  return held.flatMap(({ command, number }) => {
    if (!transactions.isEnabled(command)) return [];
    const { client } = command;
    const own = held.filter((other) => other.command.client === client);
    const position = own.findIndex((other) => other.command === command);
    const predict = (): Footprint => transactions.predict(command);
    const id = describe({ command, number });
    return [{ command, choice: { client, position }, id, commandId: id, predict }];
  });
}

/** Which of the held commands are not enabled, and whom they wait for. */
export function waitingOf(
  held: readonly Numbered[],
  enabled: readonly EnabledStep[],
  transactions: Transactions,
): Pick<TraceStep, 'waiting'> {
  if (enabled.length === held.length) return {};
  const ready = new Set(enabled.map(({ command }) => command));
  const waiting = held.flatMap(({ command }) => {
    if (ready.has(command)) return [];
    const names = transactions
      .blockersOf(command)
      .map((client) => (client === undefined ? 'a client that crashed' : clientLetter(client)));
    return [{ client: command.client, waitsFor: names.join(', ') }];
  });
  return { waiting };
}

/** A held command as text, such as `A0 find coupons`. */
export function describe({ command: { client, name, body }, number }: Numbered): string {
  const collection = body[name];
  return `${clientLetter(client)}${number} ${name}${typeof collection === 'string' ? ` ${collection}` : ''}`;
}
