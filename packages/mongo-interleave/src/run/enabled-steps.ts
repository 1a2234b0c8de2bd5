import type { Footprint } from '../footprint/footprint.ts';
import type { Transactions } from '../footprint/transactions.ts';
import { clientLetter } from '../gate/client-letter.ts';
import type { HeldCommand } from '../gate/held-command.ts';
import type { EnabledStep } from '../schedule/scheduler.ts';
import type { Numbered } from './numbering.ts';
import type { Rehearsed } from './rehearsed.ts';
import type { TraceStep } from './trace-step.ts';
import { findingNothing, type Upserts } from './upserts.ts';
import type { WriteProbe } from './write-probe.ts';

interface EnablingSetup {
  readonly transactions: Transactions;
  readonly upserts: Upserts;
  readonly probe: WriteProbe;
  readonly rehearsed: Rehearsed;
}

/** The held commands that can be released now: those that would not wait in the server for an open transaction. */
export async function enabledSteps(held: readonly Numbered[], setup: EnablingSetup): Promise<EnabledStep[]> {
  const steps: EnabledStep[] = [];
  for (const { command, number } of held) {
    if (!(await isEnabled(command, setup))) continue;
    const { client } = command;
    const own = held.filter((other) => other.command.client === client);
    const position = own.findIndex((other) => other.command === command);
    const predict = (): Footprint => setup.transactions.predict(command);
    const commandId = idOf({ command, number }, setup.rehearsed);
    const isInsert = setup.upserts.isInsert(command);
    const id = isInsert ? `${commandId} insert` : commandId;
    steps.push({
      text: describe({ command, number }),
      command,
      choice: { client, position },
      id,
      commandId,
      isInsert,
      predict,
    });
  }
  return steps;
}

/**
 * Whether a write waits for an open transaction, the server says: footprints tell too many conflicts, for they know only a part of a
 * filter, and too few where they don't know an index.
 */
async function isEnabled(command: HeldCommand, { transactions, upserts, probe }: EnablingSetup): Promise<boolean> {
  if (transactions.writersBeside(command).length === 0) return transactions.isEnabled(command);
  if (await upserts.findsNone(command)) return true;
  const write = command.exact();
  const wouldWait = await probe.wouldWait(upserts.isInsert(command) ? findingNothing(write) : write);
  return wouldWait === undefined ? transactions.isEnabled(command) : !wouldWait;
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
    const foreseen = transactions.blockersOf(command);
    const names = (foreseen.length === 0 ? transactions.writersBeside(command) : foreseen).map((client) =>
      client === undefined ? 'a client that crashed' : clientLetter(client),
    );
    return [{ client: command.client, waitsFor: names.join(', ') }];
  });
  return { waiting };
}

/** A held command, the same in each run. A collection that the rehearsal did not meet may have a name that is drawn anew: `A0 find *`. */
export function idOf({ command: { client, name, body }, number }: Numbered, rehearsed: Rehearsed): string {
  const collection = body[name];
  if (typeof collection !== 'string') return `${clientLetter(client)}${number} ${name}`;
  return `${clientLetter(client)}${number} ${name} ${rehearsed.hasValue(collection) ? collection : '*'}`;
}

/** A held command as text, such as `A0 find coupons`. */
export function describe({ command: { client, name, body }, number }: Numbered): string {
  const collection = body[name];
  return `${clientLetter(client)}${number} ${name}${typeof collection === 'string' ? ` ${collection}` : ''}`;
}
