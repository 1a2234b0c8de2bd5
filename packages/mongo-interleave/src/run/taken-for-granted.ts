import type { HeldCommand } from '../gate/held-command.ts';
import { commandText, type Fields } from '../gate/message.ts';
import type { Condition } from './condition.ts';
import type { Numbered } from './numbering.ts';
import { hasSeveralWrites } from './several-writes.ts';

/** What one step takes for granted: what may decide besides the order of the commands. */
export function takenForGranted({ body }: HeldCommand, reply: Fields | undefined): Condition[] {
  const command = commandText(body);
  const conditions: Condition[] = [];
  if (hasSeveralWrites(body, reply)) conditions.push({ kind: 'several-writes', command });
  if (asksTime(body)) conditions.push({ kind: 'time', command });
  return conditions;
}

/** The clients that have several reads at the gate. Only reads that were sent at once count as commuting. */
export function readersAtOnce(held: readonly Numbered[], isRead: (command: HeldCommand) => boolean): Condition[] {
  const several = [...Map.groupBy(held, ({ command }) => command.client)].filter(([, own]) => own.length > 1);
  return several.flatMap(([client, own]) =>
    own.filter(({ command }) => isRead(command)).length > 1 ? [{ kind: 'at-once', client }] : [],
  );
}

/** `$currentDate`, `$$NOW` and `$$CLUSTER_TIME`, at any depth. */
function asksTime(value: unknown): boolean {
  if (typeof value === 'string') return value.startsWith('$$NOW') || value.startsWith('$$CLUSTER_TIME');
  if (Array.isArray(value)) return value.some(asksTime);
  if (typeof value !== 'object' || value === null || '_bsontype' in value) return false;
  return Object.entries(value).some(([name, part]) => name === '$currentDate' || asksTime(part));
}
